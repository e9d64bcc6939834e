from __future__ import annotations

import gzip
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import pytest

from tap_interviewflow.sandbox import PATH, Sandbox
from tap_interviewflow.sandbox_candidates import ODDITIES

ONE = "interviewer-1"
TWO = "interviewer-2"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def candidates(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["data"]["candidates"]
        return found


def send(
    api: Sandbox,
    content: bytes,
    *,
    key: str | None = "sandbox-key",
    path: str = PATH,
    method: str = "POST",
) -> Reply:
    headers = {"Content-Type": "application/json", **({"X-API-KEY": key} if key is not None else {})}
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=5)) as connection:
        connection.request(method, path, content, headers)
        with connection.getresponse() as response:
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())


def ask(api: Sandbox, interviewer: object = ONE, **body: object) -> Reply:
    return send(api, json.dumps({"interviewerId": interviewer, **body}).encode())


def request(interviewer: str = ONE) -> bytes:
    body = json.dumps({"interviewerId": interviewer})
    head = f"POST {PATH} HTTP/1.1\r\nX-API-KEY: sandbox-key\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def assert_silent(api: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", api.port), timeout=0.05) as client:
        client.sendall(request())
        with pytest.raises(TimeoutError):
            client.recv(1)


def plain(number: int, **fields: object) -> dict[str, Any]:
    return {"id": f"id-{number}", "additionalFields": fields}


# Pages


def test_pages_hold_each_candidate_once_and_in_order() -> None:
    with Sandbox({ONE: 45}) as api:
        pages = [ask(api, page=page, limit=20).candidates for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [20, 20, 5, 0]
        assert [candidate for page in pages for candidate in page] == api.candidates(ONE)


def test_a_page_has_twenty_candidates_and_is_the_first_one_unless_asked_otherwise() -> None:
    with Sandbox({ONE: 45}) as api:
        assert ask(api).candidates == api.candidates(ONE)[:20]


def test_each_interviewer_has_its_own_candidates() -> None:
    with Sandbox({ONE: 3, TWO: 2}) as api:
        assert [candidate["jobId"] for candidate in ask(api, TWO).candidates] == [TWO, TWO]
        assert not {c["id"] for c in api.candidates(ONE)} & {c["id"] for c in api.candidates(TWO)}


def test_a_page_of_an_interviewer_without_candidates_is_empty() -> None:
    for past_end in ("empty", "repeat", "404"):
        with Sandbox({ONE: 0}, past_end=past_end) as api:
            assert ask(api).candidates == []


def test_one_connection_serves_many_requests() -> None:
    with Sandbox({ONE: 1}) as api, closing(http.client.HTTPConnection("127.0.0.1", api.port)) as connection:
        for _ in range(3):
            connection.request("POST", PATH, json.dumps({"interviewerId": ONE}), {"X-API-KEY": api.key})
            first = connection.sock
            with connection.getresponse() as response:
                assert len(json.load(response)["data"]["candidates"]) == 1
            assert connection.sock is first


def test_a_connection_closes_when_the_client_asks_for_it() -> None:
    with Sandbox({ONE: 1}) as api, socket.create_connection(("127.0.0.1", api.port), timeout=5) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        with client.makefile("rb") as stream:
            assert stream.read().startswith(b"HTTP/1.1 401 ")


def test_strangers_candidates_are_served_as_they_are() -> None:
    strange: list[dict[str, Any]] = [{"_id": 1, "Ω": [None]}, {}, {"": {"a.b": "\0"}}]
    with Sandbox({ONE: strange}) as api:
        assert ask(api).candidates == strange == api.candidates(ONE)


def test_a_raw_body_is_served_for_page_one_and_nothing_follows() -> None:
    with Sandbox({ONE: b'[1, "\xff'}) as api:
        assert ask(api).content == b'[1, "\xff'
        assert ask(api, page=2).candidates == []


# Look-ups and filters


def test_an_interview_id_looks_up_one_candidate() -> None:
    with Sandbox({ONE: 30}) as api:
        wanted = api.candidates(ONE)[25]
        assert ask(api, interviewId=wanted["id"]).json == {"data": wanted}
        api.single = "candidate"
        assert ask(api, interviewId=wanted["id"]).json == {"data": {"candidate": wanted}}
        api.single = "list"
        assert ask(api, interviewId=wanted["id"]).candidates == [wanted]


@pytest.mark.parametrize("name", ["id", "interviewId", "_id"])
def test_a_look_up_finds_the_id_under_any_of_its_names(name: str) -> None:
    with Sandbox({ONE: [{"email": "a@example.com"}, {name: "wanted"}]}) as api:
        assert ask(api, interviewId="wanted").json == {"data": {name: "wanted"}}


def test_an_unknown_interview_id_is_not_found() -> None:
    with Sandbox({ONE: 3, TWO: 3}) as api:
        assert ask(api, interviewId="nobody").status == 404
        assert ask(api, interviewId=api.candidates(TWO)[0]["id"]).status == 404


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"Score": 50}, [1, 2]),
        ({"Score": 50.5}, [2]),
        ({"Score": "50"}, [3]),
        ({"ok": True}, [2, 4]),
        ({"ok": "true"}, [1]),
        ({"ok": 1}, []),
        ({"Score": 50, "ok": True}, [2]),
        ({"Nowhere": 1}, []),
    ],
)
def test_a_filter_means_at_least_for_numbers_and_the_same_for_the_rest(
    wanted: dict[str, object], found: list[int]
) -> None:
    held: list[dict[str, Any]] = [
        plain(0, Score=49.9),
        plain(1, Score=50, ok="true"),
        plain(2, Score=51, ok=True),
        plain(3, Score="50", ok=False),
        plain(4, Score=True, ok=True),
        {"id": "id-5", "additionalFields": []},
        {"id": "id-6"},
    ]
    with Sandbox({ONE: held}) as api:
        assert ask(api, additionalFields=wanted).candidates == [held[place] for place in found]


