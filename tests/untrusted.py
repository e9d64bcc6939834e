"""JSON as an API may send it, and the record that the contract makes of a candidate."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import simplejson
from hypothesis import strategies as st

from tap_interviewflow.records.times import is_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Members = Mapping[str, Any]

ODD_NUMBERS = [
    *(2**63 - 1, 2**63, 2**63 + 1, -(2**63) - 1, 2**64, 10**25, int("9" * 400), 72, 0, Decimal(72)),
    *map(Decimal, ("0.1234567890123456789", "1e400", "-1e400", "1e308", "1.8e308", "1e-400", "-0.0", "1E+5")),
]
ODD_TEXTS = [
    *("", "72", "N/A", "true", "null", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456789+05:30"),
    *("2026-02-30T10:00:00Z", "2026-01-31", "2026-01-31t10:00:00z", "2026-01-31 10:00:00Z", "2026-01-31T10:00:00+0530"),
    *("0001-01-01T00:00:00+14:00", "yesterday", "\x00", "a\x00b", "\ud800", "x\udfffy", "👩🏽‍💻", "مرحبا بالعالم", "é"),
    "\u2028\u2029\x7f",
]
ODD_NAMES = [
    *("", " ", "Manual Score", "a.b", 'quote"d', "back\\slash", "type", "__proto__", "_sdc_deleted_at"),
    "_rescued_data",
    *("interviewerId", "id", "_id", "interviewId", "NAME", "name", "score", "Score", "a\x00", "a\ufffd", "ключ"),
    *("x" * 70, "xmin", "First Name", "first_name", "additionalFields_Manual_Score"),
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
ids = st.one_of(st.uuids().map(str), st.integers(0, 2**70), texts.filter(bool))
odd_ids: st.SearchStrategy[Any] = st.one_of(
    ids, st.sampled_from([None, "", 0, True, Decimal("1.5"), [], {"$oid": "a"}])
)
keys = st.builds(
    lambda odd, name, key: {**odd, name: key},
    st.dictionaries(st.sampled_from(["interviewId", "id", "_id"]), odd_ids),
    st.sampled_from(["interviewId", "id", "id", "_id"]),
    ids,
)
candidates = st.builds(
    lambda base, more, key: {**base, **more, **key}, documented, st.dictionaries(names, values, max_size=4), keys
)
pages = st.lists(candidates, max_size=6)


def to_json(document: object) -> bytes:
    """Spell a document as an API would: every digit, and lone surrogates as the escapes that they are."""
    return simplejson.dumps(document, use_decimal=True, allow_nan=True).encode()


def spelled(document: object) -> str:
    """Spell a document so that two are alike only if every value is, down to its digits."""
    return simplejson.dumps(document, use_decimal=True, sort_keys=True)


# What the contract makes of it, value by value


def received(document: object) -> Any:
    """Return a document as it comes out of its JSON, every text as a warehouse can hold it."""
    return _clean(json.loads(to_json(document), parse_float=Decimal))


def id_of(candidate: Members) -> str:
    """Return the interview's ID, of a candidate that was received."""
    sources = (candidate.get(name) for name in ("interviewId", "id", "_id"))
    return next(
        str(value)
        for value in sources
        if (isinstance(value, str) and value) or (isinstance(value, int) and not isinstance(value, bool))
    )


def record_of(sent: object, properties: Members, interviewer_id: str, deselected: Collection[str] = ()) -> Members:
    """Return the record that a candidate is to become."""
    candidate = received(sent)
    record: dict[str, Any] = dict.fromkeys(name for name in properties if name not in deselected)
    record |= {"interviewerId": interviewer_id, "id": id_of(candidate)}
    rescued = {}
    for name, value in candidate.items():
        if name in {"interviewerId", "id"}:
            if value is not None and value != record[name]:
                rescued[name] = safe(value, rescued=True)
        elif name in properties and name != "_rescued_data" and (value is None or _fits(value, properties[name])):
            if name in record:
                record[name] = safe(value)
        elif name not in deselected:
            rescued[name] = safe(value, rescued=True)
    if "_rescued_data" in record:
        record["_rescued_data"] = rescued or None
    return record


def safe(value: Any, *, rescued: bool = False) -> Any:
    """Return a value that was received as every reader of JSON can hold it, in a column or in the rescue."""
    match value:
        case list():
            return [safe(member, rescued=rescued) for member in value]
        case dict():
            return {name: safe(member, rescued=rescued) for name, member in value.items()}
        case Decimal():
            return value if math.isfinite(float(value)) else str(value)
        case int() if rescued and not -(2**64) < value < 2**64:
            return str(value)
        case _:
            return value


def _fits(value: Any, definition: Members) -> bool:
    (kind,) = {definition["type"]} if isinstance(definition["type"], str) else {*definition["type"]} - {"null"}
    match kind, value:
        case "string", str():
            return "format" not in definition or is_time(value)
        case ("number", Decimal()):
            return math.isfinite(float(value))
        case ("number", int()) if not isinstance(value, bool):
            return -(2**63) <= value < 2**63
        case "array", list():
            return "items" not in definition or all(isinstance(member, str) for member in value)
        case ("boolean", bool()) | ("object", dict()):
            return True
        case _:
            return False


def _clean(value: Any) -> Any:
    match value:
        case str():
            return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in value)
        case list():
            return [_clean(member) for member in value]
        case dict():
            taken = {name for name in value if _clean(name) == name}
            cleaned = {}
            for name, member in value.items():
                spellings = itertools.chain([""], map(str, itertools.count(2)))
                free = (_clean(name) + more for more in spellings if _clean(name) + more not in taken)
                cleaned[name if name in taken else next(free)] = _clean(member)
                taken.update(cleaned)
            return cleaned
        case _:
            return value
