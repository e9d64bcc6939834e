"""Bookmarks of incremental replication."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow.records.schema import INTERVIEWER
from tap_interviewflow.records.times import is_time, to_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

MAX_DELAY: Final = timedelta(minutes=10)
"""How late a candidate may become visible: a slow commit, a search index or a copy of the database lags behind."""

FILTER: Final = "filter"
"""The key of the fingerprint of the filters in a partition of the state."""

_CONTEXT: Final = {"type": "object", "properties": {INTERVIEWER: {"type": "string"}}, "required": [INTERVIEWER]}
_BOOKMARK: Final = {
    "type": "object",
    "properties": {
        "context": _CONTEXT,
        "replication_key": {"type": "string"},
        "replication_key_value": {"type": ["string", "null"]},
        "progress_markers": {"type": "object"},
        "partitions": {"type": "array", "items": {"$ref": "#", "required": ["context"]}},
    },
}


class Bookmark:
    """How far one Interviewer was read, by the replication key.

    Attributes:
        start: Older candidates are left out.
    """

    def __init__(self, key: str, start: datetime | None) -> None:
        """Start at the bookmark of the run before, or at the start date."""
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


def filter_expressions(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the expressions by which stream maps leave candidates out, by the name of the stream."""
    maps = (config.get("stream_maps") or {}).items()
    return {name: each["__filter__"] for name, each in maps if isinstance(each, dict) and "__filter__" in each}


def fingerprint(config: Mapping[str, Any]) -> str | None:
    """Return a hash of the settings that filter candidates; None where nothing is filtered."""
    expressions = filter_expressions(config)
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
    """Check the shape of a state, and that its bookmarks are times.

    Raises:
        ConfigurationError: If the state is not one that the tap writes.
    """
    try:
        for bookmarks in state["bookmarks"].values() if state else ():
            _check_bookmarks(bookmarks)
    except (AttributeError, KeyError, RecursionError, TypeError, ValidationError, ValueError):
        message = (
            "the state has a shape that this tap does not write, and is not used; give the state of an earlier run, "
            "or none to start afresh"
        )
        raise ConfigurationError(message) from None


def _check_bookmarks(bookmarks: Mapping[str, Any]) -> None:
    Draft202012Validator(_BOOKMARK).validate(bookmarks)
    partitions = bookmarks.get("partitions", [])
    interviewer_ids = [partition["context"][INTERVIEWER] for partition in partitions]
    if len({*interviewer_ids}) < len(interviewer_ids):
        message = "an Interviewer has more than one bookmark"
        raise ValueError(message)
    for bookmark in (bookmarks, *partitions):
        if (value := bookmark.get("replication_key_value")) is not None:
            to_moment(value)
