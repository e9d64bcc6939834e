from __future__ import annotations

import functools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_interviewflow import answers
from tap_interviewflow.answers import UnknownAnswerError, Words

ADA = {"id": "1", "name": "Ada"}
BOB = {"id": "2", "name": "Bob"}
LISTS = ["candidates", "interviews", "results", "items"]


def nested(path: list[str], value: object) -> Any:
    """Put a value at the end of a path of names."""
    for name in reversed(path):
        value = {name: value}
    return value


# A page


@pytest.mark.parametrize(
    "path", [[], ["data"], *([name] for name in LISTS), *(["data", name] for name in LISTS)], ids=".".join
)
@pytest.mark.parametrize("candidates", [[], [ADA, BOB]], ids=["empty", "full"])
def test_the_list_is_found_where_apis_have_it(path: list[str], candidates: list[Any]) -> None:
    answer = answers.read(nested(path, candidates))
    assert answer.candidates == candidates
    assert answer.path == tuple(path)


@pytest.mark.parametrize(
    "beside",
    [
        {"success": True},
        {"error": None, "errors": []},
        {"status": "success", "statusCode": 200},
        {"status": 200, "message": "3 candidates", "data": None},
        {"code": 0, "success": 1},
        {"code": 10_000, "success": "true"},
        {"items": None, "results": {}},
        {"filters": ["a", "list", "of another name"]},
    ],
    ids=str,
)
def test_what_stands_beside_the_list_does_no_harm(beside: dict[str, Any]) -> None:
    assert answers.read({"candidates": [ADA], **beside}).candidates == [ADA]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "the answer is null, no list of candidates"),
        ("Ada", "the answer is str, no list of candidates"),
        (7, "the answer is int, no list of candidates"),
        ({}, "no list of candidates in the answer (top-level keys: none)"),
        ({"data": None}, "no list of candidates in the answer (top-level keys: data)"),
        ({"payload": {"rows": [ADA]}}, "no list of candidates in the answer (top-level keys: payload)"),
        ({"data": {"rows": [ADA]}}, "no list of candidates in the answer (top-level keys: data; in data: rows)"),
        ({"candidates": {"1": ADA}}, "no list of candidates in the answer (top-level keys: candidates)"),
        (ADA, "no list of candidates in the answer (top-level keys: id, name)"),
        (
            {"results": [ADA], "items": []},
            "the answer has more than one list: results and items (top-level keys: results, items)",
        ),
        (
            {"data": {"results": []}, "items": [ADA]},
            "the answer has more than one list: data.results and items (top-level keys: data, items; in data: results)",
        ),
        ([ADA, "Bob"], "the list of candidates holds a value of type str"),
        ([None], "the list of candidates holds a value of type NoneType"),
        ({"data": [[ADA]]}, "the list of candidates holds a value of type list (top-level keys: data)"),
    ],
    ids=str,
)
def test_another_shape_is_an_error_that_names_keys_and_no_values(document: object, reason: str) -> None:
    with pytest.raises(UnknownAnswerError) as caught:
        answers.read(document)
    assert str(caught.value) == f"{reason}; records_jsonpath can say where the list is"


FAILURES = [
    {"success": False},
    {"ok": False},
    {"error": {"code": "busy"}},
    {"error": "busy"},
    {"errors": ["busy"]},
    {"status": "error"},
    {"status": "FAIL"},
    {"statusCode": 500},
    {"status": 403},
    {"code": 403},
    {"success": "false"},
    {"success": 0},
]


@pytest.mark.parametrize("verdict", FAILURES, ids=str)
@pytest.mark.parametrize("jsonpath", [None, "$.candidates"])
def test_a_reported_failure_is_never_an_empty_page(verdict: dict[str, Any], jsonpath: str | None) -> None:
    with pytest.raises(UnknownAnswerError, match="the API answered 200 but reports a"):
        answers.read({"candidates": [], **verdict}, jsonpath)


@pytest.mark.parametrize("verdict", FAILURES, ids=str)
def test_a_failure_reported_in_data_is_none_either(verdict: dict[str, Any]) -> None:
    with pytest.raises(UnknownAnswerError, match=r"reports a.*\(top-level keys: data; in data: candidates, "):
        answers.read({"data": {"candidates": [], **verdict}})


