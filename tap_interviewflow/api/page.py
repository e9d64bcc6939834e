"""A page of candidates, where more of them come from, and what a run learns from them of the API."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from tap_interviewflow.api.metadata import PageMetadata
from tap_interviewflow.records.rescue import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.exceptions import FatalAPIError


@dataclass(slots=True)
class Page:
    """A page of candidates, or what came in its place.

    Attributes:
        number: Its number, from 1.
        ids: The IDs of its candidates, in the API's order.
        metadata: What the API says of pages to come.
        sent: When it was asked for, by the monotonic clock.
        received: When it had come.
        records: Its candidates, conformed to the schema.
        tally: What did not fit.
        lines: The RECORD messages of its candidates, where they were encoded already.
        refusal: What the API said in the place of a page.
        kind: The kind of the refusal, such as "404".
        different: The different IDs on it.
    """

    number: int
    ids: Sequence[str] = ()
    metadata: PageMetadata = field(default_factory=PageMetadata)
    sent: float = 0.0
    received: float = 0.0
    records: Sequence[dict[str, Any]] = ()
    tally: Tally = field(default_factory=Tally)
    lines: bytes | None = None
    refusal: FatalAPIError | None = None
    kind: str = ""
    different: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Tell the different IDs."""
        self.different = frozenset(self.ids)

    @property
    def has_candidates(self) -> bool:
        """Whether there is a candidate on it."""
        return bool(self.ids)

    def only(self, places: Sequence[int]) -> Page:
        """Give the same page with some of its candidates."""
        return replace(
            self,
            ids=[self.ids[place] for place in places],
            records=[self.records[place] for place in places],
            tally=self.tally.only(set(places)),
            lines=None,
        )


class PageSource(Protocol):
    """Where a paginator looks when it is in doubt."""

    def again(self, numbers: Iterable[int]) -> list[Page]:
        """Ask for these pages, whether or not they were asked for before."""

    def ahead(self, number: int) -> Page:
        """Give a page from those that were asked for ahead, or ask for it."""

    def holds_later(self, number: int) -> bool:
        """Whether a later page has come already, and holds candidates."""


@dataclass(slots=True)
class Habits:
    """What a run has learned of the API, from all Interviewers.

    Attributes:
        believes: Whether any word may be believed: not where a target is to delete what does not come.
        proven: The words that were borne out: they said "the end", the next page was asked for, and was the end.
        contradicted: The words that said "the end" where more candidates came.
        told_more: The words that said "there is more" where more came: they tell one page from another.
        overstated: Whether the total has promised more than there is.
        ends: The kinds of refusals that were shown to be what stands behind the last page.
        largest_page: The most candidates on a page.
        clamps: Whether pages smaller than asked for were followed by candidates.
        is_thin: Whether pages smaller than the largest were followed by candidates.
    """

    believes: bool = True
    proven: set[str] = field(default_factory=set)
    contradicted: set[str] = field(default_factory=set)
    told_more: set[str] = field(default_factory=set)
    overstated: bool = False
    ends: set[str] = field(default_factory=set)
    largest_page: int = 0
    clamps: bool = False
    is_thin: bool = False

    def believed(self, words: Iterable[str]) -> set[str]:
        """Give those of the words that may end a reading without a look at the next page."""
        if not self.believes:
            return set()
        believed = (self.proven & set(words)) - self.contradicted
        # Where short pages come in the middle, too, a short page shows nothing: a word must have told them apart.
        return believed & self.told_more if self.is_thin else believed
