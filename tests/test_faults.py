"""Faults of the network and of the API: every candidate arrives once and in order, or the run fails loudly."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.api.retry import MAX_TRIES, MAX_WAIT
from tests.api.conftest import FakeTime
from tests.runs import catalog_of
from tests.sandbox import PATH, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
TWO = "interviewer-2"
COUNT, LIMIT = 60, 10
PLACES = {"first": 1, "middle": 3, "last": 6}

CATALOG = catalog_of()
"""With the documented columns only. Without a catalog, discovery would meet the faults of the first page."""

PASSING = ("408", "425", "429", "500", "503", "reset", "reset-body", "short-body", "cut-json", "hang")
"""What may be better the next time. The client's own tests know more of them."""

FINAL = ("400", "401", "403", "404", "success-false", "success-false-list", "error-object", "non-objects", "null")
"""What asking again does not mend."""


def ids(api: Sandbox, *interviewers: str) -> list[str]:
    return [held["id"] for interviewer in interviewers or (ONE,) for held in api.candidates(interviewer)]


def assert_failed_loudly(run: Run, expected: list[str]) -> None:
    assert run.code == 1
    assert len(run.lines("ERROR")) == 1
    assert run.ids == expected[: len(run.ids)]
    assert len(run.ids) < len(expected)
    assert run.messages[-1]["type"] == "STATE"


def paired(faults: Sequence[str], *places: str) -> list[tuple[str, str, int]]:
    """Each fault once, and each pair of a place with one request at a time or with eight."""
    cycle = itertools.cycle([(place, parallel) for parallel in (1, 8) for place in places])
    return [(fault, *case) for fault, case in zip(faults, cycle, strict=False)]


@pytest.mark.parametrize(
    ("fault", "place", "parallel"),
    [*paired(PASSING, *PLACES), *paired(("gzip", "chunked", f"redirect:{PATH}"), *PLACES)],
)
def test_a_fault_that_passes_costs_and_doubles_no_candidate(
    read: Read, waits: FakeTime, fault: str, place: str, parallel: int
) -> None:
    waits.request_timeout = 0.2 if fault == "hang" else 5
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): [fault, fault]}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids, run.lines("ERROR")) == (0, ids(api, ONE, TWO), [])
    assert (waits.now > 0) == (fault in PASSING)
    assert all("complete" in verdict and "incomplete" not in verdict for verdict in run.verdicts.values())


@pytest.mark.parametrize(
    ("fault", "place", "parallel"),
    [
        *paired(PASSING[:-1], *PLACES),
        pytest.param("hang", "middle", 8, marks=pytest.mark.slow),
        *paired(FINAL, "first", "middle"),
    ],
)
def test_a_fault_that_stays_ends_the_run_with_one_line(
    read: Read, waits: FakeTime, fault: str, place: str, parallel: int
) -> None:
    waits.request_timeout = 0.2 if fault == "hang" else 5
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): f"always:{fault}"}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert_failed_loudly(run, ids(api, ONE, TWO))
        asked = [body for body in api.requests if body["page"] == PLACES[place] and body["interviewerId"] == ONE]
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page {PLACES[place]}: ")
    if fault in PASSING:
        assert "; gave up after " in line
        assert len(asked) >= MAX_TRIES
    else:
        assert len(asked) <= 2  # it is looked whether a page that is refused is the end
    assert waits.now < 10 * MAX_TRIES * MAX_WAIT


@pytest.mark.parametrize("fault", ["404", "null"])
def test_a_last_page_that_is_refused_for_good_is_missed_where_a_total_is_stated(
    read: Read, waits: FakeTime, fault: str
) -> None:
    with Sandbox({ONE: COUNT}, faults={(ONE, 6): f"always:{fault}"}, metadata="total") as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT)
    assert run.code == 0
    assert run.verdicts[ONE].startswith("50 read, 50 written, incomplete: the API states 60 candidates, 50 came")
    assert waits.now == 0


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_api_that_does_not_listen_ends_the_run_with_one_line(read: Read, waits: FakeTime, parallel: int) -> None:
    api = Sandbox({ONE: 5})
    api.start()
    api.stop()
    run = read(api, max_parallel_requests=parallel)
    (line,) = run.lines("ERROR")
    assert (run.code, run.out) == (1, "")
    assert "the connection failed: " in line
    assert waits.now > 120


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_api_that_comes_back_is_read_to_its_end(
    read: Read, waits: FakeTime, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    api = Sandbox({ONE: COUNT})
    api.start()
    api.stop()
    sleep = FakeTime.sleep

    def sleep_until_it_is_back(time: FakeTime, seconds: float) -> None:
        sleep(time, seconds)
        with time.lock:
            if time.now > 100 and not is_back:
                is_back.append(True)
                api.start()

    is_back: list[bool] = []
    monkeypatch.setattr(FakeTime, "sleep", sleep_until_it_is_back)
    try:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids) == (0, ids(api))
        assert waits.now > 100
    finally:
        api.stop()


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_fault_behind_the_last_page_is_no_failure(read: Read, waits: FakeTime, parallel: int) -> None:
    # Page 7 is empty, and so would be page 8: it is looked at, since page 6 is full.
    with Sandbox({ONE: COUNT}, faults={(ONE, page): "always:500" for page in range(9, 20)}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel)
        assert (run.code, run.ids) == (0, ids(api))
    assert waits.now >= 0


def test_each_retry_is_one_line_with_what_and_how_long(read: Read, waits: FakeTime) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): ["503", "reset"]}) as api:
        run = read(api, catalog=CATALOG, max_parallel_requests=1)
    first, second = [line for line in run.lines("WARNING") if " try " in line]
    assert first.startswith(f"Interviewer {ONE}, page 1: 503 Service Unavailable; try 2 of {MAX_TRIES} in ")
    assert second.startswith(f"Interviewer {ONE}, page 1: the connection failed: ")
    assert waits.now > 0


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
    assert run.lines("ERROR") == [f"Interviewer {ONE}, page 1: 429 Too Many Requests; gave up after {MAX_TRIES} tries"]
    assert waits.now > 120


# In real time


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("fault", "place", "parallel"),
    [
        (fault, place, 1 if turn % 2 else 8)
        for turn, fault in enumerate(("429", "503", "reset-body", "hang", "drip", "cut-json"))
        for place in PLACES
    ],
)
def test_a_fault_that_passes_costs_no_candidate_in_real_time(read: Read, fault: str, place: str, parallel: int) -> None:
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, PLACES[place]): [fault, fault]}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=parallel, request_timeout=1)
        assert (run.code, run.ids, run.lines("ERROR")) == (0, ids(api, ONE, TWO), [])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fault_that_stays_ends_the_run_in_real_time(read: Read) -> None:
    with Sandbox({ONE: COUNT}, faults={(ONE, 3): "always:502"}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT)
        assert_failed_loudly(run, ids(api))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("told", ["seconds", "date"])
def test_a_rate_limit_is_kept_to_in_real_time(read: Read, told: str) -> None:
    with Sandbox({ONE: COUNT}, rate_limit=2, retry_after=told) as api:
        run = read(api, catalog=CATALOG, page_size=3, max_parallel_requests=16)
        assert (run.code, run.ids) == (0, ids(api))
