"""Times in the texts of JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_TIMES: Final = list[Annotated[datetime, msgspec.Meta(tz=True)]]


def is_time(text: str) -> bool:
    """Whether a text is a full RFC 3339 time that every target can parse."""
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def are_times(texts: Sequence[Any]) -> bool:
    """Whether all texts are full RFC 3339 times; quick where they are in UTC."""
    try:
        msgspec.convert(texts, _TIMES)
    except msgspec.ValidationError:
        return False
    return not [text for text in texts if text[10] != "T" or text[-1] != "Z"] or all(map(is_time, texts))


def to_moment(text: str) -> datetime:
    """Parse a time or a date; without an offset it is taken for UTC.

    Raises:
        ValueError: If it is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
