"""One request: what is sent, what becomes of each answer, and what is said of those that are none."""

from __future__ import annotations

import base64
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow import __version__
from tap_interviewflow.api.client import RefusedError
from tap_interviewflow.api.retry import MAX_TRIES, AbandonedError
from tests.api.conftest import KEY, ONE, WHAT, answer, page
from tests.sandbox import PATH, Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from tests.api.conftest import FakeTime, NewClient

PASSING = (
    *("408", "425", "429", "500", "502", "503", "504", "reset", "reset-body", "short-body", "bad-gzip", "cut-json"),
    *("refuse-html", "empty-body", "hang", "drip"),
)
"""What may be better the next time."""

FINAL = ("400", "401", "402", "403", "404", "405", "409", "410", "413", "415", "416", "422", "431")
"""What asking again does not mend."""


def ids(document: Any) -> list[str]:
    return [candidate["id"] for candidate in document["data"]["candidates"]]


def failure(client: Any, number: int = 1) -> str:
    with pytest.raises(FatalAPIError) as raised:
        client.fetch(page(number), f"Interviewer {ONE}, page {number}")
    return str(raised.value)


def test_a_page_comes_decoded_with_its_status_its_date_and_its_times(new_client: NewClient) -> None:
    good = ok(b'{"data": [{"score": 1.10, "name": "A\\u0000"}]}', "Date: Sat, 31 Jan 2026 12:00:30 GMT")
    with serving(lambda _: [good]) as url:
        response = new_client(url).fetch(page(1), WHAT)
    assert response.document == {"data": [{"score": Decimal("1.10"), "name": "A\ufffd"}]}
    assert (response.status, response.replaced, response.has_extreme_numbers) == (200, 1, True)
    assert response.date == datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)
    assert 0 < response.sent < response.received


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 31 Jan 99999 12:00:30 GMT"])
def test_a_date_that_is_missing_or_wrong_is_none(new_client: NewClient, date: str) -> None:
    with serving(lambda _: [ok(b"{}", *([f"Date: {date}"] if date else []))]) as url:
        assert new_client(url).fetch(page(1), WHAT).date is None


def test_no_content_is_a_good_answer_without_a_document(new_client: NewClient) -> None:
    with serving(lambda _: [b"HTTP/1.1 204 No Content\r\n\r\n"]) as url:
        response = new_client(url).fetch(page(1), WHAT)
    assert (response.status, response.document) == (204, None)


def test_the_request_is_the_documented_one_with_the_digits_of_its_numbers(new_client: NewClient) -> None:
    seen = []

    def see(request: bytes) -> list[bytes]:
        seen.append(request)
        return [ok(b"{}")]

    body = {**page(1), "additionalFields": {"Manual Score": Decimal("1.10"), "big": 2**70, "review": "ja \u2028"}}
    with serving(see) as url:
        new_client(f"{url}/").fetch(body, WHAT)
    head, _, content = seen[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == f"POST {PATH} HTTP/1.1"
    assert {name.lower(): value for name, value in (header.split(": ") for header in headers)} == {
        "host": url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-length": str(len(content)),
        "content-type": "application/json",
        "user-agent": f"tap-interviewflow/{__version__}",
        "x-api-key": KEY,
    }
    assert json.loads(content, parse_float=Decimal) == body
    assert b"1.10," in content


@pytest.mark.parametrize(("set_to", "sent"), [(None, f"tap-interviewflow/{__version__}"), ("me/1", "me/1")])
def test_the_user_agent_is_the_tap_unless_it_is_set(new_client: NewClient, set_to: str | None, sent: str) -> None:
    with Sandbox({ONE: 5}) as api:
        new_client(api, user_agent=set_to).fetch(page(1), WHAT)
        assert api.headers[0]["user-agent"] == sent


def test_several_threads_share_a_few_connections(new_client: NewClient) -> None:
    opened: set[Any] = set()

    class Counting(Sandbox):
        def _attend(self, connection: Any) -> None:
            opened.add(connection.getpeername())
            super()._attend(connection)  # type: ignore[misc]  # ty: ignore[missing-attribute]

    with Counting({ONE: 100}) as api, ThreadPoolExecutor(4) as threads:
        client = new_client(api)
        answers = threads.map(lambda number: client.fetch(page(number), WHAT), range(1, 41))
        assert [ids(found.document) for found in answers][:10] == [
            [held["id"] for held in api.candidates(ONE)[start : start + 10]] for start in range(0, 100, 10)
        ]
    assert len(opened) <= 4


# Tried again


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_tried_again_with_one_line(
    new_client: NewClient, time: FakeTime, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): [fault, fault]}) as api:
        response = new_client(api, request_timeout=0.2 if fault in {"hang", "drip"} else 5).fetch(page(1), WHAT)
        assert ids(response.document) == [held["id"] for held in api.candidates(ONE)]
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tap-")]
    assert len(lines) == 2
    assert all(re.fullmatch(rf"{WHAT}: .+; try [23] of 8 in \d\.\d s", line) for line in lines)
    assert time.now > 0
    assert response.received - response.sent < 5


