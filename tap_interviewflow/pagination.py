"""Which page comes next, and when to stop."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError
from singer_sdk.pagination import BaseAPIPaginator

from tap_interviewflow.answers import Words

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("tap-interviewflow.pages")


@dataclass(slots=True)
class Page:
    """A page of candidates as it concerns paging.

    Attributes:
        number: Its number, from 1.
        ids: The IDs of its candidates, in the API's order.
        words: What the API says of pages to come.
        records: Its candidates, fitted to the schema.
        surprises: How often a field had a value that the schema has no place for, by name.
        replaced: How many characters that no target can store were replaced.
        is_missing: Whether the API knows no such page (404); there are no candidates on it then.
        lines: The RECORD messages of its candidates, in place of ``records``, where nothing else becomes of them.
    """

    number: int
    ids: Sequence[str]
    words: Words = field(default_factory=Words)
    records: Sequence[Any] = ()
    surprises: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    is_missing: bool = False
    lines: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there are no candidates on it."""
        return not self.ids

    @property
    def is_last(self) -> bool:
        """Whether it is the end whatever the other pages say."""
        words = self.words
        if words.has_more is not None:
            return self.is_empty or not (words.has_more or self.number < (words.pages or 0))
        return self.is_empty or self.number == words.pages

    def expected_pages(self) -> int | None:
        """How many pages the API promises, read off the first one."""
        if self.is_empty or (self.words.pages is None and self.words.total is None):
            return None
        return max(self.words.pages or 1, -(-(self.words.total or 0) // len(self.ids)))


class CandidatesPaginator(BaseAPIPaginator[int]):
    """Counts pages from 1 to the end of one Interviewer's candidates.

    The end is an empty page, a page that repeats the one before it, or the API's own word. A short page is
    not: the API may give fewer candidates than it was asked for. Where its words disagree with each other or
    with what came, the ones that promise more are believed, until a page is empty.
    """

    def __init__(self, interviewer_id: str, page_size: int) -> None:
        """Start at page 1.

        Args:
            interviewer_id: The Interviewer, for log lines.
            page_size: How many candidates are asked for at a time.
        """
        super().__init__(1)
        self.interviewer_id = interviewer_id
        self.seen = 0
        self.total: int | None = None
        self.is_complete = True
        """Whether nothing speaks against all candidates having come; final once ``finished``."""
        self._page_size = page_size
        self._first: frozenset[str] = frozenset()
        self._last: frozenset[str] = frozenset()
        self._largest = 0
        self._is_promised = False

    def is_repeated(self, page: Page) -> bool:
        """Whether a page holds just what the page before it held, or has gone round to the first one."""
        return not page.is_empty and frozenset(page.ids) in {self._last, self._first}

    def is_full(self, page: Page) -> bool:
        """Whether a page is as large as pages of this Interviewer get."""
        return len(page.ids) >= (self._page_size if page.number == 1 else self._largest)

    @override
    def has_more(self, response: Page) -> bool:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        """Take in a page, and tell whether to ask for another.

        Args:
            response: The page that was asked for, decoded: pages are fetched ahead of need, so that no
                response is at hand any more.
        """
        page = response
        self._note_total(page)
        if page.is_empty:
            self._end_on_empty(page)
            return False
        if self.is_repeated(page):
            self._end_on_repeated(page)
            return False
        ids = frozenset(page.ids)
        # Who is added during the read pushes others on to the next page, where they come a second time.
        self.seen += len(ids - self._last)
        self._last = ids
        self._first = self._first or ids
        self._largest = max(self._largest, len(page.ids))
        self._is_promised = True in self._promises(page)
        return self._is_promised or False not in self._promises(page)

    def forget(self) -> None:
        """Let go of the IDs, which are of no use behind the end."""
        self._first = self._last = frozenset()

    @override
    def get_next(self, response: Page) -> int:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        return self.current_value + 1

    def _promises(self, page: Page) -> tuple[bool | None, ...]:
        """Whether more is to come by each of the API's words; a word that is plainly wrong says nothing."""
        words = page.words
        return (
            words.has_more,
            None if words.pages is None or page.number > words.pages else page.number < words.pages,
            None if words.total is None or self.seen > words.total else self.seen < words.total,
        )

    def _note_total(self, page: Page) -> None:
        total = page.words.total
        if total is None:
            return
        if self.total is not None and self.seen <= total < self.total and self.is_complete:
            self.is_complete = False
            logger.warning(
                "Interviewer %s: the API stated %d candidates and, on page %d, %d: some are gone since, and others may "
                "have moved to a page already read; the next run will have them",
                *(self.interviewer_id, self.total, page.number, total),
            )
        self.total = total

    def _is_after_short(self, page: Page) -> bool:
        """Whether the page before was not full, as the last one is wont to be."""
        return len(self._last) < (self._page_size if page.number == 2 else self._largest)  # noqa: PLR2004

    def _end_on_missing(self, page: Page) -> None:
        is_after_short = self._is_after_short(page)
        if page.number == 1 or not is_after_short:
            came = f"after {self.seen} candidates, the last of them on a full page, which need not be the end"
            remedy = "check the IDs in interviewer_ids" if page.number == 1 else f"{came}; try another page_size"
            message = f"Interviewer {self.interviewer_id}, page {page.number}: 404 Not Found; {remedy}"
            raise FatalAPIError(message)
        self.is_complete &= page.number > 2 and not self._is_promised  # noqa: PLR2004
        logger.warning(
            "Interviewer %s: the API knows no page %d (404), which is taken for the end; %d candidates came",
            *(self.interviewer_id, page.number, self.seen),
        )

    def _end_on_empty(self, page: Page) -> None:
        if page.is_missing:
            self._end_on_missing(page)
            return
        if self.total is not None and self.seen < self.total:
            self.is_complete = False
            logger.warning(
                "Interviewer %s: the API states %d candidates, %d came; page %d is empty",
                *(self.interviewer_id, self.total, self.seen, page.number),
            )
        elif page.words.has_more:
            self.is_complete = False
            logger.warning(
                "Interviewer %s: page %d is empty although the API says there is more; %d candidates came",
                *(self.interviewer_id, page.number, self.seen),
            )

    def _end_on_repeated(self, page: Page) -> None:
        is_known_end = self.total is not None and self.seen >= self.total
        is_short = self._is_after_short(page)
        may_miss = not (is_known_end or is_short)
        self.is_complete &= is_known_end or (is_short and page.number > 2 and not self._is_promised)  # noqa: PLR2004
        logger.log(
            logging.ERROR if may_miss else logging.WARNING,
            "Interviewer %s: page %d repeats an earlier page and is taken for the end; %d candidates came%s%s",
            *(self.interviewer_id, page.number, self.seen),
            "" if self.total is None else f", the API states {self.total}",
            ". Candidates may be missing: the API seems to ignore `page`" if may_miss else "",
        )
