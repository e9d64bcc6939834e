"""Graceful shutdown: a signal sets a flag, and the run stops between pages.

Where the run does not stop in time, as it waits for a target that does not read, the process is ended by force.
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
"""Seconds after a signal in which a run may end by itself."""


class Interrupted(SystemExit):
    """The run ends because of a signal; the exit code is the usual 128 + its number."""

    code: int  # ty: ignore[incompatible-mutable-override]


class Shutdown:
    """Whether the run was asked to stop.

    Attributes:
        owns_process: Whether the process is the run's own, and is ended by force if the run does not end.
        is_process_ending: Whether a signal has come to such a process.
        is_stopping: Whether ``Interrupted`` was raised.
        name: The name of the signal.
    """

    owns_process: ClassVar[bool] = False
    is_process_ending: ClassVar[bool] = False

    def __init__(self) -> None:
        """Wait for no signal yet."""
        self.is_stopping = False
        self.name = ""
        self._code = 0

    def listen(self) -> None:
        """Handle the signals, but for those that were ignored at the start of the process, as by ``nohup``."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.request)

    def request(self, signum: int, _frame: FrameType | None = None) -> None:
        """Ask the run to stop. After the first signal another changes nothing."""
        if not self._code:
            self.name, self._code = signal.Signals(signum).name, 128 + signum
            if self.owns_process:
                Shutdown.is_process_ending = True
                with suppress(RuntimeError):  # raised if the interpreter is on its way out already
                    # `threading` would take locks that the main thread may have held when the signal came.
                    _thread.start_new_thread(_force_exit, (self._code,))

    def raise_if_requested(self) -> None:
        """Raise ``Interrupted``, once, if the run was asked to stop."""
        if self._code and not self.is_stopping:
            self.is_stopping = True
            raise Interrupted(self._code)


def _force_exit(code: int) -> None:
    time.sleep(MAX_WAIT)
    os._exit(code)
