"""Ordinary backends: a list that stands still, and what a vendor's code makes of it. For tests/scripted.py."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EMPTY: dict[str, Any] = {"data": []}
FAILED: dict[str, Any] = {"success": False, "message": "Database timeout"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a page.

    Attributes:
        count: How many requests came before it, and it.
        visit: How many of them were for this page of this Interviewer.
    """

    interviewer_id: str
    page: int
    limit: int
    count: int
    visit: int

    @property
    def end(self) -> int:
        """The place behind the last row that the page asks for."""
        return self.page * self.limit


@dataclass
class Backend:
    """Rows selected by LIMIT and OFFSET (page - 1) * limit, in a list under `data`.

    Attributes:
        rows: How many rows each Interviewer has.
        has_total: Whether the true total is beside the list.
        stated: What else is beside it: made of the rows on the page, and of where they end.
        behind: What is answered for a page behind the end, if not an empty list.
        order: The order of the rows, where it depends on how many are sorted: the first LIMIT + OFFSET.
        clamp: The highest LIMIT; the OFFSET is computed by the limit of the request.
        is_hidden: Which rows of an Interviewer are taken off the page after it was selected.
        instead: What is answered in place of all this, if not None.
        smallest: The smallest limit that was requested.
    """

    rows: int
    has_total: bool = False
    stated: Callable[[Sequence[int], int], Mapping[str, Any]] = lambda _rows, _end: {}
    behind: Any = None
    order: Callable[[int], Sequence[int]] | None = None
    clamp: int = 1000
    is_hidden: Callable[[str, int], bool] = lambda _interviewer_id, _row: False
    instead: Callable[[Request], Any] = lambda _request: None
    count: int = 0
    smallest: int = 1000
    _visits: Counter[tuple[str, int]] = field(default_factory=Counter)
    _listed: dict[str, set[str]] = field(default_factory=dict)

    def tick(self) -> None:
        pass

    def document(self, interviewer_id: str, page: int, limit: int) -> Any:
        self.count += 1
        self.smallest = min(self.smallest, limit)
        self._visits[interviewer_id, page] += 1
        request = Request(interviewer_id, page, limit, self.count, self._visits[interviewer_id, page])
        wrong = self.instead(request)
        return self.right(interviewer_id, page, limit) if wrong is None else wrong

    def right(self, interviewer_id: str, page: int, limit: int) -> Any:
        """Return what is answered where nothing goes wrong."""
        offset = (page - 1) * limit
        end = offset + min(limit, self.clamp)
        rows = self.order(end) if self.order else range(self.rows)
        if offset >= self.rows and self.behind is not None:
            return self.behind
        listed = [row for row in rows[offset:end] if not self.is_hidden(interviewer_id, row)]
        metadata = {"total": len(self.listed(interviewer_id))} if self.has_total else {}
        metadata |= self.stated(listed, end)
        return {"data": [{"id": self.name(interviewer_id, row)} for row in listed], **metadata}

    def listed(self, interviewer_id: str) -> set[str]:
        """The candidates that the API has to give."""
        if interviewer_id not in self._listed:
            rows = (row for row in range(self.rows) if not self.is_hidden(interviewer_id, row))
            self._listed[interviewer_id] = {self.name(interviewer_id, row) for row in rows}
        return self._listed[interviewer_id]

    def name(self, interviewer_id: str, row: int) -> str:
        return f"{interviewer_id}/{row}"


def total(count: Any) -> Callable[..., dict[str, Any]]:
    """The same total beside each page."""
    return lambda *_: {"total": count}


def nth(numbers: Sequence[int], answer: Any) -> Callable[[Request], Any]:
    """An answer for the requests of these numbers, counted over the run."""
    return lambda request: answer if request.count in numbers else None


def postgres_order(keys: Sequence[int]) -> Callable[[int], Sequence[int]]:
    """The order in which PostgreSQL's ORDER BY returns rows of these keys, which are not unique, for a LIMIT.

    It keeps the first rows in a heap where more than twice as many are to be sorted, and sorts all of them otherwise.
    """
    everything = sorted(range(len(keys)), key=keys.__getitem__)

    @cache
    def order(limit: int) -> Sequence[int]:
        if 2 * limit >= len(keys):
            return everything
        heap: list[int] = []  # the row with the largest key at the root
        for row in range(len(keys)):
            if len(heap) < limit:
                at = len(heap)
                heap.append(row)
                while at and keys[heap[(at - 1) // 2]] < keys[row]:
                    heap[at] = heap[(at - 1) // 2]
                    at = (at - 1) // 2
                heap[at] = row
            elif keys[row] < keys[heap[0]]:
                _replace_root(heap, row, keys)
        ordered = []
        while heap:
            ordered.append(heap[0])
            last = heap.pop()
            if heap:
                _replace_root(heap, last, keys)
        return ordered[::-1]

    return order


def _replace_root(heap: list[int], row: int, keys: Sequence[int]) -> None:
    at = 0
    while (child := 2 * at + 1) < len(heap):
        if child + 1 < len(heap) and keys[heap[child]] < keys[heap[child + 1]]:
            child += 1
        if keys[row] >= keys[heap[child]]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = row


def shuffled_order(rows: int) -> Callable[[int], Sequence[int]]:
    """An order in which all rows are equal, another one for each LIMIT."""
    return lambda limit: Random(rows + limit).sample(range(rows), rows)  # noqa: S311  # the same on every run
