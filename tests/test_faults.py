"""Faults of the network and of the API: every candidate arrives once and in order, or the run fails loudly."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import RetriableAPIError

from tap_interviewflow import client
from tap_interviewflow.client import InterviewFlowStream
from tap_interviewflow.retries import LONGEST_WAIT, LONGEST_WAIT_TOLD, MOST_TRIES, NAP, AbandonedError, Clock, Retries
from tap_interviewflow.sandbox import PATH, Sandbox
from tap_interviewflow.records.schema import candidates_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
TWO = "interviewer-2"
COUNT, LIMIT = 60, 10
PLACES = {"first": 1, "middle": 3, "last": 6}
CATALOG = {
    "streams": [
        {
            "tap_stream_id": "candidates",
            "stream": "candidates",
            "key_properties": ["interviewerId", "id"],
            "schema": candidates_schema(),
            "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
        }
    ]
}
"""Without it, discovery would meet the faults of the first page."""

PASSING = (
    *("429", "500", "502", "503", "504", "reset", "reset-body", "short-body", "bad-gzip", "cut-json"),
    *("refuse-html", "empty-body", "hang", "drip"),
)
"""What may be better the next time."""

FINAL = ("400", "401", "403", "404", "success-false", "success-false-list", "error-object", "non-objects", "null")
"""What asking again does not mend."""


@dataclass
class FakeTime:
    """Time that passes only while somebody waits."""

    now: float = 0.0
    utc: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep, utc=lambda: self.utc)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Have the waits between tries take no time, and a request that hangs a moment."""
    time = FakeTime()
    monkeypatch.setattr(client, "Retries", lambda: Retries(time.clock()))
    monkeypatch.setattr(InterviewFlowStream, "timeout", 0.15)
    return time


def ids(api: Sandbox, *interviewers: str) -> list[str]:
    return [held["id"] for interviewer in interviewers or (ONE,) for held in api.candidates(interviewer)]


def assert_failed_loudly(run: Run, expected: list[str]) -> None:
    assert run.code == 1
    assert len(run.lines("ERROR")) == 1
    assert run.ids == expected[: len(run.ids)]
    assert len(run.ids) < len(expected)
    assert run.messages[-1]["type"] == "STATE"


@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", [*PASSING, "gzip", "chunked", "redirect:" + PATH])
def test_a_fault_that_passes_costs_and_doubles_no_candidate(
    read: Read, waits: FakeTime, fault: str, place: str, parallel: int
) -> None:
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): [fault, fault]}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids, run.lines("ERROR")) == (0, ids(api, ONE, TWO), [])
    assert (waits.now > 0) == (fault in PASSING)


@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize(
    ("fault", "place"),
    [(fault, place) for fault in ("500", "reset-body", *FINAL) for place in PLACES]
    + [(fault, "middle") for fault in PASSING if fault not in {"500", "reset-body"}],
)
def test_a_fault_that_stays_ends_the_run_with_one_line(
    read: Read, waits: FakeTime, fault: str, place: str, parallel: int
) -> None:
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): f"always:{fault}"}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert_failed_loudly(run, ids(api, ONE, TWO))
        asked = [body for body in api.requests if body.get("page") == PLACES[place] and body["interviewerId"] == ONE]
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page {PLACES[place]}: ")
    if fault == "429":  # does not count while others get through
        assert len(asked) >= MOST_TRIES
    else:
        assert len(asked) == (MOST_TRIES if fault in PASSING else 1)
    assert waits.now < 10 * MOST_TRIES * LONGEST_WAIT


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_api_that_does_not_listen_ends_the_run_with_one_line(read: Read, waits: FakeTime, parallel: int) -> None:
    api = Sandbox({ONE: 5})
    api.start()
    api.stop()
    run = read(api, max_parallel_requests=parallel)
    (line,) = run.lines("ERROR")
    assert (run.code, run.out) == (1, "")
    assert "Connection refused" in line or "actively refused" in line
    assert waits.now > 0


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_api_that_comes_back_is_read_to_its_end(
    read: Read, waits: FakeTime, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    api = Sandbox({ONE: COUNT})
    api.start()
    api.stop()
    naps = []

    def sleep(seconds: float) -> None:
        waits.sleep(seconds)
        with waits.lock:
            naps.append(seconds)
            if len(naps) == 3:
                api.start()

    monkeypatch.setattr(client, "Retries", lambda: Retries(Clock(lambda: waits.now, sleep)))
    try:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids) == (0, ids(api))
    finally:
        api.stop()


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_fault_behind_the_last_page_is_no_failure(read: Read, waits: FakeTime, parallel: int) -> None:
    with Sandbox({ONE: COUNT}, faults={(ONE, page): "always:500" for page in range(8, 20)}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids) == (0, ids(api))
    assert waits.now >= 0


def test_each_retry_is_one_line_with_what_and_how_long(read: Read, waits: FakeTime) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): ["503", "reset"]}) as api:
        run = read(api, catalog=CATALOG, max_parallel_requests=1)
    first, second = [line for line in run.lines("WARNING") if " try " in line]
    assert first.startswith(f"Interviewer {ONE}, page 1: 503 Service Unavailable; try 2 of 7 in ")
    assert second.startswith(f"Interviewer {ONE}, page 1: the connection failed: ")
    assert waits.now > 0


