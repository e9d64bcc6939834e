"""What readers by page number lose of a list that moves, and what the tap does not.

    python -m tests.moving [--reads 100] [--write]

Nothing is sent: the list, its moves and the order of the answers are drawn from a seed, in virtual time. The tap's
reader is the real one. It takes half a minute on two cores.
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
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

PAGE: Final = Path(__file__).parent.parent / "docs" / "reading.md"
MARKED: Final = re.compile(r"(?<=<!-- moving: from make moving -->\n).*?(?=<!-- /moving -->)", re.DOTALL)

ROWS: Final = 600
SIZE: Final = 20
MOVES_A_READ: Final = (1, 5)
KINDS: Final = {
    "newcomers come first": ("newcomer-first",),
    "newcomers come last": ("newcomer-last",),
    "deletions": ("deletion",),
    "updates move to the top": ("update-first",),
    "updates move to the end": ("update-last",),
    "mixed, newest first": ("newcomer-first", "deletion", "update-first"),
    "mixed, oldest first": ("newcomer-last", "deletion", "update-last"),
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A reader.

    Attributes:
        read: Reads a list with so many requests in flight, and gives what came, whether it takes that for all, and
            how many requests it sent.
        width: How many requests are in flight.
        said: What the API says beside the list.
    """

    read: Callable[[MovingList, int, Random], tuple[set[str], bool, int]]
    width: int
    said: str = "total"


@dataclass(slots=True)
class Outcome:
    """What reads came to.

    Attributes:
        lost: How many candidates were there throughout and never came.
        asked: How many requests were sent.
        incomplete: How many reads did not take what came for all.
    """

    lost: int = 0
    asked: int = 0
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


def measure(contender: Contender, kinds: Sequence[str], moves: int, reads: int) -> Outcome:
    """Have a reader read lists that move in some ways, in the same ways at the same events for each reader."""
    outcome = Outcome()
    for seed in range(reads):
        dice = Random(seed)  # noqa: S311 - the same on every run
        events = 2 * ROWS // SIZE
        script = [(dice.randrange(events), dice.choice(kinds), dice.randrange(ROWS)) for _ in range(moves)]
        held = MovingList(list(range(ROWS)), script, contender.said)
        came, is_complete, asked = contender.read(held, contender.width, dice)
        outcome.lost += sum(f"id-{row}" not in came for row in held.always)
        outcome.asked += asked
        outcome.incomplete += not is_complete
    return outcome


def report(reads: int) -> str:
    """Give both tables."""
    cases: dict[tuple[str, int], tuple[str, ...]] = {("nothing moves", 0): ()}
    cases |= {(name, moves): kinds for name, kinds in KINDS.items() for moves in MOVES_A_READ}
    lost, asked = [], []
    incomplete = 0
    with ProcessPoolExecutor() as processes:
        running = {
            case: [processes.submit(measure, contender, kinds, case[1], reads) for contender in CONTENDERS.values()]
            for case, kinds in cases.items()
        }
        for (name, moves), futures in running.items():
            outcomes = [future.result() for future in futures]
            incomplete += sum(outcome.incomplete for outcome in outcomes)
            asked.append((name, moves, *(f"{outcome.asked * SIZE / ROWS / reads:.2f}" for outcome in outcomes)))
            lost.append((name, moves, *(f"{round(outcome.lost * 100 / reads, 1):g}" for outcome in outcomes)))
    of_tap = len(cases) * reads * sum(contender.read is by_the_tap for contender in CONTENDERS.values())
    return (
        f"Candidates lost per 100 reads:\n\n{_table(lost[1:])}\n\n"
        f"Requests per page:\n\n{_table(asked)}\n\n"
        f"Of the tap's {of_tap:,} reads, {incomplete:,} ended incomplete.\n"
    )


def _table(rows: Iterable[tuple[object, ...]]) -> str:
    return "\n".join(_lines(rows))


def _lines(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    head = ("what moves", "moves a read", *CONTENDERS)
    for row in (head, ("---", *["--:"] * (len(head) - 1)), *rows):
        yield f"| {' | '.join(map(str, row))} |"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.moving", description=__doc__)
    parser.add_argument("--reads", type=int, default=100, metavar="N", help="of each kind (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"into docs/{PAGE.name}")
    options = parser.parse_args()
    made = report(options.reads)
    print(made, end="")
    if options.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(MARKED.sub(lambda _: f"\n{made}\n", page), "utf-8")


if __name__ == "__main__":
    main()
