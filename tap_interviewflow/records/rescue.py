"""What does not fit the schema: kept in ``_rescued_data``, and counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.records.json import is_empty, json_safe
from tap_interviewflow.records.schema import type_of

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
    """What does not fit of a page, by the index of the candidate."""

    def __init__(self, candidates: int) -> None:
        """Start with nothing, of a page with so many candidates."""
        self.tally = Tally(candidates)
        self._fields: defaultdict[int, dict[str, Any]] = defaultdict(dict)

    def differing_keys(self, name: str, sent: Sequence[Any], keys: Sequence[str]) -> None:
        """Keep what the API sent in the place of a key."""
        for index, (value, key) in enumerate(zip(sent, keys, strict=True)):
            if value is not None and value != key:
                self._keep(index, name, value)
                self._count(index, name, value, f"{type_of(value)} that differs from the key")

    def mismatch(self, index: int, column: Column, value: object, *, is_kept: bool) -> None:
        """Count a value that is not of its column's type, and keep it unless another column does."""
        if is_kept:
            self._keep(index, column.name, value)
        self._count(index, column.name, value, column.describe(value))

    def unknown(self, candidates: Sequence[Mapping[str, Any]], expected: Collection[str]) -> None:
        """Keep the fields that are not expected."""
        for index, candidate in enumerate(candidates):
            for name in candidate:
                if name not in expected:
                    self._keep(index, name, candidate[name])
                    self._count(index, name, candidate[name], None)

    def column(self, dropped: Collection[str]) -> list[dict[str, Any] | None]:
        """Return the column ``_rescued_data``, without the fields that are to be dropped."""
        column: list[dict[str, Any] | None] = [None] * self.tally.candidates
        for index, fields in self._fields.items():
            kept = {name: fields[name] for name in sorted(fields) if name not in dropped}
            column[index] = json_safe(kept, widest=2**64) or None
        return column

    def _keep(self, index: int, name: str, value: object) -> None:
        self._fields[index][name] = value

    def _count(self, index: int, name: str, value: object, mismatch: str | None) -> None:
        if not is_empty(value):
            self.tally.note(index, name, mismatch)
