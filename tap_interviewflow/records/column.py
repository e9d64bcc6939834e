"""One column: which values fit its definition, which discovery made or a user edited in a catalog."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker, SchemaError

from tap_interviewflow.records.json import fits_double, json_safe
from tap_interviewflow.records.times import are_times, is_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Check: TypeAlias = Callable[[Sequence[Any]], bool]

_ANNOTATIONS: Final = {"type", "title", "description", "default", "examples"}


class Column(NamedTuple):
    """A property of the schema."""

    name: str
    type_name: str  # in words
    python_types: frozenset[type] | None  # of the values that fit; None for any
    check: Check | None  # whether values of these types fit, none of them null; None if all do

    @classmethod
    def of(cls, name: str, definition: Mapping[str, Any]) -> Column:
        """Read the definition of a property.

        Raises:
            ValueError: If it is not a JSON Schema, or refers to another one.
        """
        declared = definition.get("type", ())
        types = {declared} if isinstance(declared, str) else {*declared}
        rest = {key: value for key, value in definition.items() if key not in _ANNOTATIONS}
        for json_type, allowed, type_name, python_types, check in _TYPES:
            if types - {"null"} == {json_type} and rest in allowed:
                return cls(name, type_name, frozenset({*python_types, type(None)}), check)
        return cls(name, "a JSON Schema of its own", None, _validator(name, definition))

    def mismatches(self, values: Sequence[Any]) -> Sequence[int]:
        """Return the indices of the values that do not fit. Null always fits."""
        if self._fit(values):
            return ()
        return [index for index, value in enumerate(values) if not self._fit((value,))]

    def _fit(self, values: Sequence[Any]) -> bool:
        if self.python_types is not None and not self.python_types.issuperset(map(type, values)):
            return False
        return self.check is None or self.check([value for value in values if value is not None])

    @property
    def mismatch(self) -> str:
        """The end of the warning that begins with “3 of 3,600 values of score”."""
        return f"do not fit its type, {self.type_name}"


def _validator(name: str, definition: Mapping[str, Any]) -> Check:
    try:
        Draft202012Validator.check_schema(definition)
    except SchemaError:
        raise ValueError(name) from None
    if "$ref" in str(definition) or "$dynamicRef" in str(definition):
        raise ValueError(name)
    formats = FormatChecker()
    formats.checks("date-time")(lambda value: not isinstance(value, str) or is_time(value))
    validator = Draft202012Validator(dict(definition), format_checker=formats)

    def fits(value: object) -> bool:
        with suppress(ArithmeticError):  # the number is too large for ``multipleOf``
            return value == json_safe(value) and validator.is_valid(value)
        return False

    return lambda values: all(map(fits, values))


def _are_numbers(values: Sequence[Any]) -> bool:
    """Whether integers have at most 64 bits, and other numbers fit a double."""
    with suppress(InvalidOperation):  # NaN has no order
        if not values or (min(values) >= -(2**63) and max(values) < 2**63):
            return True
    return all(-(2**63) <= value < 2**63 if type(value) is int else fits_double(value) for value in values)


def _are_texts(values: Sequence[Any]) -> bool:
    return all(type(member) is str for value in values for member in value)


# For each type of column: its JSON type, the rest of its definition, its name in words, the Python types of its values,
# and a further check of these.
_TYPES: Final[tuple[tuple[str, tuple[dict[str, Any], ...], str, set[type], Check | None], ...]] = (
    ("string", ({},), "text", {str}, None),
    ("string", ({"format": "date-time"},), "date-time", {str}, are_times),
    ("number", ({},), "number", {int, Decimal}, _are_numbers),
    ("integer", ({},), "integer", {int}, _are_numbers),
    ("boolean", ({},), "boolean", {bool}, None),
    ("object", ({}, {"additionalProperties": True}), "object", {dict}, None),
    ("array", ({}, {"items": {}}), "array", {list}, None),
    ("array", ({"items": {"type": ["string"]}}, {"items": {"type": "string"}}), "array of text", {list}, _are_texts),
)
