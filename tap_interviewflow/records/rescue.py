"""What does not fit: kept in ``_rescued_data``, and counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.records.json import is_empty, json_safe

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tap_interviewflow.records.column import Column


MAX_NAMES: Final = 10_000
"""After so many names of fields that did not fit, no further ones are counted."""


@dataclass(slots=True)
class Tally:
    """What did not fit, counted.

    Attributes:
        candidates: How many there were.
        unknown: How many of them have a field that is no column, by name.
        misfits: How many values are not what their column takes, by the name and what they are in words.
        replaced: How many characters that no target can store were replaced by U+FFFD.
        noted: Of a page, what it was of each candidate: its place, the name, and the misfit, None for an unknown field.
    """

    candidates: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    misfits: Counter[tuple[str, str]] = field(default_factory=Counter)
    replaced: int = 0
    noted: list[tuple[int, str, str | None]] = field(default_factory=list, compare=False)

    def note(self, place: int, name: str, misfit: str | None) -> None:
        """Count a value that did not fit."""
        self.noted.append((place, name, misfit))
        if misfit is None:
            self.unknown[name] += 1
        else:
            self.misfits[name, misfit] += 1

    def only(self, places: Collection[int]) -> Tally:
        """Give the tally of some of the candidates of a page."""
        tally = Tally(len(places))
        for place, name, misfit in self.noted:
            if place in places:
                tally.note(place, name, misfit)
        return tally

    def add(self, other: Tally) -> None:
        """Add the tally of a page to that of a run. Of names without an end, as many as are ever reported are kept."""
        self.candidates += other.candidates
        self.replaced += other.replaced
        _count(self.unknown, other.unknown)
        _count(self.misfits, other.misfits)


def _count(counts: Counter[Any], more: Counter[Any]) -> None:
    counts.update(more if len(counts) < MAX_NAMES else {name: more[name] for name in more.keys() & counts.keys()})


class Rescue:
    """What does not fit of a page, by the places of the candidates."""

    def __init__(self, count: int) -> None:
        """Start with nothing kept, of a page with so many candidates."""
        self.tally = Tally(count)
        self._values: defaultdict[int, dict[str, Any]] = defaultdict(dict)

    def differing_keys(self, name: str, sent: Sequence[Any], keys: Sequence[str]) -> None:
        """Keep what the API sent in the place of a key."""
        for place, value in enumerate(sent):
            if value is not None and value != keys[place]:
                self._keep(place, name, value, f"{_kind_of(value)} that differs from the key")

    def misfits(self, column: Column, values: Sequence[Any], candidates: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Keep the values of a column that do not fit, and say at which places they are."""
        misfits = column.misfits(values)
        for place in misfits:
            if column.name in candidates[place]:
                self._keep(place, column.name, values[place], _misfit(values[place], column))
        return misfits

    def unknown(self, expected: Collection[str], candidates: Sequence[Mapping[str, Any]]) -> None:
        """Keep fields that are not expected."""
        for place, candidate in enumerate(candidates):
            for name in candidate:
                if name not in expected:
                    self._keep(place, name, candidate[name])

    def column(self, deselected_inside: Collection[tuple[str, ...]]) -> list[dict[str, Any] | None]:
        """Give the column of what was kept, without what was deselected inside of it."""
        kept: list[dict[str, Any] | None] = [None] * self.tally.candidates
        for place, values in self._values.items():
            ordered = {name: values[name] for name in sorted(values)}
            for path in deselected_inside:
                ordered = _without(ordered, path)
            kept[place] = json_safe(ordered, widest=2**64) or None
        return kept

    def _keep(self, place: int, name: str, value: object, misfit: str | None = None) -> None:
        self._values[place][name] = value
        if not is_empty(value):
            self.tally.note(place, name, misfit)


def _without(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401
    """Give a value without the member that a path leads to, in whatever lists it stands."""
    if isinstance(value, list):
        return [_without(member, path) for member in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: member for name, member in value.items() if name != path[0]}
    return {**value, path[0]: _without(value[path[0]], path[1:])}


def _kind_of(value: object) -> str:
    kinds = {str: "text", bool: "boolean", dict: "an object", list: "an array", type(None): "null"}
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
