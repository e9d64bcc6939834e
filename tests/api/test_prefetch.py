"""Pages requested ahead of need, and returned in order."""

from __future__ import annotations

import re
import threading
import time
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tap_interviewflow.api.metadata import PageMetadata
from tap_interviewflow.api.page import Page
from tap_interviewflow.api.pool import WorkerPool
from tap_interviewflow.api.prefetch import MAX_AGE, MAX_HELD_BYTES, PageQueue, Prefetcher
from tap_interviewflow.shutdown import Shutdown
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Read

ONE = "interviewer-1"
TWO = "interviewer-2"
SIZE = 10

Fetch: TypeAlias = "Callable[[str, int, Callable[[], bool]], Page]"


def page_of(interviewer: str, number: int, count: int = SIZE, size: int = 1, **metadata: Any) -> Page:
    ids = [f"{interviewer}/{number}/{index}" for index in range(count)]
    return Page(number, SIZE, ids, PageMetadata(**metadata), received=time.monotonic(), size=size)


class Drive:
    """A prefetcher over pages that are made up; it is read to the first page that is not full of each Interviewer.

    Attributes:
        requested: The pages that were requested.
        peak: How many were in flight at once.
    """

    def __init__(self, fetch: Fetch, interviewers: int = 1, width: int = 4) -> None:
        self.requested: list[tuple[str, int]] = []
        self.peak = 0
        self.shutdown = Shutdown()
        self._fetch = fetch
        self._in_flight = 0
        self._lock = threading.Lock()
        self.names = [f"interviewer-{number}" for number in range(1, interviewers + 1)]
        self.pool = WorkerPool(width, self.shutdown)
        self.queues = [PageQueue(partial(self._one, name), SIZE, self.pool) for name in self.names]
        self.prefetcher = Prefetcher(self.queues, self.pool)

    def pages(self) -> Iterator[tuple[str, int]]:
        for name in self.names:
            while (page := self.prefetcher.next_page()).ids:
                self.prefetcher.request_ahead()
                assert page.ids[0].startswith(f"{name}/")
                yield name, page.number
                if len(page.ids) < SIZE:
                    break
            self.prefetcher.next_interviewer()

    def _one(self, interviewer: str, number: int, _limit: int, is_wanted: Callable[[], bool], **_: bool) -> Page:
        with self._lock:
            self.requested.append((interviewer, number))
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
        try:
            return self._fetch(interviewer, number, is_wanted)
        finally:
            with self._lock:
                self._in_flight -= 1


def of_length(length: int, **options: Any) -> Fetch:
    """Full pages, and empty ones from then on."""
    return lambda name, number, _: page_of(name, number, SIZE if number <= length else 0, **options)


# Order


def test_the_same_comes_out_however_many_are_in_flight(read: Read) -> None:
    def output(parallel: int) -> str:
        dice = Random(parallel)  # noqa: S311  # the same on every run
        sleeps: dict[Any, str] = {
            (name, page): f"sleep:{dice.random() / 100:.4f}" for name in (ONE, TWO) for page in range(1, 9)
        }
        with Sandbox({ONE: 70, TWO: 45, "interviewer-3": 0}, odd=True, faults=sleeps) as api:
            run = read(api, page_size=10, max_parallel_requests=parallel)
        assert run.code == 0
        return re.sub(r'"time_extracted":"[^"]*"', "", run.out)

    assert output(1) == output(4) == output(16)


# How many at once


@pytest.mark.parametrize("parallel", [1, 4])
def test_no_more_are_in_flight_than_the_setting_says(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 60, TWO: 60}, latency=0.01) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert min(2, parallel) <= api.in_flight_peak <= parallel
    assert len(run.ids) == 120


def together(width: int, fetch: Fetch, from_page: int) -> Fetch:
    """Answers pages from a number on only when as many as may be in flight are."""
    barrier = threading.Barrier(width, timeout=30)

    def fetch_together(name: str, number: int, is_wanted: Callable[[], bool]) -> Page:
        if (name, number) > (ONE, from_page):
            barrier.wait()
        return fetch(name, number, is_wanted)

    return fetch_together


