"""JSON values as a warehouse sees them: exact, loadable, and what becomes of those that are not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST_DIGITS: Final = 4_300
_UNLOADABLE: Final = re.compile("[\x00\ud800-\udfff]")

# Keeps every digit, and raises for what no double can hold, so that such a number is found without a search.
_context: Final = Context(prec=10_000, Emax=307, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow])
to_decimal: Final = _context.create_decimal
"""Make an exact number of its digits; raises ``ArithmeticError`` near and beyond the range of a double."""

_TIMES: Final = list[Annotated[datetime, msgspec.Meta(tz=True)]]
_WHOLE_OR_NONE: Final = {int, type(None), msgspec.UnsetType}
_NUMBER_OR_NONE: Final = {Decimal, *_WHOLE_OR_NONE}
_decoder: Final = msgspec.json.Decoder(float_hook=to_decimal)


class NotJSONError(ValueError):
    """A text that is no JSON."""


def is_time(text: str) -> bool:
    """Whether a text is a full RFC 3339 time that every target can parse."""
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def are_times(values: Sequence[Any]) -> bool:
    """Whether all texts among decoded values are full RFC 3339 times; quick where they are in UTC."""
    texts = [value for value in values if type(value) is str]
    try:
        msgspec.convert(texts, _TIMES)
    except msgspec.ValidationError:
        return False
    return not [text for text in texts if text[10] != "T" or text[-1] != "Z"] or all(map(is_time, texts))


def is_nothing(value: object) -> bool:
    """Whether a value is null or empty, and so shows no type."""
    return value is None or value in ("", [], {})


def is_whole_number(value: object) -> bool:
    """Whether a value is a whole number of at most 64 bits with its sign."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_number(value: object) -> bool:
    """Whether a value is a number that a warehouse's numeric columns can hold."""
    return is_whole_number(value) or (type(value) is Decimal and _fits_double(value))


def are_whole_numbers(values: Sequence[Any]) -> bool:
    """Whether decoded values are whole numbers of at most 64 bits, null, or not there."""
    return set(map(type, values)) <= _WHOLE_OR_NONE and _are_64_bits(values)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether decoded values are numbers of at most 64 bits or of a double's range, null, or not there."""
    return set(map(type, values)) <= _NUMBER_OR_NONE and _are_64_bits(values)


def _are_64_bits(values: Sequence[Any]) -> bool:
    whole = [value for value in values if type(value) is int]
    return not whole or (min(whole) >= -(2**63) and max(whole) < 2**63)


def _fits_double(value: Decimal) -> bool:
    return value.is_finite() and abs(float(value)) != float("inf")


def portable(value: Any, *, widest: int = 10**_MOST_DIGITS) -> Any:  # noqa: ANN401
    """Give a value as all readers of JSON can hold it.

    Args:
        value: A JSON value as ``parse`` gives it.
        widest: What a whole number has to be smaller than.

    Returns:
        The same value, in which the text of its digits stands for each number beyond a double or too wide, where
        readers would fail or make it infinite.
    """
    match value:
        case dict():
            return {name: portable(member, widest=widest) for name, member in value.items()}
        case list():
            return [portable(member, widest=widest) for member in value]
        case Decimal():
            return value if _fits_double(value) else str(value)
        case int() if abs(value) >= widest:
            return str(Decimal(value))
        case _:
            return value


def rescued(value: Any) -> Any:  # noqa: ANN401
    """Give a value as it is kept in the rescue: there, whole numbers have 64 bits at most, or are text."""
    return portable(value, widest=2**64)


def parse(body: bytes) -> tuple[Any, int, bool]:
    """Parse a JSON text without losing a digit.

    Args:
        body: A JSON text. What Python's own parser takes besides (NaN, Infinity, a byte order mark) is taken.

    Returns:
        The value, with ``int`` and ``Decimal`` for numbers; how many unloadable characters (U+0000 and lone
        surrogates) were replaced in it by U+FFFD; and whether it may hold numbers that are not ``portable``.

    Raises:
        NotJSONError: If it is none. The text is not quoted.
        RecursionError: If it is nested deeper than Python can follow.
    """
    if b"\\u0000" not in body:
        try:
            return _decoder.decode(body), 0, False
        except (ValueError, ArithmeticError, RecursionError):
            pass  # odd or broken: the slower parser tells which
    try:
        value = json.loads(body, parse_float=_fraction, parse_int=_whole, parse_constant=Decimal)
    except ValueError:
        message = "the body is not JSON"
        raise NotJSONError(message) from None
    cleaner = _Cleaner()
    return cleaner.clean(value), cleaner.replaced, True


def _fraction(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return digits  # an exponent of twenty digits: no number to anybody


def _whole(digits: str) -> int | Decimal:
    # Python refuses longer ones, and so would every reader of our output that is written in it.
    return int(digits) if len(digits) <= _MOST_DIGITS else Decimal(digits)


class _Cleaner:
    def __init__(self) -> None:
        self.replaced = 0

    def clean(self, value: Any) -> Any:  # noqa: ANN401
        match value:
            case str():
                return self._text(value)
            case list():
                return [self.clean(member) for member in value]
            case dict():
                members: dict[str, Any] = {}
                for name, member in value.items():
                    clean = self._text(name)
                    while clean != name and (clean in members or clean in value):
                        clean += "\ufffd"  # two names must not become one
                    members[clean] = self.clean(member)
                return members
            case _:
                return value

    def _text(self, text: str) -> str:
        clean, count = _UNLOADABLE.subn("\ufffd", text)
        self.replaced += count
        return clean
