"""Where a pass over the pages of a list that stands still ends, and how many requests that takes.

The reader is the real one, without HTTP; each kind of backend is what a vendor's usual code does.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.backends import EMPTY, FAILED, SIZE, WIDTHS, Backend, Reading, total
from tests.scripted import ONE, Answers, ScriptedRead, ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.backends import Request


# The end of a pass


@pytest.mark.parametrize(("rows", "one_pass"), [(5, [1, 2]), (120, [1, 2, 3, 4]), (150, [1, 2, 3, 4, 5]), (0, [1, 2])])
def test_a_pass_ends_at_an_empty_page_behind_a_short_one_and_at_two_behind_a_full_one(
    rows: int, one_pass: list[int]
) -> None:
    asked = Reading(1, has_total=False).expect_complete(rows=rows).asked
    assert asked[: 2 * len(one_pass)] == one_pass * (1 if rows == 5 else 2)  # one response is one snapshot


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("spell", [int, str])
@pytest.mark.parametrize("behind", [None, {"data": [], "total": 0}, 404, 416, {"message": "no more"}], ids=str)
def test_a_list_that_reaches_its_total_costs_at_most_one_request_more_than_it_has_pages(
    behind: Any, spell: type, width: int
) -> None:
    for rows, pages in ((5, [1, 2]), (120, [1, 2, 3]), (150, [1, 2, 3, 4])):
        read = Reading(width, has_total=False).expect_complete(rows=rows, stated=total(spell(rows)), behind=behind)
        assert (sorted(read.asked), read.verdict.stated) == (pages, rows)


@pytest.mark.parametrize("answer", [400, 404, 416, 422, FAILED, {"message": "no more"}, {"data": None}, 204], ids=str)
def test_a_page_behind_the_end_may_be_refused(answer: Any, reading: Reading) -> None:
    for rows in (30, 50, 230, 250):
        read = reading.expect_complete(interviewers=2, rows=rows, behind=answer)
        pages = -(-rows // SIZE)
        needed = pages + 1 if reading.has_total else 2 * (pages + 2)
        assert len(read.asked_of(ONE)) <= needed + reading.width


@pytest.mark.parametrize(
    "again", [lambda _page, last: last, lambda *_: 1, lambda page, last: (page - 1) % last + 1],
    ids=["the last", "the first", "in a circle"],
)  # fmt: skip
def test_behind_the_end_other_pages_may_come_again(again: Callable[[int, int], int], reading: Reading) -> None:
    for rows in (30, 50, 120, 150):
        held = Backend(rows, reading.has_total)

        def instead(request: Request, held: Backend = held) -> Any:
            page, last = request.page, -(-held.rows // request.limit)
            return held.right(request.interviewer_id, again(page, last) if page > last else page, request.limit)

        reading.expect_complete(rows=rows, instead=instead)


def test_behind_a_short_page_candidates_may_follow_and_then_no_page_is_short_any_more() -> None:
    run = ScriptedRead(Answers({1: ids(*range(10)), 2: ids(10, 11), 3: ids(12, 13), 5: ids(14)}), size=10).run()
    assert run.asked[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert len(run.written) == 15
    assert "page 4 is empty, but pages behind it have candidates" in str(run.verdict.incomplete_reason)


def test_a_page_that_repeats_what_came_is_the_end_only_with_another_one_behind_it() -> None:
    last = ids(10, 11)
    run = ScriptedRead(Answers({1: ids(*range(10)), 2: last}, otherwise=last), size=10).run()
    assert run.asked == [1, 2, 3, 4] * 2
    assert (len(run.written), run.verdict.incomplete_reason) == (12, None)


@pytest.mark.parametrize(("total_of_page_2", "asked"), [(15, [1]), (14, [1, 2])])
def test_a_total_that_was_right_saves_the_page_behind_a_short_one_until_one_is_wrong(
    total_of_page_2: int, asked: list[int]
) -> None:
    held = Answers({
        (ONE, 1): {**ids(*range(10)), "total": 15},
        (ONE, 2): {**ids(*range(10, 15)), "total": total_of_page_2},
        **{(f"interviewer-{number}", 1): {**ids(1, 2), "total": 2} for number in (2, 3)},
    })  # fmt: skip
    run = ScriptedRead(held, size=10, interviewers=3).run()
    assert (run.asked_of("interviewer-2"), run.asked_of("interviewer-3")) == (asked, asked)
    assert all(verdict.is_complete for verdict in run.reader.verdicts.values())


# Pages of another size than requested

GONE: dict[str, Callable[[str, int], bool]] = {
    "none": lambda _, _row: False,
    "some everywhere": lambda _, row: row % 7 == 3,
    "some behind a list of a page": lambda interviewer_id, row: row >= 50 if interviewer_id == ONE else row % 7 == 3,
    "some behind a short last page": lambda interviewer_id, row: row >= 80 if interviewer_id == ONE else row % 7 == 3,
    "the newest": lambda _, row: row < 20,
    "most of page 1": lambda _, row: row < 36,
    "nearly all of page 1": lambda _, row: row < 45,
}


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize(
    "stated",
    [
        lambda rows, _end: {"hasMore": len(rows) == SIZE},
        lambda rows, _end: {"count": len(rows)},
        lambda rows, _end: {"count": str(len(rows))},
    ],
    ids=["hasMore by its length", "count of the page", "count as text"],
)
def test_an_api_that_filters_its_pages_loses_no_candidate(
    stated: Callable[[Sequence[int], int], dict[str, Any]], gone: str, reading: Reading
) -> None:
    if reading.has_total and "count" in stated([], 0):
        return  # then one name or the other is right
    reading.expect_complete(interviewers=2, rows=330, stated=stated, is_hidden=GONE[gone])


@pytest.mark.parametrize(("clamp", "size"), [(50, 60), (50, 1000), (33, 100), (10, 480)])
def test_a_limit_that_is_clamped_where_the_offset_is_not_loses_no_candidate(
    clamp: int, size: int, reading: Reading
) -> None:
    for rows, behind in itertools.product((clamp, clamp + 1, 480, 483), (None, 400)):
        reading.expect_complete(size, interviewers=2, rows=rows, clamp=clamp, behind=behind)


@pytest.mark.parametrize(("page", "answer"), [(1, EMPTY), (2, EMPTY), (2, 404), (2, FAILED)], ids=str)
def test_one_bad_page_does_not_undo_the_limit_that_the_api_uses(page: int, answer: Any, reading: Reading) -> None:
    bad = {(page, 1): answer}
    reading.expect_complete(100, rows=480, clamp=50, instead=lambda request: bad.get((request.page, request.visit)))


@pytest.mark.parametrize("answer", [EMPTY, 400, FAILED], ids=str)
def test_before_deletes_one_bad_page_2_hides_no_limit_that_the_api_uses(answer: Any, reading: Reading) -> None:
    bad = {(2, 1): answer}
    held = Backend(100, reading.has_total, clamp=50, instead=lambda request: bad.get((request.page, request.visit)))
    read = ScriptedRead(held, size=100, width=reading.width, reads_twice=True).run()
    assert (len(read.written), read.verdict.incomplete_reason) == (100, None)


@pytest.mark.parametrize("answer", [400, FAILED], ids=str)
@pytest.mark.parametrize("gone", GONE)
def test_an_api_that_refuses_other_limits_than_its_own_loses_no_candidate(
    gone: str, answer: Any, reading: Reading
) -> None:
    for rows in (30, 330):
        reading.expect_complete(
            interviewers=2,
            rows=rows,
            is_hidden=GONE[gone],
            instead=lambda request: None if request.limit in {10, 20, 50, 100} else answer,
        )


@pytest.mark.parametrize(
    "limit", [lambda limit: limit, lambda limit: min(limit, 30), lambda _: SIZE], ids=["its limit", "at most 30", "50"]
)
def test_an_api_that_ignores_page_makes_the_read_incomplete(limit: Callable[[int], int], reading: Reading) -> None:
    held = Backend(300, reading.has_total)
    read = reading.expect_incomplete(
        "page 2 repeats page 1", rows=300, instead=lambda request: held.right(ONE, 1, limit(request.limit))
    )
    assert len(read.asked) <= 10 + 3 * reading.width


@pytest.mark.parametrize("rows", [8, 30, 51, 400])
def test_an_api_that_returns_everything_at_once_is_complete(rows: int, reading: Reading) -> None:
    held = Backend(rows, reading.has_total)
    read = reading.expect_complete(rows=rows, instead=lambda request: held.right(request.interviewer_id, 1, rows))
    assert len(read.asked) <= 6 + 3 * reading.width


# A cap of the offset


def beyond(last: int, answer: Any, *, by_offset: bool = False) -> Callable[[Request], Any]:
    """Answer so for a page that ends, or begins, beyond a row."""
    return lambda request: answer if request.end - by_offset * (request.limit - 1) > last else None


@pytest.mark.parametrize("size", [20, 50, 70, 100])
@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        *((answer, "none") for answer in (400, 422, 404, {"message": "no"}, FAILED, EMPTY)),
        *((answer, "some everywhere") for answer in (400, 422, FAILED)),
    ],
    ids=str,
)
@pytest.mark.parametrize("by_offset", [False, True])
def test_a_cap_of_the_offset_makes_the_read_incomplete(
    size: int, answer: Any, gone: str, without_total: Reading, *, by_offset: bool
) -> None:
    instead = beyond(300, answer, by_offset=by_offset)
    without_total.expect_incomplete(
        "so there may be more; try another page_size", size, rows=750, is_hidden=GONE[gone], instead=instead
    )


def test_candidates_on_the_page_that_straddles_the_end_are_written(without_total: Reading) -> None:
    read = without_total.expect_incomplete("more", rows=750, instead=beyond(300, EMPTY, by_offset=True))
    assert len(read.written) > 300


@pytest.mark.parametrize("answer", [400, 422, FAILED], ids=str)
@pytest.mark.parametrize(("size", "stated"), [(50, 750), (100, 300)])
def test_a_total_that_is_capped_too_does_not_hide_a_cap_of_the_offset(
    size: int, stated: int, answer: Any, without_total: Reading
) -> None:
    without_total.expect_incomplete("page_size", size, rows=750, stated=total(stated), instead=beyond(300, answer))


@pytest.mark.parametrize("size", [1, 2])
def test_a_page_size_without_a_page_that_straddles_the_end_is_complete(size: int, reading: Reading) -> None:
    reading.expect_complete(size, rows=6)


# Bounds


def page_of(number: int) -> dict[str, Any]:
    return ids(*range(number * SIZE, (number + 1) * SIZE))


def others_on_each_visit(pages: int) -> Callable[[int], Any]:
    fresh = itertools.count(10**6)
    return lambda page: ids(next(fresh), *range(page * SIZE, (page + 1) * SIZE - 1)) if page <= pages else EMPTY


# Of the number of pages that bring something new: an answer for each page.
ENDLESS: dict[str, Callable[[int], Callable[[int], Any]]] = {
    "the last one for ever": lambda pages: lambda page: page_of(min(page, pages)),
    "in circles": lambda pages: lambda page: page_of(page % pages),
    "others on each visit": others_on_each_visit,
    "one candidate a page": lambda pages: lambda page: ids(page) if page <= pages else EMPTY,
    "more than asked for": lambda pages: (
        lambda page: ids(*range(page * 99, page * 99 + 99)) if page <= pages else EMPTY
    ),
    "each candidate twice": lambda pages: lambda page: ids(min(page, pages) // 2),
    "every other page empty": lambda pages: lambda page: page_of(page) if page % 2 and page <= pages else EMPTY,
    "a total that grows": lambda pages: lambda page: {**page_of(min(page, pages)), "total": 10**6 * page},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("pages", [1, 2, 30])
@pytest.mark.parametrize("kind", ENDLESS)
def test_the_requests_are_bounded_by_the_pages_that_bring_something_new(kind: str, pages: int, width: int) -> None:
    answer = ENDLESS[kind](pages)
    dice = Random(width)  # noqa: S311  # the same on every run
    held = Backend(0, instead=lambda request: answer(request.page))
    read = ScriptedRead(held, size=SIZE, width=width, choose=dice.randrange, reads_twice=True).run()
    assert len(read.asked) <= 6 * (pages + 3) + 3 * width
