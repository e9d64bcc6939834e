"""The parts of the benchmark: what is read, by whom, and how often."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.benchmarks import contenders, pipelines
from tests.benchmarks.api import running
from tests.benchmarks.losses import losses
from tests.benchmarks.measure import check, race
from tests.benchmarks.results import Race, Result
from tests.targets.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.benchmarks.contenders import Contender

LATENCY: Final = 0.2
_CHECKED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Runs:
    """A part that can be run.

    Attributes:
        run: Runs it, with so many times less to read.
        environments: What has to be installed for it.
    """

    run: Callable[[int], Iterable[Race]]
    environments: Sequence[str] = ()


def _environments(taking_part: Iterable[Contender]) -> list[str]:
    return list(dict.fromkeys(name for one in taking_part for name in one.environments))


def _without_latency(taking_part: Sequence[Contender], beside: str, title: str, less: int, rounds: int = 3) -> Race:
    candidates = 100_000 // less
    with running(candidates=_CHECKED) as api:
        for one in taking_part:
            check(one, api)
    with running(candidates=candidates) as api:
        measured = race(taking_part, api, rounds if less == 1 else 1)
    how = (
        f"Median of {len(measured[0].samples)} runs in turn, output to `/dev/null` or files of its own; each contender "
        f"was checked before, on {_CHECKED:,} candidates."
    )
    return Race(f"{candidates:,} candidates{title}", how, measured, beside)


def _lines() -> Runs:
    taking_part = [*contenders.OURS, *contenders.PEERS]

    def run(less: int) -> list[Race]:
        return [_without_latency(taking_part, contenders.PLAIN.name, ", no latency", less)]

    return Runs(run, _environments(taking_part))


def _batch() -> Runs:
    taking_part = [contenders.lines(4), *map(contenders.batches, ("gzip", "none")), contenders.PLAIN_BATCHES]

    def run(less: int) -> list[Race]:
        return [_without_latency(taking_part, contenders.PLAIN_BATCHES.name, ", RECORD lines and BATCH files", less)]

    return Runs(run)


def _with_latency(taking_part: Sequence[Contender], candidates: int, interviewers: int, title: str) -> Race:
    with running(candidates=candidates, interviewers=interviewers, latency=LATENCY) as api:
        # Waiting decides here, and what the counting costs can't be seen: one run does for both.
        measured = [Result(one.name, [check(one, api)], one.in_flight) for one in taking_part]
    requests = interviewers * (-(-candidates // contenders.PAGE_SIZE) + 1)
    how = (
        f"One run, checked. {requests:,} requests of {LATENCY} s, by the number in flight, are the least that waiting "
        "takes if each Interviewer's end is asked for."
    )
    return Race(title, how, measured, contenders.PLAIN.name, requests * LATENCY)


def _latency() -> Runs:
    taking_part = [*map(contenders.lines, (1, 4, 8, 16)), *contenders.ONE_OF_EACH]

    def run(less: int) -> list[Race]:
        candidates = max(5_000 // less, 500)
        return [_with_latency(taking_part, candidates, 1, f"{candidates:,} candidates, {LATENCY} s latency")]

    return Runs(run, _environments(taking_part))


def _many() -> Runs:
    def run(less: int) -> list[Race]:
        interviewers = 200 // less
        title = f"{interviewers} Interviewers of 80 candidates, {LATENCY} s latency, no catalog"
        taking_part = [contenders.lines(4, discovers=True), contenders.PLAIN]
        return [_with_latency(taking_part, 80, interviewers, title)]

    return Runs(run)


def _end_to_end() -> Runs:
    def run(less: int) -> Iterable[Race]:
        candidates, rounds = 20_000 // less, 2 if less == 1 else 1
        with ExitStack() as stack:
            api = stack.enter_context(running(candidates=candidates))
            server = stack.enter_context(PostgresServer())
            for name, taking_part in (
                ("DuckDB", pipelines.into_duckdb()),
                ("PostgreSQL", pipelines.into_postgres(server)),
            ):
                measured = race(taking_part, api, rounds, checked=True)
                how = f"Median of {rounds} runs in turn, each into an empty database, of which the rows were counted."
                yield Race(f"{candidates:,} candidates into {name}", how, measured, "dlt")

    return Runs(run, ["target-duckdb", "target-postgres", "postgresql", contenders.DLT])


def _meltano() -> Runs:
    taking_part = pipelines.with_meltano()

    def run(less: int) -> list[Race]:
        candidates, rounds = 20_000 // less, 2 if less == 1 else 1
        with running(candidates=candidates) as api:
            measured = race(taking_part, api, rounds, checked=True)
        how = (
            f"Median of {rounds} runs in turn, each in a project of its own that has no database and no catalog yet. "
            "Memory of Meltano is the most of its largest process."
        )
        return [Race(f"{candidates:,} candidates by Meltano", how, measured)]

    return Runs(run, _environments(taking_part))


def _memory() -> Runs:
    def run(less: int) -> list[Race]:
        measured = []
        for candidates in (20_000 // less, 200_000 // less):
            with running(candidates=candidates) as api:
                measured += [
                    Result(f"{one.name}: {candidates:,} candidates", [check(one, api)])
                    for one in (contenders.lines(4), contenders.batches("gzip"))
                ]
        return [Race("Memory", "One run, checked.", measured)]

    return Runs(run)


def _start() -> Runs:
    def run(less: int) -> list[Race]:
        rounds = 10 if less == 1 else 1
        with running(candidates=100) as api:
            return [Race("Start", f"Median of {rounds} runs in turn.", race(contenders.STARTS, api, rounds))]

    return Runs(run)


def _losses() -> Runs:
    taking_part = [*contenders.OURS, contenders.PLAIN, contenders.DLT_EXTRACT, contenders.SCRIPT]

    def run(less: int) -> list[Race]:
        return [losses(taking_part, 10 if less == 1 else 2, total=total) for total in (True, False)]

    return Runs(run, _environments(taking_part))


PARTS: Final[dict[str, Callable[[], Runs]]] = {
    "lines": _lines,
    "batch": _batch,
    "latency": _latency,
    "many": _many,
    "end-to-end": _end_to_end,
    "meltano": _meltano,
    "memory": _memory,
    "start": _start,
    "losses": _losses,
}
"""By name; made when they are asked for, since they look for what they need."""
