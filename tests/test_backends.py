"""No ordinary backend makes the tap lose a candidate silently: all are written, or the read is called incomplete.

Each kind of backend is what a vendor's usual code does. The reader is the real one, without HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.backends import EMPTY, FAILED, Backend, nth, postgres_order, shuffled_order, total
from tests.scripted import ONE, ScriptedRead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.backends import Request

SIZE = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """How backends are read.

    Attributes:
        width: How many requests are in flight.
        has_total: Whether the API states how many candidates there are.
    """

    width: int
    has_total: bool

    def read(self, size: int = SIZE, interviewers: int = 2, **backend: Any) -> ScriptedRead:
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

    def expect_complete(self, size: int = SIZE, interviewers: int = 2, **backend: Any) -> ScriptedRead:
        """Read a backend that has all candidates to give."""
        read = self.read(size, interviewers, **backend)
        reasons = {verdict.incomplete_reason for verdict in read.reader.verdicts.values()}
        assert reasons == {None}
        return read

    def expect_incomplete(self, reason: str, size: int = SIZE, **backend: Any) -> ScriptedRead:
        """Read a backend that keeps candidates back, and check what the verdict says."""
        read = self.read(size, 1, **backend)
        assert reason in str(read.verdict.incomplete_reason)
        return read


def _named(each: tuple[int, bool]) -> str:
    return f"{each[0]} in flight, {'a' if each[1] else 'no'} total"


@pytest.fixture(params=[(width, has_total) for width in (1, 4, 16) for has_total in (False, True)], ids=_named)
def reading(request: pytest.FixtureRequest) -> Reading:
    return Reading(*request.param)


@pytest.fixture(params=[1, 4, 16])
def without_total(request: pytest.FixtureRequest) -> Reading:
    return Reading(request.param, has_total=False)


# An order that is not unique


@pytest.mark.parametrize(("imports", "newest_first", "size"), [(1, False, 20), (2, True, 100), (5, True, 250)])
def test_ties_in_the_order_make_the_read_incomplete(
    imports: int, size: int, reading: Reading, *, newest_first: bool
) -> None:
    times = [row * imports // 1010 * (-1 if newest_first else 1) for row in range(1010)]
    reason = "states 1,010" if reading.has_total else "larger page_size"
    reading.expect_incomplete(reason, size, rows=1010, order=postgres_order(times))


def test_an_order_that_is_another_for_each_page_makes_the_read_incomplete(reading: Reading) -> None:
    reading.expect_incomplete("states" if reading.has_total else "page_size", rows=300, order=shuffled_order(300))


# Rows taken off a page after it was selected

GONE: dict[str, Callable[[str, int], bool]] = {
    "none": lambda _, _row: False,
    "some everywhere": lambda _, row: row % 7 == 3,
    "some behind a list of a page": lambda interviewer_id, row: row >= 50 if interviewer_id == ONE else row % 7 == 3,
    "some behind a short last page": lambda interviewer_id, row: row >= 80 if interviewer_id == ONE else row % 7 == 3,
    "the newest": lambda _, row: row < 20,
    "most of page 1": lambda _, row: row < 36,
}


@pytest.mark.parametrize("gone", GONE)
def test_has_more_by_the_length_of_a_filtered_page_loses_no_candidate(gone: str, reading: Reading) -> None:
    def stated(rows: Sequence[int], _end: int) -> dict[str, Any]:
        return {"hasMore": len(rows) == SIZE}

    reading.expect_complete(interviewers=3, rows=298, stated=stated, is_hidden=GONE[gone])


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("gone", GONE)
def test_a_count_of_the_page_itself_loses_no_candidate(gone: str, kind: type, without_total: Reading) -> None:
    def stated(rows: Sequence[int], _end: int) -> dict[str, Any]:
        return {"count": kind(len(rows))}

    without_total.expect_complete(rows=330, stated=stated, is_hidden=GONE[gone])


@pytest.mark.parametrize("size", [20, 100, 300, 1000])
def test_a_total_that_counts_what_is_not_listed_makes_the_read_incomplete(size: int, reading: Reading) -> None:
    gone = GONE["some everywhere"]
    reading.expect_incomplete("states 300", size, rows=300, stated=total(300), is_hidden=gone)


# An empty list in place of an answer


@pytest.mark.parametrize("start", [2, 4, 6])
def test_answers_that_are_all_empty_from_some_request_on_are_no_end(start: int, reading: Reading) -> None:
    read = reading.read(interviewers=1, rows=300, instead=lambda request: EMPTY if request.count >= start else None)
    assert not read.verdict.is_complete


@pytest.mark.parametrize(("rows", "size"), [(250, 50), (230, 20), (230, 100)])
def test_a_last_page_that_is_empty_once_is_read_again(rows: int, size: int, reading: Reading) -> None:
    last = (-(-rows // size), 1)
    reading.expect_complete(
        size, rows=rows, instead=lambda request: EMPTY if (request.page, request.visit) == last else None
    )


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("answer", [EMPTY, FAILED], ids=["empty", "failed"])
def test_a_few_bad_answers_lose_no_candidate_silently(answer: Any, length: int, reading: Reading) -> None:
    for first in range(1, 9):
        reading.read(interviewers=1, rows=300, behind=answer, instead=nth(range(first, first + length), answer))


@pytest.mark.parametrize("page", [2, 5])
def test_an_empty_page_that_stays_empty_makes_the_read_incomplete(page: int, reading: Reading) -> None:
    reason = "states 300" if reading.has_total else f"page {page} is empty"
    read = reading.expect_incomplete(reason, rows=300, instead=lambda request: EMPTY if request.page == page else None)
    assert len(read.written) == 250


@pytest.mark.parametrize("answer", [EMPTY, {"data": None}, 204], ids=str)
def test_a_list_that_is_empty_at_first_is_read(answer: Any, reading: Reading) -> None:
    reading.expect_complete(interviewers=1, rows=30, instead=nth([1], answer))


# Failures in the words of the end

REFUSALS = [400, 404, 416, 422, FAILED, {"message": "no more"}, {"data": None}, 204]


@pytest.mark.parametrize("answer", REFUSALS, ids=str)
def test_a_page_behind_the_end_may_be_refused(answer: Any, reading: Reading) -> None:
    for rows in (30, 50, 230, 250):
        reading.expect_complete(rows=rows, behind=answer)


@pytest.mark.parametrize(
    ("start", "answer"),
    [*((start, answer) for start in (2, 4) for answer in (400, 404, FAILED)), (7, 400), (7, FAILED)],
    ids=str,
)
def test_failures_that_go_on_make_the_read_incomplete(start: int, answer: Any, reading: Reading) -> None:
    read = reading.read(
        interviewers=1, rows=300, behind=answer, instead=lambda request: answer if request.count >= start else None
    )
    assert not read.verdict.is_complete


# A cap of the offset


def beyond(last: int, answer: Any) -> Callable[[Request], Any]:
    """Answer so for a page that ends beyond a row."""
    return lambda request: answer if request.page * request.limit > last else None


@pytest.mark.parametrize("answer", [400, 422, {"success": False, "message": "Result window is too large"}], ids=str)
@pytest.mark.parametrize(("size", "stated"), [(50, 750), (100, 300), (70, 750)])
def test_a_cap_of_the_offset_makes_the_read_incomplete(size: int, stated: int, answer: Any, reading: Reading) -> None:
    metadata = total(stated) if reading.has_total else lambda *_: {}
    reading.expect_incomplete("page_size", size, rows=750, stated=metadata, instead=beyond(300, answer))


def test_a_cap_answered_by_an_empty_list_makes_the_read_incomplete_where_a_total_is_stated(reading: Reading) -> None:
    reading.expect_incomplete("states 750", rows=750, stated=total(750), instead=beyond(300, EMPTY))


# Pages that are other pages


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

        reading.expect_complete(size, rows=rows, instead=instead)


@pytest.mark.parametrize(("clamp", "size"), [(50, 60), (50, 1000), (33, 100), (10, 480)])
def test_a_limit_that_is_clamped_where_the_offset_is_not_loses_no_candidate(
    clamp: int, size: int, reading: Reading
) -> None:
    for rows in (clamp, clamp + 1, 480):
        reading.expect_complete(size, rows=rows, clamp=clamp)


def test_an_api_that_ignores_page_makes_the_read_incomplete(reading: Reading) -> None:
    held = Backend(300, reading.has_total)
    read = reading.expect_incomplete(
        "ignore `page`", rows=300, instead=lambda request: held.right(request.interviewer_id, 1, request.limit)
    )
    assert len(read.asked) <= 6 + 3 * reading.width


@pytest.mark.parametrize("rows", [30, 51, 400])
def test_an_api_that_returns_everything_at_once_is_complete(rows: int, reading: Reading) -> None:
    held = Backend(rows, reading.has_total)
    read = reading.expect_complete(
        interviewers=1, rows=rows, instead=lambda request: held.right(request.interviewer_id, 1, rows)
    )
    assert len(read.asked) <= 6 + 3 * reading.width


# A limit that is refused, and pages that are filtered


@pytest.mark.parametrize("answer", [400, FAILED], ids=str)
@pytest.mark.parametrize("gone", GONE)
def test_an_api_that_refuses_other_limits_than_its_own_loses_no_candidate(
    gone: str, answer: Any, reading: Reading
) -> None:
    for rows in (30, 330):
        reading.expect_complete(
            rows=rows,
            is_hidden=GONE[gone],
            instead=lambda request: None if request.limit in {10, 20, 50, 100} else answer,
        )


@pytest.mark.parametrize("answer", [400, FAILED], ids=str)
@pytest.mark.parametrize("size", [20, 50, 100])
@pytest.mark.parametrize(
    "place",
    [lambda request: request.end, lambda request: request.end - request.limit + 1],
    ids=["last row", "first row"],
)
def test_a_cap_of_the_offset_behind_filtered_pages_makes_the_read_incomplete(
    place: Callable[[Request], int], size: int, answer: Any, without_total: Reading
) -> None:
    without_total.expect_incomplete(
        "page_size",
        size,
        rows=750,
        is_hidden=GONE["some everywhere"],
        instead=lambda request: answer if place(request) > 300 else None,
    )


# Metadata


@pytest.mark.parametrize("rows", [30, 50, 230, 250])
def test_a_total_of_zero_behind_the_last_page_is_no_deletion(rows: int, reading: Reading) -> None:
    # COUNT(*) OVER () stands in the rows, and an empty page has none.
    read = reading.expect_complete(
        interviewers=1, rows=rows, stated=lambda listed, _end: {"total": rows if listed else 0}
    )
    assert len(read.asked) <= -(-rows // SIZE) + 1


@pytest.mark.parametrize("rows", [30, 50, 230, 250])
def test_a_total_as_text_proves_as_much_as_a_number(rows: int) -> None:
    read = Reading(4, has_total=True).expect_complete(interviewers=1, rows=rows, stated=total(str(rows)))
    assert len(read.asked) <= -(-rows // SIZE) + 1


@pytest.mark.parametrize("promise", [{"hasMore": True}, {"totalPages": 9}], ids=str)
@pytest.mark.parametrize("rows", [30, 250])
def test_metadata_that_promise_more_than_came_prevent_deletes(
    promise: dict[str, Any], rows: int, without_total: Reading
) -> None:
    held = Backend(rows, stated=lambda *_: promise)
    read = ScriptedRead(held, size=SIZE, width=without_total.width, reads_twice=True).run()
    assert (len(read.written), read.verdict.incomplete_reason) == (rows, None)
    assert read.verdict.delete_blocker


# Several Interviewers


@pytest.mark.parametrize("answer", [400, 404, {"message": "Found"}, {"data": [{"name": "Ada"}]}, FAILED], ids=str)
def test_an_error_of_one_interviewer_does_not_stop_the_others(answer: Any, reading: Reading) -> None:
    read = reading.read(
        interviewers=3, rows=230, instead=lambda request: answer if request.interviewer_id == ONE else None
    )
    assert [verdict.is_complete for verdict in read.reader.verdicts.values()] == [False, True, True]
    assert len(read.written) == 2 * 230
