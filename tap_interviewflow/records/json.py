"""Lossless JSON: numbers keep every digit, and characters that no target can store become U+FFFD."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any, Final, NamedTuple

import msgspec

_MAX_DIGITS: Final = 4_300
"""Python's own limit for parsing an integer."""

_UNLOADABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NUL: Final = re.compile(rb"\\u0000")  # twice as fast as ``in``

# It raises an error at a number that a double can't hold, so no search for such numbers is needed.
_context: Final = Context(prec=10_000, Emax=307, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow])
_decoder: Final = msgspec.json.Decoder(float_hook=_context.create_decimal)


class NotJSONError(ValueError):
    """A body that is not valid JSON."""


class Document(NamedTuple):
    """A decoded body."""

    value: Any  # with ``int`` and ``Decimal`` for numbers
    replaced: int = 0  # unloadable characters (U+0000 and lone surrogates) that became U+FFFD
    has_extreme_numbers: bool = False  # whether it may hold numbers that are not ``json_safe``


def decode(body: bytes) -> Document:
    """Decode a body; accept NaN, Infinity, a byte order mark, and raw line breaks and tabs in strings.

    Raises:
        NotJSONError: If it is not valid JSON. The message does not quote the body.
        RecursionError: If it is nested deeper than Python can follow.
    """
    if not _NUL.search(body):
        try:
            return Document(_decoder.decode(body))
        except (ValueError, ArithmeticError, RecursionError):
            pass  # the slower parser reads unusual JSON, too
    try:
        value = json.loads(body, parse_float=_number, parse_int=_number, parse_constant=Decimal, strict=False)
    except ValueError:
        raise NotJSONError("the body is not valid JSON") from None
    replaced: Counter[str] = Counter()
    return Document(_replace(value, replaced), replaced.total(), has_extreme_numbers=True)


def _number(digits: str) -> int | Decimal | str:
    if len(digits) <= _MAX_DIGITS and digits.lstrip("-").isdigit():
        return int(digits)
    try:
        return Decimal(digits)
    except InvalidOperation:  # the exponent is too large
        return digits


def _replace(value: Any, replaced: Counter[str]) -> Any:  # noqa: ANN401
    """Replace unloadable characters and count them; number the names that become alike."""
    match value:
        case str() if _UNLOADABLE.search(value):
            replaced.update(_UNLOADABLE.findall(value))
            return _UNLOADABLE.sub("\ufffd", value)
        case list():
            return [_replace(member, replaced) for member in value]
        case dict():
            members: dict[str, Any] = {}
            alike: Counter[str] = Counter()
            for name, member in value.items():
                clean = numbered = _replace(name, replaced)
                while numbered in members or (numbered != name and numbered in value):
                    alike[clean] += 1
                    numbered = f"{clean}{alike[clean] + 1}"
                members[numbered] = _replace(member, replaced)
            return members
        case _:
            return value


def is_empty(value: object) -> bool:
    """Whether a value is null, or an empty string, array or object."""
    return value is None or value in ("", [], {})


def parse(text: str) -> Any:  # noqa: ANN401
    """Parse JSON that a user has written: keep every digit, and refuse NaN and Infinity.

    Raises:
        ValueError: If it is not valid JSON, or holds a lone surrogate, which UTF-8 can't encode.
        RecursionError: If it is nested deeper than Python can follow.
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    document = json.loads(text, parse_float=Decimal, parse_constant=refuse)
    json.dumps(document, ensure_ascii=False, default=str).encode()
    return document


def fits_double(value: Decimal) -> bool:
    """Whether a number is within the range of a double."""
    return value.is_finite() and abs(float(value)) != float("inf")


def json_safe(value: Any, *, widest: int = 10**_MAX_DIGITS) -> Any:  # noqa: ANN401
    """Return a value with text for numbers that a double can't hold, and for integers from ``widest`` on.

    Some JSON parsers fail at such numbers, or make them infinite.
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
