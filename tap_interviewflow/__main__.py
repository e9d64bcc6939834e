"""Run the tap: as ``tap-interviewflow``, or as ``python -m tap_interviewflow``."""

import gc
import logging
import os
import signal
import sys
from typing import Final

MAX_YOUNG_OBJECTS: Final = 20_000
"""About what twenty pages of a hundred candidates leave in memory at once; Python's own default is 700."""


def main() -> None:
    """Start the tap."""
    # Until the tap listens to signals, Ctrl-C is to end it without a traceback out of the middle of a library.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # While the libraries are loaded nothing is garbage yet: to look for it takes an eighth of the start. And pages come
    # and go without a cycle in them: to look through all that the libraries have built up takes a tenth of a run.
    gc.disable()
    for name in ("LOGLEVEL", "TAP_INTERVIEWFLOW_LOGLEVEL"):
        if not os.environ.get(name):  # where nothing is chosen, as in many a container's configuration
            os.environ.pop(name, None)
    logging.raiseExceptions = False  # of a broken format, one traceback for each line
    from tap_interviewflow.shutdown import own_process  # noqa: PLC0415
    from tap_interviewflow.tap import TapInterviewFlow  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(MAX_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
    own_process()
    try:
        command = TapInterviewFlow.cli  # sets up the log
    except Exception as error:  # noqa: BLE001  # whatever the libraries make of a bad file
        sys.exit(f"LOGLEVEL or SINGER_SDK_LOG_CONFIG can't be used: {type(error).__name__}")
    command()


if __name__ == "__main__":
    main()
