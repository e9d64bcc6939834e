"""Stopping in good order: a signal is noted when it comes, and obeyed where nothing is left half done."""

from __future__ import annotations

import signal


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
        self._signal: int | None = None

    def note(self, signum: int) -> None:
        """Take note of a signal."""
        self._signal = signum

    def check(self) -> None:
        """Raise ``Interrupted``, once, if a signal has come."""
        if self._signal is not None and not self.is_obeyed:
            self.is_obeyed = True
            raise Interrupted(128 + self._signal)

    @property
    def name(self) -> str:
        """The name of the signal."""
        return signal.Signals(self._signal).name if self._signal is not None else ""