def test_a_key_that_may_be_personal_is_not_named() -> None:
    with pytest.raises(UnknownAnswerError) as caught:
        answers.read({"ada@example.com": [ADA], "x" * 1000: 1, "plain name": 2})
    assert "top-level keys: (a name of 15 characters), (a name of 1000 characters), plain name" in str(caught.value)


def test_of_very_many_keys_the_first_are_named() -> None:
    with pytest.raises(UnknownAnswerError) as caught:
        answers.read({f"key{number}": 1 for number in range(1000)})
    assert "key19" in str(caught.value)
    assert "key20" not in str(caught.value)


# Where the user says that the list is


@pytest.mark.parametrize("suffix", ["", "[*]"])
@pytest.mark.parametrize(
    ("jsonpath", "document"),
    [
        ("$.payload.rows", {"payload": {"rows": [ADA, BOB]}}),
        ("$.items", {"items": [ADA, BOB], "results": [BOB]}),
        ("$", [ADA, BOB]),
        ("$..rows", {"pages": [{"rows": [ADA, BOB]}]}),
        ("$['the rows']", {"the rows": [ADA, BOB]}),
    ],
)
def test_a_jsonpath_leads_to_the_list(jsonpath: str, suffix: str, document: object) -> None:
    assert answers.read(document, jsonpath + suffix).candidates == [ADA, BOB]


@pytest.mark.parametrize(
    "document",
    [{}, {"rows": None}, {"rows": {"1": ADA}}, {"rows": "Ada"}, [ADA], {"payload": {"rows": [ADA]}}],
    ids=str,
)
def test_a_jsonpath_that_leads_to_no_list_is_never_an_empty_page(document: object) -> None:
    with pytest.raises(UnknownAnswerError, match=r"^records_jsonpath \$\.rows leads to no list in the answer"):
        answers.read(document, "$.rows")


def test_a_jsonpath_that_leads_to_several_lists_is_an_error() -> None:
    with pytest.raises(UnknownAnswerError, match="leads to no list"):
        answers.read({"pages": [{"rows": [ADA]}, {"rows": [BOB]}]}, "$.pages[*].rows")


# What it says of the pages to come


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, Words()),
        ({"hasMore": True}, Words(has_more=True)),
        ({"has_next_page": False}, Words(has_more=False)),
        ({"totalPages": 3}, Words(pages=3)),
        ({"last_page": 3}, Words(pages=3)),
        ({"total": 0}, Words(total=0)),
        ({"totalCount": 250}, Words(total=250)),
        ({"pagination": {"page": 1, "total": 250, "totalPages": 3, "hasNextPage": True}}, Words(True, 3, 250)),  # noqa: FBT003
        ({"meta": {"total": 250}, "hasMore": True}, Words(has_more=True, total=250)),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [[], ["data"]], ids=["top", "data"])
def test_words_are_found_beside_the_list_and_in_the_usual_places(
    said: dict[str, Any], words: Words, place: list[str]
) -> None:
    assert answers.read(nested(place, {"candidates": [ADA], **said})).words == words


@pytest.mark.parametrize(
    "said",
    [{"hasMore": "yes", "totalPages": "3", "total": None}, {"total": -1, "totalPages": 2.5}, {"total": True}],
    ids=str,
)
def test_a_word_of_another_kind_says_nothing(said: dict[str, Any]) -> None:
    assert answers.read({"candidates": [ADA], **said}).words == Words()


def test_of_several_words_the_one_that_promises_most_counts() -> None:
    # Some APIs give the size of the page in one place and that of the whole in another, under the same name.
    said = {"total": 1, "hasMore": False, "totalPages": 1}
    more = {"total": 250, "hasNextPage": True, "totalPages": 3}
    assert answers.read({"data": [ADA], **said, "meta": more}).words == Words(True, 3, 250)  # noqa: FBT003
    assert answers.read({"data": {"items": [ADA], **more}, "meta": said}).words == Words(True, 3, 250)  # noqa: FBT003


# A look-up


