from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tap_interviewflow.sandbox import Envelope, Metadata, Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
TWO = "interviewer-2"


def person(number: int, **fields: object) -> dict[str, Any]:
    return {"id": f"id-{number}", "name": f"Person {number}", **fields}


def page_of(numbers: range, **said: object) -> str:
    """An answer with these people, as a fault of the sandbox."""
    return f"body:{json.dumps({'data': [person(number) for number in numbers], **said})}"


def pages_asked(api: Sandbox) -> list[int]:
    """The pages that were asked for in order to read, not to discover."""
    return [body["page"] for body in api.requests[len(api.interviewers) :]]


def warnings(run: Run) -> list[str]:
    return run.lines("WARNING") + run.lines("ERROR")


# Everybody, once, in order


@pytest.mark.parametrize("parallel", [1, 4, 16])
def test_every_candidate_of_every_interviewer_arrives_once_and_in_order(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 250, TWO: 30, "interviewer-3": 0, "interviewer-4": 1}) as api:
        run = read(api, page_size=50, max_parallel_requests=parallel)
        expected = [(name, held["id"]) for name in api.interviewers for held in api.candidates(name)]
    assert run.code == 0
    assert [(record["interviewerId"], record["id"]) for record in run.records] == expected
    assert warnings(run) == []


def test_a_repeated_interviewer_is_read_once(read: Read) -> None:
    with Sandbox({ONE: 3}) as api:
        run = read(api, interviewer_ids=[ONE, ONE])
    assert len(run.ids) == 3


def test_an_interviewer_without_candidates_is_no_failure(read: Read) -> None:
    with Sandbox({ONE: 0}) as api:
        run = read(api)
    assert run.code == 0
    assert [message["type"] for message in run.messages] == ["SCHEMA", "STATE"]


def test_the_same_id_at_two_interviewers_makes_two_candidates(read: Read) -> None:
    with Sandbox({ONE: [person(1)], TWO: [person(1)]}) as api:
        run = read(api)
    assert [(record["interviewerId"], record["id"]) for record in run.records] == [(ONE, "id-1"), (TWO, "id-1")]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"id": "a", "interviewId": "b", "_id": "c"}, "a"),
        ({"interviewId": "b", "_id": "c"}, "b"),
        ({"_id": "c"}, "c"),
        ({"id": "", "interviewId": None, "_id": "c"}, "c"),
        ({"id": 7}, "7"),
    ],
    ids=str,
)
def test_the_key_is_taken_from_the_first_id_there_is(read: Read, fields: dict[str, Any], key: str) -> None:
    with Sandbox({ONE: [fields]}) as api:
        assert read(api).ids == [key]


def test_a_candidate_without_an_id_ends_the_run_and_names_the_page(read: Read) -> None:
    with Sandbox({ONE: [person(1), person(2), {"name": "Ada"}]}) as api:
        run = read(api, page_size=2)
    assert run.lines("ERROR") == [
        f"Interviewer {ONE}, page 2: a candidate has no id, interviewId or _id and can't be keyed"
    ]
    assert run.code == 1
    assert run.ids == ["id-1", "id-2"]


# Where the list is

FOREIGN = {"payload.rows", "records", "list", "content", "docs", "rows"}
KNOWN = [envelope for envelope in get_args(Envelope) if envelope not in FOREIGN]


@pytest.mark.parametrize("metadata", [None, *(said for said in get_args(Metadata) if said != "lies")])
@pytest.mark.parametrize("envelope", KNOWN)
def test_the_list_and_the_words_beside_it_are_found_in_every_known_shape(
    read: Read, envelope: Envelope, metadata: Metadata | None
) -> None:
    with Sandbox({ONE: 5}, envelope=envelope, metadata=metadata) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
        asked = pages_asked(api)
    assert len(run.ids) == 5
    assert run.code == 0
    assert warnings(run) == []
    says_nothing = metadata is None or envelope == "body"
    assert asked == ([1, 2, 3, 4] if says_nothing else [1, 2, 3])


@pytest.mark.parametrize("suffix", ["", "[*]"])
def test_another_shape_is_read_where_records_jsonpath_says(read: Read, suffix: str) -> None:
    with Sandbox({ONE: 5}, envelope="payload.rows") as api:
        run = read(api, page_size=2, records_jsonpath=f"$.payload.rows{suffix}")
    assert run.code == 0
    assert len(run.ids) == 5


