"""Measure the tap beside its peers: ``python -m tests.benchmarks`` (make bench).

It fails where a contender does not deliver every candidate, never because of a figure: those depend on the
machine. All of it takes about three quarters of an hour.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import contenders
from tests.benchmarks.api import running
from tests.benchmarks.measure import Result, check, race
from tests.benchmarks.picture import draw
from tests.benchmarks.report import Race, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.contenders import Contender

_DOCS = Path(__file__).parents[2] / "docs"
_LATENCY = 0.2
_EVERYONE = (*contenders.OURS, *contenders.PEERS)


def main() -> None:
    """Run all races, or those that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the candidates, in one round")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders that have one of these in their names")
    parser.add_argument("--races", nargs="+", metavar="RACE", help="of speed, latency, many, memory, start")
    parser.add_argument("--candidates", type=int, default=100_000, metavar="N", help="of the race without latency")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of the race without latency")
    asked = parser.parse_args()
    less, rounds = (10, 1) if asked.quick else (1, asked.rounds)

    def among(taking_part: Sequence[Contender]) -> list[Contender]:
        return [one for one in taking_part if not asked.only or any(name in one.name for name in asked.only)]

    courses: dict[str, Callable[[], Race]] = {
        "speed": lambda: _speed(among(_EVERYONE), asked.candidates // less, rounds),
        "latency": lambda: _latency(among(_EVERYONE), 20_000 // less, 1),
        "many": lambda: _latency(among([*contenders.OURS, contenders.PLAIN]), 100, 200 // less),
        "memory": lambda: _memory(20_000 // less, 1_000_000 // less),
        "start": lambda: _start(5 * rounds),
    }
    races = {name: course() for name, course in courses.items() if not asked.races or name in asked.races}
    text = page(races.values())
    print(text)  # noqa: T201  # what it is for
    if not (asked.quick or asked.only or asked.races):
        (_DOCS / "benchmark.md").write_text(text, encoding="utf-8")
        (_DOCS / "benchmark.svg").write_text(draw(races["speed"], races["latency"]), encoding="utf-8")


def _speed(taking_part: Sequence[Contender], candidates: int, rounds: int) -> Race:
    with running(candidates=candidates) as api:
        for contender in taking_part:
            check(contender, api)
        how = f"Median of {rounds} runs in turn, output to `/dev/null` or its own files; one more, before, was checked."
        return Race(f"{candidates:,} candidates, no latency", how, race(taking_part, api, rounds))


def _latency(taking_part: Sequence[Contender], candidates: int, interviewers: int) -> Race:
    with running(candidates=candidates, interviewers=interviewers, latency=_LATENCY) as api:
        # Waiting decides here, and what the counting costs can't be seen: one run does for both.
        results = [Result(one.name, [check(one, api)], one.in_flight) for one in taking_part]
    requests = interviewers * (candidates // contenders.PAGE_SIZE + 1)
    whose = f"{interviewers} Interviewers with {candidates} each" if interviewers > 1 else f"{candidates:,} candidates"
    how = (
        f"One run, checked. {requests} requests (the last page of each Interviewer is empty) of {_LATENCY} s, by the "
        "number in flight, are the least that waiting takes."
    )
    return Race(f"{whose}, {_LATENCY} s latency", how, results, requests * _LATENCY)


def _memory(*counts: int) -> Race:
    contender = contenders.this_tap(4)
    results = []
    for count in counts:
        with running(candidates=count) as api:
            results.append(Result(f"{contender.name}: {count:,} candidates", [check(contender, api)]))
    return Race("Memory", "One run, checked: its output goes through a pipe to a program that counts.", results)


def _start(rounds: int) -> Race:
    with running(candidates=100) as api:
        return Race("Start", f"Median of {rounds} runs in turn.", race(contenders.STARTS, api, rounds))


if __name__ == "__main__":
    main()
