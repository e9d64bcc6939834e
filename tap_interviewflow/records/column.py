"""One column: what it takes, as discovery or a catalog by hand defines it, and which of its values do not fit."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tap_interviewflow.records.json import fits_double, json_safe
from tap_interviewflow.records.times import are_times, is_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_BITS: Final = 63
"""A whole number has at most these and its sign: no warehouse's integer is wider."""

_ANNOTATIONS: Final = {"type", "title", "description", "default", "examples"}
_NOTHING: Final = type(None)


class Column(NamedTuple):
    """One property of the schema.

    Attributes:
        name: Its name.
        kind: What it takes, in words.
        types: The Python types of values that may fit; None where only ``fits`` can tell.
        fits: Whether values of these types, none of them null, all fit; None where the types say it all.
        nullable: Whether it takes null.
    """

    name: str
    kind: str
    types: frozenset[type] | None
    fits: Callable[[Sequence[Any]], bool] | None
    nullable: bool

    @classmethod
    def of(cls, name: str, definition: Mapping[str, Any]) -> Column:
        """Read a property's definition, from discovery or from a catalog that a user has changed.

        Raises:
            ValueError: If it is not a JSON Schema.
        """
        declared = definition.get("type", ())
        types = {declared} if isinstance(declared, str) else set(declared)
        rest = {key: value for key, value in definition.items() if key not in _ANNOTATIONS}
        nullable = "null" in types
        for json_type, allowed, kind, python, fits in _KINDS:
            if types - {"null"} == {json_type} and rest in allowed:
                return cls(name, kind, frozenset({*python, *({_NOTHING} if nullable else ())}), fits, nullable)
        # Slow to load, and for a catalog made by hand only.
        from jsonschema import Draft202012Validator, FormatChecker, SchemaError  # noqa: PLC0415

        try:
            Draft202012Validator.check_schema(definition)
        except SchemaError:
            raise ValueError(name) from None
        if any(keyword in _names_in(definition) for keyword in ("$ref", "$dynamicRef")):  # there is nothing to refer to
            raise ValueError(name)

        formats = FormatChecker()
        formats.checks("date-time")(lambda value: not isinstance(value, str) or is_time(value))
        validator = Draft202012Validator(dict(definition), format_checker=formats)
        nullable = bool(validator.is_valid(None))

        def fits_all(values: Sequence[Any]) -> bool:
            return all(value == json_safe(value) and validator.is_valid(value) for value in values)

        return cls(name, "of a kind of its own", None, fits_all, nullable)

    def misfits(self, values: Sequence[Any]) -> Sequence[int]:
        """Say at which places a value does not fit."""
        if self._fit(values):
            return ()
        return [place for place, value in enumerate(values) if not self._fit((value,))]

    def _fit(self, values: Sequence[Any]) -> bool:
        if self.types is None:
            present = values if not self.nullable else [value for value in values if value is not None]
            return self.fits is None or self.fits(present)
        if not self.types.issuperset(map(type, values)):
            return False
        return self.fits is None or self.fits([value for value in values if value is not None])


def _names_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for member in value if isinstance(value, list) else ():
        yield from _names_in(member)


def _are_numbers(values: Sequence[Any]) -> bool:
    with suppress(InvalidOperation):  # what is not a number has no order
        if not values or (min(values) >= -(2**MAX_BITS) and max(values) < 2**MAX_BITS):
            return True
    return all(-(2**MAX_BITS) <= value < 2**MAX_BITS if type(value) is int else fits_double(value) for value in values)


def _are_texts(values: Sequence[Any]) -> bool:
    return all(type(member) is str for value in values for member in value)


_OPEN_OBJECTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"properties": {}},
    {"additionalProperties": True},
    {"properties": {}, "additionalProperties": True},
)
_OPEN_ARRAYS: Final[tuple[dict[str, Any], ...]] = ({}, {"items": {}})
_ARRAYS_OF_TEXT: Final = ({"items": {"type": ["string"]}}, {"items": {"type": "string"}})

_Kind: TypeAlias = "tuple[str, tuple[dict[str, Any], ...], str, set[type], Callable[[Sequence[Any]], bool] | None]"
# JSON type, what else the definition may say, the kind in words, its Python types, and what to ask of the values.
_KINDS: Final[tuple[_Kind, ...]] = (
    ("string", ({},), "text", {str}, None),
    ("string", ({"format": "date-time"},), "date-time", {str}, are_times),
    ("number", ({},), "number", {int, Decimal}, _are_numbers),
    ("integer", ({},), "whole number", {int}, _are_numbers),
    ("boolean", ({},), "boolean", {bool}, None),
    ("object", _OPEN_OBJECTS, "object", {dict}, None),
    ("array", _OPEN_ARRAYS, "array", {list}, None),
    ("array", _ARRAYS_OF_TEXT, "array of text", {list}, _are_texts),
)  # fmt: skip