@pytest.mark.parametrize("fault", [fault for fault in PASSING if fault not in {"hang", "drip"}])
def test_a_fault_that_stays_is_given_up_after_eight_tries(new_client: NewClient, fault: str) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:{fault}"}) as api:
        line = failure(new_client(api))
        assert len(api.requests) == MAX_TRIES
    assert re.fullmatch(rf"{WHAT}: .+; gave up after 8 tries", line)


def test_an_api_that_does_not_listen_is_named_as_such(new_client: NewClient, time: FakeTime) -> None:
    api = Sandbox({ONE: 5})
    api.start()
    api.stop()
    line = failure(new_client(api))
    assert line.startswith(f"{WHAT}: the connection failed: ")
    assert "refused" in line
    assert time.now > 120


def test_patience_ends_a_request_that_hangs(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): "always:hang"}) as api:
        line = failure(new_client(api, request_timeout=60, patience=0.2))
    assert line == f"{WHAT}: no answer within 0.2 s; gave up after 1 try"


def test_retry_after_is_read_from_the_answer_whatever_its_status(new_client: NewClient, time: FakeTime) -> None:
    answers = [answer("503 Busy", b"", "Retry-After: 30"), answer("429 Busy", b"", "retry-after: 50"), ok(b"{}")]
    with serving(lambda _: [answers.pop(0)]) as url:
        new_client(url).fetch(page(1), WHAT)
    assert 80 <= time.now < 81


def test_a_429_is_not_counted_as_long_as_others_get_through(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): ["429"] * 20}, retry_after=None) as api:
        client = new_client(api, on_response=lambda *_: None)
        refused = []

        def note(status: int | None, _: float) -> None:
            if status == 429:
                refused.append(status)
                client.fetch(page(2), WHAT)

        client = new_client(api, on_response=note)
        assert len(ids(client.fetch(page(1), WHAT).document)) == 5
    assert len(refused) == 20


# Refused


@pytest.mark.parametrize("fault", FINAL)
def test_a_refusal_is_not_asked_again_and_says_which_it_is(new_client: NewClient, time: FakeTime, fault: str) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:{fault}"}) as api, pytest.raises(RefusedError) as raised:
        new_client(api).fetch(page(1), WHAT)
    assert raised.value.status == int(fault)
    assert str(raised.value).startswith(f"{WHAT}: {fault} ")
    assert (len(api.requests), time.now) == (1, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_names_the_setting(new_client: NewClient, status: int) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:{status}"}) as api:
        assert failure(new_client(api)).endswith(": the API does not accept the key; check the setting api_key")


def test_an_interviewer_that_is_not_found_is_named_with_the_setting(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}) as api, pytest.raises(RefusedError) as raised:
        new_client(api).fetch({**page(1), "interviewerId": "nobody"}, "Interviewer nobody, page 1")
    assert str(raised.value) == (
        "Interviewer nobody, page 1: 404 Not Found: the API does not know it; check the IDs in interviewer_ids"
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"message": "limit must not be greater than 100"}, "limit must not be greater than 100"),
        ({"statusCode": 400, "message": ["a is odd", "b is odd"], "error": "Bad Request"}, "a is odd"),
        ({"error": {"code": 7, "message": "page is odd"}}, "page is odd"),
        ({"error": True, "message": "page is odd"}, "page is odd"),
        ({"errors": [{"detail": "page is odd"}]}, "page is odd"),
        ({"message": None, "error": "page is odd"}, "page is odd"),
        ("page is odd", "page is odd"),
        ({"message": "bad\r\n\x1b[31mfilter of ada@example.com"}, "bad [31mfilter of …"),
        ({"message": f"with {KEY.upper()}"}, "with …"),
        ({"message": f"with {base64.b64encode(KEY.encode()).decode()}"}, "with …"),
        ({"message": "x" * 197 + f" {KEY} and more"}, "x" * 197 + " … …"),
        ({"message": "x" * 60_000}, "x" * 200 + "…"),
    ],
)
def test_the_apis_own_message_is_shown_shortened_and_redacted(new_client: NewClient, said: Any, shown: str) -> None:
    refused = answer("400 Bad Request", json.dumps(said).encode())
    with serving(lambda _: [refused]) as url:
        assert failure(new_client(url)) == f"{WHAT}: 400 Bad Request: the API says “{shown}”"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"7", b"[]", b"{}", b"<h1>ada@example.com</h1>", b'{"message": {}}', b'{"data": "ada"}'),
        *(b"[" * 60_000, b'{"message": "\xff"}', b'{"message": "' + b"x" * 2**17 + b'"}'),
    ],
)
def test_a_body_without_a_message_is_not_shown(new_client: NewClient, body: bytes) -> None:
    with serving(lambda _: [answer("409 Odd", body)]) as url:
        assert failure(new_client(url)) == f"{WHAT}: 409 Conflict"


