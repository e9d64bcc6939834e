"""Show the tap at work without an account: a made-up API, Meltano, and what comes out (make demo)."""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tap_interviewflow.sandbox import Sandbox

HELD = {"interviewer-1": 1200, "interviewer-2": 1200, "interviewer-3": 1200}
COMMAND = ("run", "tap-interviewflow", "target-jsonl")
# The name comes last: names in some scripts are wider than their number of characters, or run right to left.
COLUMNS = ("interviewerId", "createdAt", "status", "score", "name")
ROWS_EACH = 2
# A folder of the demo's own, emptied first: target-jsonl appends to what is there.
OUTPUT = Path("output", "demo")
WHAT_NEXT = """\
The same with your own candidates: put this into a file named .env

  TAP_INTERVIEWFLOW_API_KEY=...
  TAP_INTERVIEWFLOW_INTERVIEWER_IDS='["..."]'

with the key from API Keys in your dashboard and the IDs from your Interviewers' Integrations tabs. Then run

  {meltano} run tap-interviewflow target-jsonl

and find your candidates in output/candidates.jsonl."""


def main(meltano: str) -> int:
    """Run the pipeline against the sandbox, and show what it wrote."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with Sandbox(interviewers=HELD) as api:
        print(f"A made-up API is at {api.url}. Running: meltano {' '.join(COMMAND)}")
        start = time.monotonic()
        failed, log = run(meltano, api)
        seconds = time.monotonic() - start
    if failed:
        print(f"The run failed. The end of {log}:", *log.read_text("utf-8").splitlines()[-20:], sep="\n")
        return 1
    written = OUTPUT / "candidates.jsonl"
    with written.open(encoding="utf-8") as lines:
        candidates = [json.loads(line) for line in lines]
    counts = Counter(candidate["interviewerId"] for candidate in candidates)
    print(f"\n{len(candidates)} candidates in {seconds:.0f} s:\n")
    show([("interviewerId", "candidates"), *sorted(counts.items())])
    print("\nThe first of each:\n")
    by_interviewer = itertools.groupby(candidates, key=lambda candidate: candidate["interviewerId"])
    first = [row for _, rows in by_interviewer for row in itertools.islice(rows, ROWS_EACH)]
    show([COLUMNS, *(tuple(row.get(column, "") for column in COLUMNS) for row in first)])
    print(f"\nAll of them are in {written}, and what Meltano said is in {log}.\n")
    print(WHAT_NEXT.format(meltano=meltano))
    if counts != HELD:
        print(f"\nBut the API holds others: {HELD}")
        return 1
    return 0


def run(meltano: str, api: Sandbox) -> tuple[bool, Path]:
    """Run the pipeline with settings of its own, whatever `.env` and the environment hold already."""
    settings = OUTPUT / "demo.env"
    settings.write_text(
        f"TAP_INTERVIEWFLOW_API_KEY={api.key}\n"
        f"TAP_INTERVIEWFLOW_API_URL={api.url}\n"
        f"TAP_INTERVIEWFLOW_INTERVIEWER_IDS='{json.dumps(list(HELD))}'\n"
        f"TARGET_JSONL_DESTINATION_PATH={OUTPUT.as_posix()}\n",
        encoding="utf-8",
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_INTERVIEWFLOW_", "TARGET_JSONL_"))
    }
    # With its own database, neither a real run's state nor a demo that was cut short is in the way; and no
    # proxy reaches this machine's loopback.
    env = kept | {
        "MELTANO_CLI_LOG_FORMAT": "uncolored",
        "MELTANO_DATABASE_URI": f"sqlite:///{OUTPUT.as_posix()}/meltano.db",
        "no_proxy": "127.0.0.1",
    }
    log = OUTPUT / "meltano.log"
    with log.open("wb") as output:
        ended = subprocess.run(
            [meltano, f"--env-file={settings}", *COMMAND],
            check=False,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return ended.returncode != 0, log


def show(rows: list[tuple[object, ...]]) -> None:
    """Print rows under their heading, as columns."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in [cells[0], ["-" * width for width in widths], *cells[1:]]:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print(" ", *padded[:-1], row[-1], sep="  ")


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    # The sandbox lives in this process and ends with it in any case; this ends the pipeline, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
