"""What is new: comparing the times of candidates with a bookmark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow.schema import INTERVIEWER
from tap_interviewflow.values import is_time

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_moment(text: str) -> datetime:
    """Parse a time or a date; without an offset it is taken for UTC.

    Raises:
        ValueError: If it is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Bookmark:
    """How far one Interviewer was read, by the replication key."""

    def __init__(self, start: datetime | None, now: datetime) -> None:
        """Begin a read.

        Args:
            start: What is older than this is left out.
            now: When the run began: no bookmark goes beyond, or what changes until then would be lost.
        """
        self._start = start
        self._now = now
        self._newest = start
        self._text: str | None = None

    def takes(self, value: object) -> bool:
        """Whether a candidate is at or after the start by its value, or has no value that tells."""
        if not isinstance(value, str) or not is_time(value):
            return True
        moment = to_moment(value)
        if self._start is not None and moment < self._start:
            return False
        if self._newest is None or moment > self._newest:
            self._newest, self._text = moment, value
        return True

    def value(self) -> str | None:
        """Give the newest time seen, as the API wrote it; None if nothing is newer than the start."""
        if self._newest is not None and self._text is not None and self._newest > self._now:
            return self._now.isoformat()
        return self._text


def check_state(state: Mapping[str, Any]) -> None:
    """Make sure that a state is one of ours before anything of it is used.

    Raises:
        ConfigurationError: If it has another shape than the tap writes, or a bookmark that is no time.
    """
    try:
        bookmarks = state["bookmarks"] if state else {}
        for stream in bookmarks.values():
            for partition in list.copy(stream.get("partitions", [])):
                _ = partition["context"][INTERVIEWER]
                if (value := partition.get("replication_key_value")) is not None:
                    to_moment(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        message = (
            "the state has a shape that this tap does not write, and is not used; give the state of an earlier run, "
            "or none to start afresh"
        )
        raise ConfigurationError(message) from None