def test_a_filtered_read_has_pages_and_a_total_of_its_own() -> None:
    with Sandbox({ONE: [plain(n, Score=n) for n in range(10)]}, metadata="total") as api:
        reply = ask(api, additionalFields={"Score": 5}, page=2, limit=3)
        assert [candidate["id"] for candidate in reply.candidates] == ["id-8", "id-9"]
        assert reply.json["data"]["total"] == 5


# What is refused


@pytest.mark.parametrize("key", [None, "", "other"])
def test_a_missing_or_wrong_key_is_unauthorized(key: str | None) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, b'{"interviewerId": "interviewer-1"}', key=key)
        assert reply.status == 401
        assert "X-API-KEY" in reply.json["message"]


def test_the_key_can_be_chosen() -> None:
    with Sandbox({ONE: 1}, key="chosen") as api:
        assert send(api, b'{"interviewerId": "interviewer-1"}', key="chosen").status == 200
        assert ask(api).status == 401


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(content: bytes) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, content)
        assert (reply.status, reply.json["message"]) == (400, "the body must be a JSON object")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(["page", "limit"], [0, -1, 1.5, "1", True, None, []]),
        *itertools.product(["additionalFields"], [[], "x", None, {"a": None}, {"a": []}, {"a": {}}]),
        ("interviewId", 5),
        ("interviewerId", 5),
        ("interviewerId", None),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(name: str, value: object) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, json.dumps({"interviewerId": ONE, name: value}).encode())
        assert reply.status == 400
        assert reply.json["message"].startswith(name)


def test_an_unknown_interviewer_is_not_found() -> None:
    with Sandbox({ONE: 1}) as api:
        assert ask(api, "nobody").status == 404


def test_other_paths_and_methods_are_refused_and_not_recorded() -> None:
    with Sandbox({ONE: 1}) as api:
        assert send(api, b"{}", path="/").status == 404
        refused = send(api, b"", method="GET")
        assert (refused.status, refused.headers["allow"]) == (405, "POST")
        assert api.requests == []


def test_an_error_gives_away_what_a_log_must_not_show() -> None:
    with Sandbox({ONE: 1}, faults={1: "400"}) as api:
        reply = ask(api)
        assert "additionalFields" in reply.json["message"]
        assert reply.json["request"] == {"email": api.candidates(ONE)[0]["email"], "apiKey": "sandbox-key"}


def test_what_does_not_speak_http_is_hung_up_on() -> None:
    with Sandbox({ONE: 1}) as api, socket.create_connection(("127.0.0.1", api.port), timeout=5) as client:
        client.sendall(b"hello\r\n")
        assert client.recv(100) == b""