def test_another_shape_is_an_error_that_names_its_keys_and_the_setting(read: Read) -> None:
    with Sandbox({ONE: 5}, envelope="payload.rows") as api:
        run = read(api)
        people = api.candidates(ONE)
    assert run.lines("ERROR") == [
        (
            f"Interviewer {ONE}, page 1: no list of candidates in the answer (top-level keys: success, payload); "
            "records_jsonpath can say where the list is"
        )
    ]
    assert run.code == 1
    assert run.out == ""
    assert [person["id"] for person in people if person["id"] in run.err or person["name"] in run.err] == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("null", "the answer is null, no list of candidates"),
        ("success-false", "the API answered 200 but reports a failure"),
        ("success-false-list", "the API answered 200 but reports a failure"),
        ("error-object", "the API answered 200 but reports an error"),
        ("non-objects", "the list of candidates holds a value of type int"),
        ('body:{"data": {"items": []}, "results": []}', "the answer has more than one list: data.items and results"),
        ('body:{"status": "error", "data": []}', "the API answered 200 but reports a failure"),
        ('body:{"message": "Forbidden"}', "no list of candidates in the answer (top-level keys: message)"),
    ],
)
@pytest.mark.parametrize("number", [1, 3])
def test_what_is_no_page_is_never_an_empty_one(read: Read, fault: str, reason: str, number: int) -> None:
    with Sandbox({ONE: 10, TWO: 2}, faults={(ONE, number): ["ok", f"always:{fault}"]} if number == 1 else {}) as api:
        if number > 1:
            api.faults = {(ONE, number): f"always:{fault}"}
        run = read(api, page_size=2, max_parallel_requests=1)
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page {number}: {reason}")
    assert line.endswith("; records_jsonpath can say where the list is")
    assert run.code == 1
    assert len(run.ids) == (number - 1) * 2
    assert "@" not in run.err


# Where the end is


@pytest.mark.parametrize(
    ("count", "metadata", "asked"),
    [
        (4, None, [1, 2, 3]),
        (5, None, [1, 2, 3, 4]),
        (5, "total", [1, 2, 3]),
        (4, "total", [1, 2]),
        (4, "totalPages", [1, 2]),
        (4, "hasMore", [1, 2]),
        (4, "pagination", [1, 2]),
        (1, "hasMore", [1]),
        (0, "total", [1]),
    ],
)
def test_nothing_is_asked_once_the_end_is_known(
    read: Read, count: int, metadata: Metadata | None, asked: list[int]
) -> None:
    with Sandbox({ONE: count}, metadata=metadata) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
        assert pages_asked(api) == asked
    assert len(run.ids) == count


@pytest.mark.parametrize("metadata", [None, *get_args(Metadata)])
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_clamped_limit_costs_no_candidate(read: Read, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 25}, max_limit=3, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        expected = [held["id"] for held in api.candidates(ONE)]
    assert run.ids == expected
    assert run.code == 0


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize(("count", "level"), [(25, "WARNING"), (30, "ERROR")])
def test_a_repeated_last_page_is_not_emitted_again(read: Read, parallel: int, count: int, level: str) -> None:
    with Sandbox({ONE: count, TWO: 1}, past_end="repeat") as api:
        run = read(api, interviewer_ids=[ONE], page_size=10, max_parallel_requests=parallel)
        expected = [held["id"] for held in api.candidates(ONE)]
    assert run.ids == expected
    assert run.code == 0
    (line,) = run.lines(level)
    assert line.startswith(
        f"Interviewer {ONE}: page 4 repeats an earlier page and is taken for the end; {count} candidates came"
    )


@pytest.mark.parametrize("metadata", [None, "total", "totalPages", "hasMore", "lies"])
@pytest.mark.parametrize("parallel", [1, 4])
def test_an_api_that_ignores_the_page_is_no_endless_loop(read: Read, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 25}, ignore_page=True, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert len(api.requests) <= 2 + 2 * parallel
    assert len(run.ids) == 10
    assert len(set(run.ids)) == 10
    (line,) = run.lines("ERROR")
    assert "page 2 repeats an earlier page" in line
    assert "Candidates may be missing: the API seems to ignore `page`" in line


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_page_past_the_end_may_be_unknown(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 25}, past_end="404") as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
    assert len(run.ids) == 25
    assert run.code == 0
    assert warnings(run) == [
        f"Interviewer {ONE}: the API knows no page 4 (404), which is taken for the end; 25 candidates came"
    ]


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("past_end", ["empty", "repeat", "404"])
def test_words_that_promise_too_much_do_no_harm(read: Read, parallel: int, past_end: Any) -> None:
    with Sandbox({ONE: 25}, metadata="lies", past_end=past_end) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert len(api.requests) <= 5 + 2 * parallel
    assert len(run.ids) == 25
    assert run.code == 0
    (line,) = warnings(run)
    assert "25 candidates came" in line or "25 came" in line


