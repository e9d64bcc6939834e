"""JSON as a warehouse sees it: decoded without losing a digit, and what becomes of values that none can load."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any, Final, NamedTuple

import msgspec

_MAX_DIGITS: Final = 4_300
"""Python's own bound for a whole number that is written in decimal, and so that of every reader written in it."""

_UNLOADABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NUL: Final = re.compile(rb"\\u0000")  # such a search takes half as long as one with `in`
_REPLACEMENT: Final = "\ufffd"

# Keeps every digit, and raises for what no double can hold, so that such a number is found without a search.
_context: Final = Context(prec=10_000, Emax=307, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow])
_decoder: Final = msgspec.json.Decoder(float_hook=_context.create_decimal)


class NotJSONError(ValueError):
    """A text that is not valid JSON."""


class Document(NamedTuple):
    """A JSON text, decoded.

    Attributes:
        value: The value, with ``int`` and ``Decimal`` for numbers.
        replaced: How many unloadable characters (U+0000 and lone surrogates) were replaced in it by U+FFFD.
        has_extreme_numbers: Whether there may be numbers in it that are not ``json_safe``.
    """

    value: Any
    replaced: int = 0
    has_extreme_numbers: bool = False


def decode(body: bytes) -> Document:
    """Decode a JSON text.

    Args:
        body: What Python's own parser takes besides (NaN, Infinity, a byte order mark) is taken, and so is a raw
            line break or tab inside a text.

    Raises:
        NotJSONError: If it is not valid JSON. The text is not quoted.
        RecursionError: If it is nested deeper than Python can follow.
    """
    if not _NUL.search(body):
        try:
            return Document(_decoder.decode(body))
        except (ValueError, ArithmeticError, RecursionError):
            pass  # odd or broken: the slower parser tells which
    try:
        value = json.loads(body, parse_float=_fraction, parse_int=_whole, parse_constant=Decimal, strict=False)
    except ValueError:
        message = "the body is not valid JSON"
        raise NotJSONError(message) from None
    cleaner = _Cleaner()
    return Document(cleaner.clean(value), cleaner.replaced, has_extreme_numbers=True)


def is_empty(value: object) -> bool:
    """Whether a value is null or empty, and so shows no type."""
    return value is None or value in ("", [], {})


def parse(text: str) -> Any:  # noqa: ANN401
    """Parse JSON that a user has written: every digit is kept, and what is not JSON is refused.

    Raises:
        ValueError: If it is not valid JSON. NaN and Infinity are not.
        RecursionError: If it is nested deeper than Python can follow.
    """
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def is_text(value: Any) -> bool:  # noqa: ANN401
    """Whether all texts and names in a value can be encoded: a lone surrogate can't be."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def fits_double(value: Decimal) -> bool:
    """Whether a number is within the range of a double."""
    return value.is_finite() and abs(float(value)) != float("inf")


def json_safe(value: Any, *, widest: int = 10**_MAX_DIGITS) -> Any:  # noqa: ANN401
    """Give a value as all readers of JSON can hold it.

    Args:
        value: A value as ``decode`` gives it.
        widest: What a whole number has to be smaller than.

    Returns:
        The same value, in which the text of its digits stands for each number beyond a double or too wide, where
        readers would fail or make it infinite.
    """
    match value:
        case dict():
            return {name: json_safe(member, widest=widest) for name, member in value.items()}
        case list():
            return [json_safe(member, widest=widest) for member in value]
        case Decimal():
            return value if fits_double(value) else str(value)
        case int() if abs(value) >= widest:
            return str(Decimal(value))
        case _:
            return value


def _fraction(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return digits  # an exponent of twenty digits: no number to anybody


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_DIGITS else Decimal(digits)


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
                names = self._names(value)
                return {names[name]: self.clean(member) for name, member in value.items()}
            case _:
                return value

    def _text(self, text: str) -> str:
        clean, count = _UNLOADABLE.subn(_REPLACEMENT, text)
        self.replaced += count
        return clean

    def _names(self, members: dict[str, Any]) -> dict[str, str]:
        """Clean names so that two do not become one."""
        cleaned = {name: self._text(name) for name in members}
        taken = {name for name, clean in cleaned.items() if name == clean}
        last: Counter[str] = Counter()
        for name, clean in cleaned.items():
            if name == clean:
                continue
            unique = clean
            while unique in taken:
                # Counted on from the one before, and short: very many names may become the same.
                last[clean] += 1
                unique = f"{clean}{last[clean] + 1}"
            taken.add(unique)
            cleaned[name] = unique
        return cleaned
