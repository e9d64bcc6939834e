"""What was measured, and the file that keeps it: the page and the picture are made of that alone."""

from __future__ import annotations

import datetime as dt
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = Path(__file__).parents[2] / "docs" / "benchmark.json"
_PACKAGES: Final = ("singer-sdk", "requests", "msgspec")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took.

    Attributes:
        seconds: From start to end.
        cpu: Seconds of processor time, of all its processes and threads.
        peak: The most memory, in MiB.
        rows: How many candidates arrived, where they were counted.
        lost: How many did not, of those that were there all the time.
    """

    seconds: float
    cpu: float
    peak: float
    rows: int | None = None
    lost: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the runs of a contender took.

    Attributes:
        name: Who it was.
        samples: Its runs.
        in_flight: How many requests it had in flight at most.
    """

    name: str
    samples: list[Sample]
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

    @property
    def rows(self) -> int | None:
        """The fewest candidates that arrived in any run."""
        return min((sample.rows for sample in self.samples if sample.rows is not None), default=None)

    @property
    def lost(self) -> int | None:
        """How many did not arrive, in all runs together."""
        lost = [sample.lost for sample in self.samples if sample.lost is not None]
        return sum(lost) if lost else None


@dataclass(frozen=True, slots=True)
class Race:
    """Who ran in it, and what each took.

    Attributes:
        title: What was to be read.
        how: How it was measured.
        results: What each took.
        beside: Whose seconds the others' are compared with.
        waiting: Seconds that all requests together wait for the API, where that decides.
    """

    title: str
    how: str
    results: list[Result]
    beside: str | None = None
    waiting: float | None = None

    def times(self, result: Result) -> float | None:
        """Return how many times as fast a contender was, if the one that it is compared with took part."""
        other = next((one.seconds for one in self.results if one.name == self.beside), None)
        return None if other is None else other / result.seconds

    def over(self, result: Result) -> float | None:
        """Return by what part a contender took longer than waiting alone takes."""
        return None if self.waiting is None else result.seconds * result.in_flight / self.waiting - 1


def _machine() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text("utf-8").splitlines() if cpu.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


@dataclass(frozen=True, slots=True)
class Part:
    """Races that were run together.

    Attributes:
        races: The races.
        date: When.
        machine: Where.
        load: How many processes wanted a processor there before the first of them: what else the machine had to do.
        versions: Of Python, and of packages in the tap's own environment.
        installed: What was installed in the others, by their names.
    """

    races: list[Race]
    date: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).date().isoformat())
    machine: str = field(default_factory=_machine)
    load: float | None = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    versions: dict[str, str] = field(
        default_factory=lambda: {"Python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    )
    installed: dict[str, str] = field(default_factory=dict)


def load() -> dict[str, Part]:
    """Return the parts that the file has, by name."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Part]) if FILE.exists() else {}


def save(parts: Mapping[str, Part]) -> None:
    """Put parts into the file, each in the place of what it holds of that name."""
    text = msgspec.json.format(msgspec.json.encode(load() | dict(parts)), indent=1)
    FILE.write_bytes(text + b"\n")