def test_a_total_that_is_not_reached_is_said_with_both_numbers(read: Read) -> None:
    with Sandbox({ONE: 25}, metadata="lies") as api:
        run = read(api, page_size=10)
    assert run.lines("WARNING") == [f"Interviewer {ONE}: the API states 1025 candidates, 25 came; page 4 is empty"]


@pytest.mark.parametrize("parallel", [1, 4])
def test_who_is_added_during_the_read_pushes_nobody_out(read: Read, parallel: int) -> None:
    # Page 1 is read, somebody is added in front, and the total that comes with the next pages is still the old one.
    faults: dict[int | tuple[str, int | str], str] = {
        (ONE, 1): f"always:{page_of(range(10), total=13)}",
        (ONE, 2): f"always:{page_of(range(9, 12), total=13)}",
        (ONE, 3): f"always:{page_of(range(12, 13), total=13)}",
    }
    with Sandbox({ONE: 0}, faults=faults) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
    assert set(run.ids) == {f"id-{number}" for number in range(13)}


EMPTY_WITH_MORE = 'always:body:{"data": {"candidates": [], "hasMore": true}}'


def test_a_bookmark_stays_where_candidates_may_be_missing(read: Read) -> None:
    with Sandbox({ONE: 10, TWO: 10}, faults={(ONE, 2): EMPTY_WITH_MORE}) as api:
        catalog = json.loads(read(api, "--discover").out)
        (stream,) = catalog["streams"]
        stream["replication_method"], stream["replication_key"] = "INCREMENTAL", "createdAt"
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == []:
                entry["metadata"] |= {"replication-method": "INCREMENTAL", "replication-key": "createdAt"}
        run = read(api, catalog=catalog, page_size=5)
    bookmarks = {
        partition["context"]["interviewerId"]: partition.get("replication_key_value")
        for partition in run.state["bookmarks"]["candidates"]["partitions"]
    }
    assert bookmarks[ONE] is None
    assert bookmarks[TWO] is not None
    assert f"Interviewer {ONE}: the bookmark stays, as candidates may be missing" in run.lines("WARNING")


@pytest.mark.parametrize(
    ("habits", "is_sent"),
    [
        ({}, True),
        ({"metadata": "pagination"}, True),
        ({"metadata": "lies"}, False),
        ({"ignore_page": True}, False),
        ({"faults": {(ONE, 2): EMPTY_WITH_MORE}}, False),
    ],
    ids=str,
)
def test_a_target_is_told_to_delete_only_after_a_read_to_the_end(
    read: Read, habits: dict[str, Any], *, is_sent: bool
) -> None:
    with Sandbox({ONE: 10}, **habits) as api:
        run = read(api, page_size=5, emit_activate_version_messages=True)
    assert run.code == 0
    assert bool(run.of("ACTIVATE_VERSION")) is is_sent


# What is new in the middle of a read


def test_each_page_may_have_fields_of_its_own(read: Read) -> None:
    held = [person(1), person(2), person(3, score=5), person(4, score="five", extra=[1]), person(5)]
    with Sandbox({ONE: held}) as api:
        run = read(api, page_size=2)
    assert run.ids == [f"id-{number}" for number in range(1, 6)]
    rescued = {record["id"]: record.get("_rescued_data") for record in run.records}
    assert rescued["id-3"] == {"score": 5}
    assert rescued["id-4"] == {"score": "five", "extra": [1]}


@pytest.mark.parametrize("envelope", ["data", "candidates", "body", "data.results"])
def test_a_list_that_moves_between_pages_is_still_found(read: Read, envelope: Envelope) -> None:
    answer = json.dumps({"interviews": [person(3), person(4)]})
    held = [person(number) for number in range(1, 6)]
    with Sandbox({ONE: held}, envelope=envelope, faults={(ONE, 2): f"always:body:{answer}"}) as api:
        run = read(api, page_size=2)
    assert run.ids == [f"id-{number}" for number in range(1, 6)]
