"""Pages of this Interviewer and the next ones, requested ahead of need and returned in order.

The thread that reads the pages decides what to request; the other threads only fetch.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from tap_interviewflow.api.pagination import MIN_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from tap_interviewflow.api.page import Page
    from tap_interviewflow.api.pool import WorkerPool

MAX_AGE: Final = 60.0
"""Seconds that the first page of an Interviewer may wait until it is read: its list may change meanwhile."""

MAX_HELD_BYTES: Final = 32 * 2**20
"""The maximum number of bytes of pages requested ahead; each page counts as the largest so far."""

MIN_CANDIDATE_BYTES: Final = 1_000
"""The bytes that a small candidate counts: its objects and its line take more memory than its JSON."""


class PageQueue:
    """The pages of one Interviewer that are requested ahead.

    Attributes:
        pending: The pages that are requested and not returned yet, in order.
    """

    def __init__(self, fetch: Callable[..., Page], limit: int, pool: WorkerPool) -> None:
        """Request nothing yet.

        Args:
            fetch: Fetches a page, by number and limit, as long as it is wanted.
            limit: The number of candidates to request with page 1.
            pool: The threads that fetch.
        """
        self._fetch = fetch
        self._limit = self._page_size = limit
        self._ids_of_page_1: set[str] = set()
        self._pool = pool
        self._is_first_pass = self._is_ahead = True
        self._contradicted_limit: int | None = None
        self.restart()

    def restart(self) -> None:
        """Begin at page 1, and abandon the pages that are pending."""
        self.pending: deque[Future[Page]] = deque()
        self._next = self._expected = 1

    def start_later_pass(self, *, is_ahead: bool) -> None:
        """Begin at page 1 once more.

        Args:
            is_ahead: Whether to request pages ahead, as many as the pass before needed.
        """
        returned = self._next - 1 - len(self.pending)
        self.restart()
        self._expected = returned
        self._is_first_pass = False
        # Page 2 may have been a bad response: with the limit of page 1, this pass sees what the first one did not.
        self._limit = self._contradicted_limit or self._limit
        # If page 1 had no candidate before, the limit of the other pages is not known yet.
        self._is_ahead = is_ahead and bool(self._ids_of_page_1)

    def request(self) -> None:
        """Request the next page."""
        if self._next == 1:
            self._first_requested = self._pool.now()
        self.pending.append(self._pool.submit(self._call(self._next, self._limit, is_first_pass=self._is_first_pass)))
        self._next += 1

    def next_page(self, *, total_is_reliable: bool | None) -> Page:
        """Return the next page, once it has come."""
        page = self.pending.popleft().result()
        self._learn(page, total_is_reliable=total_is_reliable)
        if page.number == 1:
            self._ids_of_page_1 = set(page.ids)
        elif page.number == 2 and self._contradicts_limit(page):  # noqa: PLR2004
            page = self._repeat_page_2()
            self._learn(page, total_is_reliable=total_is_reliable)
        return page

    def _repeat_page_2(self) -> Page:
        """Request page 2 with the first limit again; keep it unless the smaller one brings further candidates."""
        limit, self._limit = self._limit, self._page_size
        self.restart()
        self._next = 3
        page = self.fetch_now(2)
        if self._lies_within_page_1(page):
            self._contradicted_limit = limit
            return page
        # There are more candidates: the API filters its pages, or its page 2 was a bad response.
        again = self.fetch_now(2, limit)
        if self._lies_within_page_1(again):
            return page
        self._limit = limit
        return again

    def _lies_within_page_1(self, page: Page) -> bool:
        return self._ids_of_page_1.issuperset(page.ids)

    def _contradicts_limit(self, page: Page) -> bool:
        """Whether page 2 shows that page 1 is small for another reason than the maximum page size of the API.

        The API refuses this limit, or page 2 lies within page 1: the API filters its pages, or the list ends there.
        """
        if not self._is_first_pass or self._limit >= self._page_size:
            return False
        is_page_1_half_empty = 2 * self._limit <= self._page_size
        return page.refusal is not None or (is_page_1_half_empty and self._lies_within_page_1(page))

    def fetch_now(self, number: int, limit: int | None = None) -> Page:
        """Request a page out of turn, and return it."""
        (page,) = self._pool.in_order([self._call(number, limit or self._limit, is_first_pass=False)])
        return page

    def learn(self, *, total_is_reliable: bool | None) -> None:
        """Estimate from the pages that have come how many will be needed."""
        for page in self.pending:
            if page.done() and page.exception() is None:
                self._learn(page.result(), total_is_reliable=total_is_reliable)

    @property
    def needs_more(self) -> bool:
        """Whether the next page will probably be needed."""
        return self._is_ahead and self._next <= self._expected

    def restart_if_old(self) -> None:
        """Begin at page 1 again if it was requested too long ago."""
        if self.pending and self._pool.now() - self._first_requested > MAX_AGE:
            self.restart()

    def _call(self, number: int, limit: int, *, is_first_pass: bool) -> Callable[[], Page]:
        this_pass = self.pending
        is_wanted = lambda: self.pending is this_pass  # noqa: E731
        return partial(self._fetch, number, limit, is_wanted, is_first_pass=is_first_pass)

    def _learn(self, page: Page, *, total_is_reliable: bool | None) -> None:
        """Fix the limit, and estimate how many pages will be needed.

        A wrong limit would leave candidates out. A wrong estimate costs requests or time, and no candidate.
        """
        is_page_1_known = not self._is_first_pass and self._ids_of_page_1
        if page.number == 1 and not is_page_1_known and len(page.ids) >= MIN_LIMIT:
            self._limit = len(page.ids)
        number, rows = page.number, len(page.ids)
        pages = -(-(page.metadata.total or 0) // self._limit)
        if not rows:
            self._expected = min(self._expected, number)
        elif number <= pages:
            self._expected = pages if total_is_reliable else pages + 1
        elif page.is_short or not self._is_first_pass:
            self._expected = max(self._expected, number + 1)
        else:
            self._expected = max(self._expected, 2 * number + 1)


class Prefetcher:
    """Reads Interviewers in order, and requests pages ahead over all of them.

    Attributes:
        total_is_reliable: Whether a page that reaches the API's total is the last one; None if it is not known.
    """

    def __init__(self, queues: Iterable[PageQueue], pool: WorkerPool) -> None:
        """Request nothing yet."""
        self.total_is_reliable: bool | None = None
        self._queues = deque(queues)
        self._pool = pool
        self._largest = 1
        self._consumed = 0  # pages with candidates

    @property
    def current(self) -> PageQueue:
        """The queue of the current Interviewer."""
        return self._queues[0]

    def next_page(self) -> Page:
        """Return the next page of the current Interviewer.

        Raises:
            Exception: If its request failed.
        """
        queue = self.current
        while not (queue.pending and queue.pending[0].done()):
            if not queue.pending and self._pool.is_idle():
                queue.request()
            self.request_ahead()
            self._pool.wait_for_any()
        page = queue.next_page(total_is_reliable=self.total_is_reliable)
        if page.ids:
            self._consumed += 1
            self._largest = max(self._largest, page.size, len(page.ids) * MIN_CANDIDATE_BYTES)
        return page

    def next_interviewer(self) -> None:
        """Move to the next Interviewer."""
        self._queues.popleft().restart()
        if self._queues:
            self.current.restart_if_old()
        self.request_ahead()

    def request_ahead(self) -> None:
        """Request a page for each free thread: of this Interviewer, then of the next ones."""
        width = self._pool.size
        if width == 1 or not self._pool.is_idle():
            return
        nearest = list(islice(self._queues, 2 * width + 1))
        # Page 1 may be much smaller than the next ones: more are requested as more have come.
        most = min(3 * width, MAX_HELD_BYTES // self._largest, 4 * self._consumed) if self._consumed else 1
        held = sum(len(queue.pending) for queue in nearest)
        for queue in nearest:
            queue.learn(total_is_reliable=self.total_is_reliable)
            while held < most and queue.needs_more:
                queue.request()
                held += 1
                if not self._pool.is_idle():
                    return
            most = min(2 * width, most)  # the next Interviewers leave room for pages of this one
