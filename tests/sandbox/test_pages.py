from __future__ import annotations

from tap_interviewflow.sandbox import Sandbox
from tests.sandbox.client import ONE, ask


def test_pages_hold_each_candidate_once_and_in_order() -> None:
    with Sandbox({ONE: 45}) as api:
        pages = [ask(api, page=page, limit=20).candidates for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [20, 20, 5, 0]
        assert [candidate for page in pages for candidate in page] == api.candidates(ONE)


def test_a_page_of_an_interviewer_without_candidates_is_empty() -> None:
    for past_end in ("empty", "repeat", "404"):
        with Sandbox({ONE: 0}, past_end=past_end) as api:
            assert ask(api).candidates == []


def test_a_limit_above_the_largest_is_clamped_or_refused() -> None:
    with Sandbox({ONE: 10}, max_limit=4) as api:
        assert len(ask(api, limit=5).candidates) == 4
        api.limit_over = "refuse"
        reply = ask(api, limit=5)
        assert (reply.status, reply.json["message"]) == (400, "limit must not be greater than 4")
        assert len(ask(api, limit=4).candidates) == 4


def test_a_page_past_the_end_is_empty_the_last_one_or_not_found() -> None:
    with Sandbox({ONE: 3}) as api:
        assert ask(api, page=9, limit=2).candidates == []
        api.past_end = "repeat"
        assert ask(api, page=9, limit=2).candidates == api.candidates(ONE)[2:]
        api.past_end = "404"
        assert ask(api, page=9, limit=2).status == 404
        assert ask(api, page=2, limit=2).status == 200


def test_the_page_can_be_ignored() -> None:
    with Sandbox({ONE: 3}, ignore_page=True) as api:
        assert ask(api, page=2, limit=2).candidates == api.candidates(ONE)[:2]
