"""The API that everybody reads: the sandbox in a process of its own, its pages encoded beforehand."""

from __future__ import annotations

import contextlib
import multiprocessing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_interviewflow.sandbox.query import Query
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from multiprocessing.connection import Connection


@dataclass(frozen=True, slots=True)
class Api:
    """An API that runs.

    Attributes:
        url: Its address.
        interviewer_ids: Whom it knows.
        candidates: How many it holds in all.
    """

    url: str
    interviewer_ids: tuple[str, ...]
    candidates: int
    key: str = Sandbox.key


@contextlib.contextmanager
def served(serve: Callable[..., None], *arguments: object) -> Generator[Connection]:
    """Run a function in a process of its own; it gets the other end of the connection that is yielded."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, *arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        process.terminate()
        process.join()


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
    with served(_serve, names, candidates, latency, limit) as connection:
        yield Api(connection.recv(), names, candidates * interviewers)


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


def _serve(connection: Connection, names: tuple[str, ...], candidates: int, latency: float, limit: int) -> None:
    # It states a total, as the shipped sandbox does: without one, this tap reads every list twice.
    held = dict.fromkeys(names, candidates)
    with EncodedSandbox(held, metadata="total", record=False, latency=latency) as api:
        for name in names:
            for page in range(1, candidates // limit + 3):
                api.respond(Query(name, page, limit, {}, None))
        connection.send(api.url)
        connection.recv()  # until this process is ended
