"""Run the tap: as ``tap-interviewflow``, or as ``python -m tap_interviewflow``."""

from __future__ import annotations

import gc
import io
import logging
import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from tap_interviewflow.shutdown import Interrupted, Shutdown

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_YOUNG_OBJECTS: Final = 20_000
"""About what twenty pages of a hundred candidates leave in memory at once; Python's default is 700, or 2,000."""

_POLL_INTERVAL: Final = 0.2


class _Log(io.FileIO):
    """Standard error whose write errors and full pipe never fail or block the run."""

    _is_read = True

    @override
    def write(self, data: Buffer, /) -> int:
        content = memoryview(data)
        while not select.select((), (self,), (), _POLL_INTERVAL if self._is_read else 0)[1]:
            if Shutdown.is_process_ending:
                self._is_read = False  # wait once, and not for each line: the last STATE is to come in time
                return len(content)
        with suppress(OSError):  # its reader is gone, or its disk is full
            return super().write(content[: select.PIPE_BUF]) or 0
        return len(content)


def own_process() -> None:
    """Force exit after a signal, and make log errors harmless."""
    Shutdown.owns_process = True
    if sys.stderr is not None and os.name != "nt":  # Windows can't say whether a pipe takes more
        raw = _Log(sys.stderr.fileno(), "w", closefd=False)
        log = io.TextIOWrapper(io.BufferedWriter(raw), sys.stderr.encoding, sys.stderr.errors, line_buffering=True)
        sys.stderr = sys.__stderr__ = log  # type: ignore[misc]  # logging may be told to use either


def main() -> None:
    """Start the tap."""
    # Until the tap listens to signals, Ctrl-C is to end it without a traceback out of the middle of a library.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    own_process()
    os.environ["LOGLEVEL"] = os.environ.get("LOGLEVEL") or "INFO"  # the SDK can't read an empty one
    logging.raiseExceptions = False  # of a broken format, one traceback for each line
    # While the libraries are loaded nothing is garbage yet: to look for it takes an eighth of the start. And pages come
    # and go without a cycle in them: to look through all that the libraries have built up takes a tenth of a run.
    gc.disable()
    from tap_interviewflow.tap import TapInterviewFlow  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(MAX_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
    try:
        command = TapInterviewFlow.cli  # sets up the log
    except Exception as error:  # noqa: BLE001  # whatever the libraries make of a bad file
        sys.exit(f"LOGLEVEL or SINGER_SDK_LOG_CONFIG can't be used: {type(error).__name__}")
    try:
        command()
    except Interrupted as end:
        # All is written. Python would restore the default of each signal while it ends, and die of a second one.
        os._exit(end.code)


if __name__ == "__main__":
    main()
