"""Whether all candidates of an Interviewer came, although the list moves while it is read.

Page numbers over a list that changes lose rows: one that moves up by a place while the next page is asked for is on
neither. What shows that a list moved is an ID that comes twice, or another total than before. What proves that nobody
was lost is a total: as many different candidates as were ever in the list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tap_interviewflow.api.evidence import SeenIDs, Totals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tap_interviewflow.api.page import Habits, Page

MAX_LOOKS: Final = 3
"""How often pages are asked for again before the read is incomplete."""

MAX_CONFIRMATIONS: Final = 2
"""How often everything is looked at again before a target may delete what did not come."""

FRONT: Final = 100
"""So many candidates at the top are looked at again once a list is known to move: a page, unless pages are small."""

FEW_PAGES: Final = 2
"""A list without a total and with more pages than these is looked at again at its top."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the read of one Interviewer ended.

    Attributes:
        read: How many different candidates came.
        promised: How many the API stated, where it did and was not proven wrong.
        reason: Why candidates may be missing; None if the read is complete.
        is_confirmed: Whether what did not come is not there, by a second look that found the same. A target may delete
            only then.
    """

    read: int
    promised: int | None
    reason: str | None
    is_confirmed: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing speaks against all candidates having come."""
        return self.reason is None


@dataclass(slots=True)
class _Look:
    """What one look at some pages has shown."""

    number: int
    is_full: bool
    totals: Totals = field(default_factory=Totals)
    different: int = 0
    news: set[int] = field(default_factory=set)
    last_had_news: bool = False


