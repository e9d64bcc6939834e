"""The sandbox on the command line."""

from __future__ import annotations

import argparse
import itertools
import math
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn, get_args

from typing_extensions import override

from tap_interviewflow import __version__
from tests.sandbox import __doc__ as description
from tests.sandbox.envelopes import Envelope, Framework, Lie, Metadata, Within
from tests.sandbox.faults import FAULTS
from tests.sandbox.habits import LimitOver, Single
from tests.sandbox.moves import Move, Moves
from tests.sandbox.pages import PastEnd
from tests.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_PORT = 65_535


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Read a whole number within these bounds."""

    def read(text: str) -> int:
        bounds = f"from {least}" if most is None else f"from {least} to {most}"
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            msg = f"must be a whole number {bounds}, not {text!r}"
            raise argparse.ArgumentTypeError(msg)
        return number

    return read


def number(most: float = math.inf) -> Callable[[str], float]:
    """Read a number from 0 on."""

    def read(text: str) -> float:
        bounds = "from 0" if most == math.inf else f"from 0 to {most:g}"
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most or value == math.inf:
            msg = f"must be a number {bounds}, not {text!r}"
            raise argparse.ArgumentTypeError(msg)
        return value

    return read


def header(text: str) -> str:
    """Read what can be sent in a header."""
    if not text or text != text.strip() or not (text.isascii() and text.isprintable()):
        msg = "must be printable ASCII without outer spaces"
        raise argparse.ArgumentTypeError(msg)
    return text


def fault(text: str) -> tuple[int, str]:
    """Read a page and what goes wrong there."""
    page, colon, name = text.partition(":")
    if not (colon and page.isdecimal() and int(page)):
        msg = f"must be PAGE:NAME, such as 3:reset, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(page), name


def kinds(text: str) -> list[str]:
    """Read kinds of moves."""
    names = text.split(",")
    for name in names:
        if name not in get_args(Move):
            msg = f"no such move: {name!r} (choose from {', '.join(get_args(Move))})"
            raise argparse.ArgumentTypeError(msg)
    return names


def named(choices: object) -> str:
    """List what there is to choose from."""
    return ", ".join(get_args(choices))


def parser() -> Parser:
    """All options. What is called like a field of `Sandbox` is handed on to it."""
    made = Parser(prog="tap-interviewflow-sandbox", description=description)
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add = made.add_argument_group("the account").add_argument
    add("--port", type=whole(0, MAX_PORT), default=0, metavar="N", help="0 (the default) takes a free one")
    add("--key", type=header, default=Sandbox.key, help="the X-API-KEY to accept (%(default)s)")
    add("--interviewers", type=whole(1), default=3, metavar="N", help="interviewer-1 and so on (%(default)s)")
    add("--candidates", type=whole(0), default=1200, metavar="N", help="of each Interviewer (%(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="another number makes up other people")
    add("--odd", action="store_true", help="give every tenth candidate something odd")
    add("--warm", type=whole(1), metavar="LIMIT", help="encode all pages of this limit beforehand")

    add = made.add_argument_group("how it answers").add_argument
    shapes = f"where the list is: {named(Envelope)}; or a framework's shape and words: {named(Framework)}"
    envelopes = (*get_args(Envelope), *get_args(Framework))
    add("--envelope", choices=envelopes, default=Sandbox.envelope, metavar="NAME", help=shapes)
    add("--within", choices=get_args(Within), help="one level down, under this name")
    add("--single", choices=get_args(Single), default=Sandbox.single, help="how a look-up is answered")
    add("--metadata", choices=get_args(Metadata), help="what is said beside the list")
    lies = f"what of it is wrong (may be repeated): {named(Lie)}"
    add("--lie", choices=get_args(Lie), action="append", default=[], dest="lies", metavar="NAME", help=lies)
    add("--max-limit", type=whole(1), metavar="N", help="the most candidates on a page")
    add("--limit-over", choices=get_args(LimitOver), default=Sandbox.limit_over, help="what a higher limit meets")
    add("--thin", type=number(1), default=0.0, metavar="SHARE", help="of the pages, anywhere, that come short")
    behind = f"what comes behind the last page: {named(PastEnd)}"
    add("--past-end", choices=get_args(PastEnd), default=Sandbox.past_end, metavar="NAME", help=behind)
    add("--ignore-page", action="store_true", help="each page is the first one")
    add("--clock", type=float, metavar="SECONDS", help="date each answer, so much ahead of this machine's clock")
    add("--latency", type=number(), metavar="SECONDS", help="before each answer")

    add = made.add_argument_group("what goes wrong").add_argument
    wrong = f"on a page of each Interviewer, once each time it is given (3:always:NAME stays): 500, {', '.join(FAULTS)}"
    add("--fault", type=fault, action="append", default=[], metavar="PAGE:NAME", help=wrong)
    add("--drip-seconds", type=number(), default=1.0, metavar="SECONDS", help="between two bytes of the fault drip")
    add("--rate-limit", type=number(), metavar="N", help="requests a second, 429 above")
    add("--retry-after", type=header, default=Sandbox.retry_after, metavar="FORM", help="seconds, date, or any text")
    add("--retry-after-seconds", type=whole(0), default=1, metavar="N", help="how long a 429 says to wait")

    add = made.add_argument_group("how the list moves while it is read").add_argument
    add("--moves", type=kinds, metavar="KIND,...", help=f"one or several of {named(Move)}")
    add("--move-count", type=whole(0), default=Moves.count, metavar="N", help="how often in one read (%(default)s)")
    add("--move-seed", type=int, default=0, metavar="N", help="another number moves it in another way")
    add("--move-endlessly", action="store_true", help="go on at this pace as long as there are requests")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    made = parser()
    asked = vars(made.parse_args(argv))
    names = [f"interviewer-{number}" for number in range(1, asked.pop("interviewers") + 1)]
    count, warm, faults, moves = (asked.pop(name) for name in ("candidates", "warm", "fault", "moves"))
    moving = {name: asked.pop(f"move_{name}") for name in ("count", "seed", "endlessly")}
    if moves:
        asked["moves"] = Moves(moves, moving["count"], moving["seed"], endless=moving["endlessly"])
    planned: dict[int | tuple[str, int | str], list[str]] = {}
    for interviewer, (page, name) in itertools.product(names, faults):
        planned.setdefault((interviewer, page), []).append(name)
    try:
        api = Sandbox(dict.fromkeys(names, count), record=False, faults=planned, **asked)
    except ValueError as error:
        made.error(str(error))
    if warm:
        api.preencode(warm)
    try:
        api.start()
    except OSError as error:
        made.error(f"can't listen on port {api.port}: {error.strerror}")
    ending: list[int] = []  # no event: a signal may come while this thread holds the lock that the event's `set` takes
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda number, _: ending.append(number))
    sys.stdout.write(f"{api.url} {','.join(names)}\nX-API-KEY: {api.key}\n")
    sys.stdout.flush()
    while not ending:
        time.sleep(0.1)  # Windows hears no Ctrl-C during a wait without an end
    api.stop()


if __name__ == "__main__":
    main()
