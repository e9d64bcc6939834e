"""Whether every candidate of an Interviewer came, although its list may change while it is read.

A list is complete if as many candidates came as the API states, or if a second pass agrees with the first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_interviewflow.api.page import Page


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the read of one Interviewer ended.

    Attributes:
        read: How many different candidates came.
        stated: How many the API stated, if its total is used.
        incomplete_reason: Why candidates may be missing; None if the read is complete.
        delete_blocker: Why no target may delete the candidates that did not come; None if it may.
        is_error: Whether the Interviewer could not be read, or not to its end: the reason is an error.
        requested_at: When page 1 was requested, in UTC.
    """

    read: int
    stated: int | None = None
    incomplete_reason: str | None = None
    delete_blocker: str | None = None
    is_error: bool = False
    requested_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every candidate came."""
        return self.incomplete_reason is None


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
        self._total_received = 0.0
        self._has_risen = self._may_have_fallen = self._was_ahead = False
        self._responses = 0
        self._shorter_from = 1  # the response by which the list last got shorter,
        self._since_shorter = 0  # and how many different candidates came from it on

    def start_pass(self) -> None:
        """Begin at page 1."""
        self.is_first_pass = not self._responses
        self.new = 0
        self._pass_from = self._responses + 1
        self._pages = 0  # that are not blank in this pass,
        self._rows = 0  # received in it,
        self._limit = 0  # the latest with this limit
        self._different = 0  # candidates in them, and in the top of the list if it was read again
        self._totals: set[int | None] = set()  # stated on pages with candidates
        self._states_more = self._fell_in_pass = False
        self._gap: Page | None = None  # an empty page that had candidates behind it
        self._known_came = self._new_behind_known = self._new_between_known = False

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
        before = self._different
        for index, key in enumerate(self._keys(page.ids)):
            last = self.seen.get(key, 0)
            self.seen[key] = self._responses
            self._since_shorter += last < self._shorter_from
            if last >= self._pass_from:
                continue
            self._different += 1
            if not last:
                new.append(index)
            if not is_reread and last:
                self._new_between_known |= self._new_behind_known
                self._known_came = True
            elif not is_reread:
                self._new_behind_known = self._known_came
        self.new += len(new)
        page.is_blank = self._different == before
        if not page.is_blank and not is_reread:
            self._add_rows(page, self._different - before)
        return new

    def add_gap(self, page: Page) -> None:
        """Count a blank page that has candidates behind it."""
        self._rows += len(page.ids) if page.limit == self._limit else 0
        if not page.ids:
            self._gap = page

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
        if self._states_more and self.total_is_reliable is None:
            self.total_is_reliable = True
        # Page 2 may have another limit than page 1: then it may begin with the last rows of page 1.
        self._rows += len(page.ids) if page.limit == self._limit else different
        self._limit = page.limit
        total = page.metadata.total
        if total is not None and total < self._rows:
            self._uses_total = self.total_is_reliable = False
        self._states_more = total is not None and total > self._rows
        self._was_ahead |= self._states_more
        self._pages += 1

    def _add_total(self, page: Page) -> None:
        total = page.metadata.total
        if page.ids:
            self._totals.add(total)
        if total is None or (not page.ids and total <= (self.total or 0)):  # many an API states 0 behind the last page
            return
        if self.total is None or total > self.total:
            self._has_risen |= self.total is not None
            self.total, self._total_received = total, page.received
        elif total < self.total:
            self._may_have_fallen = True  # or this page was answered before the one with the higher total
            if page.sent >= self._total_received:
                self._fell_in_pass = True
                self.total, self._total_received = total, page.received
                self._shorter_from, self._since_shorter = self._responses, 0

    # What the counts show

    @property
    def count(self) -> int:
        """How many different candidates came."""
        return len(self.seen) - self.duplicates_on_page

    @property
    def has_moved(self) -> bool:
        """Whether this pass shows that the list changed."""
        return self._rows > self._different or len(self._totals) > 1

    @property
    def stated(self) -> int | None:
        """How many candidates there are by the API's total, if it is used."""
        counts_so_far = self._pages > 1 and not self._was_ahead
        return None if not self._uses_total or counts_so_far or None in self._totals else self.total

    @property
    def reaches_total(self) -> bool:
        """Whether as many candidates came as the API states."""
        if self.stated is None or self._since_shorter < self.stated or not self.seen:
            return False
        if self._has_risen and self._may_have_fallen:  # then changes may have cancelled each other
            return len(self._totals) == 1 and self._different >= self.stated
        return True

    @property
    def reaches_total_in_pass(self) -> bool:
        """Whether they did so in this pass alone."""
        return self.reaches_total and self._different >= (self.stated or 0)

    @property
    def problem(self) -> str | None:
        """Why candidates may be missing, whatever other passes bring."""
        if self.stated is None or len(self.seen) >= self.stated:
            return None
        moved = ", and the list moved while it was read" if self.has_moved else ""
        return f"the API states {self.stated:,} candidates, {self.count:,} came{moved}"

    @property
    def disagreement(self) -> str | None:
        """Why this pass does not agree with those before it: then it has nothing new but at its top and its end."""
        if self.new and not self._known_came:
            return f"no candidate of one pass came in the next one: {self.count:,} candidates came"
        # A deletion may hide the same candidate from each pass.
        if self._new_between_known or (self.stated is not None and self._fell_in_pass):
            return f"the list kept moving while it was read: {self.count:,} candidates came"
        if self._gap is not None:
            what = self._gap.refusal or f"page {self._gap.number} is empty"
            return f"{what}, but pages behind it have candidates: {self.count:,} came"
        if self._rows > self._different:
            return (f"{self._rows - self._different:,} of {self._rows:,} rows came twice, so as many others may be "
                    "missing: the list kept moving, or its order is not unique (a larger page_size helps)")  # fmt: skip
        return None
