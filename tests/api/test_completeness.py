"""What proves that every candidate of a list came, what does not, and what a target may delete.

The reader is the real one, without HTTP; each kind of backend is what a vendor's usual code does.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.backends import EMPTY, FAILED, SIZE, Backend, Reading, nth, total, unstable_order
from tests.scripted import Answers, ScriptedRead, ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.backends import Request


def read(answers: Mapping[Any, Any], **options: Any) -> ScriptedRead:
    """Read pages of ten rows."""
    return ScriptedRead(Answers(answers), size=10, **options).run()


# Totals


WRONG: dict[str, Callable[[int, int, int], dict[str, Any]]] = {
    # Of the rows of the list, those on the page, and where the page ends.
    "total of the page": lambda _rows, shown, _end: {"total": shown},
    "total of what remains": lambda rows, shown, end: {"total": shown + max(rows - end, 0)},
    "total that is capped": lambda rows, _shown, _end: {"total": min(rows, 100)},
    "total that lags behind": lambda rows, _shown, _end: {"total": rows * 9 // 10},
    "total of nothing": lambda _rows, _shown, _end: {"total": 0},
    "pages from 0": lambda rows, _shown, _end: {"totalPages": (rows - 1) // SIZE},
    "more never": lambda _rows, _shown, _end: {"hasMore": False},
    "more always": lambda _rows, _shown, _end: {"hasMore": True},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_no_wrong_metadata_costs_a_candidate_or_makes_the_read_incomplete(wrong: str, without_total: Reading) -> None:
    for rows, behind in itertools.product((30, 150, 170), (None, 404)):

        def stated(shown: Sequence[int], end: int, rows: int = rows) -> dict[str, Any]:
            return WRONG[wrong](rows, len(shown), end)

        read = without_total.expect_complete(interviewers=2, rows=rows, stated=stated, behind=behind)
        assert read.verdict.stated in {None, rows}


@pytest.mark.parametrize(
    "stated",
    [lambda _shown, end: {"total": 120} if end == SIZE else {}, lambda _shown, end: {"total": min(end, 120)}],
    ids=["on page 1 only", "rows so far"],
)
def test_a_total_that_not_all_pages_state_or_that_counts_the_rows_so_far_proves_nothing(
    stated: Callable[[Sequence[int], int], dict[str, Any]], without_total: Reading
) -> None:
    read = without_total.expect_complete(rows=120, stated=stated)
    assert read.asked.count(3) == 2
    assert read.verdict.stated is None


@pytest.mark.parametrize("size", [20, 100, 300, 1000])
@pytest.mark.parametrize(
    "stated", [total(300), lambda _shown, end: {"total": 300 + end}], ids=["of what is not listed", "that grows"]
)
def test_a_total_that_is_too_high_makes_the_read_incomplete(size: int, stated: Any, without_total: Reading) -> None:
    reason = r"the API states \d[,\d]+ candidates, 257 came"
    without_total.expect_incomplete(reason, size, rows=300, stated=stated, is_hidden=lambda _, row: row % 7 == 3)


def test_a_total_may_ignore_a_filter_and_is_not_used_then() -> None:
    held = Backend(25, stated=total(40))
    run = ScriptedRead(held, size=10, additional_fields={"score": 50}).run()
    assert (run.asked, run.verdict.incomplete_reason) == ([1, 2, 3, 4] * 2, None)


# Passes that agree, and that do not


def test_a_second_pass_that_finds_a_candidate_between_those_known_calls_for_a_third() -> None:
    run = read({1: [ids(*range(9), 99), ids(*range(10))], 2: ids(10, 11)})
    assert run.asked == [1, 2, 3] * 3
    assert run.verdict.is_complete


def test_a_second_pass_that_brings_more_than_a_page_of_new_candidates_calls_for_a_third() -> None:
    run = read({1: ids(*range(10)), 2: [EMPTY, ids(*range(10, 20))], 3: [EMPTY, ids(*range(20, 25))]})
    assert run.asked.count(1) == 3
    assert (len(run.written), run.verdict.incomplete_reason) == (25, None)


def test_a_page_with_an_older_and_higher_total_in_each_pass_is_one_of_a_cache_and_agrees_with_nothing() -> None:
    pages = {1: (24, range(10)), 2: (25, range(10, 20)), 3: (24, range(20, 24))}
    run = read({number: {**ids(*rows), "total": total} for number, (total, rows) in pages.items()})
    assert "the list kept moving" in str(run.verdict.incomplete_reason)


def test_a_second_pass_that_shares_no_candidate_with_the_first_agrees_with_nothing() -> None:
    run = read({1: [EMPTY, ids(*range(10)), ids(*range(10))], 2: [EMPTY, ids(10), ids(10)]})
    assert run.asked.count(1) == 3
    assert (len(run.written), run.verdict.incomplete_reason) == (11, None)


def test_a_pass_without_a_candidate_where_another_had_some_is_incomplete() -> None:
    run = read({1: [ids(*range(10)), EMPTY], 2: [ids(10), EMPTY]})
    assert run.verdict.incomplete_reason == "the API has no candidate any more, but had some before"


def test_an_id_that_is_twice_on_one_page_counts_as_two_rows(caplog: pytest.LogCaptureFixture) -> None:
    run = read({1: {**ids(1, 1, 2), "total": 3}})
    assert (run.asked, run.verdict.read, run.verdict.incomplete_reason) == ([1, 2], 2, None)
    assert "1 candidate came with the ID of another one on the same page" in caplog.text


def test_candidates_that_come_twice_in_every_pass_make_the_read_incomplete() -> None:
    run = read({1: ids(*range(10)), 2: ids(9, 10, 11)})
    assert run.asked.count(2) == 3
    assert "1 of 13 rows came twice" in str(run.verdict.incomplete_reason)


@pytest.mark.parametrize(("imports", "newest_first", "size"), [(1, False, 20), (2, True, 100), (5, True, 250)])
def test_an_order_that_is_not_unique_makes_the_read_incomplete(
    imports: int, size: int, reading: Reading, *, newest_first: bool
) -> None:
    times = [row * imports // 1010 * (-1 if newest_first else 1) for row in range(1010)]
    reason = "states 1,010" if reading.has_total else "larger page_size"
    reading.expect_incomplete(reason, size, rows=1010, order=unstable_order(times))


# A bad answer in place of a page


@pytest.mark.parametrize(("rows", "size"), [(250, 50), (230, 20), (230, 100)])
def test_a_last_page_that_is_empty_once_is_read_again(rows: int, size: int, reading: Reading) -> None:
    last = (-(-rows // size), 1)
    reading.expect_complete(
        size, rows=rows, instead=lambda request: EMPTY if (request.page, request.visit) == last else None
    )


def test_a_page_behind_a_short_first_one_that_is_empty_once_is_read_again_where_a_total_states_more() -> None:
    run = read({1: {**ids(*range(8)), "total": 11}, 2: [EMPTY, ids(8, 9, 10)]})
    assert (len(run.written), run.verdict.incomplete_reason) == (11, None)


@pytest.mark.parametrize(("rows", "size"), [(250, 50), (230, 50), (230, 100)])
@pytest.mark.parametrize("copied", [1, 2])
def test_a_page_answered_once_by_a_copy_of_another_is_read_again(
    copied: int, rows: int, size: int, reading: Reading
) -> None:
    held = Backend(rows, reading.has_total)
    for page in range(copied + 1, -(-rows // size) + 1):

        def instead(request: Request, page: int = page) -> Any:
            is_stale = (request.page, request.visit) == (page, 1)
            return held.right(request.interviewer_id, copied, request.limit) if is_stale else None

        reading.expect_complete(size, interviewers=2, rows=rows, instead=instead)


@pytest.mark.parametrize("answer", [EMPTY, {"data": None}, 204], ids=str)
def test_a_list_that_is_empty_at_first_is_read(answer: Any, reading: Reading) -> None:
    reading.expect_complete(rows=30, instead=nth([1], answer))


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("answer", [EMPTY, FAILED], ids=["empty", "failed"])
def test_a_few_bad_answers_lose_no_candidate_silently(answer: Any, length: int, reading: Reading) -> None:
    for first in range(1, 9):
        reading.read(rows=300, behind=answer, instead=nth(range(first, first + length), answer))


@pytest.mark.parametrize("page", [2, 5])
def test_a_page_that_stays_empty_or_is_always_refused_makes_the_read_incomplete(page: int, reading: Reading) -> None:
    for answer, why in ((EMPTY, "states 300" if reading.has_total else f"page {page} is empty"), (FAILED, "timeout")):
        read = reading.expect_incomplete(
            why, rows=300, instead=lambda request, answer=answer: answer if request.page == page else None
        )
        assert len(read.written) == 250


@pytest.mark.parametrize(
    ("start", "answer"),
    [
        *((start, answer) for start in (2, 4) for answer in (EMPTY, 400, 404, FAILED)),
        *((6, EMPTY), (7, 400), (7, FAILED)),
    ],
    ids=str,
)
def test_bad_answers_that_go_on_make_the_read_incomplete(start: int, answer: Any, reading: Reading) -> None:
    read = reading.read(rows=300, behind=answer, instead=lambda request: answer if request.count >= start else None)
    assert not read.verdict.is_complete


# Deletes


@pytest.mark.parametrize("rows", [0, 5, 25])
@pytest.mark.parametrize("has_total", [False, True])
def test_what_a_target_may_delete_by_is_read_twice(rows: int, *, has_total: bool) -> None:
    run = ScriptedRead(Backend(rows, has_total), size=10, reads_twice=True).run()
    assert run.verdict.delete_blocker is None
    assert run.asked.count(1) == 2


def test_a_last_pass_that_brings_new_candidates_confirms_nothing() -> None:
    run = read({1: [ids(1), ids(1, 2), ids(1, 2, 3)]}, reads_twice=True)
    assert run.verdict.is_complete
    assert run.verdict.delete_blocker == "its last pass brought new candidates"


@pytest.mark.parametrize("metadata", [{"hasMore": True}, {"totalPages": 9}], ids=str)
@pytest.mark.parametrize("rows", [25, 30])
def test_metadata_that_promise_more_than_came_prevent_deletes_unless_the_total_is_reached(
    metadata: dict[str, Any], rows: int
) -> None:
    for has_total, blocker in ((False, "the API states"), (True, "None")):
        held = Backend(rows, has_total, stated=lambda *_: metadata)
        run = ScriptedRead(held, size=10, reads_twice=True).run()
        assert (len(run.written), run.verdict.incomplete_reason) == (rows, None)
        assert blocker in str(run.verdict.delete_blocker)


@pytest.mark.parametrize("named", ["interviewer-2", {"_id": "interviewer-2"}], ids=str)
def test_a_candidate_that_names_another_interviewer_leaves_nothing_to_be_deleted(named: object) -> None:
    page = {"data": [{"id": "1", "jobId": named}, {"id": "2", "jobId": "unknown"}]}
    run = read({1: page}, reads_twice=True, interviewers=2)
    assert [verdict.delete_blocker is None for verdict in run.reader.verdicts.values()] == [False, True]
