"""One request: what is sent, what comes of each response, and what a line says of those that are refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__
from tap_interviewflow.api.client import API_URL, RefusedError
from tap_interviewflow.api.retry import AbandonedError
from tap_interviewflow.config import SETTINGS
from tests.api.conftest import KEY, ONE, WHERE, failure, failure_of, page
from tests.sandbox import PATH, Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tap_interviewflow.api.client import Client
    from tests.api.conftest import FakeTime, NewClient


def ids(document: Any) -> list[str]:
    return [candidate["id"] for candidate in document["data"]["candidates"]]


def test_a_page_comes_decoded_with_its_date_and_its_times(new_client: NewClient) -> None:
    good = ok(b'{"data": [{"score": 1.10, "name": "A\\u0000"}]}', "Date: Sat, 31 Jan 2026 12:00:30 GMT")
    with serving(lambda _: [good]) as url:
        response = new_client(url).fetch(page(1), WHERE)
    assert response.document == {"data": [{"score": Decimal("1.10"), "name": "A\ufffd"}]}
    assert (response.replaced, response.has_extreme_numbers) == (1, True)
    assert response.date == datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)
    assert 0 < response.sent < response.received
    with serving(lambda _: [b"HTTP/1.1 204 No Content\r\n\r\n"]) as url:
        assert new_client(url).fetch(page(1), WHERE).document == []


@pytest.mark.parametrize(("user_agent", "sent"), [(None, f"tap-interviewflow/{__version__}"), ("me/1", "me/1")])
def test_the_request_is_the_documented_one_with_the_digits_of_its_numbers(
    new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_agent: str | None, sent: str
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password something\n")  # which adds nothing
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen = []

    def see(request: bytes) -> list[bytes]:
        seen.append(request)
        return [ok(b"{}")]

    body = {**page(1), "additionalFields": {"Manual Score": Decimal("1.10"), "big": 2**70, "review": "ja \u2028"}}
    with serving(see) as url:
        new_client(url, user_agent=user_agent).fetch(body, WHERE)
    head, _, content = seen[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == f"POST {PATH} HTTP/1.1"
    assert {name.lower(): value for name, value in (header.split(": ") for header in headers)} == {
        "host": url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-length": str(len(content)),
        "content-type": "application/json",
        "user-agent": sent,
        "x-api-key": KEY,
    }
    assert json.loads(content, parse_float=Decimal) == body
    assert b"1.10," in content


@pytest.mark.parametrize("written", ["/", PATH, f"{PATH}/"])
def test_the_whole_endpoint_is_taken_for_api_url_too(new_client: NewClient, written: str) -> None:
    with Sandbox({ONE: 5}) as api:
        assert new_client(f"{api.url}{written}").fetch(page(1), WHERE).document


def test_several_threads_share_a_few_connections(new_client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "urllib3.connectionpool")
    with Sandbox({ONE: 100}) as api, ThreadPoolExecutor(4) as threads:
        client = new_client(api)
        responses = threads.map(lambda number: client.fetch(page(number), WHERE), range(1, 41))
        read = [interview_id for found in responses for interview_id in ids(found.document)]
        assert read == [held["id"] for held in api.candidates(ONE)]
    assert 1 <= caplog.text.count("Starting new HTTP connection") <= 4


def test_each_exchange_is_reported_once_with_its_status(new_client: NewClient) -> None:
    reported: list[tuple[int | None, float]] = []
    faults = [f"redirect:{PATH}", "503", "reset", "reset-body", "cut-json"]
    with Sandbox({ONE: 5}, faults={(ONE, 1): faults}) as api:
        new_client(api, on_response=lambda *seen: reported.append(seen)).fetch(page(1), WHERE)
    assert [status for status, _ in reported] == [307, 503, None, 200, 200, 200]
    assert all(0 <= seconds < 5 for _, seconds in reported)


def test_a_closed_client_abandons_what_waits_to_be_tried_again_until_it_is_opened(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): ["500"]}) as api:
        client: Client = new_client(api, on_response=lambda *_: client.close())
        for _ in range(2):
            with pytest.raises(AbandonedError):
                client.fetch(page(1), WHERE)
        assert len(api.requests) == 1
        client.reopen()
        assert client.fetch(page(1), WHERE).document


# Tried again


# Refused


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, {"message": "no"}, ": the API does not accept the key; check the setting api_key"),
        (403, {}, ": the API refuses the key; check the setting api_key and the key's permissions"),
        (403, {"message": "no API"}, "“no API”; check the setting api_key and the key's permissions"),
        (400, {"statusCode": 400, "message": ["a is odd", "b is odd"], "error": "Bad Request"}, "“a is odd”"),
        (422, {"message": None, "errors": [{"detail": "page is odd"}]}, "“page is odd”"),
        (409, "page is odd", "“page is odd”"),
        (400, {"message": "bad\r\n\x1b[31mfilter of ada@example.com"}, "“bad [31mfilter of …”"),
        (400, {"message": "x" * 197 + f" {KEY} and more"}, "“" + "x" * 197 + " ……”"),
        (400, {"message": "limit must not be greater than 50"}, "than 50”; set page_size to what the API allows"),
        (409, {"message": "your limit is reached"}, "“your limit is reached”"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_do_or_what_the_api_says(
    new_client: NewClient, time: FakeTime, status: int, body: Any, advice: str
) -> None:
    refusal = ok(json.dumps(body).encode(), status=f"{status} Odd")
    with serving(lambda _: [refusal]) as url, pytest.raises(RefusedError) as raised:
        new_client(url).fetch(page(1), WHERE)
    assert (raised.value.status, time.now) == (status, 0)
    assert str(raised.value).startswith(f"{WHERE}: {status} {HTTPStatus(status).phrase}: the API ")
    assert str(raised.value).endswith(advice)


def test_a_404_names_the_ids_and_api_url_where_it_is_not_the_default(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = "404 Not Found: the API does not know it; check the IDs in interviewer_ids"
    with serving(lambda _: [ok(b"", status="404 Not Found")]) as url:
        assert failure(new_client(f"{url}/v2")) == f"{advice}, and api_url"
        monkeypatch.setattr("tap_interviewflow.api.client.API_URL", url)
        assert failure(new_client(f"{url}{PATH}")) == advice
    assert SETTINGS["properties"]["api_url"]["default"] == API_URL


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"7", b"[]", b"<h1>ada@example.com</h1>", b'{"message": {}}', b'{"data": "ada"}', b"[" * 60_000),
        *(b'{"message": "\xff"}', b'{"message": "' + b"x" * 2**17 + b'"}'),
    ],
)
def test_neither_a_body_without_a_message_nor_the_apis_phrase_is_shown(new_client: NewClient, body: bytes) -> None:
    for status, shown in (("409 Odd", "409 Conflict"), (f"499 {KEY}", "499"), ("304 Odd", "304 Not Modified")):
        assert failure_of(new_client, ok(body, status=status)) == shown
    assert failure_of(new_client, b"HTTP/1.1 409 Odd\r\nContent-Length: 999999\r\n\r\n" + body) == "409 Conflict"
