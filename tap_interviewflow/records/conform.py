"""Conforming candidates to the schema: what fits stays in its column, the rest moves to ``_rescued_data``.

A page is conformed column by column: where all values of a column fit, that is two passes in C.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tap_interviewflow.records.json import fits_double, is_empty, json_safe
from tap_interviewflow.records.schema import ID, ID_SOURCES, INTERVIEWER, KEY_PROPERTIES, RESCUED
from tap_interviewflow.records.times import are_times, is_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MAX_BITS: Final = 63
"""A whole number has at most these and its sign: no warehouse's integer is wider."""

_ANNOTATIONS: Final = {"type", "title", "description", "default", "examples"}
_NOTHING: Final = type(None)


class NoIDError(ValueError):
    """A candidate has none of the fields that its key is taken from."""

    def __init__(self) -> None:
        """Name the fields."""
        super().__init__(f"a candidate has no ID: no {', '.join(ID_SOURCES[:-1])} or {ID_SOURCES[-1]}")


@dataclass(slots=True)
class Tally:
    """What did not fit, counted.

    Attributes:
        candidates: How many there were.
        unknown: How many of them have a field that is no column, by name.
        misfits: How many values are not what their column takes, by the name and what they are in words.
        replaced: How many characters that no target can store were replaced by U+FFFD.
    """

    candidates: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    misfits: Counter[tuple[str, str]] = field(default_factory=Counter)
    replaced: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.candidates += other.candidates
        self.unknown += other.unknown
        self.misfits += other.misfits
        self.replaced += other.replaced


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
            Draft202012Validator.check_schema(definition, format_checker=Draft202012Validator.FORMAT_CHECKER)
        except SchemaError:
            raise ValueError(name) from None

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