# What is seen of the client


def test_requests_and_headers_are_recorded_in_step_failed_ones_too() -> None:
    with Sandbox({ONE: 1}) as api:
        ask(api, page=1)
        send(api, b"{", key="wrong")
        ask(api, "nobody")
        assert api.requests == [{"interviewerId": ONE, "page": 1}, None, {"interviewerId": "nobody"}]
        assert [headers["x-api-key"] for headers in api.headers] == ["sandbox-key", "wrong", "sandbox-key"]


def test_nothing_is_recorded_when_it_is_not_wanted() -> None:
    with Sandbox({ONE: 1}, record=False) as api:
        assert ask(api).status == 200
        assert (api.requests, api.headers) == ([], [])


def test_the_peak_is_the_most_requests_at_once() -> None:
    with Sandbox({ONE: 1}, faults={(ONE, 1): "always:hang"}) as api:
        clients = [socket.create_connection(("127.0.0.1", api.port), timeout=5) for _ in range(3)]
        for client in clients:
            client.sendall(request())
        while len(api.requests) < 3:
            time.sleep(0.001)
        assert api.in_flight_peak == 3
        for client in clients:
            client.close()


def test_requests_one_after_another_never_count_as_two() -> None:
    with Sandbox({ONE: 1}) as api:
        for _ in range(20):
            ask(api)
        assert api.in_flight_peak == 1


# Habits


@pytest.mark.parametrize(
    ("envelope", "path"),
    [
        ("data.candidates", ["data", "candidates"]),
        ("data", ["data"]),
        ("body", []),
        ("candidates", ["candidates"]),
        ("interviews", ["interviews"]),
        ("results", ["results"]),
        ("items", ["items"]),
        ("data.results", ["data", "results"]),
        ("data.items", ["data", "items"]),
        ("data.interviews", ["data", "interviews"]),
        ("payload.rows", ["payload", "rows"]),
    ],
)
def test_the_list_stands_where_the_envelope_says(envelope: Any, path: list[str]) -> None:
    with Sandbox({ONE: 2}, envelope=envelope, single="list", metadata="total") as api:
        for body, expected in (({}, 2), ({"interviewId": api.candidates(ONE)[0]["id"]}, 1)):
            found = ask(api, **body).json
            for name in path:
                beside, found = found, found[name]
            assert len(found) == expected
            if path and not body:
                assert beside["total"] == 2


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, [{}, {}, {}]),
        ("total", [{"total": 3}] * 3),
        ("totalPages", [{"totalPages": 2}] * 3),
        ("hasMore", [{"hasMore": True}, {"hasMore": False}, {"hasMore": False}]),
        ("lies", [{"hasMore": True, "total": 1003}] * 3),
        (
            "pagination",
            [
                {"pagination": {"page": n, "limit": 2, "total": 3, "totalPages": 2, "hasNextPage": n == 1}}
                for n in (1, 2, 3)
            ],
        ),
    ],
)
def test_metadata_stands_beside_the_list(metadata: Any, said: list[dict[str, object]]) -> None:
    with Sandbox({ONE: 3}, metadata=metadata) as api:
        for page in (1, 2, 3):
            data = ask(api, page=page, limit=2).json["data"]
            del data["candidates"]
            assert data == said[page - 1]


def test_a_limit_above_the_largest_is_clamped_or_refused() -> None:
    with Sandbox({ONE: 10}, max_limit=4) as api:
        assert len(ask(api, limit=5).candidates) == 4
        api.limit_over = "refuse"
        reply = ask(api, limit=5)
        assert (reply.status, reply.json["message"]) == (400, "limit must not be greater than 4")
        assert len(ask(api, limit=4).candidates) == 4


def test_a_page_past_the_end_is_empty_the_last_one_or_not_found() -> None:
    with Sandbox({ONE: 3}) as api:
        assert ask(api, page=9, limit=2).candidates == []
        api.past_end = "repeat"
        assert ask(api, page=9, limit=2).candidates == api.candidates(ONE)[2:]
        api.past_end = "404"
        assert ask(api, page=9, limit=2).status == 404
        assert ask(api, page=2, limit=2).status == 200


