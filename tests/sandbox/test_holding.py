from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox import Sandbox
from tests.sandbox.client import ONE, TWO, ask, plain


def test_each_interviewer_has_its_own_candidates() -> None:
    with Sandbox({ONE: 3, TWO: 2}) as api:
        assert [candidate["jobId"] for candidate in ask(api, TWO).candidates] == [TWO, TWO]
        assert not {c["id"] for c in api.candidates(ONE)} & {c["id"] for c in api.candidates(TWO)}


def test_strangers_candidates_are_served_as_they_are() -> None:
    strange: list[dict[str, Any]] = [{"_id": 1, "Ω": [None]}, {}, {"": {"a.b": "\0"}}]
    with Sandbox({ONE: strange}) as api:
        assert ask(api).candidates == strange == api.candidates(ONE)


def test_a_raw_body_is_served_for_page_one_and_nothing_follows() -> None:
    with Sandbox({ONE: b'[1, "\xff'}) as api:
        assert ask(api).content == b'[1, "\xff'
        assert ask(api, page=2).candidates == []


def test_an_interview_id_looks_up_one_candidate() -> None:
    with Sandbox({ONE: 30}) as api:
        wanted = api.candidates(ONE)[25]
        assert ask(api, interviewId=wanted["id"]).json == {"data": wanted}
        api.single = "candidate"
        assert ask(api, interviewId=wanted["id"]).json == {"data": {"candidate": wanted}}
        api.single = "list"
        assert ask(api, interviewId=wanted["id"]).candidates == [wanted]


@pytest.mark.parametrize("name", ["id", "interviewId", "_id"])
def test_a_look_up_finds_the_id_under_any_of_its_names(name: str) -> None:
    with Sandbox({ONE: [{"email": "a@example.com"}, {name: "wanted"}]}) as api:
        assert ask(api, interviewId="wanted").json == {"data": {name: "wanted"}}


def test_a_look_up_is_by_the_id_of_the_interview_not_of_the_person_in_it() -> None:
    with Sandbox({ONE: [{"id": "person", "interviewId": "interview"}]}) as api:
        assert ask(api, interviewId="interview").status == 200
        assert ask(api, interviewId="person").status == 404


def test_an_unknown_interview_id_is_not_found() -> None:
    with Sandbox({ONE: 3, TWO: 3}) as api:
        assert ask(api, interviewId="nobody").status == 404
        assert ask(api, interviewId=api.candidates(TWO)[0]["id"]).status == 404


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"Score": 50}, [1, 2]),
        ({"Score": 50.5}, [2]),
        ({"Score": "50"}, [3]),
        ({"ok": True}, [2, 4]),
        ({"ok": "true"}, [1]),
        ({"ok": 1}, []),
        ({"Score": 50, "ok": True}, [2]),
        ({"Nowhere": 1}, []),
    ],
)
def test_a_filter_means_at_least_for_numbers_and_the_same_for_the_rest(
    wanted: dict[str, object], found: list[int]
) -> None:
    held: list[dict[str, Any]] = [
        plain(0, Score=49.9),
        plain(1, Score=50, ok="true"),
        plain(2, Score=51, ok=True),
        plain(3, Score="50", ok=False),
        plain(4, Score=True, ok=True),
        {"id": "id-5", "additionalFields": []},
        {"id": "id-6"},
    ]
    with Sandbox({ONE: held}) as api:
        assert ask(api, additionalFields=wanted).candidates == [held[place] for place in found]


def test_a_filter_by_a_number_is_never_taken_for_one_by_a_boolean() -> None:
    with Sandbox({ONE: [plain(1, ok=True), plain(2, ok=1)]}) as api:
        found = [ask(api, additionalFields={"ok": want}).candidates for want in (True, 1, 1.0)]
        assert [[person["id"] for person in people] for people in found] == [["id-1"], ["id-2"], ["id-2"]]


def test_a_filtered_read_has_pages_and_a_total_of_its_own() -> None:
    with Sandbox({ONE: [plain(n, Score=n) for n in range(10)]}, metadata="total") as api:
        reply = ask(api, additionalFields={"Score": 5}, page=2, limit=3)
        assert [candidate["id"] for candidate in reply.candidates] == ["id-8", "id-9"]
        assert reply.json["data"]["total"] == 5


def test_what_is_held_can_change_while_it_runs() -> None:
    with Sandbox({ONE: 5}) as api:
        before = ask(api).candidates
        api.delete(ONE, 2)
        assert ask(api).candidates == before[2:]
        api.append(ONE, {"id": "new"})
        assert ask(api).candidates == [*before[2:], {"id": "new"}]
        api.replace(ONE, [{"id": "only"}])
        assert ask(api).candidates == api.candidates(ONE) == [{"id": "only"}]
        assert ask(api, interviewId="only").status == 200
