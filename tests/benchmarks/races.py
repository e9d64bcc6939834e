"""The parts of the benchmark: what is read, by whom, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.benchmarks import contenders, pipelines
from tests.benchmarks.api import running
from tests.benchmarks.losses import losses
from tests.benchmarks.measure import check, race
from tests.benchmarks.results import Race, Result
from tests.targets.postgres import serving_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.contenders import Contender

LATENCY: Final = 0.2
_CHECKED: Final = 2_000


def _without_latency(taking_part: Sequence[Contender], beside: Contender, title: str, less: int) -> Race:
    candidates = 100_000 // less
    with running(candidates=_CHECKED) as api:
        for one in taking_part:
            check(one, api)
    with running(candidates=candidates) as api:
        measured = race(taking_part, api, 3 if less == 1 else 1)
    how = (
        f"Median of {len(measured[0].samples)} runs in turn, output to `/dev/null` or files of its own; each contender "
        f"was checked before, on {_CHECKED:,} candidates."
    )
    return Race(f"{candidates:,} candidates{title}", how, measured, beside.name)


def _lines(less: int) -> Iterator[Race]:
    yield _without_latency([*contenders.OURS, *contenders.PEERS], contenders.PLAIN, ", no latency", less)


def _batch(less: int) -> Iterator[Race]:
    taking_part = [contenders.lines(4), *map(contenders.batches, ("gzip", "none")), contenders.PLAIN_BATCHES]
    yield _without_latency(taking_part, contenders.PLAIN_BATCHES, ", RECORD lines and BATCH files", less)


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


def _latency(less: int) -> Iterator[Race]:
    taking_part = [*map(contenders.lines, (1, 4, 8, 16)), *contenders.ONE_OF_EACH]
    candidates = max(5_000 // less, 500)
    yield _with_latency(taking_part, candidates, 1, f"{candidates:,} candidates, {LATENCY} s latency")


def _many(less: int) -> Iterator[Race]:
    interviewers = 200 // less
    title = f"{interviewers} Interviewers of 80 candidates, {LATENCY} s latency, no catalog"
    yield _with_latency([contenders.lines(4, discovers=True), contenders.PLAIN], 80, interviewers, title)


def _end_to_end(less: int) -> Iterator[Race]:
    candidates, rounds = 20_000 // less, 2 if less == 1 else 1
    with running(candidates=candidates) as api, serving_postgres() as server:
        targets = {"DuckDB": pipelines.into_duckdb(), "PostgreSQL": pipelines.into_postgres(server)}
        for name, taking_part in targets.items():
            measured = race(taking_part, api, rounds, checked=True)
            how = f"Median of {rounds} runs in turn, each into an empty database, of which the rows were counted."
            yield Race(f"{candidates:,} candidates into {name}", how, measured, "dlt")


def _losses(less: int) -> Iterator[Race]:
    taking_part = [*contenders.OURS, contenders.PLAIN, contenders.DLT_EXTRACT, contenders.SCRIPT]
    for total in (True, False):
        yield losses(taking_part, 10 if less == 1 else 2, total=total)


_PEERS: Final = ("airbyte-cdk", contenders.DLT, "libcurl")
PARTS: Final[dict[str, tuple[Callable[[int], Iterator[Race]], tuple[str, ...]]]] = {
    "lines": (_lines, _PEERS),
    "batch": (_batch, ()),
    "latency": (_latency, _PEERS),
    "many": (_many, ()),
    "end-to-end": (_end_to_end, ("target-duckdb", "target-postgres", "postgresql", contenders.DLT)),
    "losses": (_losses, (contenders.DLT,)),
}
"""What runs each part, with so many times less to read, and the environments that it needs."""
