"""What was measured, as a page."""

from __future__ import annotations

import datetime as dt
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.contenders import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.benchmarks.measure import Result

_HEAD = """\
# Benchmark

![The races as bars](benchmark.svg)

{date}, {cores} cores, Python {python}. To repeat it: `make bench`. What counts is the ratios within one table: the
seconds are this machine's.

Everybody reads the same made-up candidates of about 0.9 kB from the [sandbox](../tap_interviewflow/sandbox), which
runs in a process of its own and has encoded all pages beforehand, 100 candidates to a page. Each contender was
checked to have delivered every candidate, once. Processor time and memory are those of the contender's process.
The *plain SDK tap* is what the SDK's template makes of this API
([plain_tap.py](../tests/benchmarks/plain_tap.py)); the *floor* fetches, decodes and encodes, and does nothing else.
"""


@dataclass(frozen=True, slots=True)
class Race:
    """Who ran in it, and what each took.

    Attributes:
        title: What was to be read.
        how: How it was measured.
        results: What each took.
        waiting: Seconds that all requests together wait for the API, where that decides.
    """

    title: str
    how: str
    results: Sequence[Result]
    waiting: float | None = None

    def times(self, result: Result) -> float | None:
        """Give how many times as fast as the plain tap a contender was, if that took part."""
        plain = next((one.seconds for one in self.results if one.name == PLAIN.name), None)
        return None if plain is None else plain / result.seconds

    def over(self, result: Result) -> float | None:
        """Give by what part a contender took longer than waiting alone takes."""
        return None if self.waiting is None else result.seconds * result.in_flight / self.waiting - 1


def page(races: Iterable[Race]) -> str:
    """Make the page of all races."""
    date = dt.datetime.now(dt.UTC).date().isoformat()
    head = _HEAD.format(date=date, cores=os.cpu_count(), python=".".join(platform.python_version_tuple()[:2]))
    return "\n".join([head, *map(_section, races)])


def _section(race: Race) -> str:
    columns = {
        "": [result.name for result in race.results],
        "seconds": [f"{result.seconds:.2f}" for result in race.results],
        "times the plain tap": [_shown(race.times(result), "{:.1f}") for result in race.results],
        "over waiting alone": [_shown(race.over(result), "{:+.0%}") for result in race.results],
        "processor seconds": [f"{result.cpu:.2f}" for result in race.results],
        "peak MiB": [f"{result.peak:.0f}" for result in race.results],
    }
    told = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [list(told), ["---", *["--:"] * (len(told) - 1)], *zip(*told.values(), strict=True)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"## {race.title}\n\n{race.how}\n\n{table}\n"


def _shown(figure: float | None, form: str) -> str:
    return "" if figure is None else form.format(figure)
