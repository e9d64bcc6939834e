"""Whatever the API does, the number of requests is bounded by the rows that it gives."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest

from tests.scripted import KINDS, ONE, MovingList, ScriptedRead

SIZE = 20


class Invented:
    """Candidates that nobody has seen before, on each page, until so many were given."""

    def __init__(self, rows: int, page_is: int) -> None:
        self._ids = iter(range(rows))
        self._page_is = page_is

    def document(self, _interviewer_id: str, _page: int, _limit: int) -> Any:
        return {"data": [{"id": f"id-{row}"} for row in itertools.islice(self._ids, self._page_is)]}

    def tick(self) -> None:
        pass


class Repeating:
    """A list whose pages behind the end are others again, for ever: every page, or the last one."""

    def __init__(self, pages: int, *, last_only: bool) -> None:
        self._pages = pages
        self._last_only = last_only

    def document(self, interviewer_id: str, page: int, limit: int) -> Any:  # noqa: ARG002  # as the API is asked
        page = min(page, self._pages) if self._last_only else (page - 1) % self._pages + 1
        return {"data": [{"id": f"id-{page}-{row}"} for row in range(SIZE)]}

    def tick(self) -> None:
        pass


class Flickering(Repeating):
    """A list in which some candidates of each page are new on every visit, and old ones are never gone for good."""

    def __init__(self, pages: int) -> None:
        super().__init__(pages, last_only=True)
        self._fresh = itertools.count()

    def document(self, interviewer_id: str, page: int, limit: int) -> Any:
        if page > self._pages:
            return {"data": []}
        document = super().document(interviewer_id, page, limit)
        document["data"][:2] = [{"id": f"fresh-{next(self._fresh)}"} for _ in range(2)]
        return document


def requests_for(held: Any, width: int) -> int:
    dice = Random(width)  # noqa: S311  # the same on every run
    read = ScriptedRead(held, size=SIZE, width=width, choose=dice.randrange, reads_twice=True).run()
    assert set(read.reader.verdicts) == {ONE}
    return len(read.asked)


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("page_is", [1, 7, SIZE, 3 * SIZE])
def test_an_api_that_invents_candidates_is_read_to_its_end(page_is: int, width: int) -> None:
    rows = 1000
    assert requests_for(Invented(rows, page_is), width) <= rows / page_is + 3 * (3 + 2 * width)


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("last_only", [True, False])
@pytest.mark.parametrize("pages", [1, 2, 30])
def test_an_api_that_repeats_pages_for_ever_is_read_to_its_end(pages: int, width: int, *, last_only: bool) -> None:
    assert requests_for(Repeating(pages, last_only=last_only), width) <= 3 * (pages + 3) + 3 * width


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("pages", [1, 2, 30])
def test_a_list_that_is_another_on_each_visit_is_read_three_times_and_its_top_as_often(pages: int, width: int) -> None:
    assert requests_for(Flickering(pages), width) <= 6 * (pages + 3) + 3 * width


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("stated", ["", "total"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [1, 3])
def test_a_list_that_never_stops_moving_is_read_three_times_and_its_top_as_often(
    every: int, kind: str, stated: str, width: int
) -> None:
    moves = [(event, kind, event) for event in range(0, 5000, every)]
    held = MovingList(list(range(300)), moves, stated)
    requests = requests_for(held, width)
    assert requests <= 6 * (max(300, len(held.rows)) / SIZE + 3) + 3 * width
    assert held.moves  # it would have gone on


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("batch", [SIZE // 2, SIZE, 3 * SIZE])
@pytest.mark.parametrize("kind", ["newcomer-first", "newcomer-last"])
def test_a_list_that_grows_faster_than_it_is_read_is_read_to_its_end(kind: str, batch: int, width: int) -> None:
    moves = [(event, kind, 0) for event in range(100) for _ in range(batch)]
    held = MovingList(list(range(300)), moves, "total")
    assert requests_for(held, width) <= 6 * (len(held.rows) / SIZE + 3) + 3 * width
