"""Stopping in good order: a signal is noted when it comes, and obeyed where nothing is left half done.

Nothing that a run waits for may keep it from ending: neither the API, nor a target that takes no lines, nor whoever
should read standard error. What still holds it after that is ended by force.
"""

from __future__ import annotations

import _thread
import atexit
import io
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from typing_extensions import override

if TYPE_CHECKING:
    from types import FrameType

    from typing_extensions import Buffer

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Those that ask a process to end, as far as the system has them."""

POLL_INTERVAL: Final = 0.2
"""Seconds between looks at whether the run is to stop."""

MAX_LOG_WAIT: Final = 1.0
"""Seconds after a signal for which log lines may still wait for a reader."""

MAX_TARGET_WAIT: Final = 3.0
"""Seconds after a signal in which a target may take what is left."""

MAX_WAIT: Final = 4.0
"""Seconds after a signal in which a run may end by itself."""


class Interrupted(SystemExit):
    """The run ends because of a signal; the exit code is the usual 128 + its number."""


class Shutdown:
    """Whether the run was asked to stop.

    Attributes:
        is_obeyed: Whether the run is already on its way out.
    """

    def __init__(self) -> None:
        """Start undisturbed."""
        self.is_obeyed = False
        self._deadline = 0.0
        self._signal: int | None = None

    def request(self, signum: int) -> None:
        """Ask the run to stop. After the first signal another changes nothing."""
        if self._signal is None:
            self._deadline = time.monotonic() + MAX_TARGET_WAIT
            self._signal = signum

    def raise_if_requested(self) -> None:
        """Raise ``Interrupted``, once, if the run was asked to stop."""
        if self._signal is not None and not self.is_obeyed:
            self.is_obeyed = True
            raise Interrupted(128 + self._signal)

    def has_no_time_left(self) -> bool:
        """Whether the run has to end now, written or not."""
        return self._signal is not None and time.monotonic() > self._deadline

    @property
    def name(self) -> str:
        """The name of the signal."""
        return signal.Signals(self._signal).name if self._signal is not None else ""

    def listen(self) -> None:
        """Have the signals that end a process ask for a shutdown, but for those that were ignored at its start."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        self.request(signum)
        raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)
        if isinstance(raw, _Stderr) and raw.deadline is None:  # else the process is not the tap's own, or knows
            raw.deadline = time.monotonic() + MAX_LOG_WAIT
            atexit.register(_ignore)
            with suppress(RuntimeError):  # raised if the interpreter is on its way out already
                # `threading` would take locks that the main thread may have held when the signal came.
                _thread.start_new_thread(_end_at_last, (128 + signum,))


def _ignore() -> None:
    """Ignore signals at the very end, where the interpreter would give them their default back.

    Not before: one that has come, and that Python has not handled yet, would be reported as lost.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end_at_last(code: int) -> None:
    time.sleep(MAX_WAIT)
    os._exit(code)


class _Stderr(io.FileIO):
    """Standard error that waits for its reader as any does, but after a signal only until a deadline."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.deadline: float | None = None

    @override
    def write(self, data: Buffer, /) -> int:
        content = memoryview(data)
        if self._takes_more():
            with suppress(BrokenPipeError):  # nobody is left to be told
                return super().write(content[: select.PIPE_BUF]) or 0
        return len(content)

    def _takes_more(self) -> bool:
        while True:
            left = POLL_INTERVAL if self.deadline is None else self.deadline - time.monotonic()
            if select.select((), (self,), (), max(0, min(left, POLL_INTERVAL)))[1]:
                return True
            if left <= 0:
                return False


def own_process() -> None:
    """Let the next signal end this process for sure, though nobody reads what it logs, in whichever way it does.

    Windows can't say whether a pipe takes more: nothing is changed there.
    """
    stderr = sys.__stderr__
    if stderr is None or sys.stderr is not stderr or os.name == "nt":
        return
    guarded = io.TextIOWrapper(
        io.BufferedWriter(_Stderr(stderr.fileno())), stderr.encoding, stderr.errors, line_buffering=True
    )
    sys.stderr = sys.__stderr__ = guarded  # type: ignore[misc]  # logging may be told to use either
