"""Running contenders: what each takes, and whether it delivered what it was to deliver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from tests.benchmarks.results import Result, Sample
from tests.environments import ROOT
from tests.targets.warehouses import output_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.api import Api
    from tests.benchmarks.contenders import Contender, Job

COUNT: Final = Path(__file__).with_name("count.py")
TIMED: Final = Path(__file__).with_name("timed.py")


class WrongOutputError(Exception):
    """A contender failed, or did not deliver every candidate once."""


def check(contender: Contender, api: Api) -> Sample:
    """Run a contender once with what arrives counted.

    Raises:
        WrongOutputError: If it failed, or did not deliver every candidate once.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        job = contender.job(api, directory)
        if contender.arrived:
            sample = run_job(job, directory, subprocess.DEVNULL)
            counted = contender.arrived(directory)
        elif contender.files:
            sample = run_job(job, directory, subprocess.DEVNULL)
            counted = output_of(sys.executable, str(COUNT), *map(str, contender.written(directory)))
        else:
            with subprocess.Popen([sys.executable, COUNT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as counter:
                sample = run_job(job, directory, counter.stdin)
                counted = counter.communicate()[0].decode()
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
