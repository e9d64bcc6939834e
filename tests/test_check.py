"""`--test`: whether each Interviewer can be read, without showing a candidate."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tap_interviewflow import tap
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read
    from tests.runs import Run

NAMES = [f"interviewer-{number}" for number in range(1, 6)]


def lines(run: Run) -> list[str]:
    return [line for line in run.lines("INFO", "WARNING", "ERROR") if line.startswith("Interviewer ")]


def test_each_interviewer_is_found_or_not_with_one_request_and_no_candidate_is_shown(read: Read) -> None:
    with Sandbox(dict(zip(NAMES, (250, 1, 0, 3, 3), strict=True))) as api:
        api.faults = {(NAMES[3], 1): "always:success-false", (NAMES[4], 1): "always:body:null"}
        run = read(api, "--test", interviewer_ids=[*NAMES, "nobody"], page_size=20)
        asked = sorted((body["interviewerId"], body["page"]) for body in api.requests)
        people = api.candidates(NAMES[0])
    assert [line.partition(" the API ")[0].partition(" response is null")[0] for line in lines(run)] == [
        "Interviewer interviewer-1: found, 20 candidates on the first page",
        "Interviewer interviewer-2: found, 1 candidate on the first page",
        "Interviewer interviewer-3: found, 0 candidates on the first page",
        "Interviewer interviewer-4, page 1:",
        "Interviewer interviewer-5, page 1: the",
        "Interviewer nobody, page 1: 404 Not Found:",
    ]
    assert len(run.lines("ERROR")) == 3
    assert (run.code, run.out) == (1, "")
    assert asked == [*((name, 1) for name in NAMES), ("nobody", 1)]
    assert not [person for person in people if person["id"] in run.err or person["name"] in run.err]


def test_it_ends_with_0_where_all_is_well_and_names_a_wrong_key(read: Read) -> None:
    with Sandbox({NAMES[0]: 3}) as api:
        good, bad = read(api, "--test"), read(api, "--test", api_key="another")
    assert (good.code, good.out, good.complaints) == (0, "", [])
    assert [each["value"] for each in good.metrics if each["metric"] == "http_request_count"] == [1]
    (line,) = lines(bad)
    assert line.endswith("the API does not accept the key; check the setting api_key")
    assert bad.code == 1


def test_another_mode_is_refused_and_shows_no_candidate(read: Read) -> None:
    with Sandbox({NAMES[0]: 3}) as api:
        run = read(api, "--test=al")
    assert (run.code, run.out, api.requests, len(run.lines("ERROR"))) == (2, "", [], 1)


def test_the_test_mode_for_schemas_reads_none(read: Read) -> None:
    with Sandbox({NAMES[0]: 3}) as api:
        run = read(api, "--test=schema")
    assert run.code == 0, run.err
    assert [message["type"] for message in run.messages] == ["SCHEMA"]


# Where nothing answers


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_however_many_there_are_the_time_is_for_all_of_them_and_less_than_ten_seconds(
    read: Read, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    assert tap.MAX_TEST_SECONDS <= 9
    monkeypatch.setattr(tap, "MAX_TEST_SECONDS", 0.2)
    names = [f"interviewer-{number}" for number in range(20)]
    with Sandbox(dict.fromkeys(names, 3), faults=lambda *_: fault) as api:
        run = read(api, "--test", max_parallel_requests=2)
        assert len(api.requests) <= 4
    assert run.lines("ERROR") == [f"Interviewer {name}, page 1: no good response within 0.2 s" for name in names]
    assert (run.code, run.out) == (1, "")


def test_a_host_whose_address_never_comes_does_not_hold_it_up(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "MAX_TEST_SECONDS", 0.2)
    ended = threading.Event()

    def hang(*_: object, **__: object) -> None:
        ended.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    run = read(Sandbox(dict.fromkeys(NAMES, 3)), "--test", api_url="https://api.example.com", max_parallel_requests=2)
    seconds = time.monotonic() - started
    ended.set()
    assert run.lines("ERROR") == [f"Interviewer {name}, page 1: no good response within 0.2 s" for name in NAMES]
    assert (run.code, run.out) == (1, "")
    assert seconds < 5


def test_an_api_that_does_not_listen_is_one_line(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "MAX_TEST_SECONDS", 0.4)
    api = Sandbox({NAMES[0]: 3})
    api.start()
    api.stop()
    run = read(api, "--test")
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {NAMES[0]}, page 1: the connection failed: ")
    assert run.code == 1
