from __future__ import annotations

from typing import Any, get_args

import pytest

from tests.sandbox import Envelope, Framework, Lie, Sandbox
from tests.sandbox.client import ONE, TWO, ask


def test_the_list_stands_where_the_envelope_says() -> None:
    with Sandbox({ONE: 2}, single="list", metadata="total") as api:
        for envelope in get_args(Envelope):
            api.envelope = envelope
            for body, expected in (({}, 2), ({"interviewId": api.candidates(ONE)[0]["id"]}, 1)):
                found = ask(api, **body).json
                for name in envelope.split(".") if envelope != "body" else ():
                    beside, found = found, found[name]
                    assert body or name in {"data", "payload"} - {envelope} or beside["total"] == 2
                assert len(found) == expected, envelope


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, [{}, {}, {}]),
        ("total", [{"total": 3}] * 3),
        ("totalPages", [{"totalPages": 2}] * 3),
        ("hasMore", [{"hasMore": True}, {"hasMore": False}, {"hasMore": False}]),
        ("lies", [{"hasMore": True, "total": 1003}] * 3),
        (
            "pagination",
            [
                {"pagination": {"page": n, "limit": 2, "total": 3, "totalPages": 2, "hasNextPage": n == 1}}
                for n in (1, 2, 3)
            ],
        ),
    ],
)
def test_metadata_stands_beside_the_list(metadata: Any, said: list[dict[str, object]]) -> None:
    with Sandbox({ONE: 3}, metadata=metadata) as api:
        for page in (1, 2, 3):
            data = ask(api, page=page, limit=2).json["data"]
            del data["candidates"]
            assert data == said[page - 1]


LINK = "/api/external/fetch/candidates?page="
# The answers of each framework to page 1 of two pages, as its users know them; PEOPLE stands for the list.
FRAMEWORKS: dict[str, Any] = {
    "typeorm": {
        "items": "PEOPLE",
        "meta": {"totalItems": 3, "itemCount": 2, "itemsPerPage": 2, "totalPages": 2, "currentPage": 1},
    },
    "nest": {
        "data": "PEOPLE",
        "meta": {"itemsPerPage": 2, "totalItems": 3, "currentPage": 1, "totalPages": 2},
        "links": {"current": f"{LINK}1", "next": f"{LINK}2"},
    },
    "strapi": {"data": "PEOPLE", "meta": {"pagination": {"page": 1, "pageSize": 2, "pageCount": 2, "total": 3}}},
    "mongoose": {
        "docs": "PEOPLE",
        "totalDocs": 3,
        "limit": 2,
        "totalPages": 2,
        "page": 1,
        "pagingCounter": 1,
        "hasPrevPage": False,
        "hasNextPage": True,
        "nextPage": 2,
    },
    "laravel": {
        "data": "PEOPLE",
        "links": {"first": f"{LINK}1", "next": f"{LINK}2"},
        "meta": {"current_page": 1, "last_page": 2, "per_page": 2, "total": 3},
    },
    "spring": {
        "content": "PEOPLE",
        "totalElements": 3,
        "totalPages": 2,
        "number": 0,
        "size": 2,
        "numberOfElements": 2,
        "first": True,
        "last": False,
        "empty": False,
    },
    "sequelize": {"count": 3, "rows": "PEOPLE"},
    "django": {"count": 3, "next": f"{LINK}2", "results": "PEOPLE"},
    "feathers": {"total": 3, "limit": 2, "skip": 0, "data": "PEOPLE"},
    "jsend": {"status": "success", "data": "PEOPLE"},
    "micro1": {"status": True, "data": "PEOPLE"},
}


def test_a_framework_answers_as_it_does_also_one_level_down() -> None:
    with Sandbox({ONE: 3}) as api:
        people = api.candidates(ONE)[:2]
        for api.envelope in get_args(Framework):
            answer = FRAMEWORKS[api.envelope]
            inner = {name: people if value == "PEOPLE" else value for name, value in answer.items()}
            marks = {"status": inner.pop("status")} if "status" in inner else {}
            for api.within in (None, "data", "result", "response"):
                assert ask(api, limit=2).json == {**marks, **({api.within: inner} if api.within else inner)}


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        ("mongoose", {"page": 2, "pagingCounter": 3, "hasPrevPage": True, "hasNextPage": False, "nextPage": None}),
        ("spring", {"number": 1, "numberOfElements": 1, "first": False, "last": True, "empty": False}),
        ("django", {"next": None}),
        ("feathers", {"skip": 2}),
    ],
)
def test_a_framework_says_when_a_page_is_the_last_one(framework: Any, said: dict[str, object]) -> None:
    with Sandbox({ONE: 3}, envelope=framework) as api:
        assert said.items() <= ask(api, page=2, limit=2).json.items()


