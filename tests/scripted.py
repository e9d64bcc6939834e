"""A read without HTTP: a list that moves as a script says, and answers that come in the order that it says.

Time is virtual. The tap's own reader runs in it, with all that decides; only the threads and the client are played.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from tap_interviewflow.api.client import RefusedError, Response
from tap_interviewflow.reader import Reader
from tap_interviewflow.records.conform import Conformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_interviewflow.api.completeness import Verdict

_T = TypeVar("_T")

ONE = "interviewer-1"
ONLY_KEY = {"properties": {name: {"type": "string"} for name in ("interviewerId", "id")}}
"""The columns that reading needs: how the others are filled is no matter of how a list is read."""

KINDS = ("newcomer-first", "newcomer-last", "deletion", "update-first", "update-last")


class Clock:
    """Virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent = 0.0  # when the request that is being answered was sent

    def tick(self) -> float:
        self.now += 1
        return self.now


class Held:
    """What the API holds."""

    def document(self, interviewer_id: str, page: int, limit: int) -> Any:
        """Give an answer, or a status from 400 on."""
        raise NotImplementedError

    def tick(self) -> None:
        """Let something happen between two events."""


@dataclass
class MovingList(Held):
    """A list of candidates that changes.

    Attributes:
        moves: After which event what happens where; an event is an answer that is made or that comes in.
        said: The words beside the list, such as "total+hasMore".
        always: The rows that are in it from the first answer to the last.
    """

    rows: list[int]
    moves: list[tuple[int, str, int]]
    said: str
    always: set[int] = field(init=False)
    events: int = 0
    is_read: bool = False
    fresh: int = 10**6

    def __post_init__(self) -> None:
        self.always = set(self.rows)
        self.moves = sorted(self.moves)

    @override
    def document(self, interviewer_id: str, page: int, limit: int) -> Any:
        self.is_read = True
        count = len(self.rows)
        every = {"total": count, "totalPages": -(-count // limit), "hasMore": page * limit < count}
        words = {name: every[name] for name in self.said.split("+") if name}
        return {"data": [{"id": f"id-{row}"} for row in self.rows[(page - 1) * limit : page * limit]], **words}

    @override
    def tick(self) -> None:
        # What happens before the first answer is made is no move during the read.
        while self.is_read and self.moves and self.moves[0][0] <= self.events:
            _, kind, place = self.moves.pop(0)
            self.move(kind, place)
        self.events += self.is_read

    def move(self, kind: str, place: int) -> None:
        """Change the list in one way; the place may be out of bounds."""
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


def ids(*rows: int) -> dict[str, Any]:
    """A page of these candidates."""
    return {"data": [{"id": f"id-{row}"} for row in rows]}


class Answers(Held):
    """Answers as they are: by page, or by Interviewer and page, one for each visit; the last one stays."""

    def __init__(self, answers: Mapping[Any, Any], otherwise: Any = None) -> None:
        self._answers = answers
        self._otherwise = {"data": []} if otherwise is None else otherwise
        self._visits: Counter[Any] = Counter()

    @override
    def document(self, interviewer_id: str, page: int, limit: int) -> Any:
        key = page if page in self._answers else (interviewer_id, page)
        answers = self._answers.get(key, self._otherwise)
        if not isinstance(answers, list):
            return answers
        self._visits[key] += 1
        return answers[min(self._visits[key], len(answers)) - 1]


class ScriptedClient:
    """Answers from what is held, at once."""

    def __init__(self, held: Held, clock: Clock) -> None:
        self.asked: list[tuple[str, int]] = []
        self.redact = str
        self._held = held
        self._clock = clock

    def fetch(self, body: Mapping[str, Any], what: str, _is_wanted: Callable[[], bool] = lambda: True) -> Response:
        interviewer_id, page = body["interviewerId"], body["page"]
        self.asked.append((interviewer_id, page))
        document = self._held.document(interviewer_id, page, body["limit"])
        status = document if type(document) is int else 200
        if status >= 400:
            message = f"{what}: {status}"
            raise RefusedError(message, status)
        return Response(
            [] if status == 204 else document,
            replaced=0,
            has_extreme_numbers=False,
            date=None,
            sent=self._clock.sent,
            received=self._clock.now,
            size=0,
        )

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


class ScriptedPool:
    """Plays the threads: each call is made, and each result handed over, when the script says."""

    def __init__(self, size: int, held: Held, clock: Clock, choose: Callable[[int], int]) -> None:
        self.size = size
        self._held = held
        self._clock = clock
        self._choose = choose  # one of so many events that may come next
        self._in_flight: list[tuple[Callable[[], Any], Future[Any], float]] = []
        self._answered: list[tuple[Future[Any], Any]] = []

    def now(self) -> float:
        return 0.0  # no page is ever too old: events are no seconds

    def is_idle(self) -> bool:
        return len(self._in_flight) + len(self._answered) < self.size

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._in_flight.append((call, future, self._clock.tick()))
        return future

    def wait_for_any(self) -> None:
        """Let one thing happen: an answer is made, or one that was made comes in."""
        self._held.tick()
        self._clock.tick()
        place = self._choose(len(self._in_flight) + len(self._answered))
        if place < len(self._in_flight):
            call, future, self._clock.sent = self._in_flight.pop(place)
            try:
                self._answered.append((future, call()))
            except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
                future.set_exception(error)
            return
        future, result = self._answered.pop(place - len(self._in_flight))
        if hasattr(result, "received"):
            result.received = self._clock.now
        future.set_result(result)

    def in_order(self, calls: Iterable[Callable[[], _T]], _at_once: int | None = None) -> Iterator[_T]:
        waiting, pending = list(calls), list[Future[_T]]()
        while waiting or pending:
            while waiting and self.is_idle():
                pending.append(self.submit(waiting.pop(0)))
            if pending and pending[0].done():
                yield pending.pop(0).result()
            else:
                self.wait_for_any()

    def close(self) -> None:
        pass


class ScriptedRead:
    """A reader in virtual time.

    Attributes:
        written: The IDs of the candidates that were written, in their order.
        reader: The tap's own reader.
    """

    def __init__(self, held: Held, *, size: int, width: int = 1, interviewers: int = 1, **options: Any) -> None:
        """Read nothing yet.

        Args:
            held: What the API holds.
            size: How many candidates are on a page.
            width: How many requests are in flight.
            interviewers: How many Interviewers there are.
            options: ``choose`` picks one of so many events that may come next; ``reads_twice`` is the reader's.
        """
        clock = Clock()
        self.written: list[str] = []
        self._client = ScriptedClient(held, clock)
        names = [f"interviewer-{number}" for number in range(1, interviewers + 1)]
        config = {"interviewer_ids": names, "page_size": size, "max_parallel_requests": width}
        config |= {name: options[name] for name in ("additional_fields",) if name in options}
        self.reader = Reader(config, None, self._client)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
        pool = ScriptedPool(width, held, clock, options.get("choose", lambda _: 0))
        self.reader._pool = pool  # type: ignore[assignment]  # ty: ignore[invalid-assignment]
        self.reader.prepare(Conformer(ONLY_KEY), names, reads_twice=options.get("reads_twice", False))

    def run(self) -> ScriptedRead:
        """Read everything."""
        for interviewer_id in self.reader.interviewer_ids:
            for page in self.reader.pages(interviewer_id):
                self.written += page.ids
                assert not page.candidates, "what is written is held as records alone"
        return self

    @property
    def verdict(self) -> Verdict:
        """How the read of the last Interviewer ended."""
        return self.reader.verdicts[self.reader.interviewer_ids[-1]]

    @property
    def asked(self) -> list[int]:
        """The pages that were asked for."""
        return [page for _, page in self._client.asked]

    def asked_of(self, interviewer_id: str) -> list[int]:
        """The pages of one Interviewer that were asked for."""
        return [page for name, page in self._client.asked if name == interviewer_id]


def read_moving(
    rows: int, size: int, width: int, moves: Sequence[tuple[int, str, int]], *, said: str, **options: Any
) -> tuple[ScriptedRead, set[int]]:
    """Read a list that moves, and give those that were there throughout and were not written, too."""
    held = MovingList(list(range(rows)), list(moves), said)
    read = ScriptedRead(held, size=size, width=width, **options).run()
    written = set(read.written)
    return read, {row for row in held.always if f"id-{row}" not in written}
