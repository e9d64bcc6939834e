"""The sandbox on the command line."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING, get_args

from tap_interviewflow.sandbox import Metadata, Sandbox
from tap_interviewflow.sandbox import __doc__ as description

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="tap-interviewflow-sandbox", description=description)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--interviewers", type=int, default=3, metavar="N", help="interviewer-1 and so on")
    parser.add_argument("--candidates", type=int, default=1200, metavar="N", help="of each Interviewer")
    parser.add_argument("--key", default=Sandbox.key, help="the X-API-KEY to accept (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number makes up other people")
    parser.add_argument("--odd", action="store_true", help="give every tenth candidate something odd")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument("--rate-limit", type=float, metavar="N", help="requests a second, 429 above")
    parser.add_argument("--max-limit", type=int, metavar="N", help="the most candidates on a page")
    parser.add_argument("--metadata", choices=get_args(Metadata), help="what the answer says beside the list")
    parser.add_argument("--warm", type=int, metavar="LIMIT", help="encode all pages of this limit beforehand")
    asked = vars(parser.parse_args(argv))
    names = [f"interviewer-{number}" for number in range(1, asked.pop("interviewers") + 1)]
    count, warm = asked.pop("candidates"), asked.pop("warm")
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ending.set())
    with Sandbox(dict.fromkeys(names, count), record=False, **asked) as api:
        if warm:
            api.preencode(warm)
        sys.stdout.write(f"{api.url} {','.join(names)}\n")
        sys.stdout.flush()
        while not ending.wait(0.2):  # Windows hears no Ctrl-C during a wait without an end
            pass


if __name__ == "__main__":
    main()
