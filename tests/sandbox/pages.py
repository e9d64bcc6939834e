"""How a list is cut into pages, and what comes behind the last one."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

PastEnd = Literal[
    "empty", "repeat", "first", "circle", "random", "204", "400", "404", "416", "422", "null", "nolist", "failure"
]


def page_starts(total: int, limit: int, thin: float, seed: str) -> Sequence[int]:
    """Where in the list each page begins.

    Args:
        total: How long the list is.
        limit: The most that a page holds.
        thin: The share of the pages that come short, as if some were left out after the list was cut.
        seed: Decides which ones, and by how many.
    """
    if not thin:
        return range(0, total, limit)
    starts: list[int] = []
    start = 0
    while start < total:
        starts.append(start)
        start += _size(limit, thin, f"{seed}/{limit}/{len(starts)}")
    return starts


def _size(limit: int, thin: float, seed: str) -> int:
    dice = blake2b(seed.encode()).digest()
    is_short = limit > 1 and int.from_bytes(dice[:4]) < thin * 2**32
    return 1 + int.from_bytes(dice[4:8]) % (limit - 1) if is_short else limit


def page_shown(past_end: PastEnd, page: int, pages: int, seed: str) -> int:
    """Which page comes in answer to a number behind the last one."""
    last = max(pages, 1)
    match past_end:
        case "repeat":
            return last
        case "first":
            return 1
        case "circle":
            return (page - 1) % last + 1
        case "random":
            return int.from_bytes(blake2b(f"{seed}/{page}".encode()).digest()[:8]) % last + 1
        case _:
            return page
