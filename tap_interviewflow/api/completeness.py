"""Whether every candidate of an Interviewer came, although its list may change while it is read.

A list is complete if as many candidates came as the API states, or if a second pass agrees with the first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_interviewflow.api.redact import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_interviewflow.api.page import Page


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the read of one Interviewer ended."""

    read: int  # the number of different candidates
    stated: int | None = None  # the API's total, if it is used
    incomplete_reason: str | None = None  # why candidates may be missing; None if the read is complete
    delete_blocker: str | None = None  # why no target may delete the candidates that did not come; None if it may
    is_error: bool = False  # whether an error ended the read
    requested_at: datetime | None = None  # when page 1 was requested, in UTC

    @property
    def is_complete(self) -> bool:
        """Whether every candidate came."""
        return self.incomplete_reason is None


@dataclass(slots=True)
class _Pass:
    """The counts of one pass. A candidate is known if an earlier pass had it, else it is new."""

    start: int  # the number of the first response
    different: int = 0  # the number of different candidates, with those of the re-read top of the list
    pages: int = 0  # the number of pages that are not blank
    rows: int = 0  # the number of rows on these pages, and on blank pages between them
    limit: int = 0  # of the last of these pages
    totals: set[int | None] = field(default_factory=set)  # of all pages; None for a page without one
    is_behind_total: bool = False  # whether the last page stated a higher total than the rows so far
    total_fell: bool = False  # whether a page stated a lower total than an earlier page
    gap: Page | None = None  # an empty page that had candidates behind it
    known_came: bool = False  # whether a known candidate came
    new_behind_known: bool = False  # whether the last new candidate came behind a known one
    new_between_known: bool = False  # whether a new candidate came between two known ones


class Completeness:
    """Counts the candidates of one Interviewer, over all passes.

    Attributes:
        seen: The number of the response in which each ID came last.
        duplicates_on_page: The number of candidates with the ID of another one on the same page.
        total: The highest total stated since the list last got shorter.
        total_is_reliable: Whether more rows followed where the total was higher than the rows so far, and no total was
            too low; None if neither happened.
        short_pages_go_on: Whether a short page had candidates behind it.
        has_others: Whether a candidate names another one of the Interviewers that are read.
        requested_at: When page 1 of the first pass was requested, in UTC.
        is_first_pass: Whether this is the first pass.
        new: The number of candidates of this pass that no earlier pass had.
    """

    def __init__(self, *, uses_total: bool = True, total_is_reliable: bool | None = None) -> None:
        """Start before the first pass.

        Args:
            uses_total: Whether the API's total counts the same candidates as its list.
            total_is_reliable: The attribute's value after the Interviewer before this one.
        """
        self.seen: dict[str, int] = {}
        self.duplicates_on_page = 0
        self.total: int | None = None
        self.total_is_reliable = total_is_reliable
        self.short_pages_go_on = self.has_others = False
        self.requested_at: datetime | None = None
        self._uses_total = uses_total
        self._total_received = 0.0  # the monotonic time when the page with the total had come
        self._has_risen = False  # whether a total was higher than an earlier one
        self._may_have_fallen = False  # whether a lower total came later, even if its page was requested first
        self._was_behind_total = False  # whether a page stated a higher total than the rows so far
        self._responses = self._passes = 0

    def start_pass(self) -> None:
        """Begin at page 1."""
        self.is_first_pass = not self._responses
        self._passes += 1
        self.new = 0
        self._pass = _Pass(self._responses + 1)

    def add(self, page: Page, *, is_reread: bool = False) -> list[int]:
        """Count a page, set its ``is_blank``, and return the indices of the candidates that no earlier page had.

        Args:
            page: The page.
            is_reread: Whether it is out of the order of the pass, such as the re-read top of the list.
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
        """Return a key for each row: its ID, with a number if the ID is on the page twice."""
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
        # If page 2 has a smaller limit than page 1, it may begin with the last rows of page 1.
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
        if not page.ids and not total:  # behind the last page, many APIs state 0 or no total
            return
        self._pass.totals.add(total)
        if total is None:
            return
        if self.total is None or total > self.total:
            self._has_risen |= self.total is not None and page.sent >= self._total_received
            self.total, self._total_received = total, page.received
        elif total < self.total:
            self._may_have_fallen = True  # unless the API made this page before the one with the higher total
            if page.sent >= self._total_received:
                self._pass.total_fell = True
                self.total, self._total_received = total, page.received

    # What the counts show

    @property
    def count(self) -> int:
        """The number of different candidates."""
        return len(self.seen) - self.duplicates_on_page

    @property
    def has_moved(self) -> bool:
        """Whether this pass shows that the list changed."""
        return self._pass.rows > self._pass.different or len(self._pass.totals) > 1

    @property
    def stated(self) -> int | None:
        """The API's total, if it is used."""
        is_running_count = self._pass.pages > 1 and not self._was_behind_total  # it counts the rows so far
        return None if not self._uses_total or is_running_count or None in self._pass.totals else self.total

    @property
    def reaches_total(self) -> bool:
        """Whether as many candidates came as the API states."""
        if self.stated is None or len(self.seen) < self.stated or not self.seen:
            return False
        # After a deletion, the deleted candidates may hide as many that did not come: only a whole pass counts.
        return not self._may_have_fallen or (len(self._pass.totals) == 1 and self._pass.different >= self.stated)

    @property
    def reaches_total_in_pass(self) -> bool:
        """Whether this pass alone has as many candidates as the API states."""
        return self.reaches_total and self._pass.different >= (self.stated or 0)

    @property
    def problem(self) -> str | None:
        """Why candidates may be missing, even if the passes agree."""
        if self.stated is None or len(self.seen) >= self.stated:
            return None
        moved = ", and the list moved while it was read" if self.has_moved else ""
        refusal = f"{self._pass.gap.refusal}; " if self._pass.gap and self._pass.gap.refusal else ""
        return f"{refusal}the API states {count_of(self.stated, 'candidate')}, {self.count:,} came{moved}"

    @property
    def disagreement(self) -> str | None:
        """Why this pass disagrees with those before it; None if it has new candidates at its top and its end only."""
        came = f"{count_of(self.count, 'candidate')} came"
        if self.new and not self._pass.known_came:
            return f"no candidate of one pass came in the next one: {came}"
        # A deletion may hide the same candidate from two passes, but hardly from three, unless pages come from a cache:
        # then an older, higher total comes again.
        is_enough = self._passes > 2 and not self._has_risen  # noqa: PLR2004
        may_be_hidden = self._pass.total_fell and self.stated is not None and not is_enough
        is_more_than_a_page = self._passes > 1 and self.new > self._pass.limit  # only this pass has read these
        if self._pass.new_between_known or may_be_hidden or is_more_than_a_page:
            return f"the list kept moving while it was read: {came}"
        if self.stated is not None and self._pass.different < self.stated:
            stated = count_of(self.stated, "candidate")
            return f"the API states {stated}, the last pass brought {self._pass.different:,}"
        if self._pass.gap is not None:
            what = self._pass.gap.refusal or f"page {self._pass.gap.number} is empty"
            return f"{what}, but pages behind it have candidates: {came}"
        if self._pass.rows > self._pass.different:
            twice = f"{self._pass.rows - self._pass.different:,} of {self._pass.rows:,} rows came twice"
            why = "the list kept moving, or its order is not unique (a larger page_size helps)"
            return f"{twice}, so as many others may be missing: {why}"
        return None
