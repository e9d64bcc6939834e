"""A long read from an API that often fails while its lists move: nobody lost, memory flat.

    python -m tests.benchmarks.soak --candidates 200000

The API is the sandbox in a process of its own. One answer in a hundred fails, in a way that a seed decides, and each
list moves some times. Whoever was in a list from the first request to the last answer has to be written, unless the tap
says that the read of this Interviewer is incomplete. Where no list moves, the order has to be right, too.
"""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tests.sandbox import Move, Moves, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FAULTS = (
    *("429", "500", "502", "503", "504", "reset", "reset-body", "short-body", "bad-gzip", "cut-json"),
    *("refuse-html", "empty-body", "gzip", "chunked", "hang", "drip"),
)
MOVES: tuple[Move, ...] = ("newcomer-first", "deletion", "update-first")
PAGE_SIZE = 100
TIMEOUT = 5
STOPS = 10
_ROOT = Path(__file__).parents[2]


class Record(msgspec.Struct):
    """Of a candidate, what tells which one it is; the number in the address is its place."""

    interviewerId: str  # noqa: N815 - the API's name
    id: str
    email: str


class Held(msgspec.Struct):
    """Who was in the list of an Interviewer: all the time, and at any time."""

    throughout: set[str]
    ever: set[str]


class Line(msgspec.Struct):
    """A Singer message."""

    type: str
    record: Record | None = None
    value: Any = None


def names_of(interviewers: int) -> list[str]:
    """Return the names of the Interviewers."""
    return [f"interviewer-{number}" for number in range(1, interviewers + 1)]


def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM; then print who was in its lists."""
    ending: list[int] = []  # no event: its `set` takes a lock that this thread may hold
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))

    def now_and_then(body: Mapping[str, object], visit: int) -> str | None:
        dice = random.Random(f"{options.seed}/{body.get('interviewerId')}/{body.get('page')}/{visit}")  # noqa: S311 - no secret
        if dice.random() >= options.faults:
            return None
        fault = dice.choice(FAULTS)
        sys.stderr.write(f"{fault}\n")
        return fault

    names = names_of(options.interviewers)
    held = dict.fromkeys(names, options.candidates // options.interviewers)
    moves = Moves(MOVES, options.moves, options.seed) if options.moves else None
    with Sandbox(
        held,
        record=False,
        seed=options.seed,
        faults=now_and_then,
        moves=moves,
        metadata="total" if moves else None,
    ) as api:
        print(api.url, flush=True)
        while not ending:
            time.sleep(0.1)
    lists = {name: Held(set(api.present_throughout(name)), set(api.ever_present(name))) for name in names}
    sys.stdout.buffer.write(msgspec.json.encode(lists) + b"\n")


def expected(interviewers: int, candidates: int) -> Iterator[tuple[str, int]]:
    """Yield each candidate that has to come, in order."""
    return itertools.product(names_of(interviewers), range(1, candidates // interviewers + 1))


def check(
    lines: Iterable[bytes], wanted: Iterator[tuple[str, int]] | None, written: dict[str, set[str]]
) -> Iterator[int]:
    """Note each candidate, and hold it against the one that has to come next where no list moves.

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
        if wanted is not None and (due := next(wanted, None)) != found:
            message = f"candidate {count + 1} is {found}, but {due} had to come"
            raise ValueError(message)
        written.setdefault(record.interviewerId, set()).add(record.id)
        count += 1
        yield count
    if wanted is not None and (due := next(wanted, None)) is not None:
        message = f"{count} came, and {due} did not"
        raise ValueError(message)


def lost(written: Mapping[str, set[str]], lists: Mapping[str, Held], log: str) -> int:
    """Count who was there all the time and was not written, though the tap has said "complete" of the Interviewer."""
    complete = set(re.findall(r"Interviewer (\S+): [\d,]+ read, [\d,]+ written, complete", log))
    print(f"{len(complete)} of {len(lists)} Interviewers complete")
    strangers = sum(len(written.get(name, set()) - held.ever) for name, held in lists.items())
    missing = {name: len(held.throughout - written.get(name, set())) for name, held in lists.items()}
    silent = sum(count for name, count in missing.items() if name in complete)
    print(f"lost: {silent} in silence, {sum(missing.values()) - silent} of Interviewers that are called incomplete")
    return silent + strangers


def state_of(pid: int) -> str:
    """Return how many descriptors and threads a process has, where the system tells."""
    path = Path(f"/proc/{pid}")
    if not path.exists():
        return "nothing known"
    return (
        f"{len(list(path.joinpath('fd').iterdir()))} descriptors, {len(list(path.joinpath('task').iterdir()))} threads"
    )


def memory_of(pid: int) -> int:
    """Return the memory of a process in MiB; 0 where the system does not tell."""
    path = Path(f"/proc/{pid}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20 if path.exists() else 0


def soak(url: str, log: Path, options: argparse.Namespace, written: dict[str, set[str]]) -> int:
    """Read everything, note who was written, and say how it went."""
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
        wanted = None if options.moves else expected(options.interviewers, options.candidates)
        for count in check(tap.stdout or (), wanted, written):
            if count % (options.candidates // STOPS) == 0:
                memory.append(memory_of(tap.pid))
                seconds = time.monotonic() - start
                print(f"{count:>10,} candidates, {seconds:5.0f} s, {memory[-1]} MiB, {state_of(tap.pid)}", flush=True)
    retries = sum(" try " in line for line in log.read_text("utf-8").splitlines())
    print(f"exit code {tap.returncode}, {retries} retries, memory {min(memory)} to {max(memory)} MiB")
    return tap.returncode


def main() -> int:
    """Run the API and the tap."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000_000, metavar="N", help="in all (%(default)s)")
    parser.add_argument("--interviewers", type=int, default=200, metavar="N", help="who hold them (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.01, metavar="SHARE", help="of the answers (%(default)s)")
    parser.add_argument("--moves", type=int, default=3, metavar="N", help="of each list, meanwhile (%(default)s)")
    parser.add_argument("--parallel", type=int, default=8, metavar="N", help="requests in flight (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number makes other faults")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.candidates -= options.candidates % options.interviewers
    if options.serve:
        serve(options)
        return 0
    command = [sys.executable, "-m", "tests.benchmarks.soak", "--serve"]
    command += [f"--{name}={vars(options)[name]}" for name in ("candidates", "interviewers", "faults", "moves", "seed")]
    with tempfile.TemporaryDirectory() as name:
        told = Path(name, "faults")
        with (
            told.open("wb") as faults,
            subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=faults, text=True) as api,
        ):
            try:
                url = api.stdout.readline().strip() if api.stdout else ""
                written: dict[str, set[str]] = {}
                code = soak(url, Path(name, "log"), options, written)
            finally:
                api.terminate()
            lists = msgspec.json.decode((api.stdout.read() if api.stdout else "") or "{}", type=dict[str, Held])
        code = code or int(lost(written, lists, Path(name, "log").read_text("utf-8")) > 0)
        counts = Counter(told.read_text("utf-8").split())
        print(f"{counts.total()} faults: {', '.join(f'{fault} {count}' for fault, count in sorted(counts.items()))}")
    return code


if __name__ == "__main__":
    sys.exit(main())
