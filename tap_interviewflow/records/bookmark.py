"""What is new: comparing the times of candidates with a bookmark."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.records.schema import INTERVIEWER
from tap_interviewflow.records.times import is_time, to_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

FILTER: Final = "filter"
"""Where a partition of the state says for which filter its bookmark holds: a fingerprint, never the values."""


class Bookmark:
    """How far one Interviewer was read, by the replication key."""

    def __init__(self, key: str, start: datetime | None) -> None:
        """Begin a read.

        Args:
            key: The replication key.
            start: What is older than this is left out.
        """
        self._key = key
        self._start = start
        self._newest = start
        self._text: str | None = None

    def select(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give those that are at or after the start, or have no value that tells."""
        return [record for record in records if self._takes(record.get(self._key))]

    def _takes(self, value: object) -> bool:
        if not isinstance(value, str) or not is_time(value):
            return True
        moment = to_moment(value)
        if self._start is not None and moment < self._start:
            return False
        if self._newest is None or moment > self._newest:
            self._newest, self._text = moment, value
        return True

    def value(self, limit: datetime) -> str | None:
        """Give the newest time seen, as the API wrote it; None if nothing is newer than the start.

        Args:
            limit: When the read began. No bookmark goes beyond, or what changes until then would be lost.
        """
        if self._newest is not None and self._text is not None and self._newest > limit:
            return limit.isoformat()
        return self._text


def fingerprint(additional_fields: Mapping[str, Any] | None) -> str | None:
    """Tell one filter from another without keeping its values; None where there is no filter."""
    if not additional_fields:
        return None
    # A number is another filter than its text, also one with a fraction, which is a Decimal here.
    text = json.dumps(additional_fields, sort_keys=True, default=lambda number: {"number": str(number)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_state(state: Mapping[str, Any]) -> None:
    """Make sure that a state is one of ours before anything of it is used.

    Raises:
        ValueError: If it has another shape than the tap writes, or a bookmark that is not a time.
    """
    try:
        is_ours = _is_ours(state)
    except (AttributeError, KeyError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        message = (
            "the state has a shape that this tap does not write, and is not used; give the state of an earlier run, "
            "or none to start afresh"
        )
        raise ValueError(message)


def _is_ours(state: Mapping[str, Any]) -> bool:
    bookmarks = state["bookmarks"] if state else {}
    for stream in bookmarks.values():
        partitions = list.copy(stream.get("partitions", []))
        if not all(isinstance(each.get("progress_markers", {}), dict) for each in (stream, *partitions)):
            return False
        for partition in partitions:
            if (value := partition.get("replication_key_value")) is not None:
                to_moment(value)
        if len({partition["context"][INTERVIEWER] for partition in partitions}) < len(partitions):
            return False  # nobody knows which of two bookmarks counts
    return True
