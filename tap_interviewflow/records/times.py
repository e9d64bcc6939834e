"""Times in JSON strings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_TIMES: Final = list[Annotated[datetime, msgspec.Meta(tz=True)]]


def is_time(text: str) -> bool:
    """Whether a string is a full RFC 3339 time that every target can parse."""
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def are_times(texts: Sequence[Any]) -> bool:
    """Whether all strings are full RFC 3339 times; fast if they are in UTC."""
    try:
        msgspec.convert(texts, _TIMES)
    except msgspec.ValidationError:
        return False
    return all(text[10] == "T" and text[-1] == "Z" for text in texts) or all(map(is_time, texts))


def to_moment(text: str) -> datetime:
    """Parse a time or a date, in UTC unless it has an offset.

    Raises:
        ValueError: If it is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
