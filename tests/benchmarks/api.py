"""The API that everybody reads: the sandbox in a process of its own, its pages encoded beforehand."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_interviewflow.sandbox.query import Query
from tests.project.pages import ROOT
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True, slots=True)
class Api:
    """An API that runs.

    Attributes:
        url: Its address.
        interviewer_ids: Whom it knows.
        candidates: How many it holds in all.
        latency: Seconds that it waits before each answer.
    """

    url: str
    interviewer_ids: tuple[str, ...]
    candidates: int
    latency: float
    key: str = Sandbox.key

    @property
    def interviewers(self) -> tuple[str, ...]:
        """The same by the sandbox's name for it."""
        return self.interviewer_ids


@contextlib.contextmanager
def running(*, candidates: int, interviewers: int = 1, latency: float = 0.0, limit: int = 100) -> Generator[Api]:
    """Run an API.

    Args:
        candidates: How many each Interviewer has.
        interviewers: How many Interviewers there are.
        latency: Seconds before each answer.
        limit: The size of the pages that it is to be asked for.
    """
    names = tuple(f"interviewer-{number}" for number in range(1, interviewers + 1))
    options = {"candidates": candidates, "interviewers": interviewers, "latency": latency, "limit": limit}
    command = [sys.executable, "-m", "tests.benchmarks.api", *(f"--{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = (process.stdout.readline() if process.stdout else "").strip()
            yield Api(url, names, candidates * interviewers, latency)
        finally:
            process.terminate()


@dataclass(eq=False)
class EncodedSandbox(Sandbox):
    """A sandbox that encodes each page once."""

    encoded: dict[tuple[str, int, int], bytes] = field(init=False, default_factory=dict)

    @override
    def respond(self, query: Query, *, is_blank: bool = False) -> bytes:
        if query.interview_id or query.additional_fields or is_blank:
            return super().respond(query, is_blank=is_blank)
        if query[:3] not in self.encoded:
            self.encoded[query[:3]] = super().respond(query)
        return self.encoded[query[:3]]


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    for name in ("candidates", "interviewers", "limit"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--latency", type=float)
    given = parser.parse_args()
    names = [f"interviewer-{number}" for number in range(1, given.interviewers + 1)]
    api = EncodedSandbox(dict.fromkeys(names, given.candidates), record=False, latency=given.latency)
    for name in names:
        for page in range(1, given.candidates // given.limit + 3):
            api.respond(Query(name, page, given.limit, {}, None))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
