"""Threads that make calls in parallel."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_interviewflow.shutdown import Shutdown

_T = TypeVar("_T")

POLL_INTERVAL: Final = 0.2
"""Seconds between checks for a stop request: some systems deliver no signal to a thread that waits."""


class WorkerPool:
    """Threads that make calls. They are daemons: a request that hangs does not keep the process alive."""

    def __init__(self, size: int, shutdown: Shutdown) -> None:
        """Start no thread yet; ``size`` is the number of calls that run at once."""
        self.size = size
        self._shutdown = shutdown
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._lock = threading.Lock()
        self._call_ended = threading.Event()  # set by every call: to wait for futures takes twice as long

    def now(self) -> float:
        """Return the monotonic time, in seconds."""
        return time.monotonic()

    def is_idle(self) -> bool:
        """Whether another call would start at once."""
        return self._running < self.size

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        """Make a call in one of the threads."""
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  # raised again where the result is used
                future.set_exception(error)
            with self._lock:
                self._running -= 1
            self._call_ended.set()

        with self._lock:
            self._running += 1
            needs_thread = len(self._threads) < min(self._running, self.size)
        self._calls.put(run)
        if needs_thread:  # no earlier: each thread keeps the memory of the largest page that it has decoded
            name = f"fetcher-{len(self._threads)}"
            self._threads.append(threading.Thread(target=_work, args=(self._calls,), name=name, daemon=True))
            self._threads[-1].start()
        return future

    def wait_for_any(self) -> None:
        """Wait until a call ends, unless one has ended since the last wait; at most ``POLL_INTERVAL``."""
        self._shutdown.raise_if_requested()
        self._call_ended.wait(POLL_INTERVAL)
        self._call_ended.clear()

    def in_order(self, calls: Iterable[Callable[[], _T]], at_once: int | None = None) -> Iterator[_T]:
        """Make calls in parallel, and yield their results in the order of the calls.

        Args:
            calls: The calls.
            at_once: How many calls may run or wait to be yielded, if fewer than twice the number of threads.
        """
        most = min(at_once or 2 * self.size, 2 * self.size)
        waiting = iter(calls)
        pending: deque[Future[_T]] = deque()
        call = next(waiting, None)
        while call or pending:
            while call and len(pending) < most and self.is_idle():
                pending.append(self.submit(call))
                call = next(waiting, None)
            if pending and pending[0].done():
                yield pending.popleft().result()
            else:
                self.wait_for_any()

    def close(self) -> None:
        """End each thread after its current call."""
        for _ in self._threads:
            self._calls.put(None)
        self._threads.clear()

    def __del__(self) -> None:
        """End the threads with the tap: a program that only discovers closes nothing."""
        self.close()


def _work(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    while run := calls.get():
        run()
        del run  # it refers to the tap, which could not be freed while this thread waits
