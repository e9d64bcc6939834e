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
    for one in (one for path in paths for one in ids_in(Path(path))) if paths else _ids(sys.stdin.buffer):
        count += 1
        ids.add(one)
    print(count, len(ids))  # noqa: T201  # what it is for


def ids_in(path: Path) -> Iterator[bytes]:
    """Yield the IDs in a file, as bytes."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        yield from _ids(lines)


def _ids(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        for found in _ID.findall(line):
            yield bytes.fromhex(found.replace(b"-", b"").decode())


if __name__ == "__main__":
    main(sys.argv[1:])
