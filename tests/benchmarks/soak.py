"""A long read from an API that often fails while its lists move: no candidate lost in silence, memory flat.

    python -m tests.benchmarks.soak --candidates 200000

The API is the sandbox in a process of its own. One response in a hundred fails, in a way that a seed decides, and each
list moves some times. Each candidate that was in a list from the first request to the last response has to be written,
unless the tap calls the read of this Interviewer incomplete.
"""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.api import served
from tests.benchmarks.measure import ID
from tests.project.pages import ROOT
from tests.sandbox import Metadata, Move, Moves, Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

FAULTS = (
    *("429", "500", "502", "503", "504", "reset", "reset-body", "short-body", "bad-gzip", "cut-json"),
    *("body:<h1>Back soon</h1>", "body:", "gzip", "chunked", "hang", "drip"),
)
MOVES: tuple[Move, ...] = ("newcomer-first", "deletion", "update-first")
PAGE_SIZE = 100
TIMEOUT = 5


def names_of(options: argparse.Namespace) -> list[str]:
    """Return the IDs of the Interviewers."""
    return [f"interviewer-{number}" for number in range(1, options.interviewers + 1)]


def serve(connection: Connection, options: argparse.Namespace) -> None:
    """Serve until something comes; then send the faults that came and who was in the lists."""
    faults: Counter[str] = Counter()

    def now_and_then(body: Mapping[str, object], visit: int) -> str | None:
        dice = random.Random(f"{options.seed}/{body.get('interviewerId')}/{body.get('page')}/{visit}")  # noqa: S311 - no secret
        if dice.random() >= options.faults:
            return None
        fault = dice.choice(FAULTS)
        faults[fault] += 1
        return fault

    held = dict.fromkeys(names_of(options), options.candidates // options.interviewers)
    moves = Moves(MOVES, options.moves, options.seed) if options.moves else None
    metadata: Metadata | None = "total" if options.total else None
    with Sandbox(held, record=False, seed=options.seed, faults=now_and_then, moves=moves, metadata=metadata) as api:
        connection.send(api.url)
        connection.recv()
    connection.send((faults, {name: (api.present_throughout(name), api.ever_present(name)) for name in held}))


def read(url: str, folder: Path, options: argparse.Namespace) -> tuple[set[str], str]:
    """Read everything, and return the IDs that were written, and the log."""
    config: dict[str, Any] = {"api_url": url, "api_key": Sandbox.key, "interviewer_ids": names_of(options)}
    config |= {"page_size": PAGE_SIZE, "max_parallel_requests": options.parallel, "request_timeout": TIMEOUT}
    folder.joinpath("config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "tap_interviewflow", "--config", str(folder / "config.json")]
    written: set[str] = set()
    start, log = time.monotonic(), folder / "log"
    with log.open("wb") as errors, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors) as tap:
        for count, line in enumerate(tap.stdout or (), 1):
            written.update(ID.findall(line.decode()))
            if count % max(options.candidates // 10, 1) == 0:
                print(f"{count:>10,} lines, {time.monotonic() - start:5.0f} s", flush=True)
        _, status, usage = os.wait4(tap.pid, 0)
        tap.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text("utf-8")
    retries = sum(" try " in line for line in text.splitlines())
    print(f"exit code {tap.returncode}, {retries} retries, {usage.ru_maxrss // 1024} MiB at most")
    return written, text


def losses(written: set[str], lists: Mapping[str, tuple[set[str], set[str]]], log: str) -> int:
    """Count the candidates that were lost in silence, or came although they were in no list."""
    complete = set(re.findall(r"Interviewer (\S+): [\d,]+ read, [\d,]+ written, complete", log))
    missing = {name: len(throughout - written) for name, (throughout, _) in lists.items()}
    silent = sum(count for name, count in missing.items() if name in complete)
    print(f"{len(complete)} of {len(lists)} Interviewers complete")
    print(f"lost: {silent} in silence, {sum(missing.values()) - silent} of Interviewers that are called incomplete")
    return silent + len(written.difference(*(ever for _, ever in lists.values())))


def main() -> int:
    """Run the API and the tap."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000_000, metavar="N", help="in all (%(default)s)")
    parser.add_argument("--interviewers", type=int, default=200, metavar="N", help="who hold them (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.01, metavar="SHARE", help="of the responses (%(default)s)")
    parser.add_argument("--moves", type=int, default=3, metavar="N", help="of each list, meanwhile (%(default)s)")
    parser.add_argument("--total", action="store_true", help="the API states how many candidates there are")
    parser.add_argument("--parallel", type=int, default=8, metavar="N", help="requests in flight (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number makes other faults")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(serve, options) as api:
        written, log = read(api.recv(), Path(folder), options)
        api.send(None)
        faults, lists = api.recv()
    print(f"{faults.total()} faults: {', '.join(f'{fault} {count}' for fault, count in sorted(faults.items()))}")
    return int(losses(written, lists, log) > 0)


if __name__ == "__main__":
    sys.exit(main())
