from __future__ import annotations

from typing import Any, get_args

import pytest

from tests.sandbox import PastEnd, Sandbox
from tests.sandbox.client import ONE, ask


def test_pages_hold_each_candidate_once_and_in_order() -> None:
    with Sandbox({ONE: 45}) as api:
        pages = [ask(api, page=page, limit=20).candidates for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [20, 20, 5, 0]
        assert [candidate for page in pages for candidate in page] == api.candidates(ONE)


def test_a_page_of_an_interviewer_without_candidates_is_empty() -> None:
    for past_end in get_args(PastEnd):
        with Sandbox({ONE: 0}, past_end=past_end) as api:
            assert ask(api).candidates == []


def test_a_limit_above_the_largest_is_clamped_or_refused() -> None:
    with Sandbox({ONE: 10}, max_limit=4) as api:
        assert len(ask(api, limit=5).candidates) == 4
        api.limit_over = "refuse"
        reply = ask(api, limit=5)
        assert (reply.status, reply.json["message"]) == (400, "limit must not be greater than 4")
        assert len(ask(api, limit=4).candidates) == 4


@pytest.mark.parametrize(
    ("past_end", "shown"),
    [("empty", [[]] * 3), ("repeat", [[4]] * 3), ("first", [[0, 1]] * 3), ("circle", [[0, 1], [2, 3], [4]])],
)
def test_behind_the_last_page_there_is_nothing_or_a_page_that_was_there(past_end: Any, shown: list[list[int]]) -> None:
    with Sandbox({ONE: 5}, past_end=past_end) as api:
        people = api.candidates(ONE)
        assert ask(api, page=3, limit=2).candidates == people[4:]
        for page, places in zip((4, 5, 6), shown, strict=True):
            assert ask(api, page=page, limit=2).candidates == [people[place] for place in places]


def test_behind_the_last_page_any_page_may_come_again() -> None:
    with Sandbox({ONE: 5}, past_end="random") as api:
        people = api.candidates(ONE)
        answers = [ask(api, page=page, limit=2).candidates for page in range(4, 30)]
        assert all(answer in (people[:2], people[2:4], people[4:]) for answer in answers)
        starts = [people.index(answer[0]) for answer in answers]
        assert set(starts) == {0, 2, 4}
        assert starts != sorted(starts)


@pytest.mark.parametrize("status", ["400", "404", "416", "422"])
def test_a_page_behind_the_last_one_can_be_refused(status: Any) -> None:
    with Sandbox({ONE: 4}, past_end=status) as api:
        assert ask(api, page=2, limit=2).status == 200
        reply = ask(api, page=3, limit=2)
        assert (reply.status, reply.json["message"]) == (int(status), "there is no page 3")


def test_behind_the_last_page_an_answer_can_have_no_content() -> None:
    with Sandbox({ONE: 4}, past_end="204") as api:
        reply = ask(api, page=3, limit=2)
        assert (reply.status, reply.content) == (204, b"")
        assert "content-length" not in reply.headers


@pytest.mark.parametrize(
    ("envelope", "past_end", "answer"),
    [
        ("data", "null", {"success": True, "data": None, "total": 4}),
        ("data", "nolist", {"success": True, "total": 4}),
        ("data.items", "null", {"success": True, "data": {"items": None, "total": 4}}),
        ("data.items", "nolist", {"success": True, "data": {"total": 4}}),
        ("body", "null", None),
    ],
)
def test_the_list_can_be_null_or_missing_behind_the_last_page(envelope: Any, past_end: Any, answer: object) -> None:
    with Sandbox({ONE: 4}, envelope=envelope, past_end=past_end, metadata="total") as api:
        assert api.candidates(ONE)[2]["email"].encode() in ask(api, page=2, limit=2).content
        assert ask(api, page=3, limit=2).json == answer


def test_behind_the_last_page_a_failure_can_be_reported_with_http_200() -> None:
    with Sandbox({ONE: 4}, past_end="failure") as api:
        reply = ask(api, page=3, limit=2)
        assert (reply.status, reply.json["success"]) == (200, False)


def test_a_thin_list_has_short_pages_anywhere_and_loses_nobody() -> None:
    with Sandbox({ONE: 200}, thin=0.5, metadata="pagination") as api:
        said = ask(api, limit=10).json["data"]["pagination"]
        pages = [ask(api, page=page, limit=10).candidates for page in range(1, said["totalPages"] + 2)]
        sizes = [len(page) for page in pages]
        assert [candidate for page in pages for candidate in page] == api.candidates(ONE)
        assert said["total"] == 200
        assert sizes.pop() == 0
        assert 0.2 < sum(size < 10 for size in sizes) / len(sizes) < 0.8
        assert all(0 < size <= 10 for size in sizes)
    with Sandbox({ONE: 200}, thin=0.5, seed=1) as other:
        assert [len(ask(other, page=page, limit=10).candidates) for page in range(1, len(pages))] != sizes


def test_a_page_of_one_is_never_thin() -> None:
    with Sandbox({ONE: 3}, thin=1) as api:
        assert [len(ask(api, page=page, limit=1).candidates) for page in (1, 2, 3, 4)] == [1, 1, 1, 0]


def test_the_page_can_be_ignored() -> None:
    with Sandbox({ONE: 3}, ignore_page=True) as api:
        assert ask(api, page=2, limit=2).candidates == api.candidates(ONE)[:2]
