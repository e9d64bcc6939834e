"""JSON as a stranger may send it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import simplejson
from hypothesis import strategies as st

ODD_NUMBERS = [
    2**63 - 1,
    2**63,
    2**63 + 1,
    -(2**63) - 1,
    2**64,
    10**25,
    int("9" * 400),
    Decimal("0.1234567890123456789"),
    Decimal("1e400"),
    Decimal("-1e400"),
    Decimal("1e308"),
    Decimal("1.8e308"),
    Decimal("1e-400"),
    Decimal("-0.0"),
    Decimal("1E+5"),
    Decimal(72),
    72,
    0,
]
ODD_TEXTS = [
    "",
    "72",
    "N/A",
    "true",
    "null",
    "2026-01-31T10:00:00Z",
    "2026-01-31T10:00:00.123456789+05:30",
    "2026-02-30T10:00:00Z",
    "2026-01-31",
    "2026-01-31t10:00:00z",
    "2026-01-31 10:00:00Z",
    "2026-01-31T10:00:00+0530",
    "0001-01-01T00:00:00+14:00",
    "yesterday",
    "\x00",
    "a\x00b",
    "\ud800",
    "x\udfffy",
    "👩🏽‍💻",
    "مرحبا بالعالم",
    "é",
    "\u2028\u2029\x7f",
]
ODD_NAMES = [
    "",
    " ",
    "Manual Score",
    "a.b",
    'quote"d',
    "back\\slash",
    "type",
    "__proto__",
    "_sdc_deleted_at",
    "_rescued_data",
    "interviewerId",
    "id",
    "_id",
    "interviewId",
    "NAME",
    "name",
    "score",
    "Score",
    "a\x00",
    "a\ufffd",
    "ключ",
    "x" * 70,
]

numbers = st.one_of(
    st.sampled_from(ODD_NUMBERS),
    st.integers(-(2**70), 2**70),
    st.decimals(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(st.sampled_from(ODD_TEXTS), st.text(), st.text(st.characters(exclude_categories=[])))
names = st.one_of(st.sampled_from(ODD_NAMES), st.text(max_size=5))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
documented = st.fixed_dictionaries(
    {},
    optional={
        "name": values,
        "email": values,
        "createdAt": values,
        "skills": st.one_of(values, st.lists(texts, max_size=3)),
        "customQuestions": values,
        "additionalFields": st.one_of(
            values,
            st.sampled_from([[], None, {"Manual Score": {"nested": [1, Decimal("2.50")]}}, {"Manual Score": "72"}]),
        ),
        "metadata": values,
        "score": st.one_of(st.sampled_from([72, "72", "N/A", None, Decimal("71.5")]), values),
    },
)
candidates = st.builds(
    lambda base, more, key: {**base, **more, "id": key},
    documented,
    st.dictionaries(names, values, max_size=4),
    st.one_of(st.uuids().map(str), st.integers(1, 2**70)),
)
pages = st.lists(candidates, max_size=6)


def to_json(document: object) -> bytes:
    """Spell a document as an API would: every digit, and lone surrogates as the escapes that they are."""
    return simplejson.dumps(document, use_decimal=True, allow_nan=True).encode()


def spelled(document: object) -> str:
    """Spell a document so that two are alike only if every value is, down to its digits."""
    return simplejson.dumps(document, use_decimal=True, sort_keys=True)


def stored(value: Any, *, rescued: bool = False) -> Any:
    """Give a value as a warehouse can hold it, in a column or in the rescue: what is promised to come through."""
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list):
        return [stored(member, rescued=rescued) for member in value]
    if isinstance(value, dict):
        return {stored(name): stored(member, rescued=rescued) for name, member in value.items()}
    if isinstance(value, Decimal):
        sent = Decimal(simplejson.dumps(value, use_decimal=True))
        return sent if sent.is_finite() and math.isfinite(float(sent)) else str(sent)
    if rescued and isinstance(value, int) and not -(2**64) < value < 2**64:
        return str(value)
    return value
