"""A body becomes a page: its candidates found, fitted to the schema, and keyed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tap_interviewflow import answers
from tap_interviewflow.compiled import CompiledCandidates
from tap_interviewflow.pagination import Page
from tap_interviewflow.schema import ID, ID_SOURCES
from tap_interviewflow.values import parse, to_decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_interviewflow.fitter import Fitter


_MOST_OTHERS: Final = 100
"""How many fields that are no columns are expected at most; an object keyed by e-mail would have no end of them."""


class _Learned(NamedTuple):
    path: answers.Path
    compiled: CompiledCandidates
    decoder: msgspec.json.Decoder[Any]


class PageReader:
    """Makes pages of bodies. Safe to use from several threads at once."""

    def __init__(self, fitter: Fitter, records_jsonpath: str | None, *, as_dicts: bool) -> None:
        """Prepare for a schema.

        Args:
            fitter: Fits candidates to the schema.
            records_jsonpath: Where the user says that the list is.
            as_dicts: Whether every record has to be a dict, as the SDK handles them; otherwise a record may
                be an object of the compiled decoder, which encodes to the same JSON.
        """
        self._fitter = fitter
        self._records_jsonpath = records_jsonpath
        self._may_compile = not as_dicts and not records_jsonpath
        self._compiled = CompiledCandidates(fitter)
        self._learned: _Learned | None = None

    @property
    def has_rescue(self) -> bool:
        """Whether what does not fit is kept."""
        return self._fitter.has_rescue

    def values(self, records: Sequence[Any], name: str) -> list[Any]:
        """Give one column of records, None where a record has no value."""
        if records and not isinstance(records[0], dict):
            return self._compiled.values(records, name)
        return [record.get(name) for record in records]

    def read(self, body: bytes, interviewer_id: str, number: int) -> Page:
        """Read one page.

        Args:
            body: The body of an answer.
            interviewer_id: The Interviewer that was asked for.
            number: The page that was asked for.

        Raises:
            NotJSONError: If the body is none.
            UnknownAnswerError: If it is no page of candidates.
            UnkeyedCandidateError: If a candidate has no ID.
        """
        try:
            return self._read_compiled(body, interviewer_id, number) or self._read_any(body, interviewer_id, number)
        except RecursionError:
            message = "the answer is nested too deeply to be read"
            raise answers.UnknownAnswerError(message) from None

    def read_single(self, body: bytes, interviewer_id: str, interview_id: str) -> Page:
        """Read the answer to a look-up as a page with the one candidate that was asked for, or none.

        Raises:
            NotJSONError: If the body is none.
            UnknownAnswerError: If it holds no candidate where one is known to be.
        """
        document, replaced, is_odd = parse(body)
        candidates = [
            candidate
            for candidate in answers.read_single(document, self._records_jsonpath)
            if interview_id in {str(candidate.get(name)) for name in ID_SOURCES}
        ]
        return self._fit(answers.Answer(candidates, (), answers.Words()), interviewer_id, 1, replaced, is_odd=is_odd)

    def _read_compiled(self, body: bytes, interviewer_id: str, number: int) -> Page | None:
        # U+0000 can only come as an escape; what else is odd makes the decoder stop.
        if self._learned is None or b"\\u0000" in body:
            return None
        path, compiled, decoder = self._learned
        try:
            answer = answers.read(answers.as_document(decoder.decode(body), path))
        except (msgspec.DecodeError, ArithmeticError, RecursionError, ValueError, answers.UnknownAnswerError):
            return None
        surprises = compiled.settle(answer.candidates, interviewer_id)
        if answer.path != path or surprises is None:
            return None
        ids = compiled.values(answer.candidates, ID)
        return Page(number, ids, answer.words, answer.candidates, surprises)

    def _read_any(self, body: bytes, interviewer_id: str, number: int) -> Page:
        document, replaced, is_odd = parse(body)
        answer = answers.read(document, self._records_jsonpath)
        if self._may_compile and answer.candidates:
            self._learn(answer)
        return self._fit(answer, interviewer_id, number, replaced, is_odd=is_odd)

    def _learn(self, answer: answers.Answer) -> None:
        """Prepare to read the next pages in the compiled way: as this one, with its unexpected fields expected."""
        known = self._learned.compiled.others if self._learned else frozenset()
        others = known.union(*answer.candidates) - self._fitter.expected
        if (self._learned and others == known and answer.path == self._learned.path) or len(others) > _MOST_OTHERS:
            return
        compiled = CompiledCandidates(self._fitter, others)
        if compiled.type is None:
            self._may_compile = False
            return
        described = answers.typed(answer.path, compiled.type)
        self._learned = _Learned(answer.path, compiled, msgspec.json.Decoder(described, float_hook=to_decimal))

    def _fit(self, answer: answers.Answer, interviewer_id: str, number: int, replaced: int, *, is_odd: bool) -> Page:
        surprises: Counter[str] = Counter()
        records = [
            self._fitter.fit(candidate, interviewer_id, surprises, is_odd=is_odd) for candidate in answer.candidates
        ]
        ids = [record[ID] for record in records]
        return Page(number, ids, answer.words, records, surprises, replaced)
