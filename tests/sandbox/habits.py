"""All that an API may do in one way or another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from tests.sandbox.envelopes import (
    LIES,
    SPELLINGS,
    Envelope,
    Framework,
    Lie,
    Metadata,
    Within,
    Words,
    enveloped,
    say,
    with_lies,
)
from tests.sandbox.faults import Faults, check_faults, listed
from tests.sandbox.pages import PastEnd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.sandbox.moves import Moves

LimitOver = Literal["clamp", "refuse"]
Single = Literal["list", "data", "candidate"]

MOVING_LATENCY = 0.005


@dataclass(kw_only=True, eq=False)
class Habits:
    """What the API does where others may do something else. All but `seed` and `odd` may be changed while it runs.

    Attributes:
        record: Keep what was asked in `requests` and `headers`; off for long runs.
        cache: Keep each answer, to send it again; off for long runs. What moves is never kept.
        seed: Another number makes up other people, and comes up with other pages.
        odd: Every tenth candidate holds something odd.
        max_limit: The most candidates on a page.
        limit_over: What becomes of a `limit` above `max_limit`.
        thin: The share of the pages, in the middle, too, that come short, as if some were filtered out after paging.
        envelope: Where the list stands; the name of a framework brings the words that it says beside it.
        within: One level down, under this name.
        single: How the look-up of one candidate is answered; "list" is the envelope with one in it.
        metadata: What is said beside the list, in place of what the framework says.
        lies: Which of these words are wrong, and how.
        past_end: What comes for a page behind the last one: another page, a status, `null` for the list, the
            envelope without it, or a failure with HTTP 200.
        ignore_page: Each page is the first one.
        moves: How the list changes while it is read.
        latency: Seconds before each answer. Where the list moves it varies by half, is 5 ms unless told otherwise,
            and the answer is taken at a random moment of it.
        clock: Seconds by which the API's clock is ahead of this machine's; with it each answer has a `Date`.
        rate_limit: Requests a second, 429 above; 0 lets nobody through.
        retry_after: "seconds", "date", none, or a text that is sent as it is.
        faults: What goes wrong, by the ordinal of the request (from 1) or by Interviewer and page (or
            interview ID): a status ("400" or "400:its message"), a name of `FAULTS`, or a list of these, one for
            each visit; the last one stays if it is "always:NAME". Or what chooses one, by the body and the visit.
    """

    record: bool = True
    cache: bool = True
    seed: int = 0
    odd: bool = False
    max_limit: int | None = None
    limit_over: LimitOver = "clamp"
    thin: float = 0.0
    envelope: Envelope | Framework = "data.candidates"
    within: Within | None = None
    single: Single = "data"
    metadata: Metadata | None = None
    lies: Lie | Sequence[Lie] = ()
    past_end: PastEnd = "empty"
    ignore_page: bool = False
    moves: Moves | None = None
    latency: float | None = None
    clock: float | None = None
    rate_limit: float | None = None
    retry_after: str | None = "seconds"
    retry_after_seconds: int = 1
    faults: Faults = field(default_factory=dict)
    drip_seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what does not exist: it would be a test that tests nothing."""
        check_faults(self.faults)
        known = {
            "envelope": (*get_args(Envelope), *get_args(Framework)),
            "within": (None, *get_args(Within)),
            "metadata": (None, *get_args(Metadata)),
            "past_end": get_args(PastEnd),
            "single": get_args(Single),
            "limit_over": get_args(LimitOver),
        }
        for name, choices in known.items():
            if (value := getattr(self, name)) not in choices:
                msg = f"no such {name}: {value}"
                raise ValueError(msg)
        for lie in listed(self.lies):
            if lie not in LIES:
                msg = f"no such lie: {lie}"
                raise ValueError(msg)
        if self.lies and self.metadata is None and self.envelope not in SPELLINGS:
            msg = "lies need words: choose metadata, or the envelope of a framework"
            raise ValueError(msg)

    @property
    def shape(self) -> tuple[object, ...]:
        """All that answers to the same question differ by."""
        lies = tuple(listed(self.lies))
        return self.envelope, self.within, self.single, self.metadata, lies, self.past_end, self.thin

    def enveloped(self, candidates: Sequence[object], words: Words | None = None) -> Any:
        """The answer with these candidates, and with these words as they are said here."""
        said: Mapping[str, object] = {}
        shown: Sequence[object] | None = candidates
        listless = False
        if words is not None:
            said = say(self.envelope, self.metadata, with_lies(words, listed(self.lies)))
            is_past_end = words.page > max(words.pages, 1)
            shown = None if is_past_end and self.past_end == "null" else candidates
            listless = is_past_end and self.past_end == "nolist"
        return enveloped(self.envelope, self.within, shown, said, listless=listless)