def test_words_can_stand_in_for_those_of_a_framework() -> None:
    with Sandbox({ONE: 3}, envelope="spring", metadata="hasMore") as api:
        assert ask(api, limit=2).json == {"content": api.candidates(ONE)[:2], "hasMore": True}


@pytest.mark.parametrize(
    ("envelope", "path"),
    [
        ("body", ["result"]),
        ("items", ["result", "items"]),
        ("data.items", ["result", "data", "items"]),
    ],
)
def test_any_list_can_stand_one_level_down(envelope: Any, path: list[str]) -> None:
    with Sandbox({ONE: 3}, envelope=envelope, within="result") as api:
        found = ask(api).json
        assert found.pop("success") is True
        for name in path:
            (key,) = found
            assert key == name
            found = found[name]
        assert found == api.candidates(ONE)


# Of 250 candidates, in pages of 50 where 100 were asked for, with 30 more at another Interviewer.
LIES: dict[str, Any] = {
    "total-of-page": {"total": [50, 50, 50, 50, 50, 0]},
    "total-remaining": {"total": [250, 200, 150, 100, 50, 0]},
    "total-capped": {"total": [100] * 6},
    "total-lagging": {"total": [225] * 6},
    "total-of-account": {"total": [280] * 6},
    "total-too-high": {"total": [1250] * 6},
    "total-growing": {"total": [300, 300, 300, 300, 300, 350]},
    "total-as-text": {"total": ["250"] * 6},
    "pages-from-zero": {"totalPages": [4] * 6},
    "pages-by-asked-limit": {"totalPages": [3] * 6},
    "more-never": {"hasNextPage": [False] * 6},
    "more-always": {"hasNextPage": [True] * 6},
    "more-by-asked-limit": {"hasNextPage": [True, True, False, False, False, False]},
}


def test_a_lie_is_told_in_its_own_word_and_the_others_stay_true() -> None:
    def words() -> list[dict[str, object]]:
        return [ask(api, page=page, limit=100).json["data"]["pagination"] for page in range(1, 7)]

    with Sandbox({ONE: 250, TWO: 30}, max_limit=50, metadata="pagination") as api:
        true = words()
        for api.lies in get_args(Lie):
            ((word, values),) = LIES[str(api.lies)].items()
            said = words()
            assert [each[word] for each in said] == values
            assert [{**each, word: None} for each in said] == [{**each, word: None} for each in true]


def test_several_lies_can_be_told_at_once_and_by_any_framework() -> None:
    with Sandbox({ONE: 3}, envelope="spring", lies=["total-as-text", "more-never"]) as api:
        said = ask(api, limit=2).json
        assert (said["totalElements"], said["last"], said["totalPages"]) == ("3", True, 2)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_total_that_lags_is_never_the_right_one_unless_there_is_nobody(count: int) -> None:
    with Sandbox({ONE: count}, metadata="total", lies="total-lagging") as api:
        assert ask(api).json["data"]["total"] == max(count - 1, 0)


def test_the_total_of_the_account_follows_what_is_held() -> None:
    with Sandbox({ONE: 3, TWO: 2}, metadata="total", lies="total-of-account") as api:
        assert ask(api).json["data"]["total"] == 5
        api.delete(TWO, 1)
        assert ask(api).json["data"]["total"] == 4


@pytest.mark.parametrize(
    ("habits", "complaint"),
    [
        ({"envelope": "envelope"}, "no such envelope: envelope"),
        ({"within": "payload"}, "no such within: payload"),
        ({"metadata": "count"}, "no such metadata: count"),
        ({"past_end": "500"}, "no such past_end: 500"),
        ({"single": "person"}, "no such single: person"),
        ({"limit_over": "ignore"}, "no such limit_over: ignore"),
        ({"metadata": "total", "lies": "total"}, "no such lie: total"),
        ({"lies": "more-never"}, "lies need words"),
    ],
)
def test_a_habit_that_does_not_exist_is_refused(habits: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Sandbox({ONE: 1}, **habits)
