"""Running contenders: what each takes, and whether it delivered what it was to deliver."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.api import Api
    from tests.benchmarks.contenders import Contender

_ROOT = Path(__file__).parents[2]


class WrongOutputError(Exception):
    """A contender failed, or did not deliver every candidate once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took.

    Attributes:
        seconds: From start to end.
        cpu: Seconds of processor time, of all its threads.
        peak: The most memory, in MiB.
    """

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Result:
    """What the runs of a contender took.

    Attributes:
        name: Who it was.
        samples: Its runs.
        in_flight: How many requests it had in flight at most.
    """

    name: str
    samples: Sequence[Sample]
    in_flight: int = 1

    @property
    def seconds(self) -> float:
        """The median run."""
        return median(sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median of the runs' processor time."""
        return median(sample.cpu for sample in self.samples)

    @property
    def peak(self) -> float:
        """The most memory of any run."""
        return max(sample.peak for sample in self.samples)


def check(contender: Contender, api: Api) -> Sample:
    """Run a contender once with its output counted.

    Raises:
        WrongOutputError: If it failed, or did not deliver every candidate once.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        command = contender.command(contender.python(), api, directory)
        count = [sys.executable, str(Path(__file__).with_name("count.py"))]
        if contender.files:
            sample = _run(command, directory, subprocess.DEVNULL)
            files = [path for path in directory.glob(contender.files) if "_dlt_" not in path.as_posix()]
            counted = subprocess.run([*count, *map(str, files)], check=True, capture_output=True).stdout
        else:
            with subprocess.Popen(count, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as counter:
                sample = _run(command, directory, counter.stdin)
                counted, _ = counter.communicate()
    if counted.split() != [b"%d" % api.candidates] * 2:
        message = f"{contender.name}: of {api.candidates} candidates it delivered (all, different) {counted.decode()}"
        raise WrongOutputError(message)
    return sample


def run(contender: Contender, api: Api) -> Sample:
    """Run a contender once with its output thrown away.

    Raises:
        WrongOutputError: If it failed.
    """
    with tempfile.TemporaryDirectory() as name:
        command = contender.command(contender.python(), api, Path(name))
        return _run(command, Path(name), subprocess.DEVNULL)


def race(contenders: Sequence[Contender], api: Api, rounds: int) -> list[Result]:
    """Run contenders in turn, round after round, so that whatever else the machine does hits all of them alike."""
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            samples[contender.name].append(run(contender, api))
    return [Result(one.name, samples[one.name], one.in_flight) for one in contenders]


def _run(command: Sequence[str], directory: Path, output: IO[bytes] | int | None) -> Sample:
    log = directory / "log"
    start = time.perf_counter()
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=directory, env=_environment(), stdout=output, stderr=errors)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"{command} ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}"
        raise WrongOutputError(message)
    units = 2**20 if sys.platform == "darwin" else 2**10
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / units)


def _environment() -> dict[str, str]:
    """Keep settings and proxies of this machine out, and figures about the run in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "PYTHON"))}
    return kept | {
        "PYTHONPATH": str(_ROOT),
        "no_proxy": "127.0.0.1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
    }
