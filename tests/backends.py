"""Ordinary backends: a list that stands still, and what a vendor's code makes of it. For tests/scripted.py."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.scripted import Held, ScriptedRead

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SIZE = 50
WIDTHS = (1, 4, 16)
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
class Backend(Held):
    """Rows selected by LIMIT and OFFSET (page - 1) * limit, in a list under `data`.

    Attributes:
        rows: How many rows each Interviewer has.
        has_total: Whether the true total is beside the list.
        stated: What else is beside it: made of the rows on the page, and of where they end.
        behind: What is answered for a page behind the end, if not an empty list.
        order: The order of the rows, where it depends on how many are sorted: the first OFFSET + LIMIT.
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

    @override
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


@dataclass(frozen=True, slots=True)
class Reading:
    """How backends are read.

    Attributes:
        width: How many requests are in flight.
        has_total: Whether the API states how many candidates there are.
    """

    width: int
    has_total: bool

    def read(self, size: int = SIZE, interviewers: int = 1, **backend: Any) -> ScriptedRead:
        """Read a backend twice, the second time with the further pass that deletes need, and return the first read."""
        read, _ = (self._read(size, interviewers, reads_twice, backend) for reads_twice in (False, True))
        return read

    def _read(self, size: int, interviewers: int, reads_twice: bool, backend: dict[str, Any]) -> ScriptedRead:  # noqa: FBT001
        held = Backend(has_total=self.has_total, **backend)
        options = {"width": self.width, "interviewers": interviewers, "reads_twice": reads_twice}
        dice = Random(size)  # noqa: S311  # the same on every run
        read = ScriptedRead(held, size=size, choose=dice.randrange, **options).run()
        assert len(read.written) == len(set(read.written))
        for interviewer_id, verdict in read.reader.verdicts.items():
            assert verdict.is_complete or verdict.delete_blocker
            assert not verdict.is_complete or held.listed(interviewer_id) <= set(read.written)
            pages = -(-held.rows // held.smallest)
            assert len(read.asked_of(interviewer_id)) <= 3 * (pages + 3) + 2 * self.width
        return read

    def expect_complete(self, size: int = SIZE, interviewers: int = 1, **backend: Any) -> ScriptedRead:
        """Read a backend that has all candidates to give."""
        read = self.read(size, interviewers, **backend)
        reasons = {verdict.incomplete_reason for verdict in read.reader.verdicts.values()}
        assert reasons == {None}
        return read

    def expect_incomplete(self, reason: str, size: int = SIZE, **backend: Any) -> ScriptedRead:
        """Read a backend that keeps candidates back, and check that this pattern is in the reason."""
        read = self.read(size, **backend)
        assert re.search(reason, str(read.verdict.incomplete_reason))
        return read


def unstable_order(keys: Sequence[int]) -> Callable[[int], Sequence[int]]:
    """Rows in the order of keys that are not unique: equal ones come in another order for each small LIMIT.

    So does PostgreSQL: it keeps the first rows in a heap, and sorts all of them where more than half are asked for.
    """

    @cache
    def order(limit: int) -> Sequence[int]:
        dice = Random(min(limit, len(keys) // 2))  # noqa: S311  # the same on every run
        return sorted(dice.sample(range(len(keys)), len(keys)), key=keys.__getitem__)

    return order