def test_what_nobody_wants_any_more_is_not_waited_for() -> None:
    time = FakeTime()
    tries = []

    def attempt() -> None:
        tries.append(time.now)
        message = "busy"
        raise RetriableAPIError(message)

    with pytest.raises(AbandonedError):
        Retries(time.clock()).run(attempt, "a page", lambda: time.now < 20)
    assert time.now < 20 + NAP
    assert max(tries) < 20


# How long


def waited(read: Read, waits: FakeTime, fault: str, **habits: Any) -> float:
    with Sandbox({ONE: 5}, faults={(ONE, 1): [fault]}, **habits) as api:
        assert read(api, catalog=CATALOG, max_parallel_requests=1).code == 0
    return waits.now


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("7", 7, 7.2),
        ("0", 0.5, 0.5),
        ("007", 7, 7.2),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30, 30.2),
        ("Sat, 31 Jan 2026 13:00:30 +0100", 30, 30.2),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.5, 0.5),
        ("99999999999999999999", LONGEST_WAIT_TOLD, LONGEST_WAIT_TOLD + 0.2),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT_TOLD, LONGEST_WAIT_TOLD + 0.2),
        *(
            (garbage, 0.5, 1.25)
            for garbage in ("", "-5", "1.5", "soon", "٣", "Fri, 31 Dec 99999999999999999999", "Mon")
        ),
        *((garbage, 0.5, 1.25) for garbage in ("Sat, 31 Jan 2026 25:61:61 GMT", "31 Jan 0000 00:00:00 -9999999999")),
    ],
)
def test_retry_after_is_obeyed_where_it_makes_sense(
    read: Read, waits: FakeTime, told: str, least: float, most: float
) -> None:
    assert least <= waited(read, waits, "429", retry_after=told.encode().decode("latin-1")) <= most


def test_a_429_without_a_retry_after_is_waited_for_as_well(read: Read, waits: FakeTime) -> None:
    assert 0.5 <= waited(read, waits, "429", retry_after=None) <= 1.25


def test_waits_double_up_to_a_cap(read: Read, waits: FakeTime) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): "always:500"}) as api:
        read(api, catalog=CATALOG, max_parallel_requests=1)
    doubled = sum(2.0**number for number in range(MOST_TRIES - 1))
    assert 0.75 * doubled <= waits.now <= 1.25 * doubled
    assert doubled / 2 < LONGEST_WAIT


def test_one_429_holds_everybody_back(read: Read, waits: FakeTime) -> None:
    told = threading.Event()
    too_early = []

    class Limited(Sandbox):
        def _answer(self, request: Any) -> Iterator[bytes]:
            if told.is_set() and waits.now < 9:
                too_early.append(request)
            answer = list(super()._answer(request))
            if answer[0].startswith(b"HTTP/1.1 429"):
                told.set()
            return iter(answer)

    # The one that is told to wait is the only one then: the others follow from its answer.
    with Limited({ONE: COUNT}, faults={(ONE, 1): ["429"]}, retry_after_seconds=9) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=8)
        assert run.ids == ids(api)
    assert told.is_set()
    assert not too_early


def test_a_limit_that_lets_one_in_sixteen_through_is_no_failure(read: Read, waits: FakeTime) -> None:
    let_through: list[int] = []

    class Limited(Sandbox):
        """Answers one request in each second of the fake time."""

        def _is_too_many(self) -> bool:
            second = int(waits.now)
            if second in let_through:
                return True
            let_through.append(second)
            return False

    with Limited({f"interviewer-{number}": 2 for number in range(40)}, retry_after_seconds=1) as api:
        run = read(api, catalog=CATALOG, max_parallel_requests=16)
        assert (run.code, run.ids) == (0, ids(api, *api.interviewers))
    assert max(let_through) >= 80 - 1


def test_a_limit_that_lets_nobody_through_ends_the_run(read: Read, waits: FakeTime) -> None:
    with Sandbox({ONE: 5}, rate_limit=0) as api:
        run = read(api, catalog=CATALOG, max_parallel_requests=16)
    (line,) = run.lines("ERROR")
    assert line == f"Interviewer {ONE}, page 1: 429 Too Many Requests; gave up after 7 tries"
    assert waits.now > 0


# In real time


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", ["429", "503", "reset-body", "hang", "drip", "cut-json"])
def test_a_fault_that_passes_costs_no_candidate_in_real_time(read: Read, fault: str, place: str, parallel: int) -> None:
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): [fault, fault]}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel, request_timeout=1)
        assert (run.code, run.ids, run.lines("ERROR")) == (0, ids(api, ONE, TWO), [])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parallel", [1, 8])
def test_a_fault_that_stays_ends_the_run_in_real_time(read: Read, parallel: int) -> None:
    with Sandbox({ONE: COUNT}, faults={(ONE, 3): "always:502"}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert_failed_loudly(run, ids(api))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("told", ["seconds", "date"])
def test_a_rate_limit_is_kept_to_in_real_time(read: Read, told: str) -> None:
    with Sandbox({ONE: COUNT}, rate_limit=2, retry_after=told) as api:
        run = read(api, catalog=CATALOG, page_size=3, max_parallel_requests=16)
        assert (run.code, run.ids) == (0, ids(api))
