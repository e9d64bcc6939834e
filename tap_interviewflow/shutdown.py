"""Graceful shutdown: a signal sets a flag, and the run stops between pages.

A run that does not stop in time, such as one that waits for a target to read, is ended by force.
"""

from __future__ import annotations

import _thread
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from types import FrameType

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals of this system that ask a process to end."""

MAX_WAIT: Final = 4.0
"""Seconds after a signal until the process is ended by force."""


class Interrupted(SystemExit):
    """The run ends because of a signal; the exit code is 128 + the number of the signal."""

    code: int  # ty: ignore[incompatible-mutable-override]


class Shutdown:
    """Whether the run was asked to stop.

    Attributes:
        owns_process: Whether the process has no other task than the run, and so may be ended by force.
        is_process_ending: Whether such a process has received a signal.
        is_stopping: Whether ``Interrupted`` was raised.
        name: The name of the signal; empty before it.
    """

    owns_process: ClassVar[bool] = False
    is_process_ending: ClassVar[bool] = False

    def __init__(self) -> None:
        """Handle no signal yet."""
        self.is_stopping = False
        self.name = ""
        self._code = 0

    def listen(self) -> None:
        """Handle the signals, except those that the process ignores from its start, such as SIGHUP under ``nohup``."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.request)

    def request(self, signum: int, _frame: FrameType | None = None) -> None:
        """Ask the run to stop. Only the first signal counts."""
        if not self._code:
            self.name, self._code = signal.Signals(signum).name, 128 + signum
            if self.owns_process:
                Shutdown.is_process_ending = True
                with suppress(RuntimeError):  # the interpreter is already exiting
                    # `threading` needs locks that the main thread may hold when the signal comes.
                    _thread.start_new_thread(_force_exit, (self._code,))

    def raise_if_requested(self) -> None:
        """Raise ``Interrupted``, once, if the run was asked to stop."""
        if self._code and not self.is_stopping:
            self.is_stopping = True
            raise Interrupted(self._code)


def _force_exit(code: int) -> None:
    time.sleep(MAX_WAIT)
    os._exit(code)
