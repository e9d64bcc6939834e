"""The list of candidates of one Interviewer, made up or given."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tap_interviewflow.sandbox.candidates import Candidate, made_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# What candidates of real APIs now and then hold. Each is laid over an otherwise plain candidate.
ODDITIES: tuple[Candidate, ...] = (
    {"score": "N/A"},
    {"additionalFields": []},
    {"additionalFields": None},
    {"createdAt": "yesterday"},
    {"favouriteColour": "teal"},
    {"durationSeconds": 2**64 + 1},
    {"name": "Nul\0 Byte"},
    {"name": "Half a pair \ud83d"},
    {"": "a field without a name"},
    {"score": Decimal("0.1234567890123456789")},
    {"score": Decimal("1E+400")},
    {"report": {"a.b": {'say "hi"': [{"with space": 1, "": None, "back\\slash": "x"}]}}},
)

_NUMBER_MARK = "\ue000number "
_made_up = lru_cache(4096)(made_up)  # the tests read the same first ones again and again


class CandidateList:
    """The candidates of one Interviewer, each of them known by a number.

    Attributes:
        interviewer: The Interviewer's ID.
        numbers: The numbers of those in the list, in the API's order.
        throughout: Those that were in it from the first request to the last response.
        ever: Those that were in it at any time.
    """

    def __init__(self, interviewer: str, given: int | Sequence[Mapping[str, Any]], *, seed: int, odd: bool) -> None:
        """Hold the given candidates, or as many made-up ones."""
        self.interviewer = interviewer
        self._seed, self._odd = seed, odd
        self._given: dict[int, Mapping[str, Any]] = {} if isinstance(given, int) else dict(enumerate(given))
        self.reset(range(given if isinstance(given, int) else len(given)))

    def reset(self, numbers: Iterable[int]) -> None:
        """Hold these from now on, as if the list had never been another."""
        self.numbers = list(numbers)
        self.throughout, self.ever = set(self.numbers), set(self.numbers)

    def put(self, number: int, candidate: Mapping[str, Any]) -> None:
        """Set the candidate that this number stands for, without adding it to the list."""
        self._given[number] = candidate
        self.ever.add(number)

    def next_number(self) -> int:
        """Return a number that stands for no candidate yet."""
        return max(self.ever, default=-1) + 1

    def candidate(self, number: int) -> Candidate:
        """Return a copy of the candidate that this number stands for."""
        if number in self._given:
            return dict(self._given[number])
        candidate = dict(_made_up(self.interviewer, number, seed=self._seed))
        if self._odd and number % 10 == 9:
            candidate |= copy.deepcopy(ODDITIES[number // 10 % len(ODDITIES)])
        return candidate

    def id_of(self, number: int) -> str:
        """Return the interview ID of a candidate."""
        candidate = self.candidate(number)
        return str(next((candidate[name] for name in ("interviewId", "id", "_id") if candidate.get(name)), None))


def to_json(value: object) -> bytes:
    """Encode as JSON, with every digit of a `Decimal` and lone surrogates escaped.

    Without a library: the demo runs where Meltano is, and has no other.
    """
    numbers: list[Decimal] = []

    def mark(number: Decimal) -> str:
        numbers.append(number)
        return f"{_NUMBER_MARK}{len(numbers)}"

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=mark)
    for place, number in enumerate(numbers, 1):
        text = text.replace(f'"{_NUMBER_MARK}{place}"', str(number), 1)
    return text.encode("utf-8", "backslashreplace")
