"""Conforming candidates to the schema: what fits stays in its column, the rest moves to ``_rescued_data``.

A page is checked column by column: where all values of a column fit, that is two passes in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_interviewflow.records.column import Column
from tap_interviewflow.records.json import json_safe
from tap_interviewflow.records.rescue import Rescue, Tally
from tap_interviewflow.records.schema import (
    CUSTOM_FIELDS,
    ID,
    ID_SOURCES,
    INTERVIEWER,
    KEY_PROPERTIES,
    OWN,
    RESCUED,
    custom_fields,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class NoIDError(ValueError):
    """A candidate has none of the fields that its key is taken from."""

    def __init__(self, index: int) -> None:
        """Name the candidate by its index on the page, from 0, and the fields that it does not have."""
        fields = f"no {', '.join(ID_SOURCES[:-1])} or {ID_SOURCES[-1]}"
        super().__init__(f"the candidate at index {index} has no ID: {fields}")


class Conformer:
    """Makes records of candidates.

    Attributes:
        has_rescue: Whether records have the column ``_rescued_data``.
        width: How many columns they have.
        dropped: The fields that are deselected, or hidden by a map: they are never rescued.
    """

    def __init__(
        self, schema: Mapping[str, Any], *, deselected: Collection[str] = (), masked: Collection[str] = ()
    ) -> None:
        """Prepare for a schema.

        Args:
            schema: The effective schema of the stream.
            deselected: Names of fields that are not written.
            masked: Names of fields that are written, but never rescued.
        """
        self._empty: dict[str, Any] = dict.fromkeys(name for name in schema["properties"] if name not in deselected)
        self._columns = [Column.of(name, schema["properties"][name]) for name in self._empty if name not in OWN]
        self._custom_fields = {
            name: field for name, field in custom_fields(schema["properties"]).items() if name in self._empty
        }
        self._fields = {*KEY_PROPERTIES, *(column.name for column in self._columns)} - self._custom_fields.keys()
        self._expected = {*self._fields, *deselected}
        self.has_rescue = RESCUED in self._empty
        self.width = len(self._empty)
        self.dropped = {*deselected, *masked}

    def conform(
        self, candidates: Sequence[dict[str, Any]], interviewer_id: str, *, has_extreme_numbers: bool = True
    ) -> tuple[list[dict[str, Any]], Tally]:
        """Make the records of a page.

        Args:
            candidates: Candidates as ``json.decode`` returns them.
            interviewer_id: The Interviewer that they were read from.
            has_extreme_numbers: Whether they may hold numbers that are not ``json_safe``.

        Returns:
            Records that are valid by the schema: every column in the schema's order, null where the candidate has no
            value, and ``_rescued_data`` with everything else, null where there is nothing else. And what did not fit,
            counted.

        Raises:
            NoIDError: If a candidate has no ID.
        """
        if not candidates:
            return [], Tally()
        rescue = Rescue(len(candidates))
        names: set[str] = set().union(*candidates)
        records = [self._empty | fields for fields in self._known(candidates, names)]
        self._fill_custom_fields(records, candidates)
        values = dict(zip(self._empty, zip(*map(dict.values, records), strict=True), strict=True))
        for name, keys in ((INTERVIEWER, (interviewer_id,) * len(records)), (ID, tuple(ids_of(candidates)))):
            if values[name] != keys:
                rescue.differing_keys(name, values[name], keys)
                _fill(records, name, keys)
        for column in self._columns:
            for index in column.mismatches(values[column.name]):
                is_kept = column.name not in self._custom_fields  # else the column of all custom fields keeps it
                rescue.mismatch(index, column, values[column.name][index], is_kept=is_kept)
                records[index][column.name] = None
        if not names <= self._expected:
            rescue.unknown(candidates, self._expected)
        if has_extreme_numbers:
            records = json_safe(records)
        if self.has_rescue:
            _fill(records, RESCUED, rescue.column(self.dropped))
        return records, rescue.tally

    def _known(self, candidates: Sequence[dict[str, Any]], names: set[str]) -> Sequence[dict[str, Any]]:
        """Return the fields of each candidate that have a column; ``names`` are those of all fields."""
        if names <= self._fields:
            return candidates
        return [{name: candidate[name] for name in self._fields & candidate.keys()} for candidate in candidates]

    def _fill_custom_fields(self, records: Sequence[dict[str, Any]], candidates: Sequence[dict[str, Any]]) -> None:
        if self._custom_fields:
            sent = [candidate.get(CUSTOM_FIELDS) for candidate in candidates]
            objects = [value if isinstance(value, dict) else {} for value in sent]
            for name, field in self._custom_fields.items():
                _fill(records, name, [each.get(field) for each in objects])


def _fill(records: Sequence[dict[str, Any]], name: str, values: Sequence[Any]) -> None:
    for record, value in zip(records, values, strict=True):
        record[name] = value


def ids_of(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the IDs of the interviews, in the order of the candidates.

    Args:
        candidates: Candidates as ``json.decode`` returns them.

    Raises:
        NoIDError: If a candidate has no ID.
    """
    first, second, _ = ID_SOURCES
    ids = [candidate.get(first, candidate.get(second)) for candidate in candidates]
    if all(ids) and {str}.issuperset(map(type, ids)):
        return ids
    return [_id_of(candidate, index) for index, candidate in enumerate(candidates)]


def _id_of(candidate: Mapping[str, Any], index: int) -> str:
    for name in ID_SOURCES:
        value = candidate.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    raise NoIDError(index)
