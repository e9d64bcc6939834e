"""Pages fetched side by side and ahead of need, handed out in order.

Everything is decided in the thread that reads the pages; the others only fetch. At most as many pages are asked for at
once as the setting allows, and at most three times as many are held at all, those included.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from tap_interviewflow.api.metadata import PageMetadata
    from tap_interviewflow.api.page import Habits, Page
    from tap_interviewflow.api.pool import WorkerPool

MAX_AGE: Final = 60.0
"""Seconds for which the first page of an Interviewer may wait for its turn: its list goes on moving meanwhile."""


class Fetch(Protocol):
    """Fetches a page, for as long as it is wanted."""

    def __call__(self, number: int, is_wanted: Callable[[], bool], *, is_first_look: bool = False) -> Page:
        """Fetch it; the first look at a page is the one that it is written by."""


@dataclass(slots=True)
class _Request:
    number: int
    page: Future[Page]
    is_known: bool = False


class PageQueue:
    """The pages of one Interviewer that were asked for ahead, in order."""

    def __init__(self, fetch: Fetch, page_size: int, habits: Habits, pool: WorkerPool) -> None:
        """Start with nothing asked for.

        Args:
            fetch: Fetches a page.
            page_size: How many candidates are asked for at a time.
            habits: What the run has learned of the API.
            pool: The threads that fetch.
        """
        self.requests: deque[_Request] = deque()
        self.has_ended = False
        self._fetch = fetch
        self._page_size = page_size
        self._habits = habits
        self._pool = pool
        self._next = 1
        self._is_fresh = False  # whether the first page was asked for anew because it had waited for too long
        self._last: int | None = None
        self._first: tuple[PageMetadata, int] | None = None
        self._newest: tuple[int, int, PageMetadata] | None = None  # its number, its size, what it says

    def may_ask(self, *, is_last: bool) -> bool:
        """Whether the next page will probably be needed.

        Args:
            is_last: Whether no other Interviewer is left to ask for, whose first page is needed for sure.
        """
        if self._next == 1:
            return True
        self._look()
        if self._newest is None or (self._last is not None and self._next > self._last):
            return False
        number, size, words = self._newest
        if promised := self._promised_pages():
            return self._next <= promised
        if words.has_more is False and "has_more" not in self._habits.contradicted:
            return False  # whether that is believed is decided when it is its turn
        # A page that is not full may well be the last one: then only its successor is asked for.
        if size < (self._page_size if number == 1 else self._habits.largest_page):
            return self._next == number + 1
        return is_last or self._next <= 2 * number

    def ask(self) -> None:
        """Ask for the next page."""
        number = self._next
        self._next += 1
        future = self._pool.submit(lambda: self._fetch(number, lambda: not self.has_ended, is_first_look=True))
        self.requests.append(_Request(number, future))

    def take(self) -> Page | None:
        """Take the next page in order, if it has come, and if a first one has not waited for too long.

        Raises:
            Exception: Whatever its fetching ended with.
        """
        if not (self.requests and self.requests[0].page.done()):
            return None
        self._look()
        page = self.requests.popleft().page.result()
        if page.number == 1 and not self._is_fresh and self._pool.now() - page.received > MAX_AGE:
            self._is_fresh = True
            self.requests.clear()
            self._next = 1
            self._last = self._first = self._newest = None
            return None
        return page

    def end(self) -> None:
        """Want none of the pages that are still being fetched, and keep none."""
        self.has_ended = True
        self.requests.clear()

    # Where the paginator looks when it is in doubt

    def again(self, numbers: Iterable[int]) -> list[Page]:
        """Ask for these pages, whether or not they were asked for before."""
        return list(self.look(numbers))

    def look(self, numbers: Iterable[int]) -> Iterator[Page]:
        """Ask for these pages side by side, and give them in order."""
        return self._pool.in_order(partial(self._fetch, number, lambda: True) for number in numbers)

    def ahead(self, number: int) -> Page:
        """Give a page from those that were asked for ahead, or ask for it."""
        for request in self.requests:
            if request.number == number:
                while not request.page.done():
                    self._pool.wait_for_any()
                return request.page.result()
        (page,) = self.again([number])
        return page

    def holds_later(self, number: int) -> bool:
        """Whether a later page has come already, and holds candidates."""
        return any(
            request.number > number and request.page.done() and not request.page.exception()
            and request.page.result().has_candidates
            for request in self.requests
        )  # fmt: skip

    def _look(self) -> None:
        """Learn from the pages that have come, whether or not it is their turn."""
        for request in self.requests:
            if request.is_known or not request.page.done():
                continue
            request.is_known = True
            if request.page.exception() is not None or not (page := request.page.result()).has_candidates:
                self._last = min(self._last or request.number, request.number)
                continue
            if request.number == 1:
                self._first = page.metadata, len(page.ids)
            if self._newest is None or page.number > self._newest[0]:
                self._newest = page.number, len(page.ids), page.metadata

    def _promised_pages(self) -> int | None:
        """Give how many pages the API promises by its first one, as far as it was not proven wrong."""
        if self._first is None:
            return None
        (words, size), wrong = self._first, self._habits.contradicted
        pages = words.pages if "pages" not in wrong else None
        by_total = -(-words.total // size) if words.total and "total" not in wrong else None
        return max((count for count in (pages, by_total) if count), default=None)


class Prefetcher:
    """Reads Interviewers in order, fetching ahead of need over all of them."""

    def __init__(self, queues: Iterable[PageQueue], pool: WorkerPool) -> None:
        """Ask for nothing yet."""
        self._waiting = deque(queues)
        self._pool = pool

    def take(self) -> Page:
        """Give the next page of the current Interviewer.

        Raises:
            Exception: Whatever its fetching ended with.
        """
        queue = self._waiting[0]
        while True:
            self._ask(is_needed=True)
            page = queue.take()
            if page is not None:
                return page
            if queue.requests:
                self._pool.wait_for_any()

    def ask_ahead(self) -> None:
        """Have the next pages on their way while this one is written."""
        self._ask(is_needed=False)

    def go_on(self) -> None:
        """Go on to the next Interviewer."""
        self._waiting.popleft().end()
        self._ask(is_needed=False)

    def _ask(self, *, is_needed: bool) -> None:
        most = self._pool.size
        # Later queues hold at most that many pages, and are asked in order: no others hold any.
        nearest = list(islice(self._waiting, 2 * most + 1))
        held = [len(queue.requests) for queue in nearest]
        for turn, queue in enumerate(nearest if most > 1 else nearest[:1]):
            while self._pool.is_idle():
                must = is_needed and not turn and not held[0]
                if not must and (most == 1 or not queue.may_ask(is_last=len(self._waiting) == 1)):
                    break
                held_for_later = sum(held[1:])
                # The pages of later queues wait for their turn, but leave the first enough room to go on.
                room = (
                    min(2 * most - held_for_later, 3 * most - sum(held))
                    if turn
                    else 2 * most - min(held_for_later, most) - held[0]
                )
                if room <= 0 and not must:
                    break
                queue.ask()
                held[turn] += 1
            if not self._pool.is_idle():
                return
