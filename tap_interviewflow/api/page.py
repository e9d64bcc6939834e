"""A page of candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.metadata import PageMetadata
from tap_interviewflow.records.conform import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class InterviewerError(FatalAPIError):
    """An Interviewer can't be read, but others may.

    Attributes:
        kind: What came in place of candidates, where that may be for a page behind the last one, such as "404".
    """

    def __init__(self, message: str, kind: str = "") -> None:
        """Initialize the error."""
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Page:
    """A page of candidates, or what the API returned in its place.

    Attributes:
        number: Its number, from 1.
        limit: How many candidates were requested.
        ids: The IDs of its candidates, in the API's order.
        metadata: What the API states beside the list.
        sent: When it was requested, by the monotonic clock.
        received: When it had come.
        requested_at: The time of the request, in UTC: by the clock of the tap or of the API, whichever is earlier.
        size: The bytes of the response's body.
        candidates: Its candidates as the API sent them, where they are not conformed yet.
        records: Its candidates, conformed to the schema.
        counts: What did not fit, counted.
        lines: The RECORD messages of its candidates, if they are encoded already.
        has_others: Whether a candidate names another one of the Interviewers that are read.
        refusal: Why there is no page; an empty page has none.
        is_blank: Whether it brought no candidate that is new in its pass.
    """

    number: int
    limit: int = 0
    ids: Sequence[str] = ()
    metadata: PageMetadata = field(default_factory=PageMetadata)
    sent: float = 0.0
    received: float = 0.0
    requested_at: datetime | None = None
    size: int = 0
    candidates: Sequence[dict[str, Any]] = ()
    records: Sequence[dict[str, Any]] = ()
    counts: Counts = field(default_factory=Counts)
    lines: bytes | None = None
    has_others: bool = False
    refusal: InterviewerError | None = None
    is_blank: bool = False

    @property
    def is_short(self) -> bool:
        """Whether it holds fewer candidates than were requested."""
        return len(self.ids) < self.limit
