"""A list that moves while it is read."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.sandbox.holding import Holding

Move = Literal["newcomer-first", "newcomer-last", "deletion", "update-first", "update-last", "shuffle-ties"]

# Seven do not fit evenly on a page of any usual size, so that ties reach over its end.
TIED = 7
_FIRST_CHANGE = dt.datetime(2025, 10, 1)  # noqa: DTZ001 - later than any made-up time; all times are UTC


@dataclass(frozen=True)
class Moves:
    """How the list of an Interviewer moves.

    It does so from the first request for a page after the first one on, so that a sample of the first page moves
    nothing. The seed spreads the moves evenly over as many answers as the list has pages then, and decides what each
    one is, and whom it is about: the same answers in the same order move the list in the same way.

    Attributes:
        kinds: What happens, each as often as the others. "shuffle-ties" is no single move: neighbours that rank
            equally, seven at a time, come in another order in each answer.
        count: How often something happens.
        seed: Another number moves the list in another way.
        endless: It goes on in this way when they are used up, as long as there are requests.
    """

    kinds: Sequence[Move] = ("newcomer-first", "deletion", "update-first")
    count: int = 5
    seed: int = 0
    endless: bool = False

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        for kind in self.kinds:
            if kind not in get_args(Move):
                msg = f"no such move: {kind}"
                raise ValueError(msg)


class MovingList:
    """The list of one Interviewer while it moves.

    Attributes:
        holding: What is in it now.
        throughout: Who was in it all the time.
        ever: Who was in it at any time.
    """

    def __init__(self, moves: Moves, holding: Holding, pages: int) -> None:
        """Begin with what is in it now, on so many pages."""
        self.holding = holding
        self.throughout = dict.fromkeys(holding.numbers)
        self.ever = dict.fromkeys(holding.numbers)
        self._moves = moves
        self._kinds = [kind for kind in moves.kinds if kind != "shuffle-ties"]
        self._dice = self._seeded("moves")
        self._fresh = itertools.count(max(holding.numbers, default=-1) + 1)
        self._changes = itertools.count(1)
        self._moments = self._spread(max(pages, 1))
        self._next = next(self._moments, None)
        self._answers = 0

    def before_answer(self) -> None:
        """Move as far as it does before the answer that is taken now."""
        self._answers += 1
        while self._next is not None and self._next <= self._answers:
            self._move()
            self._next = next(self._moments, None)

    def ranked(self, numbers: Sequence[int]) -> Sequence[int]:
        """These as they are ranked in the answer that is taken now."""
        if "shuffle-ties" not in self._moves.kinds:
            return numbers
        dice = self._seeded(self._answers)
        ties = (list(numbers[start : start + TIED]) for start in range(0, len(numbers), TIED))
        return [number for tied in ties for number in dice.sample(tied, len(tied))]

    def _seeded(self, what: object) -> random.Random:
        return random.Random(f"{self._moves.seed}/{self.holding.interviewer}/{what}")  # noqa: S311 - no secret

    def _spread(self, pages: int) -> Iterator[int]:
        """Before which answer each move comes, from 1."""
        count = self._moves.count if self._kinds else 0
        for step in itertools.count() if count and self._moves.endless else range(count):
            yield 1 + int((step + self._dice.random()) * pages / count)

    def _move(self) -> None:
        kind, numbers = self._dice.choice(self._kinds), list(self.holding.numbers)
        given = {}
        if kind in {"newcomer-first", "newcomer-last"}:
            number = next(self._fresh)
            self.ever[number] = None
            now = self._now()
            person = self.holding.candidate(number)
            # Who has only just come was neither interviewed nor changed.
            given[number] = person | {
                "createdAt": now,
                "updatedAt": now,
                "interviewedAt": None,
                "durationSeconds": None,
            }
        elif not numbers:
            return
        else:
            number = numbers.pop(self._dice.randrange(len(numbers)))
            person = self.holding.candidate(number)
            if kind == "deletion":
                self.throughout.pop(number, None)
            elif "updatedAt" in person:
                given[number] = person | {"updatedAt": self._now()}
        if kind.endswith("-first"):
            numbers.insert(0, number)
        elif kind.endswith("-last"):
            numbers.append(number)
        self.holding = self.holding.change(numbers, given)

    def _now(self) -> str:
        """A time that is later than all before it."""
        return f"{(_FIRST_CHANGE + dt.timedelta(seconds=next(self._changes))).isoformat(timespec='milliseconds')}Z"
