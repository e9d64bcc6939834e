"""Who loses candidates of a list that moves while it is read, over HTTP; tests/moving.py does so in virtual time."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks.api import Api
from tests.benchmarks.measure import read
from tests.benchmarks.results import Race, Result
from tests.sandbox import Moves, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.contenders import Contender
    from tests.benchmarks.results import Sample

CANDIDATES: Final = 1_000


def losses(contenders: Sequence[Contender], seeds: int, *, total: bool) -> Race:
    """Let contenders read the same lists that move in the same ways.

    Args:
        contenders: Who reads.
        seeds: How many lists they read.
        total: Whether the API states how many candidates there are, which none but this tap makes anything of.
    """
    moves = Moves()
    how = (
        f"{seeds} reads, each of a list that moves {moves.count} times while it is read ({', '.join(moves.kinds)}), in "
        "the same ways for everybody. Lost is who was in the list from the first request to the last answer and did "
        "not arrive, in all reads together."
    )
    results = [
        Result(one.name, [_read(one, seed, total=total) for seed in range(1, seeds + 1)], one.in_flight)
        for one in contenders
    ]
    said = "total" if total else "no total"
    return Race(f"{CANDIDATES:,} candidates in a list that moves, {said} stated", how, results)


def _read(contender: Contender, seed: int, *, total: bool) -> Sample:
    with (
        Sandbox({"interviewer-1": CANDIDATES}, moves=Moves(seed=seed), metadata="total" if total else None) as sandbox,
        tempfile.TemporaryDirectory() as name,
    ):
        sample, ids = read(contender, Api(sandbox.url, tuple(sandbox.interviewers), CANDIDATES), Path(name))
        lost = sandbox.present_throughout("interviewer-1").difference(ids)
    return replace(sample, rows=len(set(ids)), lost=len(lost))
