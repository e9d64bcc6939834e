"""The sandbox on the command line."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

from tap_interviewflow import __version__
from tap_interviewflow.sandbox import __doc__ as description
from tap_interviewflow.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = Parser(prog="tap-interviewflow-sandbox", description=description)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 (the default) takes a free one")
    parser.add_argument("--key", default="sandbox-key", help="the API key to accept (%(default)s)")
    parser.add_argument("--interviewers", type=int, default=3, metavar="N", help="how many there are (%(default)s)")
    parser.add_argument("--candidates", type=int, default=1200, metavar="N", help="of each one (%(default)s)")
    given = parser.parse_args(argv)
    if given.interviewers < 1 or given.candidates < 0:
        parser.error("--interviewers must be 1 or more, --candidates 0 or more")
    names = [f"interviewer-{number}" for number in range(1, given.interviewers + 1)]
    try:
        server = SandboxServer(dict.fromkeys(names, given.candidates), key=given.key, port=given.port)
    except (OSError, OverflowError) as error:
        parser.error(f"can't listen on port {given.port}: {error}")
    with server:
        for number in (signal.SIGTERM, signal.SIGINT):  # also where a shell has Ctrl-C ignored in the background
            # No exception, which would take a connection from the thread that serves it.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        sys.stdout.write(f"http://127.0.0.1:{server.server_port} {','.join(names)}\nX-API-KEY: {given.key}\n")
        sys.stdout.flush()
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
