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
        kind: The kind of the failure, such as "404" or "no list"; empty if it has none.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        """Initialize the error."""
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Page:
    """A page of candidates, or the reason why there is none."""

    number: int  # from 1
    limit: int = 0  # the number of candidates that were requested
    ids: Sequence[str] = ()  # of the candidates, in the API's order
    metadata: PageMetadata = field(default_factory=PageMetadata)
    sent: float = 0.0  # the monotonic time of the request
    received: float = 0.0  # the monotonic time when all of the response was there
    requested_at: datetime | None = None  # in UTC, by the earlier one of the tap's clock and the API's
    size: int = 0  # of the response's body, in bytes
    candidates: Sequence[dict[str, Any]] = ()  # as the API sent them; empty once they are records
    records: Sequence[dict[str, Any]] = ()  # the candidates, conformed to the schema; empty once they are lines
    counts: Counts = field(default_factory=Counts)  # of what did not fit
    lines: bytes | None = None  # the encoded records, if they are written without a change
    has_others: bool = False  # whether a candidate names another one of the Interviewers that are read
    refusal: InterviewerError | None = None  # why there is no page; None for an empty page
    is_blank: bool = False  # whether no candidate on it is new in its pass

    @property
    def is_short(self) -> bool:
        """Whether it holds fewer candidates than were requested."""
        return len(self.ids) < self.limit
