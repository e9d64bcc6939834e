"""Stopping in good order: a signal is noted when it comes, and obeyed where nothing is left half done."""

from __future__ import annotations

import signal
import time
from typing import Final

_LAST_PATIENCE: Final = 3.0
"""Seconds that a target gets to take what is left once the run was asked to stop."""


class Interrupted(SystemExit):
    """The run ends because of a signal; the exit code is the usual 128 + its number."""


class Interruption:
    """Whether the run was asked to stop.

    Attributes:
        is_obeyed: Whether the run is already on its way out; a second signal changes nothing then.
    """

    def __init__(self) -> None:
        """Start undisturbed."""
        self.is_obeyed = False
        self._deadline = 0.0
        self._signal: int | None = None

    def note(self, signum: int) -> None:
        """Take note of a signal."""
        self._signal = signum

    def check(self) -> None:
        """Raise ``Interrupted``, once, if a signal has come."""
        if self._signal is not None and not self.is_obeyed:
            self.is_obeyed = True
            self._deadline = time.monotonic() + _LAST_PATIENCE
            raise Interrupted(128 + self._signal)

    def has_no_time_left(self) -> bool:
        """Whether the run has to end now, written or not."""
        return self.is_obeyed and time.monotonic() > self._deadline

    @property
    def name(self) -> str:
        """The name of the signal."""
        return signal.Signals(self._signal).name if self._signal is not None else ""