def test_the_page_can_be_ignored() -> None:
    with Sandbox({ONE: 3}, ignore_page=True) as api:
        assert ask(api, page=2, limit=2).candidates == api.candidates(ONE)[:2]


def test_requests_above_the_rate_are_too_many() -> None:
    with Sandbox({ONE: 1}, rate_limit=0.001) as api:
        assert [ask(api).status for _ in range(3)] == [200, 429, 429]
        assert ask(api).headers["retry-after"] == "1"
        assert len(api.requests) == 4


def test_requests_within_the_rate_are_answered() -> None:
    with Sandbox({ONE: 1}, rate_limit=1000) as api:
        assert [ask(api).status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(("form", "header"), [("seconds", "7"), ("soon", "soon"), ("-1", "-1"), (None, None)])
def test_retry_after_has_the_form_that_was_asked_for(form: str | None, header: str | None) -> None:
    with Sandbox({ONE: 1}, faults={1: "429"}, retry_after=form, retry_after_seconds=7) as api:
        assert ask(api).headers.get("retry-after") == header


def test_retry_after_can_be_a_date() -> None:
    with Sandbox({ONE: 1}, faults={1: "429"}, retry_after="date", retry_after_seconds=7200) as api:
        until = parsedate_to_datetime(ask(api).headers["retry-after"])
        assert 3600 < until.timestamp() - time.time() <= 7200


def test_the_answer_comes_after_the_latency() -> None:
    with Sandbox({ONE: 1}, latency=0.01) as api:
        assert ask(api).status == 200
        api.latency = 60
        assert_silent(api)


# Faults


def test_a_fault_on_an_ordinal_comes_once() -> None:
    with Sandbox({ONE: 1}, faults={2: "500"}) as api:
        assert [ask(api).status for _ in range(3)] == [200, 500, 200]


def test_faults_on_a_page_come_one_a_visit_and_touch_no_other_page() -> None:
    with Sandbox({ONE: 30, TWO: 30}, faults={(ONE, 2): ["500", "ok", "503"]}) as api:
        assert [ask(api, page=2).status for _ in range(4)] == [500, 200, 503, 200]
        assert [ask(api).status, ask(api, TWO, page=2).status] == [200, 200]


def test_a_fault_can_come_every_time() -> None:
    with Sandbox({ONE: 1}, faults={(ONE, 1): ["500", "always:502"]}) as api:
        assert [ask(api).status for _ in range(4)] == [500, 502, 502, 502]


def test_a_fault_can_be_tied_to_a_look_up() -> None:
    with Sandbox({ONE: [plain(1), plain(2)]}, faults={(ONE, "id-2"): "500"}) as api:
        assert [ask(api, interviewId=f"id-{number}").status for number in (1, 2, 2)] == [200, 500, 200]


@pytest.mark.parametrize("name", ["500 ", "teapot", "200", "always:"])
def test_a_fault_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Sandbox({ONE: 1}, faults={1: ["500", name]})


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "429", "500", "502", "503", "504"])
def test_a_status_is_answered_with_a_message(status: str) -> None:
    with Sandbox({ONE: 1}, faults={1: status}) as api:
        reply = ask(api)
        assert reply.status == int(status)
        assert reply.json["message"]


@pytest.mark.parametrize(
    ("fault", "content"),
    [("empty-body", b""), ("null", b"null"), ("body:[1e999]", b"[1e999]"), ("body:a:b", b"a:b")],
)
def test_a_body_can_be_another(fault: str, content: bytes) -> None:
    with Sandbox({ONE: 1}, faults={1: fault}) as api:
        assert ask(api)[::2] == (200, content)


def test_html_can_come_in_place_of_json() -> None:
    with Sandbox({ONE: 1}, faults={1: "refuse-html"}) as api:
        assert ask(api).headers["content-type"] == "text/html"


def test_json_can_be_cut_short() -> None:
    with Sandbox({ONE: 1}, faults={1: "cut-json"}) as api:
        cut, whole = ask(api).content, ask(api).content
        assert whole.startswith(cut)
        assert 0 < len(cut) < len(whole)


def test_a_failure_can_come_as_http_200() -> None:
    with Sandbox({ONE: 2}, faults={1: "success-false", 2: "success-false-list", 3: "error-object"}) as api:
        bare, listed, error = (ask(api) for _ in range(3))
        assert {bare.status, listed.status, error.status} == {200}
        assert bare.json["success"] is False
        assert "data" not in bare.json
        assert listed.json["success"] is False
        assert listed.candidates == api.candidates(ONE)
        assert error.json["error"].keys() >= {"code", "message"}


