"""Fitting candidates to a schema: each value into its column, and what does not fit into the rescue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.columns import Column
from tap_interviewflow.schema import ID, ID_SOURCES, INTERVIEWER, RESCUED
from tap_interviewflow.values import is_nothing, portable, rescued

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping


class UnkeyedCandidateError(FatalAPIError):
    """A candidate has none of the fields that its key is taken from."""


class Fitter:
    """Fits candidates to a schema, value by value."""

    def __init__(self, schema: Mapping[str, Any], *, deselected: Collection[str] = ()) -> None:
        """Prepare for a schema.

        Args:
            schema: The effective schema of the stream.
            deselected: Names of fields that are to be dropped, never rescued.
        """
        self.columns = [
            Column.of(name, definition)
            for name, definition in schema["properties"].items()
            if name not in {INTERVIEWER, ID, RESCUED, *deselected}
        ]
        self.has_rescue = RESCUED in schema["properties"] and RESCUED not in deselected
        self.expected = {INTERVIEWER, ID, *deselected, *(column.name for column in self.columns)}

    def fit(
        self, candidate: Mapping[str, Any], interviewer_id: str, surprises: Counter[str], *, is_odd: bool
    ) -> dict[str, Any]:
        """Fit one candidate.

        Args:
            candidate: A candidate as ``values.parse`` gives it.
            interviewer_id: The Interviewer that the candidate was read from.
            surprises: Counts the fields that had a value the schema has no place for, by name.
            is_odd: Whether the candidate may hold numbers that are not portable.

        Returns:
            A record that is valid by the schema: its key, the columns that the candidate has, in the order of
            the schema, and ``_rescued_data`` with everything else, null where there is nothing else.

        Raises:
            UnkeyedCandidateError: If the candidate has no ID.
        """
        record: dict[str, Any] = {INTERVIEWER: interviewer_id, ID: _id_of(candidate)}
        misfits: dict[str, Any] = {}
        for name in (INTERVIEWER, ID):
            value = candidate.get(name)
            if value is not None and value != record[name]:
                misfits[name] = value
        for column in self.columns:
            if column.name not in candidate:
                continue
            value = candidate[column.name]
            if column.nullable if value is None else column.fits(value):
                record[column.name] = portable(value) if is_odd else value
                continue
            misfits[column.name] = value
            if column.nullable:
                record[column.name] = None
        if not candidate.keys() <= self.expected:
            misfits |= {name: value for name, value in candidate.items() if name not in self.expected}
        surprises.update(name for name, value in misfits.items() if not is_nothing(value))
        if self.has_rescue:
            record[RESCUED] = rescued(dict(sorted(misfits.items()))) or None
        return record


def _id_of(candidate: Mapping[str, Any]) -> str:
    for name in ID_SOURCES:
        value = candidate.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    message = f"a candidate has no {', '.join(ID_SOURCES[:-1])} or {ID_SOURCES[-1]} and can't be keyed"
    raise UnkeyedCandidateError(message)
