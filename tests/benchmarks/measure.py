"""Running contenders: what each takes, and whether it delivered what it was to deliver."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from tests.benchmarks.results import Result, Sample
from tests.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.api import Api
    from tests.benchmarks.contenders import Contender, Job

TIMED: Final = Path(__file__).with_name("timed.py")
ID: Final = re.compile(r'"id": ?"([0-9a-f]{8}-[0-9a-f-]{27})"')


class WrongOutputError(Exception):
    """A contender failed, or did not deliver every candidate once."""


def read(contender: Contender, api: Api, directory: Path) -> tuple[Sample, list[str]]:
    """Run a contender once, and return what it took and the IDs that it wrote to its files or to standard output.

    Raises:
        WrongOutputError: If it failed.
    """
    job = contender.job(api, directory)
    printed = directory / "printed"
    with printed.open("wb") as output:
        sample = run_job(job, directory, output)
    ids: list[str] = []
    for path in contender.written(directory) or [printed]:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            ids += (found for line in lines for found in ID.findall(line))
    return sample, ids


def check(contender: Contender, api: Api) -> Sample:
    """Run a contender once with what arrives counted.

    Raises:
        WrongOutputError: If it failed, or did not deliver every candidate once.
    """
    with tempfile.TemporaryDirectory() as name:
        sample, ids = read(contender, api, Path(name))
        counted = contender.arrived(Path(name)) if contender.arrived else f"{len(ids)} {len(set(ids))}"
    if counted.split() != [str(api.candidates)] * 2:
        message = f"{contender.name}: of {api.candidates} candidates it delivered (all, different) {counted}"
        raise WrongOutputError(message)
    return replace(sample, rows=api.candidates)


def run(contender: Contender, api: Api) -> Sample:
    """Run a contender once with its output thrown away.

    Raises:
        WrongOutputError: If it failed.
    """
    with tempfile.TemporaryDirectory() as name:
        return run_job(contender.job(api, Path(name)), Path(name), subprocess.DEVNULL)


def race(contenders: Sequence[Contender], api: Api, rounds: int, *, checked: bool = False) -> list[Result]:
    """Run contenders in turn, round after round, so that whatever else the machine does hits all of them alike.

    Args:
        contenders: Who runs.
        api: What they read.
        rounds: How often each of them runs.
        checked: Whether what arrives is counted in each run, where that costs the contender nothing.
    """
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            samples[contender.name].append((check if checked else run)(contender, api))
    return [Result(one.name, samples[one.name], one.in_flight) for one in contenders]


def run_job(job: Job, directory: Path, output: IO[bytes] | int | None) -> Sample:
    """Run command lines, each of which reads what the one before it writes.

    Raises:
        WrongOutputError: If one of them failed.
    """
    log = directory / "log"
    told = directory / "job.json"
    told.write_text(json.dumps({"commands": job, "log": str(log)}), encoding="utf-8")
    subprocess.run([sys.executable, "-S", TIMED, told], check=True, cwd=directory, env=_environment(), stdout=output)
    taken = json.loads(told.read_text("utf-8"))
    if any(taken["codes"]):
        message = f"{job} ended with {taken['codes']}:\n{log.read_text(errors='replace')[-2000:]}"
        raise WrongOutputError(message)
    units = 2**20 if sys.platform == "darwin" else 2**10
    return Sample(round(taken["seconds"], 3), round(taken["cpu"], 3), round(taken["peak"] / units, 1))


def _environment() -> dict[str, str]:
    """Keep settings and proxies of this machine out, and figures about the run in."""
    foreign = ("MELTANO", "PYTHON", "TAP_", "TARGET_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "no_proxy": "127.0.0.1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
    }