@pytest.mark.parametrize("envelope", ["body", "payload.rows"])
def test_a_failure_with_a_list_keeps_the_list(envelope: Any) -> None:
    with Sandbox({ONE: 1}, envelope=envelope, faults={1: "success-false-list"}) as api:
        assert api.candidates(ONE)[0]["email"].encode() in ask(api).content


def test_numbers_can_stand_where_candidates_should() -> None:
    with Sandbox({ONE: 1}, faults={1: "non-objects"}) as api:
        assert ask(api).json["data"]["candidates"] == [1, 2, 3]


def test_an_answer_can_be_zipped_well_or_badly() -> None:
    with Sandbox({ONE: 1}, faults={1: "gzip", 2: "bad-gzip"}) as api:
        good, bad = ask(api), ask(api)
        assert good.headers["content-encoding"] == bad.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(good.content))["data"]["candidates"] == api.candidates(ONE)
        with pytest.raises(Exception, match="invalid"):
            gzip.decompress(bad.content)


def test_an_answer_can_come_in_chunks() -> None:
    with Sandbox({ONE: 2}, faults={1: "chunked"}) as api:
        reply = ask(api)
        assert reply.headers["transfer-encoding"] == "chunked"
        assert reply.candidates == api.candidates(ONE)


def test_a_redirect_leads_away() -> None:
    with Sandbox({ONE: 1}, faults={1: "redirect:http://127.0.0.1:1/elsewhere"}) as api:
        reply = ask(api)
        assert (reply.status, reply.headers["location"]) == (307, "http://127.0.0.1:1/elsewhere")


def test_a_huge_answer_is_fine_json_of_that_many_bytes() -> None:
    with Sandbox({ONE: 1}, faults={1: "huge:200000"}) as api:
        reply = ask(api)
        assert len(reply.content) == 200_000
        assert reply.candidates == []


@pytest.mark.parametrize("fault", ["reset", "reset-body"])
def test_a_connection_can_be_reset(fault: str) -> None:
    with Sandbox({ONE: 1}, faults={1: fault}) as api:
        with pytest.raises(ConnectionResetError):
            ask(api)
        assert ask(api).status == 200


def test_a_body_can_be_shorter_than_promised() -> None:
    with Sandbox({ONE: 1}, faults={1: "short-body"}) as api:
        with pytest.raises(http.client.IncompleteRead):
            ask(api)
        assert ask(api).status == 200


def test_an_answer_can_drip() -> None:
    with Sandbox({ONE: []}, faults={1: "drip"}, drip_seconds=0.0001) as api:
        assert ask(api).candidates == []


def test_an_answer_can_sleep() -> None:
    with Sandbox({ONE: 1}, faults={1: "sleep:0.01"}) as api:
        assert ask(api).status == 200


def test_an_answer_can_hang() -> None:
    with Sandbox({ONE: 1}, faults={1: "hang"}) as api:
        assert_silent(api)


# Changes between runs


def test_what_is_held_can_change_while_it_runs() -> None:
    with Sandbox({ONE: 5}) as api:
        before = ask(api).candidates
        api.delete(ONE, 2)
        assert ask(api).candidates == before[2:]
        api.append(ONE, {"id": "new"})
        assert ask(api).candidates == [*before[2:], {"id": "new"}]
        api.replace(ONE, [{"id": "only"}])
        assert ask(api).candidates == api.candidates(ONE) == [{"id": "only"}]
        assert ask(api, interviewId="only").status == 200


def test_preencoding_changes_no_answer() -> None:
    with Sandbox({ONE: 5}) as cold, Sandbox({ONE: 5}, past_end="404") as warm:
        warm.preencode(2)
        for page in (1, 2, 3):
            assert ask(warm, page=page, limit=2).content == ask(cold, page=page, limit=2).content


# Its life


