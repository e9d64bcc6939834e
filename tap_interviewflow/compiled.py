"""Candidates at the speed of a compiled decoder, as long as they fit.

``msgspec`` decodes and checks a page in one go, into objects that it encodes again without a detour. It
refuses whatever is not expected: then the page takes the slow way of ``records``, with the same outcome.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from tap_interviewflow.schema import ID, ID_SOURCES, INTERVIEWER, RESCUED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_interviewflow.records import Fitter


class CompiledCandidates:
    """Candidates that have just the fields of a schema.

    Attributes:
        type: The ``msgspec`` type to decode a candidate as; None where a schema can't be checked that way.
    """

    def __init__(self, fitter: Fitter) -> None:
        """Prepare for the columns of a fitter."""
        attributes = {column.name: f"column{number}" for number, column in enumerate(fitter.columns)}
        self._attributes = {INTERVIEWER: INTERVIEWER, ID: ID} | attributes
        self.type = _candidate_type(fitter, attributes)
        self._checks: list[tuple[Callable[[Any], Any], Callable[[Sequence[Any]], bool]]] = [
            (attrgetter(attributes[column.name]), column.fit_all) for column in fitter.columns if column.fit_all
        ]
        self._other_ids = [attributes[name] for name in ID_SOURCES[1:] if name in attributes]

    def settle(self, candidates: Sequence[Any], interviewer_id: str) -> bool:
        """Give each candidate its key, and check what the decoder could not.

        Args:
            candidates: Instances of ``type``.
            interviewer_id: The Interviewer that they were read from.

        Returns:
            Whether all of them fit.
        """
        for candidate in candidates:
            if candidate.interviewerId is msgspec.UNSET:
                candidate.interviewerId = interviewer_id
            elif candidate.interviewerId != interviewer_id:
                return False
            if not candidate.id and not self._take_other_id(candidate):
                return False
        return all(fit_all(list(map(values_of, candidates))) for values_of, fit_all in self._checks)

    def values(self, candidates: Sequence[Any], name: str) -> list[Any]:
        """Give one column of candidates, None where a candidate has no value."""
        values = map(attrgetter(self._attributes[name]), candidates)
        return [None if value is msgspec.UNSET else value for value in values]

    def _take_other_id(self, candidate: Any) -> bool:  # noqa: ANN401
        if candidate.id is not msgspec.UNSET:
            return False
        for attribute in self._other_ids:
            value = getattr(candidate, attribute)
            if value and isinstance(value, str):
                candidate.id = value
                return True
        return False


def _candidate_type(fitter: Fitter, attributes: dict[str, str]) -> type[msgspec.Struct] | None:
    if not fitter.has_rescue or any(column.decoded_as is None for column in fitter.columns):
        return None
    unset = msgspec.UNSET
    fields: list[tuple[str, Any, Any]] = [(name, str | msgspec.UnsetType, unset) for name in (INTERVIEWER, ID)]
    for column in fitter.columns:
        admitted = column.decoded_as if column.decoded_as is Any else column.decoded_as | msgspec.UnsetType
        fields.append((attributes[column.name], admitted | None if column.nullable else admitted, unset))
    fields.append(("rescued", None, None))
    names = {attribute: name for name, attribute in attributes.items()} | {"rescued": RESCUED}
    try:
        return msgspec.defstruct("Candidate", fields, rename=names, forbid_unknown_fields=True, gc=False)
    except ValueError:
        return None  # a name with a quote, a backslash or a control character in it
