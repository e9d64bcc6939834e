"""Pages fetched side by side and ahead of need, handed out in order.

Everything is decided in the thread that reads the pages; the others only fetch. At most as many pages are
asked for at once as the setting allows, and at most three times as many are held at all, those included.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_interviewflow.pagination import CandidatesPaginator, Page
    from tap_interviewflow.shutdown import Shutdown

_T = TypeVar("_T")

_PATIENCE: Final = 0.2
"""Seconds between looks at whether the run is to stop: some systems deliver no signal to a thread that waits."""


class Fetchers:
    """Threads that fetch. They are daemons: a request that hangs does not keep the process alive."""

    def __init__(self, most: int, shutdown: Shutdown) -> None:
        """Start no thread yet.

        Args:
            most: How many fetch at once.
            shutdown: What is to be obeyed while an answer is waited for.
        """
        self.most = most
        self._shutdown = shutdown
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._running: set[Future[Any]] = set()
        self._has_ended = threading.Event()  # whichever it was: to wait for futures takes twice as long

    def are_idle(self) -> bool:
        """Whether another call would start at once."""
        self._running = {future for future in self._running if not future.done()}
        return len(self._running) < self.most

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        """Have a call made in one of the threads."""
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  # raised again where the result is asked for
                future.set_exception(error)
            self._has_ended.set()

        self._running.add(future)
        self._calls.put(run)
        if len(self._threads) < self.most:
            thread = threading.Thread(target=self._work, name=f"fetcher-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def wait_for_any(self) -> None:
        """Wait a moment, or less if a call ends or has ended since the last time."""
        self._shutdown.raise_if_requested()
        self._has_ended.wait(_PATIENCE)
        self._has_ended.clear()

    def in_order(self, calls: Iterable[Callable[[], _T]]) -> Iterator[_T]:
        """Make calls side by side and give their results in the order of the calls."""
        waiting = iter(calls)
        pending: deque[Future[_T]] = deque()
        while True:
            while len(pending) < 2 * self.most and self.are_idle() and (call := next(waiting, None)):
                pending.append(self.submit(call))
            if not pending:
                return
            if pending[0].done():
                yield pending.popleft().result()
            else:
                self.wait_for_any()

    def close(self) -> None:
        """Let the threads end, each after the call that it is in."""
        for _ in self._threads:
            self._calls.put(None)
        self._threads.clear()

    def _work(self) -> None:
        while run := self._calls.get():
            run()


@dataclass(slots=True)
class _Asked:
    number: int
    future: Future[Page]
    is_known: bool = False


class Reading:
    """The pages of one Interviewer: which were asked for, and what is known of their end."""

    def __init__(self, paginator: CandidatesPaginator, fetch: Callable[[int, Callable[[], bool]], Page]) -> None:
        """Start with nothing asked for.

        Args:
            paginator: Decides, page by page and in order, where the end is.
            fetch: Fetches the page of a number, for as long as the second argument says that it is wanted.
        """
        self.paginator = paginator
        self.asked: deque[_Asked] = deque()
        self._fetch = fetch
        self._next = 1
        self._last: int | None = None
        self._promised: int | None = None
        self._newest: Page | None = None
        self._is_wanted = True

    def may_ask(self, *, ahead: bool, is_last: bool = True) -> bool:
        """Whether the next page is needed, or, ahead of need, will probably be.

        Args:
            ahead: Whether to ask ahead of need at all.
            is_last: Whether no other Interviewer is left to ask for, whose first page is needed for sure.
        """
        if not self.asked:
            return not self.paginator.finished
        self._look()
        if not ahead or self._newest is None or (self._last is not None and self._next > self._last):
            return False
        if self._promised is not None:
            return self._next <= self._promised
        # A page that is not full may well be the last one: then only its successor is asked for.
        if not self.paginator.is_full(self._newest):
            return self._next == self._newest.number + 1
        return is_last or self._next <= 2 * self._newest.number

    def ask(self, fetchers: Fetchers) -> None:
        """Ask for the next page."""
        number = self._next
        self._next += 1
        future = fetchers.submit(lambda: self._fetch(number, lambda: self._is_wanted))
        self.asked.append(_Asked(number, future))

    def take(self) -> Page | None:
        """Take the next page in order, if it has come.

        Raises:
            Exception: Whatever its fetching ended with.
        """
        if not (self.asked and self.asked[0].future.done()):
            return None
        self._look()
        return self.asked.popleft().future.result()

    def advance(self, page: Page) -> None:
        """Have the paginator see a page; after the last one, want none of those still being fetched."""
        # A page in the place of a response: see the paginator.
        self.paginator.advance(page)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
        if self.has_ended():
            self._is_wanted = False
            self.asked.clear()
            # A reading is kept to the end of the run; what it has read must not be.
            self._newest = None
            self.paginator.forget()

    def has_ended(self) -> bool:
        """Whether the last page was taken."""
        return self.paginator.finished

    def _look(self) -> None:
        """Learn from the pages that have come, whether or not it is their turn."""
        for asked in self.asked:
            if asked.is_known or not asked.future.done():
                continue
            asked.is_known = True
            if asked.future.exception() is not None or (page := asked.future.result()).is_last:
                self._last = min(self._last or asked.number, asked.number)
                continue
            if asked.number == 1:
                self._promised = page.expected_pages()
            if self._newest is None or page.number > self._newest.number:
                self._newest = page


class LookAhead:
    """Reads Interviewers in order, fetching ahead of need over all of them."""

    def __init__(self, readings: Iterable[Reading], fetchers: Fetchers) -> None:
        """Ask for nothing yet."""
        self._waiting = deque(readings)
        self._fetchers = fetchers

    def pages(self) -> Iterator[Page]:
        """Give the pages of the next Interviewer, without those that are empty or repeated.

        Raises:
            Exception: Whatever the fetching of a page ended with, after the pages before it.
        """
        reading = self._waiting[0]
        while not reading.has_ended():
            self._ask()
            page = reading.take()
            if page is None:
                self._fetchers.wait_for_any()
                continue
            is_new = not (page.is_empty or reading.paginator.is_repeated(page))
            reading.advance(page)
            if reading.has_ended():
                self._waiting.popleft()
            self._ask()  # so that the next pages are on their way while this one is written
            if is_new:
                yield page

    def _ask(self) -> None:
        most = self._fetchers.most
        # Later readings hold at most that many pages, and are asked in order: no others hold any.
        nearest = list(islice(self._waiting, 2 * most + 1))
        held = [len(reading.asked) for reading in nearest]
        for turn, reading in enumerate(nearest if most > 1 else nearest[:1]):
            while self._fetchers.are_idle() and reading.may_ask(ahead=most > 1, is_last=len(self._waiting) == 1):
                held_for_later = sum(held[1:])
                # The pages of later readings wait for their turn, but leave the first enough room to go on.
                room = 2 * most - held_for_later if turn else 2 * most - min(held_for_later, most) - held[0]
                if room <= 0 and (turn or reading.asked):
                    break
                reading.ask(self._fetchers)
                held[turn] += 1
            if not self._fetchers.are_idle():
                return