def test_a_status_that_nobody_knows_is_shown_without_the_apis_phrase(new_client: NewClient) -> None:
    with serving(lambda _: [answer(f"499 {KEY}", b"")]) as url:
        assert failure(new_client(url)) == f"{WHAT}: 499"
    with serving(lambda _: [answer("304 Not Modified", b"")]) as url:
        assert failure(new_client(url)) == f"{WHAT}: 304 Not Modified"


ECHOES: dict[str, Any] = {
    "plain": str,
    "quoted": quote,
    "upper": str.upper,
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
}


@pytest.mark.parametrize(
    ("place", "echo"),
    [
        *((place, "plain") for place in ("phrase", "header", "location", "name", "no status", "no header")),
        *(("message", echo) for echo in ECHOES),
    ],
)
def test_a_server_that_echoes_the_key_gets_it_into_no_line(
    new_client: NewClient, caplog: pytest.LogCaptureFixture, place: str, echo: str
) -> None:
    caplog.set_level("DEBUG")
    spelt = ECHOES[echo](KEY)
    said = {
        "phrase": answer(f"400 {spelt}", b""),
        "header": answer("409 Conflict", b"", f"X-{spelt}: {spelt}", f"Retry-After: {spelt}"),
        "location": answer("307 Elsewhere", b"", f"Location: http://{spelt}.example.com/{spelt}"),
        "name": answer("400 Bad Request", json.dumps({spelt: spelt, "error": {spelt: 1}}).encode()),
        "message": answer("400 Bad Request", json.dumps({"message": f"not {spelt}"}).encode()),
        "no status": f"HTTP/1.1 {spelt}\r\n\r\n".encode(),
        "no header": f"HTTP/1.1 429 Busy\r\n{spelt}\r\nada@example.com: \r\n\r\n".encode(),
    }
    with serving(lambda _: [said[place]]) as url:
        line = failure(new_client(url))
    shown = f"{line}\n{caplog.text}".lower()
    assert KEY not in shown
    assert spelt.lower() not in shown
    assert "ada@" not in shown


# Ends


def test_each_exchange_is_told_once_with_its_status(new_client: NewClient) -> None:
    told: list[tuple[int | None, float]] = []
    faults = [f"redirect:{PATH}", "503", "reset", "reset-body", "cut-json"]
    with Sandbox({ONE: 5}, faults={(ONE, 1): faults}) as api:
        new_client(api, on_response=lambda *seen: told.append(seen)).fetch(page(1), WHAT)
    assert [status for status, _ in told] == [307, 503, None, 200, 200, 200]
    assert all(0 <= seconds < 5 for _, seconds in told)


def test_what_nobody_wants_is_not_asked_for(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}) as api:
        with pytest.raises(AbandonedError):
            new_client(api).fetch(page(1), WHAT, lambda: False)
        assert not api.requests


def test_who_waits_to_try_again_gives_up_when_the_client_is_closed(new_client: NewClient) -> None:
    asked = threading.Event()
    with Sandbox({ONE: 5}, faults={(ONE, 1): "always:500"}) as api:
        client = new_client(api)

        def is_wanted() -> bool:
            if api.requests:
                client.close()
                asked.set()
            return True

        with pytest.raises(AbandonedError):
            client.fetch(page(1), WHAT, is_wanted)
        assert asked.is_set()
        assert len(api.requests) == 1
        with pytest.raises(AbandonedError):
            client.fetch(page(1), WHAT)
