"""Candidates at the speed of a compiled decoder, as long as they fit.

``msgspec`` decodes and checks a page in one go, into objects that it encodes again without a detour. It
refuses whatever is not expected: then the page takes the slow way of ``records``, with the same outcome.
Fields that are no columns but were met before are expected, and go into the rescue.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from tap_interviewflow.schema import ID, ID_SOURCES, INTERVIEWER, RESCUED
from tap_interviewflow.values import is_nothing, rescued

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tap_interviewflow.fitter import Fitter


class CompiledCandidates:
    """Candidates that have just the fields of a schema, and some others that are known.

    Attributes:
        type: The ``msgspec`` type to decode a candidate as; None where it can't be checked that way.
    """

    def __init__(self, fitter: Fitter, others: Collection[str] = ()) -> None:
        """Prepare for the columns of a fitter.

        Args:
            fitter: What does the same the slow way.
            others: Names of fields to put into the rescue.
        """
        self.others = frozenset(others)
        self._others = [(f"other{number}", name) for number, name in enumerate(sorted(others))]
        attributes = {column.name: f"column{number}" for number, column in enumerate(fitter.columns)}
        self._attributes = {INTERVIEWER: INTERVIEWER, ID: ID} | attributes
        self.type = _candidate_type(fitter, attributes, dict(self._others))
        self._checks: list[tuple[Callable[[Any], Any], Callable[[Sequence[Any]], bool]]] = [
            (attrgetter(attributes[column.name]), column.fit_all) for column in fitter.columns if column.fit_all
        ]
        self._other_ids = [attributes[name] for name in ID_SOURCES[1:] if name in attributes]

    def settle(self, candidates: Sequence[Any], interviewer_id: str) -> Counter[str] | None:
        """Give each candidate its key and its rescue, and check what the decoder could not.

        Args:
            candidates: Instances of ``type``.
            interviewer_id: The Interviewer that they were read from.

        Returns:
            How often a field had a value that the schema has no place for, by name; None if there is more to
            be rescued than whole fields, so that the page is to be read the slow way.
        """
        surprises: Counter[str] = Counter()
        for candidate in candidates:
            if candidate.interviewerId is msgspec.UNSET:
                candidate.interviewerId = interviewer_id
            elif candidate.interviewerId != interviewer_id:
                return None
            if not candidate.id and not self._take_other_id(candidate):
                return None
            if self._others:
                surprises.update(self._rescue(candidate))
        fit = all(fit_all(list(map(values_of, candidates))) for values_of, fit_all in self._checks)
        return surprises if fit else None

    def values(self, candidates: Sequence[Any], name: str) -> list[Any]:
        """Give one column of candidates, None where a candidate has no value."""
        values = map(attrgetter(self._attributes[name]), candidates)
        return [None if value is msgspec.UNSET else value for value in values]

    def _rescue(self, candidate: Any) -> list[str]:  # noqa: ANN401
        misfits = {}
        for attribute, name in self._others:
            value = getattr(candidate, attribute)
            if value is not msgspec.UNSET:
                misfits[name] = rescued(value)
                setattr(candidate, attribute, msgspec.UNSET)
        candidate.rescued = misfits or None
        return [name for name, value in misfits.items() if not is_nothing(value)]

    def _take_other_id(self, candidate: Any) -> bool:  # noqa: ANN401
        if candidate.id is not msgspec.UNSET:
            return False
        for attribute in self._other_ids:
            value = getattr(candidate, attribute)
            if value and isinstance(value, str):
                candidate.id = value
                return True
        return False


def _candidate_type(fitter: Fitter, attributes: dict[str, str], others: dict[str, str]) -> type[msgspec.Struct] | None:
    if not fitter.has_rescue or any(column.decoded_as is None for column in fitter.columns):
        return None
    unset = msgspec.UNSET
    fields: list[tuple[str, Any, Any]] = [(name, str | msgspec.UnsetType, unset) for name in (INTERVIEWER, ID)]
    for column in fitter.columns:
        admitted = column.decoded_as if column.decoded_as is Any else column.decoded_as | msgspec.UnsetType
        fields.append((attributes[column.name], admitted | None if column.nullable else admitted, unset))
    fields += [("rescued", None, None), *((other, Any, unset) for other in others)]
    names = {attribute: name for name, attribute in attributes.items()} | {"rescued": RESCUED} | others
    try:
        return msgspec.defstruct("Candidate", fields, rename=names, forbid_unknown_fields=True, gc=False)
    except ValueError:
        return None  # a name with a quote, a backslash or a control character in it
