"""A list that moves while it is read: nobody who was there throughout is lost, or the read says that it is incomplete.

The reader is the real one; the list, its moves and the order of the answers are a script.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import moving
from tests.scripted import KINDS, Answers, MovingList, ScriptedRead, ids, read_moving

TOP = ("newcomer-first", "update-first")
WIDTHS = [1, 2, 4, 16]
SIGN = {"newcomer-first": 1, "newcomer-last": 1, "deletion": -1}


@st.composite
def scripts(draw: st.DrawFn, kinds: tuple[str, ...], smallest_page: int = 1) -> dict[str, Any]:
    """A list, how it is read, how it moves, and in which order the answers come.

    Two changes that cancel each other in the total while the same requests are in flight leave no trace: an answer
    that shows neither is the answer of a list that stands still. So opposite changes are a round of requests apart.
    """
    width = draw(st.sampled_from(WIDTHS))
    moves = []
    event, changed_at, sign = 0, -1000, 0
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(kinds))
        event += draw(st.integers(0, 20))
        if SIGN.get(kind, sign) != sign:
            event = max(event, changed_at + 4 * width + 4)
            sign, changed_at = SIGN[kind], event
        elif kind in SIGN:
            changed_at = event
        moves.append((event, kind, draw(st.integers(0, 100))))
    return {
        "rows": draw(st.integers(0, 40)),
        "size": draw(st.integers(smallest_page, 10)),
        "width": width,
        "moves": moves,
        "choose": draw(st.randoms(use_true_random=False)).randrange,
    }


@given(script=scripts(KINDS), said=st.sampled_from(["total", "total+hasMore", "total+totalPages+hasMore"]))
def test_where_a_total_is_stated_nobody_is_lost_whatever_moves(script: dict[str, Any], said: str) -> None:
    read, lost = read_moving(said=said, **script)
    assert not lost or not read.verdict.is_complete


@given(script=scripts((*TOP, "newcomer-last"), smallest_page=6), said=st.sampled_from(["", "hasMore", "totalPages"]))
def test_without_a_total_nobody_is_lost_where_newcomers_and_updates_gather_at_the_top(
    script: dict[str, Any], said: str
) -> None:
    read, lost = read_moving(said=said, **script)
    assert not lost or not read.verdict.is_complete


@given(script=scripts(KINDS, smallest_page=2), said=st.sampled_from(["", "total", "hasMore", "total+hasMore"]))
def test_nothing_is_deleted_that_was_there_throughout(script: dict[str, Any], said: str) -> None:
    read, lost = read_moving(said=said, reads_twice=True, **script)
    if not said.startswith("total") and any(kind in {"deletion", "update-last"} for _, kind, _ in script["moves"]):
        return  # a list that loses rows without a word about it is asked twice, and may lose the same one twice
    assert not lost or read.verdict.delete_blocker


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize(
    "kinds", [(kind,) for kind in KINDS] + [("newcomer-first", "deletion", "update-first")], ids=str
)
def test_reads_of_usual_lists_lose_nobody_and_end_complete(kinds: tuple[str, ...], width: int) -> None:
    for seed in range(4):
        dice = Random(seed)  # noqa: S311  # the same on every run
        moves = [(dice.randrange(30), dice.choice(kinds), dice.randrange(300))]
        read, lost = read_moving(300, 20, width, moves, said="total", choose=dice.randrange)
        assert (lost, read.verdict.incomplete_reason) == (set(), None)


def test_candidates_found_by_a_later_pass_come_after_the_others() -> None:
    # The last of three pages is updated while the second is asked for, and stands at the top then.
    read, lost = read_moving(6, 2, 1, [(3, "update-first", 4)], said="total")
    assert not lost
    assert read.asked == [1, 2, 3, 4, 5, 1, 2]  # the top is requested again, and no further pass
    assert read.written[-1] == "id-4"


def test_a_bulk_import_of_whole_pages_at_the_top_loses_no_candidate() -> None:
    read, lost = read_moving(95, 10, 1, [(5, "newcomer-first", 0)] * 35, said="total")
    assert (lost, read.verdict.incomplete_reason) == (set(), None)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("said", ["", "total"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [1, 3])
def test_a_list_that_never_stops_moving_is_read_three_times_and_its_top_as_often(
    every: int, kind: str, said: str, width: int
) -> None:
    held = MovingList(list(range(300)), [(event, kind, event) for event in range(0, 5000, every)], said)
    read_to_its_end(held, width)
    assert held.moves  # it would have gone on


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("batch", [10, 20, 60])
@pytest.mark.parametrize("kind", ["newcomer-first", "newcomer-last"])
def test_a_list_that_grows_faster_than_it_is_read_is_read_to_its_end(kind: str, batch: int, width: int) -> None:
    read_to_its_end(MovingList(list(range(300)), [(event, kind, 0) for event in range(100)] * batch, "total"), width)


def read_to_its_end(held: MovingList, width: int) -> None:
    """Read a list three times at most, its top as often, and a few pages in vain."""
    dice = Random(width)  # noqa: S311  # the same on every run
    read = ScriptedRead(held, size=20, width=width, choose=dice.randrange, reads_twice=True).run()
    assert len(read.asked) <= 6 * (max(300, len(held.rows)) / 20 + 3) + 3 * width


@pytest.mark.parametrize(
    ("rows", "size", "width", "moves"),
    [
        # Both passes lose the same one: the first by an update, the second by a deletion.
        (16, 4, 1, [(4, "update-last", 2), (7, "update-first", 15), (19, "deletion", 11)]),
        # That the list got shorter shows on an empty page only.
        (6, 2, 1, [(1, "newcomer-first", 5), (5, "deletion", 2), (6, "newcomer-first", 5)]),
        # The list gets shorter and longer again while the same requests are in flight.
        (8, 2, 4, [(2, "deletion", 6), (4, "newcomer-first", 0)]),
        # That the list is longer again shows on no page: the total is the one from before.
        (9, 2, 4, [(0, "deletion", 4), (4, "deletion", 3), (8, "newcomer-first", 6)]),
        # The list gets shorter and longer again between two responses with candidates.
        (3, 2, 4, [(0, "deletion", 1), (7, "newcomer-first", 0)]),
    ],
)
def test_a_total_that_falls_hides_no_lost_candidate(
    rows: int, size: int, width: int, moves: list[tuple[int, str, int]]
) -> None:
    choose = Random(1).randrange  # noqa: S311  # the same on every run
    read, lost = read_moving(rows, size, width, moves, said="total", choose=choose)
    assert not lost or not read.verdict.is_complete


def test_a_later_pass_with_fewer_candidates_than_it_states_agrees_with_nothing() -> None:
    moves = [(5, "deletion", 101), (15, "update-first", 94), (15, "update-first", 119)]
    read, lost = read_moving(7, 2, 1, moves, said="total", reads_twice=True)
    assert not lost or not read.verdict.is_complete


def test_a_page_1_with_fewer_candidates_than_it_states_is_not_the_whole_list() -> None:
    # The API returns 50 candidates at most; page 2 fails once, and then one on page 1 is deleted.
    page_1 = ids(*range(50)) | {"total": 52}, ids(*range(7), *range(8, 51)) | {"total": 51}
    read = ScriptedRead(Answers({1: [*page_1], 2: [{"success": False}, {"data": [], "total": 51}]}), size=100).run()
    assert not read.verdict.is_complete


def test_a_list_whose_total_falls_in_each_pass_is_complete_by_a_third_pass_that_agrees() -> None:
    moves = [(event, "deletion", -1) for event in (3, 20, 37)]
    read, lost = read_moving(15, 2, 1, moves, said="total")
    assert not lost
    assert read.asked.count(2) == 3
    assert read.verdict.incomplete_reason is None


@pytest.mark.parametrize("kind", moving.SPANS)
@pytest.mark.parametrize("contender", [name for name in moving.CONTENDERS if name.startswith("tap")])
def test_no_read_of_600_candidates_loses_one_silently(contender: str, kind: str) -> None:
    reader, spans = moving.CONTENDERS[contender], moving.SPANS[kind]
    for kinds, moves in itertools.product(moving.KINDS.values(), moving.MOVES_A_PASS):
        assert moving.measure(reader, kinds, moves, spans, reads=2).lost == 0
