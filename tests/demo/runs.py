"""What the demo runs: the pipeline with Meltano, the tap by itself, and a plain reader to compare it with."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.request import Request, urlopen

from tap_interviewflow.sandbox.query import PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.sandbox import Sandbox

PIPELINE: Final = "meltano run tap-interviewflow target-jsonl"
ALONE: Final = "tap-interviewflow --config ENV > candidates.singer.jsonl"
METADATA: Final = '{"candidates": {"replication-method": "INCREMENTAL", "replication-key": "updatedAt"}}'
# A folder of the demo's own, emptied first: target-jsonl appends to what is there.
OUTPUT: Final = Path("output", "demo")
LOADED: Final = OUTPUT / "candidates.jsonl"
LOG: Final = OUTPUT / "meltano.log"


def load(meltano: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Run the pipeline, and yield the lines of its log as they come."""
    # With its own database, neither a real run's state nor a demo that was cut short is in the way.
    variables = {
        **variables,
        "MELTANO_DATABASE_URI": f"sqlite:///{OUTPUT.as_posix()}/meltano.db",
        "TAP_INTERVIEWFLOW__METADATA": METADATA,
        "TARGET_JSONL_DESTINATION_PATH": OUTPUT.as_posix(),
    }
    command = [meltano, f"--env-file={os.devnull}", *PIPELINE.split(" ")[1:]]
    last = ""
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as running:
        try:
            for line in running.stdout or ():
                yield (last := line)
        except BaseException:  # of whoever takes the lines, too
            running.terminate()
            raise
    if running.returncode:
        sys.exit(f"The pipeline failed, see {LOG}. It ends with: {last}")


class Read(NamedTuple):
    """How a run of the tap by itself ended: with which exit code and log, and which IDs it wrote."""

    code: int
    log: str
    ids: set[str]


def read_alone(tap: str, variables: Mapping[str, str]) -> Read:
    """Run the tap by itself."""
    written = OUTPUT / "candidates.singer.jsonl"
    with written.open("wb") as out:
        # In a folder where no .env is in the way.
        command = [tap, "--config", "ENV"]
        ended = subprocess.run(command, check=False, cwd=OUTPUT, env=variables, stdout=out, stderr=subprocess.PIPE)
    with written.open(encoding="utf-8") as lines:
        messages = [json.loads(line) for line in lines]
    ids = {message["record"]["id"] for message in messages if message["type"] == "RECORD"}
    return Read(ended.returncode, ended.stderr.decode(), ids)


def page_by_page(api: Sandbox) -> set[str]:
    """Return the IDs that a loop over the pages finds, which ends at an empty one, as most readers do."""
    ids: set[str] = set()
    for interviewer in api.interviewers:
        for page in itertools.count(1):
            body = json.dumps({"interviewerId": interviewer, "page": page, "limit": 100}).encode()
            headers = {"X-API-KEY": api.key, "Content-Type": "application/json"}
            with urlopen(Request(api.url + PATH, body, headers)) as answer:  # noqa: S310 - its own address
                people = json.load(answer)["data"]["candidates"]
            if not people:
                break
            ids.update(person["id"] for person in people)
    return ids


def loaded() -> list[dict[str, Any]]:
    """Return all rows that the target wrote."""
    with LOADED.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
