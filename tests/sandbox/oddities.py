"""What candidates of real APIs now and then hold, and its JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_interviewflow.sandbox.candidates import Candidate

# Each is laid over an otherwise plain candidate.
ODDITIES: tuple[Candidate, ...] = (
    {"score": "N/A"},
    {"additionalFields": []},
    {"additionalFields": None},
    {"createdAt": "yesterday"},
    {"favouriteColour": "teal"},
    {"durationSeconds": 2**64 + 1},
    {"name": "Nul\0 Byte"},
    {"name": "Half a pair \ud83d"},
    {"": "a field without a name"},
    {"score": Decimal("0.1234567890123456789")},
    {"score": Decimal("1E+400")},
    {"report": {"a.b": {'say "hi"': [{"with space": 1, "": None, "back\\slash": "x"}]}}},
)
_NUMBER_MARK = "\ue000number "


def to_json(value: object) -> bytes:
    """JSON in UTF-8, with every digit of a `Decimal` and lone surrogates escaped."""
    numbers: list[Decimal] = []

    def stand_in(number: object) -> str:
        if not isinstance(number, Decimal):
            msg = f"{type(number).__name__} has no JSON"
            raise TypeError(msg)
        numbers.append(number)
        return f"{_NUMBER_MARK}{len(numbers)}"

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=stand_in)
    for place, number in enumerate(numbers, 1):
        text = text.replace(f'"{_NUMBER_MARK}{place}"', str(number), 1)
    return text.encode("utf-8", "backslashreplace")
