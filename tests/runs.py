"""Running the tap as its users do, and taking apart what comes out."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.shutdown import SIGNALS
from tap_interviewflow.tap import TapInterviewFlow

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from tests.sandbox import Sandbox


ADDRESS = re.compile(r"[\w.]@[\w.]+\.\w")
"""Of a person."""

KEYS: set[str] = set()
"""Those of all sandboxes that were read."""


@dataclass
class Run:
    """A run of the tap that has ended. Whatever it was: no line of its log has a key or an address in it.

    Attributes:
        code: The exit code.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert not ADDRESS.search(self.err)
        assert not [key for key in KEYS if key in self.err]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages, every digit kept."""
        return [json.loads(line, parse_float=Decimal) for line in self.out.split("\n")[:-1]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one kind, such as RECORD."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.of("RECORD")]

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.records]

    @property
    def state(self) -> dict[str, Any]:
        """The value of the last STATE."""
        value: dict[str, Any] = self.of("STATE")[-1]["value"]
        return value

    def lines(self, *levels: str) -> list[str]:
        """The texts of the log lines of some levels, such as ERROR."""
        columns = (line.split(" | ", 3) for line in self.err.splitlines())
        return [parts[3] for parts in columns if len(parts) == 4 and parts[1].strip() in levels]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What was measured, in the order of the log."""
        return [json.loads(line.removeprefix("METRIC: ")) for line in self.lines("INFO") if line.startswith("METRIC: ")]

    @property
    def complaints(self) -> list[str]:
        """What is wrong, or may be."""
        return self.lines("WARNING", "ERROR")

    @property
    def verdicts(self) -> dict[str, str]:
        """How the read of each Interviewer has ended, as in "3 read, 3 written, complete"."""
        verdict = re.compile(r"Interviewer (\S+): (.* read, .* written.*)")
        found = map(verdict.fullmatch, self.lines("INFO", "WARNING"))
        return {match[1]: match[2] for match in found if match}


def config_for(api: Sandbox, **settings: Any) -> dict[str, Any]:
    """Settings that lead to a sandbox; one that is None is left out."""
    config = {"api_url": api.url, "api_key": api.key, "interviewer_ids": list(api.interviewers)} | settings
    KEYS.add(api.key)
    return {name: value for name, value in config.items() if value is not None}


def catalog_of(*candidates: Mapping[str, object], **settings: Any) -> dict[str, Any]:
    """A catalog with the documented columns and those that some candidates show; given one, the tap samples nothing.

    Args:
        candidates: The candidates.
        settings: What else there is to say of the stream, such as its `replication_method`.
    """
    schema = candidates_schema(candidates)
    metadata = [{"breadcrumb": [], "metadata": {"selected": True}}]
    stream = {"tap_stream_id": "candidates", "stream": "candidates", "schema": schema, "metadata": metadata}
    return {"streams": [stream | {"key_properties": ["interviewerId", "id"]} | settings]}


def write(path: Path, document: object) -> str:
    """Write a JSON file and give its path."""
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def run_here(*arguments: str, environment: Mapping[str, str] | None = None, stdout: TextIO | None = None) -> Run:
    """Run the command line in this process: as in one of its own, but ten times as fast."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with _undone(environment or {}), contextlib.redirect_stdout(stdout or out), contextlib.redirect_stderr(err):
        try:
            TapInterviewFlow.cli.main(list(arguments), prog_name="tap-interviewflow")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Run(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _undone(environment: Mapping[str, str]) -> Generator[None]:
    """Undo what a command line does to its process."""
    before = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    loggers, level = list(root.handlers), root.level
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        logging.setLogRecordFactory(factory)
        root.handlers[:] = loggers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        for number, handler in handlers.items():
            signal.signal(number, handler)


IMPATIENT = """
from tap_interviewflow import __main__, shutdown
shutdown.MAX_WAIT = 0.5
__main__.main()
"""


def start(
    *arguments: str, environment: Mapping[str, str] | None = None, impatient: bool = False, **kwargs: Any
) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own; an impatient one is soon ended by force."""
    module = ["-c", IMPATIENT] if impatient else ["-m", "tap_interviewflow"]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | kwargs
    # The SDK warns, from some day on, that a version of Python comes to its end.
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "ignore:Python 3", **(environment or {})}
    command = [sys.executable, *module, *arguments]
    return subprocess.Popen(command, env=env, **options)  # ty: ignore[invalid-explicit-return]


def run_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run the command line in a process of its own."""
    process = start(*arguments, environment=environment)
    out, err = process.communicate(timeout=60)
    return Run(process.returncode, out.decode(), err.decode())
