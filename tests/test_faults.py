"""Faults of the network and of the API: every candidate arrives once and in order, or the run fails loudly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_interviewflow.api.retry import MAX_TRIES
from tests.api.conftest import FakeTime
from tests.runs import catalog_of
from tests.sandbox import PATH, Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read

ONE = "interviewer-1"
TWO = "interviewer-2"
COUNT, LIMIT = 60, 10

CATALOG = catalog_of()  # without one, discovery would meet the faults of the first page
PASSING = (
    *("408", "425", "429", "500", "503", "reset", "reset-body", "short-body", "cut-json", "bad-gzip", "hang", "drip"),
    *("body:", "body:<h1>Back soon</h1>"),
)


def ids(api: Sandbox, *interviewers: str) -> list[str]:
    return [held["id"] for interviewer in interviewers or (ONE,) for held in api.candidates(interviewer)]


@pytest.mark.parametrize("fault", [*PASSING, "gzip", "chunked", f"redirect:{PATH}"])
def test_a_fault_that_passes_costs_and_doubles_no_candidate(read: Read, waits: FakeTime, fault: str) -> None:
    waits.request_timeout = 0.2 if fault in {"hang", "drip"} else 5
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, page): [fault, fault] for page in (1, 3, 6)}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT, max_parallel_requests=8)
        assert (run.code, run.ids, run.lines("ERROR")) == (0, ids(api, ONE, TWO), [])
    assert (waits.now > 0) == (fault in PASSING)


@pytest.mark.parametrize("page", [1, 3])
@pytest.mark.parametrize("fault", ["401", "403", "429", "503", "reset-body", "cut-json"])
def test_a_fault_that_stays_ends_the_run_with_one_line(read: Read, waits: FakeTime, fault: str, page: int) -> None:
    with Sandbox({ONE: COUNT, TWO: 5}, faults={(ONE, page): f"always:{fault}"}) as api:
        run = read(api, catalog=CATALOG, page_size=LIMIT)
        asked = [body for body in api.requests if body["page"] == page and body["interviewerId"] == ONE]
        assert run.ids == ids(api)[: (page - 1) * LIMIT]
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page {page}: ")
    assert run.code == 1
    assert run.messages[-1]["type"] == "STATE"
    assert (len(asked) >= MAX_TRIES) == (waits.now > 0) == (fault in PASSING)


def test_an_outage_is_survived_and_one_that_stays_ends_the_run_with_one_line(
    read: Read, waits: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Sandbox({ONE: COUNT})
    api.start()
    api.stop()
    run = read(api, catalog=CATALOG, page_size=LIMIT)
    (line,) = run.lines("ERROR")
    assert (run.code, run.ids) == (1, [])
    assert "the connection failed: " in line
    ends = waits.now + 100
    sleep = FakeTime.sleep
    is_back: list[bool] = []

    def sleep_until_it_is_back(time: FakeTime, seconds: float) -> None:
        sleep(time, seconds)
        with time.lock:
            if time.now > ends and not is_back:
                is_back.append(True)
                api.start()

    monkeypatch.setattr(FakeTime, "sleep", sleep_until_it_is_back)
    try:
        run = read(api, catalog=CATALOG, page_size=LIMIT)
        assert (run.code, run.ids) == (0, ids(api))
    finally:
        api.stop()
