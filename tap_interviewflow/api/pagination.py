"""Which page comes next, and where the end is: proven, not believed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_interviewflow.api.metadata import PageMetadata

if TYPE_CHECKING:
    from singer_sdk.exceptions import FatalAPIError

    from tap_interviewflow.api.completeness import Completeness
    from tap_interviewflow.api.page import Habits, Page, PageSource

logger = logging.getLogger("tap-interviewflow.pages")

MAX_STALE_PAGES: Final = 3
"""After so many pages in a row without a new candidate the API goes round in circles."""

MAX_IMPORTED_PAGES: Final = 100
"""So many pages more may come again where the total has grown by as much: candidates were imported meanwhile."""

MAX_REPEATED_PAGES: Final = 2
"""The same for pages that hold just what an earlier page held."""

MAX_GAPS: Final = 10
"""So many empty pages of one Interviewer may be followed by candidates."""

WORDS: Final = {"has_more": "hasMore", "pages": "totalPages", "total": "total"}
"""The kinds of the API's words on the end, and what they are called in a log line."""


class CandidatesPaginator(BaseAPIPaginator[int]):
    """Counts pages from 1 to the proven end of one Interviewer's candidates.

    What the API says of the end is believed only once it has proved true. An empty page is the end if nothing
    contradicts it. What is not a page is the end only where it is shown to stand behind the last one. And no order of
    pages that come again keeps a run going.

    Attributes:
        doubts: Why candidates may be missing; empty where nothing speaks against all having come.
        found: Pages that came when an empty or refused one was asked for again; to be written.
        last: The number of the last page with a candidate.
    """

    def __init__(
        self, interviewer_id: str, page_size: int, habits: Habits, source: PageSource, seen: Completeness
    ) -> None:
        """Start at page 1.

        Args:
            interviewer_id: The Interviewer, for log lines.
            page_size: How many candidates are asked for at a time.
            habits: What the run has learned of the API.
            source: Where to look in doubt.
            seen: Which candidates came.
        """
        super().__init__(1)
        self.interviewer_id = interviewer_id
        self.doubts: list[str] = []
        self.found: list[Page] = []
        self.last = 0
        self._page_size = page_size
        self._habits = habits
        self._source = source
        self._seen = seen
        self._hashes: set[int] = set()
        self._repeated: list[Page] = []
        self._size = 0
        self._claimed: set[str] = set()
        self._promised: set[str] = set()
        self._words = PageMetadata()
        self._stale = 0
        self._gaps = 0
        self._first_total: int | None = None

    def is_repeated(self, page: Page) -> bool:
        """Whether a page holds just what an earlier page held."""
        return hash(page.different) in self._hashes

    @override
    def get_next(self, response: Page) -> int:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        return self.current_value + 1

    @override
    def has_more(self, response: Page) -> bool:  # type: ignore[override]  # ty: ignore[incompatible-method-override]
        """Take in a page, and tell whether to ask for another.

        Args:
            response: The page that was asked for, decoded: pages are fetched ahead of need, so that no response is
                at hand any more.

        Raises:
            FatalAPIError: If the API refuses a page that is not behind the last one.
        """
        page = response
        if page.refusal is not None:
            return self._after_refusal(page, page.refusal)
        return self._after_candidates(page) if page.has_candidates else self._after_empty(page)

    # A page with candidates

    def _after_candidates(self, page: Page) -> bool:
        is_repeated = self.is_repeated(page)
        self._first_total = self._first_total or page.metadata.total
        self._hashes.add(hash(page.different))
        # A page that comes again shows that the list moved only if new candidates come behind it.
        has_news = not is_repeated and self._seen.note(page) > 0
        self.last = page.number
        if is_repeated:
            self._repeated.append(page)
        if has_news:
            self._seen.note_repeated(self._repeated)
            self._repeated.clear()
            self._stale = 0
            self._learn(page)
            self._size = len(page.ids)
        else:
            self._stale += 1
            most = MAX_REPEATED_PAGES if is_repeated else MAX_STALE_PAGES
            if self._stale >= most + self._imported(page):
                self._end_on_repetition(page)
                return False
        self._words = page.metadata
        self._claimed = self._claims(page) - self._habits.contradicted
        self._promised = self._promises(page.metadata, page.number) - self._habits.contradicted
        is_short = len(page.ids) < self._habits.largest_page
        return not (is_short and not self._promised and self._habits.believed(self._claimed))

    def _imported(self, page: Page) -> int:
        """Give how many pages of newcomers came at the top meanwhile, by the total: the rest is behind them."""
        growth = (page.metadata.total or 0) - (self._first_total or page.metadata.total or 0)
        return min(MAX_IMPORTED_PAGES, -(-growth // max(1, len(page.ids)))) if growth > 0 else 0

    def _learn(self, page: Page) -> None:
        """Compare the words of the page before with what came."""
        habits = self._habits
        # A list may have grown meanwhile: then the total has, too.
        total = page.metadata.total
        has_grown = total is not None and self._seen.count <= total
        wrong = self._claimed - {"total"} if has_grown else set(self._claimed)
        if self._seen.exceeds_total:
            wrong.add("total")
        for word in sorted(wrong - habits.contradicted):
            habits.contradicted.add(word)
            logger.warning(
                "Interviewer %s, page %d: the API's `%s` said that there is no more, but there is; it is not trusted "
                "any more in this run",
                *(self.interviewer_id, page.number, WORDS[word]),
            )
        habits.told_more |= self._promised
        if self._size:
            habits.clamps |= self._size < self._page_size
            habits.is_thin |= self._size < habits.largest_page
        habits.largest_page = max(habits.largest_page, len(page.ids))

    def _claims(self, page: Page) -> set[str]:
        """Give the words by which this page is the last one."""
        words = page.metadata
        says = {
            "has_more": words.has_more is False,
            "pages": words.pages is not None and page.number >= words.pages,
            "total": words.total is not None and self._seen.count >= words.total,
        }
        return {word for word, says_end in says.items() if says_end}

    def _promises(self, words: PageMetadata, number: int) -> set[str]:
        """Give the words by which there is more behind a page."""
        says = {
            "has_more": words.has_more is True,
            "pages": words.pages is not None and number < words.pages,
            "total": words.total is not None and self._seen.count < words.total,
        }
        return {word for word, says_more in says.items() if says_more}

    # An empty page

    def _after_empty(self, page: Page) -> bool:
        number = page.number
        has_doubt = self._unkept(page) or "has_more" in self._promised
        if has_doubt or self._source.holds_later(number):
            again, after = self._source.again([number, number + 1])
            if again.has_candidates:
                return self._take_found(again)
            if after.has_candidates or self._source.holds_later(number):
                return self._skip(number)
            if promised := self._unkept(again):
                self._doubt_promises(promised, f"page {number} is empty")
        elif self._is_unsure() and self._source.ahead(number + 1).has_candidates:
            (again,) = self._source.again([number])
            return self._take_found(again) if again.has_candidates else self._skip(number)
        self._bear_out()
        return False

    def _is_unsure(self) -> bool:
        """Whether the page before does not look like a last one, and no proven word says that it is."""
        full = self._page_size if not self._habits.clamps else self._habits.largest_page
        looks_last = self._size < full and not self._habits.is_thin
        return not looks_last and not self._habits.believed(self._claimed)

    def _unkept(self, page: Page) -> set[str]:
        """Give the words that promise more than came, those of the empty page itself included."""
        said, now = self._words, page.metadata
        latest = PageMetadata(
            said.has_more if now.has_more is None else now.has_more,
            now.pages or said.pages,
            now.total or said.total,
        )
        promised = self._promises(latest, page.number - 1) - self._habits.contradicted
        # A total that moves is for the looks at the end to explain.
        return promised - {"total"} if self._seen.has_moved else promised

    def _take_found(self, page: Page) -> bool:
        """Go on with a page that was empty, or refused, a moment ago."""
        self.found.append(page)
        return self._after_candidates(page)

    def _skip(self, number: int) -> bool:
        """Go on behind an empty page."""
        self._gaps += 1
        if self._gaps <= MAX_GAPS:
            return True
        self._doubt(f"more than {MAX_GAPS} empty pages were followed by candidates, up to page {number}")
        return False

    def _bear_out(self) -> None:
        if self.last:
            self._habits.proven |= self._claimed

    def _doubt_promises(self, promised: set[str], where: str) -> None:
        total = max(self._words.total or 0, self._seen.total or 0)
        if "total" in promised:
            self._habits.overstated = True
            self._doubt(f"the API states {total:,} candidates, {self._seen.count:,} came; {where}")
        else:
            words = " and ".join(f"`{WORDS[word]}`" for word in sorted(promised))
            self._doubt(f"{where} although the API's {words} says that there is more; {self._seen.count:,} came")

    def _doubt(self, reason: str) -> None:
        self.doubts.append(reason)
        logger.warning("Interviewer %s: %s", self.interviewer_id, reason)

    # What is not a page

    def _after_refusal(self, page: Page, refusal: FatalAPIError) -> bool:
        number = page.number
        if number == 1:
            raise refusal
        promised = self._unkept(page)
        is_known = page.kind in self._habits.ends and not promised and not self._source.holds_later(number)
        if is_known and not (self._is_unsure() and self._source.ahead(number + 1).has_candidates):
            self._bear_out()
            return False
        before, again, after = self._source.again([number - 1, number, number + 1])
        if before.refusal is not None:
            raise refusal
        if places := self._seen.note_again(before):
            self.found.append(before.only(places))
        if again.has_candidates:
            return self._take_found(again)
        if after.has_candidates or self._source.holds_later(number):
            raise refusal
        if again.refusal is not None:
            self._habits.ends.add(again.kind)
        logger.info(
            "Interviewer %s, page %d: %s; the page before it answers and the page after it does not either, so this is "
            "what the API answers after the last page",
            *(self.interviewer_id, number, page.kind),
        )
        if promised:
            self._doubt_promises(promised, f"there is no page {number} ({page.kind})")
        self._bear_out()
        return False

    # Pages that come again

    def _end_on_repetition(self, page: Page) -> None:
        """End where pages bring nothing new; louder where candidates may be missing."""
        total = self._words.total if "total" not in self._habits.contradicted else None
        # A total that is no more than a full page may be that of the page.
        has_all = total is not None and self._seen.count >= total and self._size < max(total, self._full_page())
        # The page that comes again was not full, as the last one is wont to be, and it is not the only one.
        first = page.number - self._stale + 1
        looks_last = self._size < self._full_page() and first > 2 and not self._promised  # noqa: PLR2004
        text = (
            f"page {first} repeats an earlier page, and so do those after it, which is taken as the end; "
            f"{self._seen.count:,} candidates came{f', the API states {total:,}' if total is not None else ''}"
        )
        if has_all or looks_last:
            logger.warning("Interviewer %s: %s", self.interviewer_id, text)
            return
        self.doubts.append(text)
        logger.error(
            "Interviewer %s: %s. Candidates may be missing: the API seems to ignore `page`",
            *(self.interviewer_id, text),
        )

    def _full_page(self) -> int:
        return self._habits.largest_page if self._habits.clamps or self._stale < self.last - 1 else self._page_size
