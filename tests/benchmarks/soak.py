"""A long read from an API that often fails: nothing lost, nothing doubled, memory flat.

    python -m tests.benchmarks.soak --candidates 200000

The API is the sandbox in a process of its own. One answer in a hundred fails, in a way that a seed decides.
The line of every candidate is checked against the one that has to come next.
"""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tap_interviewflow.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FAULTS = (
    *("429", "500", "502", "503", "504", "reset", "reset-body", "short-body", "bad-gzip", "cut-json"),
    *("refuse-html", "empty-body", "gzip", "chunked", "hang", "drip"),
)
PAGE_SIZE = 100
TIMEOUT = 5
STOPS = 10
_ROOT = Path(__file__).parents[2]


class Record(msgspec.Struct):
    """Of a candidate, what tells which one it is; the number in the address is its place."""

    interviewerId: str  # noqa: N815 - the API's name
    email: str


class Line(msgspec.Struct):
    """A Singer message."""

    type: str
    record: Record | None = None
    value: Any = None


def names_of(interviewers: int) -> list[str]:
    """Give the names of the Interviewers."""
    return [f"interviewer-{number}" for number in range(1, interviewers + 1)]


def serve(interviewers: int, candidates: int, share: float, seed: int) -> None:
    """Be the API, until SIGTERM."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())

    def now_and_then(body: Mapping[str, object], visit: int) -> str | None:
        dice = random.Random(f"{seed}/{body.get('interviewerId')}/{body.get('page')}/{visit}")  # noqa: S311 - no secret
        if dice.random() >= share:
            return None
        fault = dice.choice(FAULTS)
        sys.stderr.write(f"{fault}\n")
        return fault

    held = dict.fromkeys(names_of(interviewers), candidates // interviewers)
    with Sandbox(held, record=False, cache=False, seed=seed, faults=now_and_then) as api:
        print(api.url, flush=True)
        ending.wait()


def expected(interviewers: int, candidates: int) -> Iterator[tuple[str, int]]:
    """Give each candidate that has to come, in order."""
    return itertools.product(names_of(interviewers), range(1, candidates // interviewers + 1))


def check(lines: Iterable[bytes], wanted: Iterator[tuple[str, int]]) -> Iterator[int]:
    """Hold each candidate against the one that has to come next.

    Yields:
        How many have come.

    Raises:
        ValueError: If one is missing, doubled or out of order.
    """
    decoder = msgspec.json.Decoder(Line)
    count = 0
    for line in lines:
        record = decoder.decode(line).record
        if record is None:
            continue
        found = record.interviewerId, int(record.email.partition("@")[0].rpartition(".")[2])
        if (due := next(wanted, None)) != found:
            message = f"candidate {count + 1} is {found}, but {due} had to come"
            raise ValueError(message)
        count += 1
        yield count
    if (due := next(wanted, None)) is not None:
        message = f"{count} came, and {due} did not"
        raise ValueError(message)


def memory_of(pid: int) -> int:
    """Give the memory of a process in MiB; 0 where the system does not tell."""
    path = Path(f"/proc/{pid}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20 if path.exists() else 0


def soak(url: str, log: Path, options: argparse.Namespace) -> int:
    """Read everything, and say how it went."""
    settings: dict[str, Any] = {
        "api_url": url,
        "api_key": Sandbox.key,
        "interviewer_ids": names_of(options.interviewers),
    }
    settings |= {"page_size": PAGE_SIZE, "max_parallel_requests": options.parallel, "request_timeout": TIMEOUT}
    config = log.with_name("config.json")
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "tap_interviewflow", "--config", str(config)]
    start = time.monotonic()
    memory = []
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, bufsize=2**20) as tap,
    ):
        wanted = expected(options.interviewers, options.candidates)
        for count in check(tap.stdout or (), wanted):
            if count % (options.candidates // STOPS) == 0:
                memory.append(memory_of(tap.pid))
                print(f"{count:>10,} candidates, {time.monotonic() - start:5.0f} s, {memory[-1]} MiB", flush=True)
    retries = sum(" try " in line for line in log.read_text("utf-8").splitlines())
    print(f"exit code {tap.returncode}, {retries} retries, memory {min(memory)} to {max(memory)} MiB")
    return tap.returncode


def main() -> int:
    """Run the API and the tap."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000_000, metavar="N", help="in all (%(default)s)")
    parser.add_argument("--interviewers", type=int, default=200, metavar="N", help="who hold them (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.01, metavar="SHARE", help="of the answers (%(default)s)")
    parser.add_argument("--parallel", type=int, default=8, metavar="N", help="requests in flight (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number makes other faults")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.candidates -= options.candidates % options.interviewers
    if options.serve:
        serve(options.interviewers, options.candidates, options.faults, options.seed)
        return 0
    command = [sys.executable, "-m", "tests.benchmarks.soak", "--serve"]
    command += [f"--{name}={vars(options)[name]}" for name in ("candidates", "interviewers", "faults", "seed")]
    with tempfile.TemporaryDirectory() as name:
        told = Path(name, "faults")
        with (
            told.open("wb") as faults,
            subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=faults, text=True) as api,
        ):
            try:
                url = api.stdout.readline().strip() if api.stdout else ""
                code = soak(url, Path(name, "log"), options)
            finally:
                api.terminate()
        counts = Counter(told.read_text("utf-8").split())
        print(f"{counts.total()} faults: {', '.join(f'{fault} {count}' for fault, count in sorted(counts.items()))}")
    return code


if __name__ == "__main__":
    sys.exit(main())
