"""One pass over the pages of an Interviewer: which page comes next, and where the pass ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_interviewflow.api.page import Page
from tap_interviewflow.api.redact import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_interviewflow.api.completeness import Completeness

MIN_LIMIT: Final = 10
"""The fewest candidates on page 1 that show the maximum page size of the API."""

_CAPS: Final = {"400", "422", "a reported failure"}
"""Kinds of refusals by which an API limits how far a list can be read, even if it states a total."""


class CandidatesPaginator(BaseAPIPaginator[int]):
    """Requests page 1, 2, 3 … until pages are blank; page metadata does not end a pass.

    A blank page has no candidate that is new in this pass. Two in a row end the pass. One is enough if the pass has as
    many candidates as the API states, or if the page is empty and the page before it is short.

    Attributes:
        last: The last page that is not blank; page 0 before the first one.
        new: The indices of the candidates on the current page that are new in this read.
    """

    def __init__(self, completeness: Completeness, page_size: int) -> None:
        """Start a pass.

        Args:
            completeness: The counts of this read.
            page_size: The number of candidates that page 1 was requested with.
        """
        super().__init__(1)
        completeness.start_pass()
        self.last = Page(0)
        self.new: list[int] = []
        self._blank: list[Page] = []
        self._completeness = completeness
        self._page_size = page_size
        self._has_proven_end = False

    @override
    def get_next(self, response: Page) -> int:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        return self.current_value + 1

    @override
    def has_more(self, response: Page) -> bool:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        """Count a page, and return whether another one is needed."""
        page, completeness = response, self._completeness
        self.new = completeness.add(page)
        if page.is_blank:
            self._blank.append(page)
            is_end = (self.is_last_short and not page.ids) or completeness.reaches_total_in_pass
            return not is_end and len(self._blank) < 2  # noqa: PLR2004
        for blank in self._blank:
            completeness.add_gap(blank)
        if self.last.is_short and self.last.limit == page.limit:
            completeness.short_pages_go_on = True
        self._blank.clear()
        self.last = page
        may_end = completeness.total_is_reliable and completeness.is_first_pass
        return not (may_end and self.is_last_short and completeness.reaches_total_in_pass)

    @property
    def is_last_short(self) -> bool:
        """Whether the last page is short, and no short page of this Interviewer had candidates behind it."""
        return self.last.is_short and not self._completeness.short_pages_go_on

    @property
    def is_one_page(self) -> bool:
        """Whether page 1 is the whole list: one response is one snapshot."""
        stated = self.last.metadata.total if self._completeness.stated is not None else None
        is_last = self.last.number == 1 and self.is_last_short and len(self._blank) < 2  # noqa: PLR2004
        return is_last and len(self.last.ids) >= (stated or 0)

    # The end of the list. In two cases blank pages do not prove it. Then a page that straddles the end is requested:
    #
    # - A full page is before the blank ones, so the API may limit how far a list can be read. A short page proves the
    #   end.
    # - Page 2 repeats page 1, so the API may ignore `page`. A short page proves the end, too. So does a page with more
    #   candidates than requested, if page 1 had fewer: the API returns its whole list, and ignores `limit` as well.

    @property
    def straddling_request(self) -> tuple[int, int] | None:
        """The number and the limit of a page that proves whether the list ends here; None if no proof is needed."""
        return self._straddling_page if self._may_be_capped or self._seems_to_ignore_page else None

    @property
    def _straddling_page(self) -> tuple[int, int] | None:
        """The number and the limit of a page that holds the last candidates, and offsets behind them."""
        rows = len(self.last.ids)
        # If the API filters its pages, the last one may end far behind its last candidate.
        span = rows if self.last.number == 1 else max(rows, self.last.limit)
        end = (self.last.number - 1) * self.last.limit + span
        limits = (limit for limit in range(span - 1, 1, -1) if end % limit > span - rows)
        # About half of the page is behind the end, so it straddles the end even if the list moves by a few rows.
        limit = min(limits, key=lambda limit: abs(2 * (end % limit) - limit), default=None)
        return (end // limit + 1, limit) if limit else None

    def judge_straddling_page(self, page: Page, new: Sequence[int]) -> None:
        """Judge the end by the page that ``straddling_request`` asked for.

        Args:
            page: The page.
            new: The indices of its candidates that are new in this read: they show that the list did not end.
        """
        is_known_end = bool(page.ids) and page.is_short and not new
        is_small = len(self.last.ids) < self._page_size
        is_whole_list = self._seems_to_ignore_page and is_small and len(page.ids) > page.limit
        # The API returned an empty page behind the last one: so it refuses this limit, not the offset.
        is_limit_refused = page.refusal is not None and self._blank[0].refusal is None
        self._has_proven_end = is_known_end or is_whole_list or is_limit_refused

    @property
    def _may_be_capped(self) -> bool:
        if not self._blank or self.is_last_short or self._repeats_page_1:
            return False
        refusal, completeness = self._blank[0].refusal, self._completeness
        if refusal is not None and refusal.kind in _CAPS:
            return True
        is_decided = completeness.reaches_total or completeness.problem or completeness.disagreement
        return not self.last.is_short and not is_decided and self._straddling_page is not None

    @property
    def _repeats_page_1(self) -> bool:
        return self.last.number == 1 and bool(self._blank and self._blank[0].ids)

    @property
    def _seems_to_ignore_page(self) -> bool:
        rows = len(self.last.ids)
        return self._repeats_page_1 and (MIN_LIMIT <= rows < self._page_size or rows == self._page_size)

    @property
    def problem(self) -> str | None:
        """Why candidates may be missing, even if the passes agree."""
        if not self.last.number:
            return "the API has no candidate any more, but had some before" if self._completeness.seen else None
        if self._has_proven_end:
            return None
        if self._may_be_capped:
            behind = self._blank[0].refusal or f"page {self._blank[0].number} is empty"
            return f"{behind}; page {self.last.number} is full, so there may be more; try another page_size"
        if self._seems_to_ignore_page:
            return "page 2 repeats page 1: the API seems to ignore `page`"
        return None

    @property
    def states_more(self) -> str | None:
        """Why page metadata forbids deletes: it states more pages than came."""
        if not self.last.number:
            return None
        pages = self.last.metadata.pages or 0
        if pages > self.last.number:
            return f"the API states {count_of(pages, 'page')}, {self.last.number:,} came"
        flags = [page.metadata.has_more for page in (self.last, *self._blank) if page.metadata.has_more is not None]
        return "the API states that there are more pages" if flags and flags[-1] else None