@pytest.mark.parametrize("fault", ["hang", "drip", "sleep:60"])
def test_stopping_waits_for_nobody_and_leaves_no_thread(fault: str) -> None:
    before = set(threading.enumerate())
    api = Sandbox({ONE: 1}, faults={1: fault}, drip_seconds=60)
    api.start()
    with (
        socket.create_connection(("127.0.0.1", api.port)),
        socket.create_connection(("127.0.0.1", api.port)) as busy,
    ):
        busy.sendall(request())
        while not api.requests:
            time.sleep(0.001)
        api.stop()
    assert set(threading.enumerate()) <= before


def test_a_stopped_sandbox_refuses_connections_and_can_start_again_where_it_was() -> None:
    api = Sandbox({ONE: 1})
    with api:
        url = api.url
        assert url == f"http://127.0.0.1:{api.port}"
    with pytest.raises(ConnectionRefusedError):
        ask(api)
    with api:
        assert api.url == url
        assert ask(api).status == 200


# The people


def test_candidates_depend_on_seed_interviewer_and_place_only() -> None:
    api = Sandbox({ONE: 3})
    assert api.candidates(ONE) == Sandbox({TWO: 9, ONE: 300}).candidates(ONE)[:3]
    assert api.candidates(ONE) != Sandbox({ONE: 3}, seed=1).candidates(ONE)
    assert api.candidates(ONE)[0]["id"] == "2011ffb0-408b-4d77-8ef9-68575fbc4f7a"


def test_candidates_are_plain_and_look_real() -> None:
    candidates = Sandbox({ONE: 2000}).candidates(ONE)
    assert len({candidate["id"] for candidate in candidates}) == 2000
    assert {frozenset(candidate) for candidate in candidates} == {frozenset(candidates[0])}
    assert {candidate["status"] for candidate in candidates} == {
        "draft", "shortlisted", "interviewed", "hired", "rejected"
    }  # fmt: skip
    time_ = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    for candidate in candidates:
        assert candidate["email"].endswith("@example.com")
        assert candidate["resumeUrl"].startswith("https://example.com/")
        assert candidate["metadata"]["phone"].startswith("+1-202-555-01")
        assert time_.fullmatch(candidate["createdAt"])
        assert time_.fullmatch(candidate["updatedAt"])
        assert candidate["createdAt"] <= candidate["updatedAt"]
        assert candidate["interviewedAt"] is None or time_.fullmatch(candidate["interviewedAt"])
        assert set(candidate["additionalFields"]) <= {"Manual Score", "isSynced", "City"}
    synced = {str(candidate["additionalFields"].get("isSynced")) for candidate in candidates}
    assert synced == {"True", "False", "true", "None"}
    assert 800 < len(json.dumps(candidates, ensure_ascii=False).encode()) / 2000 < 950


def test_every_tenth_candidate_may_hold_something_odd() -> None:
    count = 10 * len(ODDITIES)
    normal = Sandbox({ONE: count}).candidates(ONE)
    odd = Sandbox({ONE: count}, odd=True).candidates(ONE)
    differing = [place for place in range(count) if normal[place] != odd[place]]
    assert differing == list(range(9, count, 10))
    with Sandbox({ONE: count}, odd=True) as api:
        content = ask(api, limit=1000).content
    for token in (
        b'"score":0.1234567890123456789,',
        b'"score":1E+400,',
        b'"durationSeconds":18446744073709551617',
        rb"Nul\u0000 Byte",
        rb"Half a pair \ud83d",
        b'"":"a field without a name"',
        b'"createdAt":"yesterday"',
    ):
        assert token in content


# The command line


def test_the_command_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "tap_interviewflow.sandbox", "--interviewers", "2", "--candidates", "7"]
    command += ["--key", "chosen", "--warm", "5", "--metadata", "total", "--max-limit", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url, _, interviewers = process.stdout.readline().strip().partition(" ")
        assert interviewers == "interviewer-1,interviewer-2"
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
            body = json.dumps({"interviewerId": "interviewer-2", "limit": 100})
            connection.request("POST", PATH, body, {"X-API-KEY": "chosen"})
            with connection.getresponse() as response:
                data = json.load(response)["data"]
        assert (len(data["candidates"]), data["total"]) == (5, 7)
        process.terminate()
        _, complaints = process.communicate(timeout=5)
        assert complaints == ""
        if os.name != "nt":  # where to terminate is to kill
            assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_ends_the_command_quietly() -> None:
    command = [sys.executable, "-m", "tap_interviewflow.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0
