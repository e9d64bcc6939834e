"""Run the tap: as ``tap-interviewflow``, or as ``python -m tap_interviewflow``."""

import gc
import os
import signal


def main() -> None:
    """Start the tap."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until the tap sees to signals itself: an exception would show a traceback, or vanish inside of a library.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # While the libraries are loaded nothing is garbage yet: to look for it takes an eighth of the start.
    gc.disable()
    from tap_interviewflow.tap import TapInterviewFlow  # noqa: PLC0415

    gc.enable()
    TapInterviewFlow.cli()


if __name__ == "__main__":
    main()
