"""A read without HTTP: a list that moves as a script says, and answers that come in the order that it says.

Time is virtual. The tap's own reader runs in it, with all that decides; only the threads and the client are played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from tap_interviewflow.api.client import Response
from tap_interviewflow.api.completeness import Verdict
from tap_interviewflow.reader import Reader
from tap_interviewflow.records.conform import Conformer
from tap_interviewflow.records.schema import candidates_schema

_T = TypeVar("_T")

ONE = "interviewer-1"
KINDS = ("newcomer-first", "newcomer-last", "deletion", "update-first", "update-last")


@dataclass
class MovingList:
    """A list of candidates that changes."""

    rows: list[int]
    always: set[int] = field(init=False)
    fresh: int = 10**6

    def __post_init__(self) -> None:
        self.always = set(self.rows)

    def move(self, kind: str, place: int) -> None:
        """Change the list in one way; the place counts from either end and may be out of bounds."""
        rows = self.rows
        if kind.startswith("newcomer"):
            self.fresh += 1
            rows.insert(0 if kind == "newcomer-first" else len(rows), self.fresh)
        elif rows:
            row = rows.pop(place % len(rows))
            if kind == "deletion":
                self.always.discard(row)
            else:
                rows.insert(0 if kind == "update-first" else len(rows), row)


class ScriptedClient:
    """Answers from a list, at once."""

    def __init__(
        self, held: MovingList, said: Callable[[MovingList, int, int], dict[str, Any]], clock: list[float]
    ) -> None:
        self.held = held
        self.asked: list[int] = []
        self._said = said
        self._clock = clock
        self.sent = 0.0

    def fetch(self, body: dict[str, Any], _what: str, _is_wanted: Callable[[], bool] = lambda: True) -> Response:
        page, limit = body["page"], body["limit"]
        self.asked.append(page)
        rows = self.held.rows[(page - 1) * limit : page * limit]
        document = {"data": [{"id": f"id-{row}"} for row in rows], **self._said(self.held, page, limit)}
        return Response(
            document, 0, has_extreme_numbers=False, status=200, date=None, sent=self.sent, received=self._clock[0]
        )

    def close(self) -> None:
        pass


class ScriptedPool:
    """Plays the threads: each call is made, and each result handed over, when the script says."""

    def __init__(
        self,
        size: int,
        client: ScriptedClient,
        clock: list[float],
        choose: Callable[[int], int],
        tick: Callable[[], None],
    ) -> None:
        self.size = size
        self.peak = 0
        self._client = client
        self._clock = clock
        self._choose = choose  # one of so many
        self._tick = tick  # what happens to the list between any two events
        self._in_flight: list[tuple[Callable[[], Any], Future[Any], float]] = []
        self._served: list[tuple[Future[Any], Any]] = []

    def is_idle(self) -> bool:
        return len(self._in_flight) + len(self._served) < self.size

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._clock[0] += 1
        self._in_flight.append((call, future, self._clock[0]))
        self.peak = max(self.peak, len(self._in_flight) + len(self._served))
        return future

    def wait_for_any(self) -> None:
        """Let one thing happen: an answer is made, or one that was made comes in."""
        self._tick()
        self._clock[0] += 1
        place = self._choose(len(self._in_flight) + len(self._served))
        if place < len(self._in_flight):
            call, future, self._client.sent = self._in_flight.pop(place)
            try:
                self._served.append((future, call()))
            except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
                future.set_exception(error)
            return
        future, result = self._served.pop(place - len(self._in_flight))
        if hasattr(result, "received"):
            result.received = self._clock[0]
        future.set_result(result)

    def in_order(self, calls: Iterable[Callable[[], _T]]) -> Iterator[_T]:
        waiting, pending = list(calls), []
        while waiting or pending:
            while waiting and self.is_idle():
                pending.append(self.submit(waiting.pop(0)))
            if pending and pending[0].done():
                yield pending.pop(0).result()
            else:
                self.wait_for_any()

    def close(self) -> None:
        pass


@dataclass
class Outcome:
    """What a scripted read came to."""

    lost: set[int]
    written: list[str]
    verdict: Verdict
    asked: list[int]


def words(name: str) -> Callable[[MovingList, int, int], dict[str, Any]]:
    """Give what is said beside the list, truthfully."""

    def said(held: MovingList, page: int, limit: int) -> dict[str, Any]:
        count = len(held.rows)
        every = {"total": count, "totalPages": -(-count // limit), "hasMore": page * limit < count}
        return {key: every[key] for key in name.split("+") if key}

    return said


def read(  # noqa: PLR0913  # a script has many parts
    rows: int,
    size: int,
    width: int,
    moves: Sequence[tuple[int, str, int]],
    *,
    said: str = "total",
    choose: Callable[[int], int] = lambda _: 0,
    confirms: bool = False,
) -> Outcome:
    """Read a list that moves.

    Args:
        rows: How many candidates there are at first.
        size: How many are on a page.
        width: How many requests are in flight.
        moves: After which event what happens where; an event is an answer that is made or that comes in.
        said: The words beside the list, such as "total+hasMore".
        choose: Picks one of so many events that may come next.
        confirms: Whether everything is looked at twice before anything may be deleted.
    """
    clock = [0.0]
    held = MovingList(list(range(rows)))
    client = ScriptedClient(held, words(said), clock)
    waiting = sorted(moves)
    events = 0

    def tick() -> None:
        nonlocal events
        # The list is as it is when the first request is answered: what happened before is no move during the read.
        while client.asked and waiting and waiting[0][0] <= events:
            _, kind, place = waiting.pop(0)
            held.move(kind, place)
        events += bool(client.asked)

    config = {"interviewer_ids": [ONE], "page_size": size, "max_parallel_requests": width}
    reader = Reader(config, None, client)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    reader._pool = ScriptedPool(width, client, clock, choose, tick)  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
    reader.prepare(Conformer(candidates_schema()), confirms=confirms)
    written = [each for page in reader.pages(ONE) for each in page.ids]
    lost = {row for row in held.always if f"id-{row}" not in set(written)}
    return Outcome(lost, written, reader.verdicts[ONE], client.asked)


def random_read(
    seed: int, kinds: Sequence[str], count: int, *, rows: int = 600, size: int = 20, width: int = 4, **options: Any
) -> Outcome:
    """Read a list with so many moves of some kinds, at moments drawn from a seed."""
    dice = Random(seed)  # noqa: S311  # the same on every run
    events = 2 * rows // size
    moves = [(dice.randrange(events), dice.choice(kinds), dice.randrange(rows)) for _ in range(count)]
    return read(rows, size, width, moves, choose=dice.randrange, **options)
