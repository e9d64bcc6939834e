"""A list that moves while it is read."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.sandbox.candidates import CandidateList

Move = Literal["newcomer-first", "newcomer-last", "deletion", "update-first", "update-last"]

_FIRST_CHANGE = dt.datetime(2025, 10, 1)  # noqa: DTZ001 - later than any made-up time; all times are UTC


@dataclass(frozen=True)
class Moves:
    """How the list of an Interviewer moves.

    It moves from the first request for a page after the first one on, so that a sample of the first page moves nothing.
    The seed spreads the moves evenly over as many responses as the list has pages then, and decides what each one is
    and which candidate it is about: the same responses in the same order move the list in the same way.

    Attributes:
        kinds: What happens, each as often as the others.
        count: How often something happens.
        seed: Another number moves the list in another way.
        endless: It goes on in this way as long as there are requests.
    """

    kinds: Sequence[Move] = ("newcomer-first", "deletion", "update-first")
    count: int = 5
    seed: int = 0
    endless: bool = False


class Mover:
    """Moves the list of one Interviewer."""

    def __init__(self, moves: Moves, candidates: CandidateList, pages: int) -> None:
        """Begin with what is in the list now, on so many pages."""
        self._moves = moves
        self._candidates = candidates
        self._dice = random.Random(f"{moves.seed}/{candidates.interviewer}/moves")  # noqa: S311 - no secret
        self._changes = itertools.count(1)
        self._moments = self._spread(max(pages, 1))
        self._next = next(self._moments, None)
        self._responses = 0

    def before_response(self) -> None:
        """Move the list as far as it does before the next response."""
        self._responses += 1
        while self._next is not None and self._next <= self._responses:
            self._move()
            self._next = next(self._moments, None)

    def _spread(self, pages: int) -> Iterator[int]:
        """Yield before which response each move comes, from 1."""
        count = self._moves.count
        for step in itertools.count() if self._moves.endless else range(count):
            yield 1 + int((step + self._dice.random()) * pages / count)

    def _move(self) -> None:
        kind, candidates = self._dice.choice(self._moves.kinds), self._candidates
        if kind.startswith("newcomer"):
            number = candidates.next_number()
            now = self._now()
            new = {"createdAt": now, "updatedAt": now, "interviewedAt": None, "durationSeconds": None}
            candidates.put(number, candidates.candidate(number) | new)
        elif not candidates.numbers:
            return
        else:
            number = candidates.numbers.pop(self._dice.randrange(len(candidates.numbers)))
            candidate = candidates.candidate(number)
            if kind == "deletion":
                candidates.throughout.discard(number)
            elif "updatedAt" in candidate:
                candidates.put(number, candidate | {"updatedAt": self._now()})
        if kind.endswith("-first"):
            candidates.numbers.insert(0, number)
        elif kind.endswith("-last"):
            candidates.numbers.append(number)

    def _now(self) -> str:
        """Return a time that is later than all before it."""
        return f"{(_FIRST_CHANGE + dt.timedelta(seconds=next(self._changes))).isoformat(timespec='milliseconds')}Z"
