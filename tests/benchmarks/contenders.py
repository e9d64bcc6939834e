"""Who takes part, and how each is told what to read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.batch_files import batch_config
from tests.environments import environment
from tests.runs import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.api import Api

_PEERS: Final = Path(__file__).parent / "peers"

PAGE_SIZE: Final = 100
DLT: Final = "dlt"


Job: TypeAlias = "list[list[str]]"
"""Command lines, each of which reads what the one before it writes."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads candidates.

    Attributes:
        name: What the tables call it.
        job: Makes what is run of the API to read and a folder for files. It may take its time.
        files: Where its output is, as a pattern; standard output if empty.
        arrived: Counts candidates where they arrive in a database: all, and the different ones.
        in_flight: How many requests it has in flight at most.
    """

    name: str
    job: Callable[[Api, Path], Job]
    files: str = ""
    arrived: Callable[[Path], str] | None = None
    in_flight: int = 1

    def written(self, directory: Path) -> list[Path]:
        """Return the files that it has written."""
        return [path for path in directory.glob(self.files) if "_dlt_" not in path.as_posix()] if self.files else []


def _settings(api: Api) -> dict[str, Any]:
    return {
        "api_url": api.url,
        "api_key": api.key,
        "interviewer_ids": list(api.interviewer_ids),
        "page_size": PAGE_SIZE,
    }


def batches_in(directory: Path, compression: str = "gzip") -> dict[str, Any]:
    """Return the setting that has files written."""
    return {"batch_config": batch_config(directory / "batches", compression)}


def this_tap(api: Api, directory: Path, *, discovers: bool = False, **settings: Any) -> list[str]:
    """Return the command line of this tap, with a catalog, as Meltano gives it one, unless it discovers."""
    tap = [sys.executable, "-m", "tap_interviewflow"]
    tap += ["--config", write(directory / "config.json", _settings(api) | settings)]
    if discovers:
        return tap
    catalog = directory / "catalog.json"
    catalog.write_bytes(subprocess.run([*tap, "--discover"], check=True, capture_output=True).stdout)
    return [*tap, "--catalog", str(catalog)]


def lines(in_flight: int, *, discovers: bool = False) -> Contender:
    """Return this tap with a number of requests in flight."""

    def job(api: Api, directory: Path) -> Job:
        return [this_tap(api, directory, discovers=discovers, max_parallel_requests=in_flight)]

    return Contender(f"this tap, {in_flight} in flight", job, in_flight=in_flight)


def batches(compression: str) -> Contender:
    """Return this tap as it writes files."""

    def job(api: Api, directory: Path) -> Job:
        return [this_tap(api, directory, **batches_in(directory, compression))]

    called = "gzip" if compression == "gzip" else "not compressed"
    return Contender(f"this tap, BATCH, {called}", job, "batches/*.json*", in_flight=4)


def plain_tap(api: Api, directory: Path, tap: str = "PlainTap", **settings: Any) -> list[str]:
    """Return the command line of the plain tap."""
    program = f"from tests.benchmarks.plain_tap import {tap}; {tap}.cli()"
    return [sys.executable, "-c", program, "--config", write(directory / "plain.json", _settings(api) | settings)]


def script(name: str, environment_name: str = "", *arguments: str) -> Callable[[Api, Path], Job]:
    """Return a program that is told everything on its command line."""

    def job(api: Api, _: Path) -> Job:
        (interviewer_id,) = api.interviewer_ids
        python = str(environment(environment_name) / "python") if environment_name else sys.executable
        told = [api.url, api.key, str(PAGE_SIZE), interviewer_id, *arguments]
        return [[python, str(_PEERS / name), *told]]

    return job


def _airbyte(api: Api, directory: Path) -> Job:
    (interviewer_id,) = api.interviewer_ids
    stream = {"name": "candidates", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog = write(directory / "catalog.json", {"streams": [configured]})
    config = write(directory / "config.json", _settings(api) | {"interviewer_id": interviewer_id})
    program = str(environment("airbyte-cdk") / "source-declarative-manifest")
    manifest = str(_PEERS / "airbyte_manifest.yaml")
    return [[program, "read", "--config", config, "--catalog", catalog, "--manifest-path", manifest]]


def plain(name: str = "plain SDK tap", tap: str = "PlainTap") -> Contender:
    """Return the plain tap."""
    return Contender(name, lambda api, directory: [plain_tap(api, directory, tap)])


PLAIN: Final = plain()
PLAIN_BATCHES: Final = Contender(
    "plain SDK tap, BATCH, gzip",
    lambda api, directory: [plain_tap(api, directory, **batches_in(directory))],
    "batches/*.json*",
)
OURS: Final = tuple(map(lines, (1, 4)))
DLT_EXTRACT: Final = Contender("dlt, extract", script("dlt_rest_api.py", DLT, "extract"), "work/**/*jsonl*")
SCRIPT: Final = Contender("20-line script", script("script.py"))
AIRBYTE: Final = Contender("Airbyte CDK, manifest", _airbyte)
FLOOR: Final = Contender("floor: libcurl + msgspec", script("floor.py", "libcurl"))
ONE_OF_EACH: Final = (PLAIN, AIRBYTE, DLT_EXTRACT, SCRIPT, FLOOR)
"""Who takes part where waiting decides, and one way of writing is as good as another."""

PEERS: Final = (
    PLAIN,
    plain("plain SDK tap, MsgSpecWriter", "PlainTapWithMsgSpec"),
    AIRBYTE,
    DLT_EXTRACT,
    Contender("dlt, to JSONL files", script("dlt_rest_api.py", DLT, "filesystem"), "loaded/**/*jsonl*"),
    SCRIPT,
    FLOOR,
)
