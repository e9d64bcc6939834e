"""What is new: comparing the times of candidates with a bookmark."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.records.schema import INTERVIEWER
from tap_interviewflow.records.times import is_time, to_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

MAX_DELAY: Final = timedelta(minutes=10)
"""How late a candidate may become visible: a slow commit, a search index or a copy of the database lags behind."""

FILTER: Final = "filter"
"""Where a partition of the state says for which filter its bookmark holds: a fingerprint, never the values."""


class Bookmark:
    """How far one Interviewer was read, by the replication key.

    Attributes:
        start: What is older than this is left out.
    """

    def __init__(self, key: str, start: datetime | None) -> None:
        """Begin a read.

        Args:
            key: The replication key.
            start: The bookmark of the run before, or the start date.
        """
        self._key = key
        self.start = start
        self._newest = start
        self._text: str | None = None

    def select(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the records at or after the start, and those without a time in the replication key."""
        return [record for record in records if self._is_new(record.get(self._key))]

    def _is_new(self, value: object) -> bool:
        if not isinstance(value, str) or not is_time(value):
            return True
        moment = to_moment(value)
        if self.start is not None and moment < self.start:
            return False
        if self._newest is None or moment > self._newest:
            self._newest, self._text = moment, value
        return True

    def value(self, requested_at: datetime) -> str | None:
        """Return the newest time seen, as the API wrote it; None if nothing moves the bookmark.

        Args:
            requested_at: When page 1 was requested. The bookmark stays ten minutes behind it: what the API shows later
                with an earlier time comes with the next run.
        """
        if self._newest is None or self._text is None:
            return None
        latest = requested_at - MAX_DELAY
        if self._newest <= latest:
            return self._text
        return latest.isoformat() if self.start is None or latest > self.start else None


def fingerprint(config: Mapping[str, Any]) -> str | None:
    """Return what tells one filter from another without its values; None where nothing is filtered.

    Args:
        config: The settings, of which ``additional_fields``, ``start_date`` and ``__filter__`` leave candidates out.
    """
    maps = {name: each for name, each in (config.get("stream_maps") or {}).items() if isinstance(each, dict)}
    expressions = {name: each["__filter__"] for name, each in maps.items() if "__filter__" in each}
    filters = {
        "additional_fields": config.get("additional_fields"),
        "start_date": config.get("start_date"),
        "stream_maps": expressions,
        "stream_map_config": config.get("stream_map_config") if expressions else None,
    }
    if not any(filters.values()):
        return None
    # A number is another filter than its text, also one with a fraction, which is a Decimal here.
    text = json.dumps(filters, sort_keys=True, default=lambda number: {"number": str(number)})
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
        for bookmark in (stream, *partitions):
            if (value := bookmark.get("replication_key_value")) is not None:
                to_moment(value)
        if len({partition["context"][INTERVIEWER] for partition in partitions}) < len(partitions):
            return False  # nobody knows which of two bookmarks counts
    return True
