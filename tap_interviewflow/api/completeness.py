"""Whether every candidate of an Interviewer came, although its list may change while it is read.

A list is complete if as many candidates came as the API states, or if a second pass agrees with the first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_interviewflow.api.page import Page


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the read of one Interviewer ended."""

    read: int  # how many different candidates came
    stated: int | None = None  # how many the API stated, if its total is used
    incomplete_reason: str | None = None  # why candidates may be missing
    delete_blocker: str | None = None  # why no target may delete the candidates that did not come
    is_error: bool = False  # whether the Interviewer could not be read, or not to its end: the reason is an error
    requested_at: datetime | None = None  # when page 1 was requested, in UTC

    @property
    def is_complete(self) -> bool:
        """Whether every candidate came."""
        return self.incomplete_reason is None


@dataclass(slots=True)
class _Pass:
    """What came in one pass."""

    start: int  # the number of its first response
    different: int = 0  # candidates, also in the top of the list if that was read again
    pages: int = 0  # that are not blank
    rows: int = 0  # in these pages, and in blank ones between them
    limit: int = 0  # of the last of them
    totals: set[int | None] = field(default_factory=set)
    is_behind_total: bool = False  # whether the last page stated a higher total than the rows so far
    total_fell: bool = False  # whether a total was lower than one before
    gap: Page | None = None  # an empty page that had candidates behind it
    known_came: bool = False  # whether a candidate came that an earlier pass had brought
    new_behind_known: bool = False  # whether the latest new candidates came behind such a one
    new_between_known: bool = False  # whether new candidates came between two such ones


