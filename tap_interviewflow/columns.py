"""A property of a schema as a test of values: what fits, and what the compiled decoder can check by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator

from tap_interviewflow.values import (
    are_numbers,
    are_times,
    are_whole_numbers,
    is_number,
    is_time,
    is_whole_number,
    portable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the stream.

    Attributes:
        name: Its name.
        nullable: Whether it takes null.
        fits: Whether a value that is not null is of the declared type and can be stored.
        decoded_as: The type that ``msgspec`` checks its values by; None where it has none.
        fit_all: What is to be asked of all decoded values together besides; None where the type says all.
    """

    name: str
    nullable: bool
    fits: Callable[[Any], bool]
    decoded_as: Any = None
    fit_all: Callable[[Sequence[Any]], bool] | None = None

    @classmethod
    def of(cls, name: str, definition: Mapping[str, Any]) -> Column:  # noqa: PLR0911  # one for each kind
        """Read a property's definition, from discovery or from a catalog that a user has changed."""
        declared = definition.get("type") or ()
        types = {declared} if isinstance(declared, str) else set(declared)
        nullable = "null" in types
        rest = {key: value for key, value in definition.items() if key not in _ANNOTATIONS}
        match sorted(types - {"null"}):
            case ["string"] if not rest:
                return cls(name, nullable, _is_text, str)
            case ["string"] if rest == {"format": "date-time"}:
                return cls(name, nullable, _is_time, str, are_times)
            case ["number"] if not rest:
                return cls(name, nullable, is_number, Any, are_numbers)
            case ["integer"] if not rest:
                return cls(name, nullable, is_whole_number, Any, are_whole_numbers)
            case ["boolean"] if not rest:
                return cls(name, nullable, _is_boolean, bool)
            case ["object"] if rest in _OPEN_OBJECTS:
                return cls(name, nullable, _is_object, dict[str, Any])
            case ["array"] if rest in _OPEN_ARRAYS:
                return cls(name, nullable, _is_array, list[Any])
            case ["array"] if rest in _ARRAYS_OF_TEXT:
                return cls(name, nullable, _is_array_of_text, list[str])
        validator = Draft202012Validator(dict(definition))

        def is_valid(value: object) -> bool:
            return value == portable(value) and bool(validator.is_valid(value))

        return cls(name, bool(validator.is_valid(None)), is_valid)


_ANNOTATIONS: Final = {"type", "title", "description", "default", "examples"}
_OPEN_OBJECTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"properties": {}},
    {"additionalProperties": True},
    {"properties": {}, "additionalProperties": True},
)
_OPEN_ARRAYS: Final[tuple[dict[str, Any], ...]] = ({}, {"items": {}})
_ARRAYS_OF_TEXT: Final = ({"items": {"type": ["string"]}}, {"items": {"type": "string"}})


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_time(value: object) -> bool:
    return type(value) is str and is_time(value)


def _is_boolean(value: object) -> bool:
    return type(value) is bool


def _is_object(value: object) -> bool:
    return type(value) is dict


def _is_array(value: object) -> bool:
    return type(value) is list


def _is_array_of_text(value: object) -> bool:
    return type(value) is list and all(type(member) is str for member in value)
