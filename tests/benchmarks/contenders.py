"""Who takes part, and how each is told what to read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.benchmarks.candidate import SCHEMA

if TYPE_CHECKING:
    from tests.benchmarks.api import Api

_PEERS = Path(__file__).parent / "peers"
_ENVIRONMENTS = Path(".bench")

PAGE_SIZE = 100

Command: TypeAlias = Callable[[str, "Api", Path], list[str]]
"""Makes a command line of an interpreter, the API to read, and a directory for files."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads candidates.

    Attributes:
        name: What the tables call it.
        command: How it is started, from a directory of its own.
        requirements: What is installed for it; nothing where it runs in the tap's own environment.
        files: Where its output is, as a pattern; standard output if empty.
        in_flight: How many requests it has in flight at most.
    """

    name: str
    command: Command
    requirements: tuple[str, ...] = ()
    files: str = ""
    in_flight: int = 1

    def python(self) -> str:
        """Give the interpreter that it runs with, after making its environment where there is none yet."""
        if not self.requirements:
            return sys.executable
        environment = (_ENVIRONMENTS / self.requirements[0].replace("[", "-").replace("]", "")).absolute()
        done = environment / "installed"
        python = environment / "bin" / "python"
        if not done.exists():
            print(f"Installing {' '.join(self.requirements)} ...", file=sys.stderr)  # noqa: T201
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            quiet = ("--quiet", "--quiet", "--disable-pip-version-check")
            subprocess.run([python, "-m", "pip", "install", *quiet, *self.requirements], check=True)
            done.touch()
        return str(python)


def _write(path: Path, document: object) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def _settings(api: Api) -> dict[str, Any]:
    return {
        "api_url": api.url,
        "api_key": api.key,
        "interviewer_ids": list(api.interviewer_ids),
        "page_size": PAGE_SIZE,
    }


def this_tap(in_flight: int) -> Contender:
    """Give this tap with a number of requests in flight, run on a catalog as Meltano does."""

    def command(python: str, api: Api, directory: Path) -> list[str]:
        config = _write(directory / "config.json", _settings(api) | {"max_parallel_requests": in_flight})
        tap = [python, "-m", "tap_interviewflow", "--config", config]
        catalog = directory / "catalog.json"
        catalog.write_bytes(subprocess.run([*tap, "--discover"], check=True, capture_output=True).stdout)
        return [*tap, "--catalog", str(catalog)]

    return Contender(f"this tap, {in_flight} in flight", command, in_flight=in_flight)


def _plain(tap: str) -> Command:
    def command(python: str, api: Api, directory: Path) -> list[str]:
        program = f"from tests.benchmarks.plain_tap import {tap}; {tap}.cli()"
        return [python, "-c", program, "--config", _write(directory / "config.json", _settings(api))]

    return command


def _script(name: str, *arguments: str) -> Command:
    def command(python: str, api: Api, _: Path) -> list[str]:
        (interviewer_id,) = api.interviewer_ids
        return [python, str(_PEERS / name), api.url, api.key, str(PAGE_SIZE), interviewer_id, *arguments]

    return command


def _rest_api_msdk(python: str, api: Api, directory: Path) -> list[str]:
    (interviewer_id,) = api.interviewer_ids
    stream = {
        "name": "candidates",
        "path": "/api/external/fetch/candidates",
        "primary_keys": ["id"],
        "records_path": "$.data.candidates[*]",
        "params": {"interviewerId": interviewer_id, "limit": PAGE_SIZE},
        "schema": SCHEMA,
    }
    settings = {
        "api_url": api.url,
        "auth_method": "api_key",
        "api_keys": {"X-API-KEY": api.key},
        "use_request_body_not_params": True,
        "pagination_request_style": "page_number_paginator",
        "pagination_response_style": "page",
        "pagination_next_page_param": "page",
        "next_page_token_path": "$.data.candidates[0].id",
        "streams": [stream],
    }
    return [python, str(_PEERS / "rest_api_msdk.py"), "--config", _write(directory / "config.json", settings)]


def _airbyte(python: str, api: Api, directory: Path) -> list[str]:
    (interviewer_id,) = api.interviewer_ids
    stream = {"name": "candidates", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog = _write(directory / "catalog.json", {"streams": [configured]})
    config = _write(directory / "config.json", _settings(api) | {"interviewer_id": interviewer_id})
    program = str(Path(python).with_name("source-declarative-manifest"))
    manifest = str(_PEERS / "airbyte_manifest.yaml")
    return [python, program, "read", "--config", config, "--catalog", catalog, "--manifest-path", manifest]


_DLT = ("dlt[filesystem]==1.31.0",)

PLAIN = Contender("plain SDK tap", _plain("PlainTap"))
OURS = tuple(this_tap(in_flight) for in_flight in (1, 4, 8))
PEERS: tuple[Contender, ...] = (
    PLAIN,
    Contender("plain SDK tap, MsgSpecWriter", _plain("PlainTapWithMsgSpec")),
    Contender("tap-rest-api-msdk 1.4.2", _rest_api_msdk, ("tap-rest-api-msdk==1.4.2",)),
    Contender("Airbyte CDK 7.39.1, manifest", _airbyte, ("airbyte-cdk==7.39.1",)),
    Contender("dlt 1.31.0, extract", _script("dlt_rest_api.py", "extract"), _DLT, "work/**/*jsonl*"),
    Contender("dlt 1.31.0, to JSONL files", _script("dlt_rest_api.py", "run"), _DLT, "loaded/**/*jsonl*"),
    Contender("20-line script", _script("script.py")),
    Contender("floor: libcurl + msgspec", _script("floor.py"), ("pycurl==7.49.0", "msgspec==0.22.0")),
)


def _tap_option(option: str) -> Command:
    def command(python: str, api: Api, directory: Path) -> list[str]:
        config = _write(directory / "config.json", _settings(api))
        return [python, "-m", "tap_interviewflow", "--config", config, option]

    return command


STARTS = (
    Contender("python -c pass", lambda python, *_: [python, "-c", "pass"]),
    Contender("python -c 'import singer_sdk'", lambda python, *_: [python, "-c", "import singer_sdk"]),
    *(Contender(f"this tap {option}", _tap_option(option)) for option in ("--version", "--about", "--discover")),
)
"""What it takes to start: Python, the SDK on top of it, and the tap on top of both."""