@pytest.mark.parametrize(
    "document",
    [
        ADA,
        {"data": ADA},
        {"success": True, "data": ADA},
        {"candidate": ADA},
        {"interview": ADA},
        {"data": {"candidate": ADA}},
        {"data": {"interview": ADA}},
        [ADA],
        {"data": [ADA]},
        {"data": {"candidates": [ADA]}},
        {"results": [ADA]},
    ],
    ids=str,
)
def test_a_candidate_is_found_alone_and_in_a_list(document: object) -> None:
    assert answers.read_single(document) == [ADA]


@pytest.mark.parametrize("name", ["id", "interviewId", "_id"])
def test_a_lone_candidate_is_known_by_any_of_its_ids(name: str) -> None:
    assert answers.read_single({"data": {name: "1"}}) == [{name: "1"}]


def test_the_status_of_a_lone_candidate_is_its_own() -> None:
    assert answers.read_single({"id": "1", "status": "failed"}) == [{"id": "1", "status": "failed"}]
    assert answers.read_single({"data": {"id": "1", "status": "error"}}) == [{"id": "1", "status": "error"}]


@pytest.mark.parametrize("document", [{"data": None}, {"data": []}, [], {"data": {"candidates": []}}], ids=str)
def test_nobody_found_is_no_error(document: object) -> None:
    assert answers.read_single(document) == []


@pytest.mark.parametrize(
    "document",
    [None, "Ada", {}, {"data": {"name": "Ada"}}, {"success": False, "data": ADA}, {"error": "no such interview"}],
    ids=str,
)
def test_a_look_up_with_another_answer_is_an_error(document: object) -> None:
    with pytest.raises(UnknownAnswerError):
        answers.read_single(document)


def test_a_look_up_uses_the_jsonpath() -> None:
    assert answers.read_single({"payload": {"rows": [ADA]}}, "$.payload.rows[*]") == [ADA]


# The compiled reading of pages after the first

NAMES = st.sampled_from([*LISTS, "data", "success", "error", "status", "code", "meta", "total", "hasMore", "x"])
CANDIDATES = st.lists(st.fixed_dictionaries({"id": st.text(max_size=2)}), max_size=2)
WORDS = st.none() | st.booleans() | st.integers(-1, 600) | st.sampled_from(["error", "ok", ""])
INNER = WORDS | CANDIDATES
ENVELOPES = st.dictionaries(NAMES, INNER | st.dictionaries(NAMES, INNER, max_size=3), max_size=4)


class Candidate(msgspec.Struct):
    """A candidate as a compiled decoder makes it."""

    id: str


@functools.cache
def decoder(path: answers.Path) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answers.typed(path, Candidate))


def outcome(document: object) -> object:
    """What a reading comes to: what was read, or why it was not."""
    try:
        answer = answers.read(document)
    except UnknownAnswerError as error:
        return str(error).partition(" (top-level keys")[0]
    ids = [one["id"] if isinstance(one, dict) else one.id for one in answer.candidates]
    return answer.path, answer.words, ids


@pytest.mark.parametrize("path", [(), ("data",), ("candidates",), ("data", "items")], ids=".".join)
@given(document=ENVELOPES | CANDIDATES)
def test_a_compiled_reading_comes_to_the_same_as_a_plain_one(path: answers.Path, document: Any) -> None:
    body = json.dumps(document).encode()
    try:
        seen = answers.as_document(decoder(path).decode(body), path)
    except (msgspec.DecodeError, ValueError):
        return  # another shape than that of the first page: the plain reading takes it
    assert outcome(seen) == outcome(document)


@pytest.mark.parametrize("path", [(), ("data",), ("candidates",), ("data", "items")], ids=".".join)
def test_a_page_of_the_learned_shape_is_read_compiled(path: answers.Path) -> None:
    body = json.dumps(nested(list(path), [ADA, BOB])).encode()
    assert answers.read(answers.as_document(decoder(path).decode(body), path)).candidates == [
        Candidate("1"),
        Candidate("2"),
    ]


def test_a_page_without_the_learned_list_is_not_read_compiled() -> None:
    decoded = decoder(("data",)).decode(b'{"results": []}')
    with pytest.raises(ValueError):  # noqa: PT011  # there is nothing to say
        answers.as_document(decoded, ("data",))