class Completeness:
    """Counts the candidates of one Interviewer, over all passes.

    Attributes:
        seen: The number of the response in which each ID came last.
        duplicates_on_page: How many candidates came with the ID of another one on the same page.
        total: The highest total stated since the list last got shorter.
        total_is_reliable: Whether a total was followed by as many rows as it stated; None before the first.
        short_pages_go_on: Whether a page with fewer candidates than requested had candidates behind it.
        has_others: Whether a candidate names another one of the Interviewers that are read.
        requested_at: When page 1 of the first pass was requested, in UTC.
        is_first_pass: Whether no pass came before this one.
        new: How many candidates came in this pass that came in no pass before.
    """

    def __init__(self, *, uses_total: bool = True, total_is_reliable: bool | None = None) -> None:
        """Start before the first pass.

        Args:
            uses_total: Whether a total can prove anything.
            total_is_reliable: What the Interviewers before this one have shown.
        """
        self.seen: dict[str, int] = {}
        self.duplicates_on_page = 0
        self.total: int | None = None
        self.total_is_reliable = total_is_reliable
        self.short_pages_go_on = self.has_others = False
        self.requested_at: datetime | None = None
        self._uses_total = uses_total
        self._total_received = 0.0  # when the page with the total had come
        self._has_risen = False  # whether a total was higher than one before
        self._may_have_fallen = False  # whether a total was lower than one before, in whichever order they were sent
        self._was_behind_total = False  # whether a page stated a higher total than the rows so far
        self._responses = self._passes = 0

    def start_pass(self) -> None:
        """Begin at page 1."""
        self.is_first_pass = not self._responses
        self._passes += 1
        self.new = 0
        self._pass = _Pass(self._responses + 1)

    def add(self, page: Page, *, is_reread: bool = False) -> list[int]:
        """Count a response, and return the indices of the candidates that came for the first time.

        Args:
            page: The page; its ``is_blank`` is set.
            is_reread: Whether it is the top of the list, read again at the end of a pass.
        """
        self._responses += 1
        self.requested_at = self.requested_at or page.requested_at
        self.has_others |= page.has_others
        self._add_total(page)
        new = []
        this = self._pass
        before = this.different
        for index, key in enumerate(self._keys(page.ids)):
            last = self.seen.get(key, 0)
            self.seen[key] = self._responses
            if last >= this.start:
                continue
            this.different += 1
            if not last:
                new.append(index)
            if not is_reread and last:
                this.new_between_known |= this.new_behind_known
                this.known_came = True
            elif not is_reread:
                this.new_behind_known = this.known_came
        self.new += len(new)
        page.is_blank = this.different == before
        if not page.is_blank and not is_reread:
            self._add_rows(page, this.different - before)
        return new

    def add_gap(self, page: Page) -> None:
        """Count a blank page that has candidates behind it."""
        self._pass.rows += len(page.ids) if page.limit == self._pass.limit else 0
        if not page.ids:
            self._pass.gap = page

    def _keys(self, ids: Sequence[str]) -> Sequence[str]:
        """Return the IDs; one that is twice on a page stands for two rows of the list."""
        if len(set(ids)) == len(ids):
            return ids
        counts: Counter[str] = Counter()
        keys = []
        for each in ids:
            counts[each] += 1
            keys.append(each if counts[each] == 1 else f"{each}\0{counts[each]}")
        self.duplicates_on_page += sum(key not in self.seen for key in keys if "\0" in key)
        return keys

    def _add_rows(self, page: Page, different: int) -> None:
        if self._pass.is_behind_total and self.total_is_reliable is None:
            self.total_is_reliable = True
        # Page 2 may have another limit than page 1: then it may begin with the last rows of page 1.
        self._pass.rows += len(page.ids) if page.limit == self._pass.limit else different
        self._pass.limit = page.limit
        total = page.metadata.total
        if total is not None and total < self._pass.rows:
            self._uses_total = self.total_is_reliable = False
        self._pass.is_behind_total = total is not None and total > self._pass.rows
        self._was_behind_total |= self._pass.is_behind_total
        self._pass.pages += 1

    def _add_total(self, page: Page) -> None:
        total = page.metadata.total
        if page.ids or total:  # many an API states 0, or nothing, behind the last page
            self._pass.totals.add(total)
        if total is None or (not page.ids and not total):
            return
        if self.total is None or total > self.total:
            self._has_risen |= self.total is not None and page.sent >= self._total_received
            self.total, self._total_received = total, page.received
        elif total < self.total:
            self._may_have_fallen = True  # or the API made this page before the one with the higher total
            if page.sent >= self._total_received:
                self._pass.total_fell = True
                self.total, self._total_received = total, page.received

    # What the counts show

    @property
    def count(self) -> int:
        """How many different candidates came."""
        return len(self.seen) - self.duplicates_on_page

    @property
    def has_moved(self) -> bool:
        """Whether this pass shows that the list changed."""
        return self._pass.rows > self._pass.different or len(self._pass.totals) > 1

    @property
    def stated(self) -> int | None:
        """How many candidates there are by the API's total, if it is used."""
        is_running_count = self._pass.pages > 1 and not self._was_behind_total
        return None if not self._uses_total or is_running_count or None in self._pass.totals else self.total

    @property
    def reaches_total(self) -> bool:
        """Whether as many candidates came as the API states."""
        if self.stated is None or len(self.seen) < self.stated or not self.seen:
            return False
        if self._may_have_fallen:  # then candidates that came before may be gone, and others behind them not have come
            return len(self._pass.totals) == 1 and self._pass.different >= self.stated
        return True

    @property
    def reaches_total_in_pass(self) -> bool:
        """Whether this pass alone has as many candidates as the API states."""
        return self.reaches_total and self._pass.different >= (self.stated or 0)

    @property
    def problem(self) -> str | None:
        """Why candidates may be missing, whatever other passes bring."""
        if self.stated is None or len(self.seen) >= self.stated:
            return None
        moved = ", and the list moved while it was read" if self.has_moved else ""
        refusal = f"{self._pass.gap.refusal}; " if self._pass.gap and self._pass.gap.refusal else ""
        return f"{refusal}the API states {self.stated:,} candidates, {self.count:,} came{moved}"

    @property
    def disagreement(self) -> str | None:
        """Why this pass disagrees with those before it; None if it has new candidates at its top and its end only."""
        if self.new and not self._pass.known_came:
            return f"no candidate of one pass came in the next one: {self.count:,} candidates came"
        # A deletion may hide the same candidate from two passes, but hardly from three, unless pages come from a cache:
        # then a total that is older and higher comes again.
        is_enough = self._passes > 2 and not self._has_risen  # noqa: PLR2004
        may_be_hidden = self._pass.total_fell and self.stated is not None and not is_enough
        is_more_than_a_page = self._passes > 1 and self.new > self._pass.limit  # no pass but this one has read these
        if self._pass.new_between_known or may_be_hidden or is_more_than_a_page:
            return f"the list kept moving while it was read: {self.count:,} candidates came"
        if self.stated is not None and self._pass.different < self.stated:
            return f"the API states {self.stated:,} candidates, the last pass brought {self._pass.different:,}"
        if self._pass.gap is not None:
            what = self._pass.gap.refusal or f"page {self._pass.gap.number} is empty"
            return f"{what}, but pages behind it have candidates: {self.count:,} came"
        if self._pass.rows > self._pass.different:
            twice = f"{self._pass.rows - self._pass.different:,} of {self._pass.rows:,} rows came twice"
            return (f"{twice}, so as many others may be missing: "
                    "the list kept moving, or its order is not unique (a larger page_size helps)")  # fmt: skip
        return None