class Conformer:
    """Makes records of candidates."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        deselected: Collection[str] = (),
        deselected_inside: Collection[tuple[str, ...]] = (),
        masked: Collection[str] = (),
    ) -> None:
        """Prepare for a schema.

        Args:
            schema: The effective schema of the stream.
            deselected: Names of fields that are to be dropped, never rescued.
            deselected_inside: The same for members of objects, by the names that lead to them.
            masked: Names of fields of which nothing is to be rescued: what a map is to hide would come out there.
        """
        self._deselected_inside = {*deselected_inside, *((name,) for name in masked)}
        self._names = [name for name in schema["properties"] if name not in deselected]
        columns = [Column.of(name, schema["properties"][name]) for name in self._names if name not in KEY_PROPERTIES]
        self._columns = [column for column in columns if column.name != RESCUED]
        self._required = [column.name for column in columns if not column.nullable]
        self._expected = {INTERVIEWER, ID, *deselected, *(column.name for column in self._columns)}
        self.has_rescue = RESCUED in self._names

    def conform(
        self, candidates: Sequence[dict[str, Any]], interviewer_id: str, *, has_extreme_numbers: bool = True
    ) -> tuple[list[dict[str, Any]], Tally]:
        """Make the records of a page.

        Args:
            candidates: Candidates as ``json.decode`` gives them.
            interviewer_id: The Interviewer that they were read from.
            has_extreme_numbers: Whether they may hold numbers that are not ``json_safe``.

        Returns:
            Records that are valid by the schema: every column in the schema's order, null where the candidate has no
            value, and ``_rescued_data`` with everything else, null where there is nothing else. And what was rescued.

        Raises:
            NoIDError: If a candidate has no ID.
        """
        if not candidates:
            return [], Tally()
        rescue = _Rescue(len(candidates))
        sent = zip(*[map(candidate.get, self._names) for candidate in candidates], strict=True)
        values: dict[str, Sequence[Any]] = dict(zip(self._names, sent, strict=True))
        names = set().union(*candidates)
        ids = values[ID] if _are_ids(values[ID], names) else tuple(map(id_of, candidates))
        for name, keys in ((INTERVIEWER, (interviewer_id,) * len(candidates)), (ID, ids)):
            rescue.differing_keys(name, values[name], keys)
            values[name] = keys
        for column in self._columns:
            values[column.name] = rescue.misfits(column, values[column.name], candidates)
        if not names <= self._expected:
            rescue.unknown(self._expected, candidates)
        if has_extreme_numbers:
            values = {name: json_safe(list(of_column)) for name, of_column in values.items()}
        if self.has_rescue:
            values[RESCUED] = rescue.column(self._deselected_inside)
        rows = zip(*map(values.__getitem__, self._names), strict=True)
        records = list(map(dict, map(zip, repeat(self._names), rows)))
        for name in self._required:
            for record in records:
                if record[name] is None:
                    del record[name]
        return records, rescue.tally


class _Rescue:
    """What does not fit of a page, by the places of the candidates."""

    def __init__(self, count: int) -> None:
        self.tally = Tally(count)
        self._count = count
        self._values: defaultdict[int, dict[str, Any]] = defaultdict(dict)

    def differing_keys(self, name: str, sent: Sequence[Any], keys: Sequence[str]) -> None:
        """Keep what the API sent in the place of a key."""
        if sent == keys:
            return
        for place, value in enumerate(sent):
            if value is not None and value != keys[place]:
                self._keep(place, name, value, f"{_kind_of(value)} that differs from the key")

    def misfits(self, column: Column, values: Sequence[Any], candidates: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Give a column's values, null where one does not fit and is kept."""
        if not (misfits := column.misfits(values)):
            return values
        fitting = list(values)
        for place in misfits:
            if column.name in candidates[place]:
                self._keep(place, column.name, values[place], _misfit(values[place], column))
            fitting[place] = None
        return fitting

    def unknown(self, expected: Collection[str], candidates: Sequence[Mapping[str, Any]]) -> None:
        """Keep fields that are not expected."""
        for place, candidate in enumerate(candidates):
            for name in candidate:
                if name not in expected:
                    self._keep(place, name, candidate[name])

    def column(self, deselected_inside: Collection[tuple[str, ...]]) -> list[dict[str, Any] | None]:
        """Give the column of what was kept, without what was deselected inside of it."""
        kept: list[dict[str, Any] | None] = [None] * self._count
        for place, values in self._values.items():
            ordered = {name: values[name] for name in sorted(values)}
            for path in deselected_inside:
                ordered = _without(ordered, path)
            kept[place] = json_safe(ordered, widest=2**64) or None
        return kept

    def _keep(self, place: int, name: str, value: object, misfit: str | None = None) -> None:
        self._values[place][name] = value
        if is_empty(value):
            return
        if misfit is None:
            self.tally.unknown[name] += 1
        else:
            self.tally.misfits[name, misfit] += 1


def _without(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401
    """Give a value without the member that a path leads to, in whatever lists it stands."""
    if isinstance(value, list):
        return [_without(member, path) for member in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: member for name, member in value.items() if name != path[0]}
    return {**value, path[0]: _without(value[path[0]], path[1:])}


def id_of(candidate: Mapping[str, Any]) -> str:
    """Give the ID of the interview.

    Raises:
        NoIDError: If there is none.
    """
    for name in ID_SOURCES:
        value = candidate.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    raise NoIDError


def _are_ids(values: Sequence[Any], names: Collection[str]) -> bool:
    """Whether the field of this name holds the IDs, as it does where none that comes before it is there."""
    return ID_SOURCES[0] not in names and set(map(type, values)) == {str} and all(values)


def _kind_of(value: object) -> str:
    kinds = {str: "text", bool: "boolean", dict: "an object", list: "an array", _NOTHING: "null"}
    return kinds.get(type(value), "a number")


def _misfit(value: object, column: Column) -> str:
    """Say what a value is, and what its column takes, in words that follow «3 of 3,600 values of score are»."""
    if column.types is not None and type(value) in column.types:
        odd = {"number": "numbers beyond 64 bits or a double", "date-time": "not full RFC 3339 times"}
        is_number = isinstance(value, (int, Decimal))
        found = odd["number"] if is_number else odd.get(column.kind, "of another kind inside")
    else:
        plural = {"an object": "objects", "an array": "arrays", "a number": "numbers", "boolean": "booleans"}
        found = plural.get(_kind_of(value), _kind_of(value))
    return f"{found}, its column is {column.kind}"


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
