"""The rules of reading: where a pass ends, what proves that a list is complete, and what makes a read incomplete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.scripted import Answers, ScriptedRead

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 10
EMPTY: dict[str, Any] = {"data": []}


class Rows:
    """A list that stands still, behind an API that answers as a function says.

    Args:
        rows: How many candidates it holds.
        answer: Changes the response to a page: called with the page, the limit and the usual response.
    """

    def __init__(self, rows: int, answer: Callable[[int, int, dict[str, Any]], Any] | None = None) -> None:
        self._ids = [f"id-{row}" for row in range(rows)]
        self._answer = answer
        self.visits: list[int] = []

    def document(self, _interviewer_id: str, page: int, limit: int) -> Any:
        self.visits.append(page)
        usual = {"data": [{"id": each} for each in self._ids[(page - 1) * limit : page * limit]]}
        return self._answer(page, limit, usual) if self._answer else usual

    def tick(self) -> None:
        pass


def with_total(rows: int, total: object | None = None) -> Rows:
    """A list whose total stands beside it."""
    stated = rows if total is None else total
    return Rows(rows, lambda _page, _limit, usual: {**usual, "total": stated})


def read(held: Any, **options: Any) -> ScriptedRead:
    return ScriptedRead(held, size=SIZE, **options).run()


def ids(*rows: int) -> dict[str, Any]:
    return {"data": [{"id": f"id-{row}"} for row in rows]}


# Where a pass ends


@pytest.mark.parametrize(
    ("rows", "one_pass"),
    [(5, [1, 2]), (25, [1, 2, 3, 4]), (30, [1, 2, 3, 4, 5]), (0, [1, 2])],
)
def test_a_pass_ends_at_an_empty_page_behind_a_short_one_and_at_two_behind_a_full_one(
    rows: int, one_pass: list[int]
) -> None:
    run = read(Rows(rows))
    assert run.asked[: 2 * len(one_pass)] == one_pass * (1 if rows == 5 else 2)  # one response is one snapshot
    assert (len(run.written), run.verdict.incomplete_reason) == (rows, None)


@pytest.mark.parametrize(("rows", "asked"), [(5, [1, 2]), (25, [1, 2, 3]), (30, [1, 2, 3, 4])])
def test_a_list_that_reaches_its_total_costs_at_most_one_request_more_than_it_has_pages(
    rows: int, asked: list[int]
) -> None:
    run = read(with_total(rows))
    assert (run.asked, len(run.written), run.verdict.incomplete_reason) == (asked, rows, None)


def test_behind_a_short_page_candidates_may_follow_and_then_no_page_is_short_any_more() -> None:
    run = read(Answers({1: ids(*range(10)), 2: ids(10, 11), 3: ids(12, 13), 5: ids(14)}))
    assert run.asked[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert len(run.written) == 15
    assert "page 4 is empty, but pages behind it have candidates" in str(run.verdict.incomplete_reason)


@pytest.mark.parametrize("behind", [400, 404, 416, 422, 204, {"message": "over"}, {"data": None}, {"success": False}])
def test_whatever_an_api_answers_behind_its_last_page_the_read_is_complete(behind: Any) -> None:
    for rows in (25, 30):
        held = Rows(rows, lambda _page, _limit, usual: usual if usual["data"] else behind)
        run = read(held)
        assert (len(run.written), run.verdict.incomplete_reason) == (rows, None)


def test_a_page_that_repeats_what_came_is_the_end_only_with_another_one_behind_it() -> None:
    last = ids(10, 11)
    run = read(Answers({1: ids(*range(10)), 2: last}, otherwise=last))
    assert run.asked == [1, 2, 3, 4] * 2
    assert (len(run.written), run.verdict.incomplete_reason) == (12, None)


def test_a_total_that_was_right_saves_the_page_behind_a_short_one() -> None:
    held = Answers({
        ("interviewer-1", 1): {**ids(*range(10)), "total": 15},
        ("interviewer-1", 2): {**ids(*range(10, 15)), "total": 15},
        **{(f"interviewer-{number}", 1): {**ids(1, 2), "total": 2} for number in (2, 3)},
    })  # fmt: skip
    run = read(held, interviewers=3)
    assert run.asked == [1, 2, 1, 1]
    assert all(verdict.is_complete for verdict in run.reader.verdicts.values())


@pytest.mark.parametrize("behind", [404, 416, {"message": "no more"}])
def test_a_refusal_behind_a_full_page_needs_no_check_where_the_total_is_reached(behind: Any) -> None:
    run = read(Rows(30, lambda _page, _limit, usual: {**usual, "total": 30} if usual["data"] else behind))
    assert (run.asked, run.verdict.incomplete_reason) == ([1, 2, 3, 4], None)


def test_a_total_that_was_wrong_saves_nothing_any_more() -> None:
    held = Answers({
        ("interviewer-1", 1): {**ids(*range(10)), "total": 15},
        ("interviewer-1", 2): {**ids(*range(10, 15)), "total": 14},
        ("interviewer-2", 1): {**ids(1, 2), "total": 2},
    })  # fmt: skip
    run = read(held, interviewers=2)
    assert run.asked_of("interviewer-2") == [1, 2]


def test_the_page_size_that_the_api_uses_is_requested_from_page_2_on() -> None:
    # What the limit is, is up to the API; where the offset goes by the limit that was asked for, rows would be missed.
    held = Rows(480, lambda _page, _limit, usual: {"data": usual["data"][:50]})
    run = ScriptedRead(held, size=100).run()
    assert (len(run.written), run.verdict.incomplete_reason) == (480, None)


@pytest.mark.parametrize("metadata", [{}, {"count": True}])
@pytest.mark.parametrize("hidden", [50, 85, 95])
def test_an_api_that_filters_its_pages_and_hides_most_of_page_1_loses_no_candidate(
    hidden: int, metadata: dict[str, Any]
) -> None:
    def filtered(page: int, limit: int, _usual: dict[str, Any]) -> dict[str, Any]:
        listed = [row for row in range((page - 1) * limit, page * limit) if hidden <= row < 350]
        return {**ids(*listed), **({"count": len(listed)} if metadata else {})}

    run = ScriptedRead(Rows(0, filtered), size=100).run()
    assert (len(run.written), run.verdict.incomplete_reason) == (350 - hidden, None)


# What proves that a list is complete


def test_a_total_as_text_counts_as_one() -> None:
    assert read(with_total(25, "25")).asked == [1, 2, 3]


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize(
    "total", [lambda usual: len(usual["data"]), lambda _: 20, lambda _: 0], ids=["of the page", "capped", "of nothing"]
)
def test_a_total_below_what_came_is_not_used(total: Callable[[dict[str, Any]], int], width: int) -> None:
    held = Rows(35, lambda _page, _limit, usual: {**usual, "total": total(usual)})
    run = read(held, width=width)
    assert (len(run.written), run.verdict.incomplete_reason, run.verdict.stated) == (35, None, None)


def test_a_total_of_0_behind_the_last_page_is_no_shorter_list() -> None:
    run = read(Rows(30, lambda _page, _limit, usual: {**usual, "total": 30 if usual["data"] else 0}))
    assert (run.asked, run.verdict.incomplete_reason) == ([1, 2, 3, 4], None)


@pytest.mark.parametrize("rows", [25, 30])
def test_a_total_above_what_came_makes_the_read_incomplete(rows: int) -> None:
    run = read(with_total(rows, 40))
    assert run.verdict.incomplete_reason == f"the API states 40 candidates, {rows} came"


def test_a_page_behind_a_short_first_one_that_is_empty_once_is_read_again_where_a_total_states_more() -> None:
    held = Answers({1: {**ids(*range(8)), "total": 11}, 2: [EMPTY, ids(8, 9, 10)]})
    run = read(held)
    assert (len(run.written), run.verdict.incomplete_reason) == (11, None)


def test_a_total_may_ignore_a_filter_and_is_not_used_then() -> None:
    run = read(with_total(25, 40), additional_fields={"score": 50})
    assert (run.asked, run.verdict.incomplete_reason) == ([1, 2, 3, 4] * 2, None)


def test_a_second_pass_that_finds_candidates_behind_the_last_one_agrees() -> None:
    # The last page was empty once, or came from a cache.
    for once in (EMPTY, ids(*range(10))):
        run = read(Answers({1: ids(*range(10)), 2: ids(*range(10, 20)), 3: [once, ids(*range(20, 25))]}))
        assert (len(run.written), run.verdict.incomplete_reason) == (25, None)


def test_a_second_pass_that_finds_one_between_those_known_calls_for_a_third() -> None:
    run = read(Answers({1: [ids(*range(9), 99), ids(*range(10))], 2: ids(10, 11)}))
    assert run.asked == [1, 2, 3] * 3
    assert run.verdict.is_complete


def test_candidates_that_come_twice_in_every_pass_make_the_read_incomplete() -> None:
    run = read(Answers({1: ids(*range(10)), 2: ids(9, 10, 11)}))
    assert run.asked.count(2) == 3
    assert "1 of 13 rows came twice" in str(run.verdict.incomplete_reason)
    assert "a larger page_size helps" in str(run.verdict.incomplete_reason)


def test_an_id_that_is_twice_on_one_page_counts_as_two_rows(caplog: pytest.LogCaptureFixture) -> None:
    run = read(Answers({1: {**ids(1, 1, 2), "total": 3}}))
    assert (run.asked, run.verdict.read, run.verdict.incomplete_reason) == ([1, 2], 2, None)
    assert "1 candidate came with the ID of another one on the same page" in caplog.text


def test_a_second_pass_that_shares_no_candidate_with_the_first_agrees_with_nothing() -> None:
    run = read(Answers({1: [EMPTY, ids(*range(10)), ids(*range(10))], 2: [EMPTY, ids(10), ids(10)]}))
    assert run.asked.count(1) == 3
    assert (len(run.written), run.verdict.incomplete_reason) == (11, None)


# What makes a read incomplete, whatever agrees


@pytest.mark.parametrize("refusal", [400, 422, 404, {"message": "no"}, {"success": False, "message": "no"}, EMPTY])
@pytest.mark.parametrize(
    "end", [lambda page, limit: page * limit, lambda page, limit: (page - 1) * limit + 1], ids=["last row", "offset"]
)
def test_a_cap_of_the_offset_is_no_end(refusal: Any, end: Callable[[int, int], int]) -> None:
    run = read(Rows(100, lambda page, limit, usual: refusal if end(page, limit) > 30 else usual))
    assert len(run.written) >= 30
    assert "page 3 is full, so there may be more; try another page_size" in str(run.verdict.incomplete_reason)


@pytest.mark.parametrize("refusal", [400, 422, {"success": False, "message": "no"}])
def test_a_capped_total_does_not_hide_a_cap_of_the_offset(refusal: Any) -> None:
    run = read(Rows(100, lambda page, limit, usual: refusal if page * limit > 30 else {**usual, "total": 30}))
    assert not run.verdict.is_complete


@pytest.mark.parametrize("size", [1, 2])
def test_a_page_size_without_a_page_that_straddles_the_end_is_complete(size: int) -> None:
    run = ScriptedRead(Rows(6), size=size).run()
    assert (len(run.written), run.verdict.incomplete_reason) == (6, None)


@pytest.mark.parametrize("behind", [EMPTY, 400, 404, 416, 422, {"success": False}])
@pytest.mark.parametrize("rows", [10, 20, 30, 1_000])
def test_the_end_behind_a_full_page_is_proved_by_a_page_that_straddles_it(behind: Any, rows: int) -> None:
    run = read(Rows(rows, lambda _page, _limit, usual: usual if usual["data"] else behind))
    pages = rows // SIZE
    assert len(run.asked) == 2 * (pages + 2) + 1
    assert run.verdict.is_complete


@pytest.mark.parametrize("total", [{}, {"total": 50}])
def test_an_api_that_ignores_the_page_is_incomplete(total: dict[str, int]) -> None:
    run = read(Rows(50, lambda _page, limit, _usual: {**ids(*range(min(limit, 50))), **total}))
    assert "page 2 repeats page 1" in str(run.verdict.incomplete_reason)


@pytest.mark.parametrize("rows", [4, 8, 50])
def test_an_api_that_does_not_page_is_complete(rows: int) -> None:
    run = ScriptedRead(Rows(rows, lambda *_: ids(*range(rows))), size=20).run()
    assert (len(run.written), run.verdict.incomplete_reason) == (rows, None)


def test_a_pass_without_a_candidate_where_another_had_some_is_incomplete() -> None:
    run = read(Answers({1: [ids(*range(10)), EMPTY], 2: [ids(10), EMPTY]}))
    assert run.verdict.incomplete_reason == "the API has no candidate any more, but had some before"


# Deletes


@pytest.mark.parametrize("rows", [0, 5, 25])
@pytest.mark.parametrize("make", [with_total, Rows])
def test_what_a_target_may_delete_by_is_read_twice(make: Callable[[int], Rows], rows: int) -> None:
    run = read(make(rows), reads_twice=True)
    assert run.verdict.delete_blocker is None
    assert run.asked.count(1) == 2


def test_a_last_pass_that_brings_new_candidates_confirms_nothing() -> None:
    run = read(Answers({1: [ids(1), ids(1, 2), ids(1, 2, 3)]}), reads_twice=True)
    assert run.verdict.is_complete
    assert run.verdict.delete_blocker == "its last pass brought new candidates"


@pytest.mark.parametrize("metadata", [{"hasMore": True}, {"totalPages": 9}])
def test_page_metadata_that_states_more_than_came_leaves_nothing_to_be_deleted(metadata: dict[str, Any]) -> None:
    run = read(Rows(25, lambda _page, _limit, usual: {**usual, **metadata}), reads_twice=True)
    assert run.verdict.is_complete
    assert "the API states" in str(run.verdict.delete_blocker)
    reached = read(Rows(25, lambda _page, _limit, usual: {**usual, **metadata, "total": 25}), reads_twice=True)
    assert reached.verdict.delete_blocker is None


def test_a_candidate_that_names_another_interviewer_leaves_nothing_to_be_deleted() -> None:
    held = Answers({1: {"data": [{"id": "1", "jobId": "interviewer-2"}, {"id": "2", "jobId": "unknown"}]}})
    run = read(held, reads_twice=True, interviewers=2)
    assert [verdict.delete_blocker is None for verdict in run.reader.verdicts.values()] == [False, True]


# Bounds


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize(
    "answer",
    [
        lambda page, _limit, _usual: ids(page // 2),  # each candidate on two pages
        lambda _page, _limit, _usual: ids(1, 2),
        lambda page, _limit, _usual: ids(page) if page <= 50 else EMPTY,
        lambda page, _limit, usual: {**usual, "total": 10**6 * page, "hasMore": True},
        lambda page, _limit, usual: usual if page % 2 else EMPTY,
    ],
    ids=["each twice", "always the same", "one a page", "endless total", "every other page empty"],
)
def test_the_requests_are_bounded_by_the_rows(answer: Any, width: int) -> None:
    def bounded(page: int, limit: int, usual: dict[str, Any]) -> Any:
        assert page < 1_000, "it never ends"
        return answer(page, limit, usual) if page <= 200 else EMPTY

    held = Rows(500, bounded)
    run = read(held, width=width)
    assert len(held.visits) <= 3 * (2 * len(set(run.written)) + 2 + 3 * width) + 2 * SIZE
