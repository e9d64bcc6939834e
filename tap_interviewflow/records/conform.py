"""Conforming candidates to the schema: values that fit stay in their column, the rest moves to ``_rescued_data``.

A page is checked by column, as most checks of a whole column run in C.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_interviewflow.records.column import Column
from tap_interviewflow.records.json import is_empty, json_safe
from tap_interviewflow.records.schema import CUSTOM_FIELDS, ID, ID_SOURCES, INTERVIEWER, OWN, RESCUED, custom_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_Unexpected: TypeAlias = tuple[int, str, Any, str]
"""A value that does not fit: the index of the candidate, the field, the value, and the mismatch as in ``Counts``."""

MAX_COUNTED: Final = 10_000
"""The maximum number of pairs of a field and a mismatch that are counted."""


class NoIDError(ValueError):
    """A candidate has none of the fields that may hold its ID."""

    def __init__(self, index: int) -> None:
        """Name the candidate by its index on the page, from 0."""
        super().__init__(f"the candidate at index {index} has no ID: no interviewId, id or _id")


@dataclass(slots=True)
class Counts:
    """What did not fit of a page or of a run, counted for the warnings at the end."""

    candidates: int = 0  # all of them
    unexpected: Counter[tuple[str, str]] = field(default_factory=Counter)  # by field and mismatch; "" if it is unknown
    replaced: int = 0  # characters that became U+FFFD, as no target can store them

    def add(self, other: Counts) -> None:
        """Add the counts of a page to those of a run."""
        self.candidates += other.candidates
        self.replaced += other.replaced
        for key, count in other.unexpected.items():
            if key in self.unexpected or len(self.unexpected) < MAX_COUNTED:
                self.unexpected[key] += count


class Conformer:
    """Makes records of candidates.

    Attributes:
        properties: The properties of the schema, also those that are deselected.
        has_rescue: Whether records have the column ``_rescued_data``.
        width: The number of columns of a record.
        never_rescued: The fields that are deselected, or hidden by a map.
    """

    def __init__(
        self, schema: Mapping[str, Any], *, deselected: Collection[str] = (), never_rescued: Collection[str] = ()
    ) -> None:
        """Prepare for a schema.

        Args:
            schema: The effective schema of the stream.
            deselected: Names of fields that are not written.
            never_rescued: Names of further fields that ``_rescued_data`` must not hold.
        """
        self.properties: Mapping[str, Any] = schema["properties"]
        properties = {name: each for name, each in self.properties.items() if name not in deselected}
        self._empty: dict[str, Any] = dict.fromkeys(properties)
        self._columns = [Column.of(name, each) for name, each in properties.items() if name not in OWN]
        self._custom_fields = custom_fields(properties)
        self._known = {*properties, INTERVIEWER, ID} - {RESCUED, *self._custom_fields}
        self._expected = {*self._known, *deselected}
        self.has_rescue = RESCUED in properties
        self.width = len(properties)
        self.never_rescued = {*deselected, *never_rescued}

    def conform(
        self, candidates: Sequence[dict[str, Any]], interviewer_id: str, *, has_extreme_numbers: bool = True
    ) -> tuple[list[dict[str, Any]], Counts]:
        """Make the records of a page.

        Args:
            candidates: Candidates as ``json.decode`` returns them.
            interviewer_id: The Interviewer that they were read from.
            has_extreme_numbers: Whether they may hold numbers that are not ``json_safe``.

        Returns:
            Records that are valid by the schema, and the counts of what did not fit. A record has every column in the
            schema's order, null if the candidate has no value; ``_rescued_data`` has the rest, and is null without one.

        Raises:
            NoIDError: If a candidate has no ID.
        """
        if not candidates:
            return [], Counts()
        names: set[str] = set().union(*candidates)
        known: Iterable[dict[str, Any]] = candidates
        if not names <= self._known:
            known = ({name: each[name] for name in self._known & each.keys()} for each in candidates)
        records = [self._empty | fields for fields in known]
        if self._custom_fields:
            self._fill_custom_fields(records, candidates)
        unexpected = list(self._conform_values(records, interviewer_id, ids_of(candidates)))
        if not names <= self._expected:
            for index, candidate in enumerate(candidates):
                unexpected += ((index, name, candidate[name], "") for name in candidate.keys() - self._expected)
        if has_extreme_numbers:
            records = json_safe(records)
        if self.has_rescue:
            self._rescue(records, unexpected)
        counted = Counter((name, mismatch) for _, name, value, mismatch in unexpected if not is_empty(value))
        return records, Counts(len(candidates), counted)

    def _fill_custom_fields(self, records: Sequence[dict[str, Any]], candidates: Sequence[dict[str, Any]]) -> None:
        for record, candidate in zip(records, candidates, strict=True):
            if isinstance(fields := candidate.get(CUSTOM_FIELDS), dict):
                record.update((column, fields.get(name)) for column, name in self._custom_fields.items())

    def _conform_values(
        self, records: Sequence[dict[str, Any]], interviewer_id: str, ids: Sequence[str]
    ) -> Iterator[_Unexpected]:
        """Set the key, set the values that do not fit to null, and yield them."""
        values = dict(zip(self._empty, zip(*map(dict.values, records), strict=True), strict=True))
        for name, keys in ((INTERVIEWER, (interviewer_id,) * len(records)), (ID, tuple(ids))):
            if values[name] != keys:
                for index, (record, sent, key) in enumerate(zip(records, values[name], keys, strict=True)):
                    record[name] = key
                    if sent is not None and sent != key:
                        yield index, name, sent, "differ from the key"
        for column in self._columns:
            for index in column.mismatches(values[column.name]):
                value = values[column.name][index]
                records[index][column.name] = None
                yield index, column.name, value, column.mismatch

    def _rescue(self, records: Sequence[dict[str, Any]], unexpected: Iterable[_Unexpected]) -> None:
        rescued: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for index, name, value, mismatch in unexpected:
            is_custom = mismatch and name in self._custom_fields  # the column ``additionalFields`` holds it
            if name not in self.never_rescued and not is_custom:
                rescued[index][name] = value
        for index, fields in rescued.items():
            records[index][RESCUED] = json_safe({name: fields[name] for name in sorted(fields)}, widest=2**64)


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
    found = list(map(id_of, candidates))
    if None in found:
        raise NoIDError(found.index(None))
    return [each for each in found if each is not None]


def id_of(candidate: Mapping[str, Any]) -> str | None:
    """Return the ID of the interview; None if the candidate has none."""
    for name in ID_SOURCES:
        value = candidate.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