class Completeness:
    """Which candidates of an Interviewer came, what shows that its list moved, and what to look at again.

    Attributes:
        doubles: How many came with the ID of another one on the same page.
    """

    def __init__(self, habits: Habits) -> None:
        """Start before the first page."""
        self._habits = habits
        self._seen = SeenIDs()
        self._totals = Totals()
        self._trusted_total = self._has_total()
        self._before: frozenset[str] = frozenset()
        self._has_far_repeats = False
        self._repeats = 0
        self.doubles = 0
        self._found = 0
        self._moved: list[int] = []  # the pages that differ from what the page before let expect
        self._numbers: array[int] = array("L")
        self._sent: array[float] = array("d")
        self._received: array[float] = array("d")
        self._look = _Look(0, is_full=False)
        self._looks = 0
        self._has_settled = False
        self._confirmations = 0
        self._is_confirmed = False

    @property
    def count(self) -> int:
        """How many different candidates came."""
        return self._seen.count

    @property
    def total(self) -> int | None:
        """What the API stated last."""
        return self._totals.current

    @property
    def has_moved(self) -> bool:
        """Whether anything shows that the list moved."""
        return self._totals.has_changed or bool(self._moved) or self._has_far_repeats

    @property
    def exceeds_total(self) -> bool:
        """Whether more candidates came than there can ever have been by the totals."""
        return self._totals.fall_short_of(self.count)

    # The first read

    def note(self, page: Page) -> int:
        """Take in the next page of the first read, and tell how many of its candidates are new."""
        unseen, _ = self._seen.add(page.ids, 0)
        self.doubles += len(page.ids) - len(page.different)
        repeated = len(page.different) - len(unseen)
        on_neighbour = len(page.different & self._before) if repeated else 0
        has_moved = self._totals.note(page.metadata.total, page.sent, page.received)
        if on_neighbour or has_moved:
            self._moved.append(page.number)
        self._has_far_repeats |= repeated > on_neighbour
        self._repeats += repeated
        self._before = page.different
        self._numbers.append(page.number)
        self._sent.append(page.sent)
        self._received.append(page.received)
        return len(unseen)

    def note_repeated(self, pages: Sequence[Page]) -> None:
        """Take in pages that held just what earlier ones held, and were followed by new candidates."""
        self._moved += [page.number for page in pages]
        self._repeats += sum(len(page.ids) for page in pages)

    # Looking again

    def note_again(self, page: Page) -> list[int]:
        """Take in a page that was asked for again, and give the places of the candidates that are new."""
        look = self._look
        unseen, first = self._seen.add(page.ids, look.number)
        if page.has_candidates:
            for totals in (self._totals, look.totals):
                totals.note(page.metadata.total, page.sent, page.received)
        look.different += first
        look.last_had_news = first > 0
        self._found += len(unseen)
        if unseen:
            look.news.add(page.number)
        return unseen

    def looks(self, last: int) -> Iterator[list[int]]:
        """Give, look by look, the pages to ask for again; what they hold is to be noted before the next.

        Args:
            last: The number of the last page with candidates.
        """
        while (pages := self._next_look(last)) is not None and self._looks < MAX_LOOKS:
            yield from self._look_at(pages, last)

    def confirm(self, last: int) -> Iterator[list[int]]:
        """Give the pages of a second look at everything, which confirms that what did not come is not there.

        No total spares it: two opposite changes between two answers leave it as it was.
        """
        while self._has_settled and not self._is_confirmed and self._confirmations < MAX_CONFIRMATIONS:
            self._confirmations += 1
            before = self.count
            yield from self._look_at((), last)
            self._is_confirmed = self.count == before == self._look.different

    def _look_at(self, pages: Collection[int], last: int) -> Iterator[list[int]]:
        """Look at some pages, or where there are none at everything, to its end."""
        self._looks += 1
        self._look = _Look(self._looks, is_full=not pages)
        if pages:
            yield sorted(pages)[1:] + sorted(pages)[:1]  # the top last: that is where newcomers gather meanwhile
            return
        yield list(range(1, last + 2))
        further = last + 2
        while self._look.last_had_news:
            yield [further]
            further += 1

    def _next_look(self, last: int) -> Collection[int] | None:
        """Say what to look at; nothing for everything, None if there is no more need."""
        if self._has_proof():
            self._has_settled = True
            return None
        return self._next_by_total(last) if self._has_total() else self._next_by_news(last)

    def _next_by_total(self, last: int) -> Collection[int] | None:
        look = self._look
        if not self.has_moved:
            self._has_settled = True  # a total that is higher than what came is judged as a word
            return None
        if self._looks == 0:
            return () if self._has_far_repeats else self._suspects(last) | {1}
        if look.is_full and not look.news and not look.totals.has_changed:
            self._habits.overstated = True
            return None
        return _and_next(look.news) if look.news and not look.is_full else ()

    def _next_by_news(self, last: int) -> Collection[int] | None:
        """Go on until nothing new comes, and as many as came twice: each of those took another candidate's place."""
        look = self._look
        if self._looks == 0:
            if self._has_far_repeats or (self._trusted_total and self._totals.has_changed):
                return ()  # the total may have been right, and the list shorter than before
            pages = self._suspects(last)
            if pages:
                pages |= self._front(last)
            elif last > FEW_PAGES:
                pages = {1}
        else:
            pages = _and_next(look.news)
            if 1 in pages:
                pages |= self._front(last)
            if not pages and self._found < self._repeats and not look.is_full:
                return ()
        self._has_settled = not pages
        return pages or None

    def _has_total(self) -> bool:
        """Whether the API states a total that may prove something."""
        habits = self._habits
        return self._totals.is_stated and not (
            self.exceeds_total or "total" in habits.contradicted or habits.overstated
        )

    def _has_proof(self) -> bool:
        if not self._has_total():
            return False
        look = self._look
        return self._totals.prove(self.count) or (look.is_full and look.totals.prove(look.different))

    def _front(self, last: int) -> set[int]:
        """Give the pages where updates and newcomers gather, now that the list is known to move."""
        return set(range(1, min(last, -(-FRONT // max(1, self._habits.largest_page))) + 1))

    def _suspects(self, last: int) -> set[int]:
        """Give the pages that were in flight when the list moved, one before and one after."""
        suspects: set[int] = set()
        for number in self._moved:
            place = bisect_left(self._numbers, number)
            around = range(max(0, place - 1), place + 1)
            begin, end = min(self._sent[i] for i in around), max(self._received[i] for i in around)
            low = high = place
            while low > 0 and self._received[low - 1] > begin:
                low -= 1
            while high + 1 < len(self._numbers) and self._sent[high + 1] < end:
                high += 1
            suspects |= set(range(max(1, self._numbers[low] - 1), min(self._numbers[high] + 1, last + 1) + 1))
        return suspects

    # The verdict

    def verdict(self, doubts: Sequence[str]) -> Verdict:
        """Judge the read once it has ended.

        Args:
            doubts: What speaks against all candidates having come, besides.
        """
        total = self.total if "total" not in self._habits.contradicted and not self.exceeds_total else None
        reasons = list(doubts)
        if not self._has_settled and not self._has_proof():
            stated = f"; the API states {total:,}" if total is not None else ""
            reasons.append(f"the list kept moving while it was read: {self.count:,} candidates came{stated}")
        elif not reasons and total is not None and self.count < total and not self._has_proof():
            reasons.append(f"the API states {total:,} candidates, {self.count:,} came")
        return Verdict(self.count, total, "; ".join(reasons) or None, not reasons and self._is_confirmed)


def _and_next(pages: Collection[int]) -> set[int]:
    return {number + step for number in pages for step in (0, 1)}
