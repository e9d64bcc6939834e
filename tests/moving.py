"""What readers by page number lose of a list that moves, and what the tap does not.

    python -m tests.moving [--moves first|always] [--reads 100] [--write]

Nothing is sent: the list, its moves and the order of the answers are drawn from a seed, in virtual time. The tap's
reader is the real one. It takes some minutes on two cores.
"""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import argparse
import re
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from tests.scripted import ONE, Clock, MovingList, ScriptedPool, ScriptedRead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

PAGE: Final = Path(__file__).parent.parent / "docs" / "reading.md"
MARKED: Final = re.compile(r"(?<=<!-- moving: from make moving -->\n).*?(?=<!-- /moving -->)", re.DOTALL)

ROWS: Final = 600
SIZE: Final = 20
MOVES_A_PASS: Final = (1, 5)
SPANS: Final = {"first": 1, "always": 8}
"""For how many passes over the list the moves go on; no reader of ours makes eight."""
KINDS: Final = {
    "newcomers come first": ("newcomer-first",),
    "newcomers come last": ("newcomer-last",),
    "deletions": ("deletion",),
    "updates move to the top": ("update-first",),
    "updates move to the end": ("update-last",),
    "mixed, newest first": ("newcomer-first", "deletion", "update-first"),
    "mixed, oldest first": ("newcomer-last", "deletion", "update-last"),
}


TITLES: Final = {"first": "Moves during the first pass", "always": "Moves that never stop"}


@dataclass(frozen=True, slots=True)
class Contender:
    """A reader.

    Attributes:
        read: Reads a list with so many requests in flight, and returns what came, whether the read is called complete,
            and how many requests it sent.
        width: How many requests are in flight.
        said: The metadata beside the list.
    """

    read: Callable[[MovingList, int, Random], tuple[set[str], bool, int]]
    width: int
    said: str = "total"


@dataclass(slots=True)
class Outcome:
    """Counts over some reads.

    Attributes:
        lost: How many candidates were in the list throughout a read that was called complete, and did not come.
        requests: How many requests were sent.
        incomplete: How many reads were called incomplete.
    """

    lost: int = 0
    requests: int = 0
    incomplete: int = 0


def by_page_number(held: MovingList, width: int, dice: Random) -> tuple[set[str], bool, int]:
    """Read page after page to an empty one, as most readers do."""
    pool = ScriptedPool(width, held, Clock(), dice.randrange)
    pending: deque[Future[list[str]]] = deque()
    came: set[str] = set()
    asked = 0

    def fetch(page: int) -> list[str]:
        return [each["id"] for each in held.document(ONE, page, SIZE)["data"]]

    while True:
        while pool.is_idle():
            asked += 1
            pending.append(pool.submit(partial(fetch, asked)))
        while not pending[0].done():
            pool.wait_for_any()
        if not (ids := pending.popleft().result()):
            return came, True, asked
        came.update(ids)


def by_the_tap(held: MovingList, width: int, dice: Random) -> tuple[set[str], bool, int]:
    """Read with the tap's own reader."""
    read = ScriptedRead(held, size=SIZE, width=width, choose=dice.randrange).run()
    return set(read.written), read.verdict.is_complete, len(read.asked)


CONTENDERS: Final = {
    "page by page": Contender(by_page_number, 1),
    "4 ahead": Contender(by_page_number, 4),
    **{f"tap, {width}": Contender(by_the_tap, width) for width in (1, 4, 16)},
    **{f"tap, {width}, no total": Contender(by_the_tap, width, said="") for width in (1, 4, 16)},
}


def measure(contender: Contender, kinds: Sequence[str], moves: int, spans: int, reads: int) -> Outcome:
    """Read lists that move in some ways; each reader reads the same lists, and each move is at the same event."""
    outcome = Outcome()
    events = 2 * ROWS // SIZE
    for seed in range(reads):
        dice = Random(seed)  # noqa: S311 - the same on every run
        script = [
            (dice.randrange(events) + span * events, dice.choice(kinds), dice.randrange(ROWS))
            for span in range(spans)
            for _ in range(moves)
        ]
        held = MovingList(list(range(ROWS)), script, contender.said)
        came, is_complete, requests = contender.read(held, contender.width, dice)
        outcome.lost += is_complete * sum(f"id-{row}" not in came for row in held.always)
        outcome.requests += requests
        outcome.incomplete += not is_complete
    return outcome


def report(moves: str, reads: int) -> str:
    """Return the table for moves in the first pass only, or for moves that never stop."""
    cases: list[tuple[str, int, tuple[str, ...]]] = [("nothing moves", 0, ())] if moves == "first" else []
    cases += [(name, count, kinds) for name, kinds in KINDS.items() for count in MOVES_A_PASS]
    with ProcessPoolExecutor() as processes:
        running = [
            [processes.submit(measure, each, kinds, count, SPANS[moves], reads) for each in CONTENDERS.values()]
            for _, count, kinds in cases
        ]
        rows = [
            (name, count, *(_cell(future.result(), reads) for future in futures))
            for (name, count, _), futures in zip(cases, running, strict=True)
        ]
    head = ("what moves", "moves a pass", *CONTENDERS)
    lines = (f"| {' | '.join(map(str, row))} |" for row in (head, ("---", *["--:"] * (len(head) - 1)), *rows))
    return f"{TITLES[moves]}:\n\n" + "\n".join(lines) + "\n"


def _cell(outcome: Outcome, reads: int) -> str:
    requests = outcome.requests * SIZE / ROWS / reads
    return f"{outcome.lost * 100 / reads:.0f} / {requests:.2f} / {outcome.incomplete * 100 / reads:.0f}"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.moving", description=__doc__)
    parser.add_argument("--moves", choices=TITLES, help="when the list moves (both, if it is not given)")
    parser.add_argument("--reads", type=int, default=100, metavar="N", help="of each kind (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"into docs/{PAGE.name}")
    options = parser.parse_args()
    if options.write and options.moves:
        parser.error("--write takes both kinds of moves")
    made = "\n".join(report(moves, options.reads) for moves in ([options.moves] if options.moves else TITLES))
    print(made, end="")
    if options.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(MARKED.sub(lambda _: f"\n{made}\n", page), "utf-8")


if __name__ == "__main__":
    main()
