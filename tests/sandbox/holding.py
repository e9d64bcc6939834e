"""What one Interviewer holds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tap_interviewflow.sandbox.candidates import Candidate, made_up, matches
from tests.sandbox.oddities import ODDITIES, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Holding:
    """What one Interviewer holds: a list of numbers, each of them somebody.

    Attributes:
        numbers: Who is in the list, in the API's order.
        raw: A body that is sent as it is for page 1.
        answers: What was answered, to be sent again.
    """

    def __init__(  # noqa: PLR0913 - all of them are simply kept
        self,
        interviewer: str,
        numbers: Sequence[int],
        given: Mapping[int, Mapping[str, Any]],
        *,
        raw: bytes | None = None,
        seed: int = 0,
        odd: bool = False,
    ) -> None:
        """Whoever is not among the given ones is made up."""
        self.interviewer, self.numbers, self.raw = interviewer, numbers, raw
        self.answers: dict[object, bytes] = {}
        self._given = given
        self._seed, self._odd = seed, odd
        self._found: dict[str, int] = {}
        self._matching: dict[bytes, Sequence[int]] = {}

    def candidate(self, number: int) -> Candidate:
        """Who that is."""
        if number in self._given:
            return dict(self._given[number])
        candidate = made_up(self.interviewer, number, seed=self._seed)
        if self._odd and number % 10 == 9:
            candidate |= copy.deepcopy(ODDITIES[number // 10 % len(ODDITIES)])
        return candidate

    def ids(self, numbers: Iterable[int]) -> list[str]:
        """The interview IDs of these."""
        names = ("interviewId", "id", "_id")
        people = map(self.candidate, numbers)
        return [str(next((person[name] for name in names if person.get(name)), None)) for person in people]

    def find(self, interview_id: str) -> int | None:
        """Who has this interview ID."""
        if not self._found:
            self._found = dict(zip(self.ids(self.numbers), self.numbers, strict=True))
        return self._found.get(interview_id)

    def matching(self, wanted: Mapping[str, object]) -> Sequence[int]:
        """Those whom a filter keeps."""
        if not wanted:
            return self.numbers
        key = to_json(wanted)
        if key not in self._matching:
            self._matching[key] = [number for number in self.numbers if matches(self.candidate(number), wanted)]
        return self._matching[key]

    def change(self, numbers: Sequence[int], given: Mapping[int, Mapping[str, Any]]) -> Holding:
        """Others in the list, some of them given."""
        return Holding(self.interviewer, numbers, {**self._given, **given}, seed=self._seed, odd=self._odd)
