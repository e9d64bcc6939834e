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
    """A page of candidates, or what the API returned in its place."""

    number: int  # from 1
    limit: int = 0  # how many candidates were requested
    ids: Sequence[str] = ()  # of its candidates, in the API's order
    metadata: PageMetadata = field(default_factory=PageMetadata)
    sent: float = 0.0  # when it was requested, by the monotonic clock
    received: float = 0.0  # when it had come
    requested_at: datetime | None = None  # in UTC: by the clock of the tap or of the API, whichever is earlier
    size: int = 0  # of the response's body, in bytes
    candidates: Sequence[dict[str, Any]] = ()  # as the API sent them, where they are not conformed yet
    records: Sequence[dict[str, Any]] = ()  # the candidates, conformed to the schema
    counts: Counts = field(default_factory=Counts)  # of what did not fit
    lines: bytes | None = None  # the RECORD messages, if they are encoded already
    has_others: bool = False  # whether a candidate names another one of the Interviewers that are read
    refusal: InterviewerError | None = None  # why there is no page; an empty page has none
    is_blank: bool = False  # whether it brought no candidate that is new in its pass

    @property
    def is_short(self) -> bool:
        """Whether it holds fewer candidates than were requested."""
        return len(self.ids) < self.limit