def test_the_pages_of_one_interviewer_are_fetched_side_by_side() -> None:
    drive = Drive(together(4, of_length(9, total=9 * SIZE), from_page=1))
    drive.prefetcher.total_is_reliable = True
    pages = drive.pages()
    assert [next(pages)[1] for _ in range(9)] == list(range(1, 10))
    assert drive.peak == 4


def test_many_small_interviewers_are_fetched_side_by_side() -> None:
    fetch = together(4, lambda name, number, _: page_of(name, number, 3, total=3), from_page=1)
    drive = Drive(fetch, interviewers=13)
    drive.prefetcher.total_is_reliable = True
    assert list(drive.pages()) == [(name, 1) for name in drive.names]
    assert drive.peak == 4


# How far ahead


@pytest.mark.parametrize(("width", "interviewers"), [(1, 1), (4, 3), (16, 3)])
def test_at_most_three_times_as_many_pages_are_held_as_are_in_flight(width: int, interviewers: int) -> None:
    drive = Drive(of_length(100), interviewers=interviewers, width=width)
    for taken, _ in enumerate(drive.pages(), 1):
        assert len(drive.requested) - taken <= 3 * width
        if taken == 30:
            break


@pytest.mark.parametrize("size", [MAX_HELD_BYTES // 2, MAX_HELD_BYTES, 2 * MAX_HELD_BYTES])
def test_the_pages_held_ahead_fit_into_their_bytes_by_the_largest_so_far(size: int) -> None:
    drive = Drive(of_length(20, size=size), interviewers=20, width=16)
    most = max(1, MAX_HELD_BYTES // size)
    for _ in drive.pages():
        assert sum(len(queue.pending) for queue in drive.queues) <= most
    assert drive.peak <= most


@pytest.mark.parametrize("width", [1, 4, 16])
def test_where_the_total_is_known_just_its_pages_are_requested_ahead(width: int) -> None:
    drive = Drive(of_length(5, total=5 * SIZE), width=width)
    pages = drive.pages()
    assert [next(pages)[1] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert max(drive.requested)[1] <= 6


@pytest.mark.parametrize("width", [4, 16])
def test_where_nothing_is_known_twice_as_many_are_requested_as_came(width: int) -> None:
    drive = Drive(of_length(5), width=width)
    assert len(list(drive.pages())) == 5
    assert len(drive.requested) <= 2 * 6 + 1


def test_a_first_page_that_has_waited_for_too_long_is_requested_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive(of_length(2), interviewers=2)
    pages = drive.pages()
    next(pages)
    while (TWO, 1) not in drive.requested:  # a page that is pending may wait for a thread
        drive.prefetcher.request_ahead()
    now = drive.pool.now()
    monkeypatch.setattr(drive.pool, "now", lambda: now + MAX_AGE + 1)
    assert list(pages) == [(ONE, 2), (TWO, 1), (TWO, 2)]
    assert drive.requested.count((TWO, 1)) == 2


def test_what_is_in_flight_behind_the_end_is_not_wanted_any_more() -> None:
    requested, abandoned = threading.Event(), threading.Event()

    def fetch(name: str, number: int, is_wanted: Callable[[], bool]) -> Page:
        if number == 2:
            requested.wait(30)
        if number > 2:
            requested.set()
            while is_wanted():
                time.sleep(0.001)
            abandoned.set()
        return page_of(name, number, SIZE if number == 1 else 3)

    drive = Drive(fetch)
    assert list(drive.pages()) == [(ONE, 1), (ONE, 2)]
    assert abandoned.wait(30)


@pytest.mark.parametrize(("width", "at_once"), [(1, None), (4, None), (4, 1), (4, 100)])
def test_results_that_are_not_taken_are_not_piled_up(width: int, at_once: int | None) -> None:
    made: list[int] = []
    results = WorkerPool(width, Shutdown()).in_order((partial(made.append, number) for number in range(100)), at_once)
    for taken in range(1, 20):
        next(results)
        assert len(made) - taken <= min(at_once or 100, 2 * width)


# Errors


def test_an_error_behind_the_end_is_none() -> None:
    def fetch(name: str, number: int, _: object) -> Page:
        if number > 2:
            raise ValueError
        return page_of(name, number, SIZE if number == 1 else 3)

    assert list(Drive(fetch).pages()) == [(ONE, 1), (ONE, 2)]
