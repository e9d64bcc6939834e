"""Counts candidates in what a contender wrote: ``count.py [FILE ...]``, standard input where no file is named.

A process of its own: a million IDs in the memory of the one that measures would be counted as the contender's.
"""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ID = re.compile(rb'"id": ?"([0-9a-f]{8}-[0-9a-f-]{27})"')


def main(paths: list[str]) -> None:
    """Print how many candidates there are, and how many different ones."""
    count = 0
    ids: set[bytes] = set()
    for line in _lines(paths) if paths else sys.stdin.buffer:
        found = _ID.findall(line)
        count += len(found)
        ids.update(bytes.fromhex(id_.replace(b"-", b"").decode()) for id_ in found)
    print(count, len(ids))  # noqa: T201  # what it is for


def _lines(paths: Iterable[str]) -> Iterator[bytes]:
    for path in paths:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as lines:
            yield from lines


if __name__ == "__main__":
    main(sys.argv[1:])
