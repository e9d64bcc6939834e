"""The API that everybody reads: the sandbox in a process of its own, its answers made beforehand."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    options = {"candidates": candidates, "interviewers": interviewers, "latency": latency, "warm": limit}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "tests.sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url, _, names = (process.stdout.readline() if process.stdout else "").strip().partition(" ")
            yield Api(url, tuple(names.split(",")), candidates * interviewers, latency)
        finally:
            process.terminate()
