"""Pages fetched side by side and ahead of need, handed out in order."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections import Counter
from concurrent.futures import Future
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tap_interviewflow.api.metadata import PageMetadata
from tap_interviewflow.api.page import Habits, Page
from tap_interviewflow.api.pool import WorkerPool
from tap_interviewflow.api.prefetch import PageQueue, Prefetcher
from tap_interviewflow.shutdown import Interrupted, Shutdown
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Read

ONE = "interviewer-1"
TWO = "interviewer-2"
SIZE = 10

Fetch: TypeAlias = "Callable[[str, int, Callable[[], bool]], Page]"


def page_of(interviewer: str, number: int, count: int = SIZE, **said: Any) -> Page:
    ids = [f"{interviewer}/{number}/{place}" for place in range(count)]
    return Page(number, ids, PageMetadata(**said), received=time.monotonic())


class AtOnce(WorkerPool):
    """Has each call ended as soon as it is made."""

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call())
        return future


class Drive:
    """A prefetcher over fetching that is made up, read to each first empty page, and what it asked for."""

    def __init__(self, fetch: Fetch, interviewers: int = 1, most: int = 4, pool: type[WorkerPool] = WorkerPool) -> None:
        self.asked: list[tuple[str, int]] = []
        self.peak = 0
        self.shutdown = Shutdown()
        self.habits = Habits()
        self._fetch = fetch
        self._in_flight = 0
        self._lock = threading.Lock()
        self.names = [f"interviewer-{number}" for number in range(1, interviewers + 1)]
        self.pool = pool(most, self.shutdown)
        self.queues = [PageQueue(partial(self._one, name), SIZE, self.habits, self.pool) for name in self.names]
        self.prefetcher = Prefetcher(self.queues, self.pool)

    def pages(self) -> Iterator[tuple[str, int]]:
        """Read everything, as a paginator would that believes every word."""
        for name in self.names:
            while (page := self.prefetcher.take()).has_candidates:
                self.habits.largest_page = max(self.habits.largest_page, len(page.ids))
                self.prefetcher.ask_ahead()
                assert page.ids[0].startswith(f"{name}/")
                yield name, page.number
                words = page.metadata
                if words.has_more is False or words.pages == page.number or words.total == SIZE * page.number:
                    break
            self.prefetcher.go_on()

    def _one(self, interviewer: str, number: int, is_wanted: Callable[[], bool], **_: bool) -> Page:
        with self._lock:
            self.asked.append((interviewer, number))
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
        try:
            return self._fetch(interviewer, number, is_wanted)
        finally:
            with self._lock:
                self._in_flight -= 1


def of_length(length: int, **said: Any) -> Fetch:
    """Fetches full pages, and empty ones from then on."""
    return lambda name, number, _: page_of(name, number, SIZE if number <= length else 0, **said)


def unhurried(seed: int, fetch: Fetch) -> Fetch:
    """Takes its time, now more and now less."""
    dice = Random(seed)  # noqa: S311  # the same on every run

    def fetch_slowly(name: str, number: int, is_wanted: Callable[[], bool]) -> Page:
        time.sleep(dice.random() / 200)
        return fetch(name, number, is_wanted)

    return fetch_slowly


# Order


@pytest.mark.parametrize("most", [1, 2, 4, 16])
def test_pages_come_in_order_whichever_is_fetched_first(most: int) -> None:
    drive = Drive(unhurried(most, of_length(6)), interviewers=4, most=most)
    assert list(drive.pages()) == [(name, number) for name in drive.names for number in range(1, 7)]
    assert drive.peak <= most
    assert max(Counter(drive.asked).values()) == 1


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


# How many


@pytest.mark.parametrize("parallel", [1, 4])
def test_no_more_are_in_flight_than_the_setting_says(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 60, TWO: 60}, latency=0.01) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert min(2, parallel) <= api.in_flight_peak <= parallel
    assert len(run.ids) == 120


def test_many_small_interviewers_are_read_side_by_side() -> None:
    together = threading.Barrier(4, timeout=30)

    def fetch(name: str, number: int, _: object) -> Page:
        together.wait()
        return page_of(name, number, 3, has_more=False)

    drive = Drive(fetch, interviewers=12, most=4)
    assert list(drive.pages()) == [(name, 1) for name in drive.names]
    assert drive.peak == 4


def test_the_pages_of_one_interviewer_are_read_side_by_side() -> None:
    together = threading.Barrier(4, timeout=30)

    def fetch(name: str, number: int, _: object) -> Page:
        if number > 1:
            together.wait()
        return page_of(name, number, SIZE, pages=9)

    drive = Drive(fetch, most=4)
    assert len(list(drive.pages())) == 9
    assert drive.peak == 4


def test_calls_in_order_are_made_side_by_side() -> None:
    together = threading.Barrier(4, timeout=30)

    def call(number: int) -> int:
        together.wait()
        return number

    pool = WorkerPool(4, Shutdown())
    assert list(pool.in_order(partial(call, number) for number in range(12))) == list(range(12))


# How far ahead


@pytest.mark.parametrize("pool", [WorkerPool, AtOnce])
@pytest.mark.parametrize(("most", "interviewers"), [(1, 1), (4, 1), (4, 3), (16, 3)])
def test_a_reader_that_stands_still_is_waited_for(most: int, interviewers: int, pool: type[WorkerPool]) -> None:
    drive = Drive(of_length(100), interviewers=interviewers, most=most, pool=pool)
    for taken, _ in enumerate(drive.pages(), 1):
        assert len(drive.asked) - taken <= (2 if interviewers == 1 else 3) * most
        if taken == 30:
            break


@pytest.mark.parametrize("most", [1, 4])
def test_results_that_nobody_takes_are_not_piled_up(most: int) -> None:
    made: list[int] = []
    results = WorkerPool(most, Shutdown()).in_order(partial(made.append, number) for number in range(100))
    for taken in range(1, 20):
        next(results)
        assert len(made) - taken <= 2 * most


@pytest.mark.parametrize("most", [1, 4, 16])
@pytest.mark.parametrize("said", [{"pages": 5}, {"total": 5 * SIZE}, {"pages": 5, "total": 5 * SIZE}], ids=str)
def test_where_the_count_is_known_just_those_pages_are_asked_for(most: int, said: dict[str, int]) -> None:
    drive = Drive(of_length(5, **said), interviewers=3, most=most)
    assert len(list(drive.pages())) == 15
    assert sorted(drive.asked) == [(name, number) for name in drive.names for number in range(1, 6)]


def test_a_count_that_was_proven_wrong_keeps_nothing_from_being_fetched_ahead() -> None:
    together = threading.Barrier(4, timeout=30)

    def fetch(name: str, number: int, _: object) -> Page:
        if 2 < number < 11:
            together.wait()
        return page_of(name, number, SIZE if number < 11 else 0, pages=2)

    drive = Drive(fetch, most=4)
    drive.habits.contradicted.add("pages")
    taken = 0
    while drive.prefetcher.take().has_candidates:
        taken += 1
        drive.habits.largest_page = SIZE
        drive.prefetcher.ask_ahead()
    assert taken == 10


@pytest.mark.parametrize("most", [4, 16])
def test_where_nothing_is_known_few_are_asked_for_in_vain(most: int) -> None:
    drive = Drive(of_length(5), most=most)
    assert len(list(drive.pages())) == 5
    assert len(drive.asked) <= 6 + 2 * most


def test_a_first_page_that_has_waited_for_too_long_is_asked_for_anew() -> None:
    def fetch(name: str, number: int, _: object) -> Page:
        page = page_of(name, number, SIZE if number < 3 else 0)
        if drive.asked.count((name, 1)) == 1:
            page.received -= 100
        return page

    drive = Drive(fetch, most=2)
    assert list(drive.pages()) == [(ONE, 1), (ONE, 2)]
    assert drive.asked.count((ONE, 1)) == 2


@pytest.mark.parametrize("most", [4, 16])
def test_behind_a_page_that_is_not_full_only_one_more_is_asked_for(most: int) -> None:
    drive = Drive(lambda name, number, _: page_of(name, number, 3 if number == 1 else 0), most=most)
    assert list(drive.pages()) == [(ONE, 1)]
    assert sorted(drive.asked) == [(ONE, 1), (ONE, 2)]


def test_after_the_end_nothing_new_is_asked_for_and_what_is_in_flight_is_not_wanted() -> None:
    asked, abandoned = threading.Event(), threading.Event()

    def fetch(name: str, number: int, is_wanted: Callable[[], bool]) -> Page:
        if number == 2:
            asked.wait(30)
        if number > 2:
            asked.set()
            while is_wanted():
                time.sleep(0.001)
            abandoned.set()
        return page_of(name, number, has_more=number < 2)

    drive = Drive(fetch, most=4)
    assert list(drive.pages()) == [(ONE, 1), (ONE, 2)]
    assert abandoned.wait(30)
    assert max(drive.asked) <= (ONE, 5)


# Where a paginator looks in doubt


def test_a_page_that_was_asked_for_ahead_is_not_asked_for_twice() -> None:
    drive = Drive(of_length(9, pages=9), most=4)
    assert drive.prefetcher.take().number == 1
    drive.prefetcher.ask_ahead()
    assert drive.queues[0].ahead(3).number == 3
    assert drive.asked.count((ONE, 3)) == 1
    assert drive.queues[0].ahead(30).number == 30


def test_later_pages_are_known_only_once_they_have_come() -> None:
    slow = threading.Event()

    def fetch(name: str, number: int, _: object) -> Page:
        if number == 2:
            slow.wait(30)
        return page_of(name, number, SIZE if number < 3 else 0, pages=3)

    drive = Drive(fetch, most=1)
    queue = drive.queues[0]
    queue.ask()
    queue.ahead(1)
    queue.ask()
    assert not queue.holds_later(1)
    slow.set()
    queue.ahead(2)
    assert queue.holds_later(1)
    assert not queue.holds_later(2)


def test_pages_asked_for_again_are_fetched_anew_and_given_in_order() -> None:
    drive = Drive(unhurried(1, of_length(9)), most=4)
    drive.prefetcher.take()
    assert [page.number for page in drive.queues[0].again([3, 1, 2, 1])] == [3, 1, 2, 1]
    assert drive.asked.count((ONE, 1)) == 3


# Errors


@pytest.mark.parametrize("parallel", [1, 16])
def test_an_error_comes_after_the_pages_before_it(read: Read, parallel: int) -> None:
    sleeps: dict[Any, str] = {(ONE, page): "sleep:0.02" for page in range(2, 7)}
    with Sandbox({ONE: 100}, faults={**sleeps, (ONE, 7): "always:409"}) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert run.ids == [held["id"] for held in api.candidates(ONE)[:60]]
    assert run.lines("ERROR") == [f"Interviewer {ONE}, page 7: 409 Conflict: the API says “Conflict”"]
    assert run.code == 1


def test_an_error_behind_the_end_is_none() -> None:
    def fetch(name: str, number: int, _: object) -> Page:
        if number > 2:
            raise ValueError
        return page_of(name, number, has_more=number < 2)

    assert list(Drive(fetch).pages()) == [(ONE, 1), (ONE, 2)]


@pytest.mark.parametrize("most", [1, 4])
def test_of_two_errors_the_first_page_counts(most: int) -> None:
    def fetch(name: str, number: int, _: object) -> Page:
        if number == 2:
            time.sleep(0.02)
        if number > 1:
            raise LookupError(number)
        return page_of(name, number)

    with pytest.raises(LookupError, match="2"):
        list(Drive(fetch, most=most).pages())


# Stopping


def test_a_signal_ends_the_wait_for_an_answer_that_does_not_come() -> None:
    answer = threading.Event()

    def fetch(name: str, number: int, _: object) -> Page:
        answer.wait(30)
        return page_of(name, number)

    drive = Drive(fetch)
    drive.shutdown.request(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        next(drive.pages())
    assert caught.value.code == 128 + signal.SIGTERM
    answer.set()


def test_a_closed_pool_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    drive = Drive(of_length(3), most=4)
    list(drive.pages())
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("fetcher-") and thread not in before]
    drive.pool.close()
    for thread in mine:
        thread.join(30)
        assert not thread.is_alive()
