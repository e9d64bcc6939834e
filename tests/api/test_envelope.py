from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.envelope import MAX_CANDIDATES, MAX_REASON, open_look_up, open_page
from tap_interviewflow.api.metadata import PageMetadata
from tap_interviewflow.api.page import InterviewerError

ADA = {"id": "1", "name": "Ada"}
BOB = {"id": "2", "name": "Bob"}
LISTS = ["data", "candidates", "interviews", "results", "items", "records", "rows", "docs", "list", "content"]
WRAPPERS = ["data", "result", "response"]
PLACES = [[], *([name] for name in LISTS), *([wrapper, name] for wrapper in WRAPPERS for name in LISTS)]


def nested(path: list[str], value: object) -> Any:
    """Put a value at the end of a path of names."""
    for name in reversed(path):
        value = {name: value}
    return value


def refused(document: object, records_jsonpath: str | None = None) -> str:
    """Return why an answer is not a page."""
    with pytest.raises(FatalAPIError) as caught:
        open_page(document, records_jsonpath)
    return str(caught.value)


# Where the list is


def test_the_list_is_found_where_apis_have_it() -> None:
    for path in PLACES:
        for candidates in ([], [ADA, BOB]):
            assert open_page(nested(path, candidates)).candidates == candidates, path


@pytest.mark.parametrize("places", [("results", "items"), ("data.results", "items"), ("response.rows", "result.docs")])
def test_of_several_lists_the_one_with_candidates_counts(places: tuple[str, str]) -> None:
    empty, filled = (place.split(".") for place in places)
    assert open_page(nested(empty, []) | nested(filled, [ADA])).candidates == [ADA]
    assert open_page(nested(empty, []) | nested(filled, [])).candidates == []


def test_more_than_one_list_with_candidates_is_an_error_on_every_page() -> None:
    with pytest.raises(FatalAPIError) as caught:
        open_page({"data": {"results": [ADA], "total": 1}, "items": [BOB]})
    assert str(caught.value) == (
        "the response has more than one list with candidates: items and data.results"
        " (top-level keys: data, items; in data: results, total); records_jsonpath can say which"
    )
    # It is not what an API says behind its last page.
    assert not isinstance(caught.value, InterviewerError)


def test_data_that_is_null_is_an_empty_page() -> None:
    besides: list[dict[str, Any]] = [{}, {"success": True, "status": 200, "message": "Nothing found"}]
    for beside in besides:
        assert open_page({"data": None, **beside}).candidates == []
        assert open_page({"data": None, "candidates": [ADA], **beside}).candidates == [ADA]


SUCCESSES: list[dict[str, Any]] = [
    {"message": "Found", "status": "completed"},
    {"errorMessage": None, "error_message": "", "errorCode": 0, "errmsg": "ok", "exception": "None"},
    {"success": True, "ok": "yes", "isSuccess": 1, "isError": False, "failed": "no"},
    *({"error": None, "errors": []}, {"error": "", "errors": {}}, {"error": False, "errors": 0}),
    {"error": "none", "errors": "false"},
    *({"status": True, "code": 0}, {"status": "200", "code": "0"}, {"code": 10_000, "success": "true"}),
    *({"code": 4040, "errorCode": "E400"}, {"filters": ["a", "list", "of another name"]}),
]


def test_a_success_and_what_reports_nothing_are_no_failure() -> None:
    for beside in SUCCESSES:
        for candidates in ([], [ADA]):
            assert open_page({"candidates": candidates, **beside}).candidates == candidates, beside


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "the response is null, not a list of candidates"),
        ("Ada", "the response is str, not a list of candidates"),
        ({}, "no list of candidates in the response (top-level keys: none)"),
        (
            {"data": {"people": [ADA]}, "meta": {}},
            "no list of candidates in the response (top-level keys: data, meta; in data: people; in meta: none)",
        ),
        (
            {"rows": {"1": ADA}, "name": "Ada"},
            "no list of candidates in the response (top-level keys: rows, name; in rows: (a name of 1 character))",
        ),
    ],
    ids=str,
)
def test_another_shape_is_no_page_and_its_keys_are_named_but_no_values(document: object, reason: str) -> None:
    with pytest.raises(InterviewerError) as caught:
        open_page(document)
    assert str(caught.value) == f"{reason}; records_jsonpath can say where the list is"
    assert caught.value.kind == "no list"


def test_a_list_of_something_else_is_an_error() -> None:
    for document, reason in (([ADA, "Bob"], "str"), ({"data": [[ADA]]}, "list (top-level keys: data)")):
        assert refused(document) == f"the list of candidates holds a value of type {reason}"


def test_a_key_that_may_be_personal_is_not_named_and_of_very_many_the_first_are() -> None:
    reason = refused({"ada@example.com": {"Ada Lovelace": 1}, "plainName": 2})
    names = ["(a name of 15 characters)", "(a name of 12 characters)"]
    assert f"top-level keys: {names[0]}, plainName; in {names[0]}: {names[1]}" in reason
    reason = refused({f"key{number}": 1 for number in range(1000)})
    assert "key19" in reason
    assert "key20" not in reason


def test_more_candidates_than_fit_into_memory_are_refused() -> None:
    assert len(open_page([ADA] * MAX_CANDIDATES).candidates) == 100_000
    reason = "the response holds 100,001 candidates, more than 100,000; set a smaller page_size"
    for document in ([ADA] * 100_001, {"data": {"rows": [ADA] * 100_001}}):
        assert refused(document) == reason
    assert refused({"people": [ADA] * 100_001}, "$.people") == reason


# Where the user says that it is


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
def test_a_jsonpath_leads_to_the_list(jsonpath: str, document: object) -> None:
    assert open_page(document, jsonpath).candidates == open_page(document, f"{jsonpath}[*]").candidates == [ADA, BOB]


def test_a_jsonpath_that_leads_to_no_list_or_to_several_is_never_an_empty_page() -> None:
    said = "leads to no list in the response"
    for document in ({}, {"rows": None}, {"rows": {"1": ADA}}, [ADA], {"payload": {"rows": [ADA]}}, None, "Ada"):
        assert refused(document, "$.rows").startswith(f"records_jsonpath $.rows {said}")
    assert said in refused({"pages": [{"rows": [ADA]}, {"rows": [BOB]}]}, "$.pages[*].rows")


@pytest.mark.parametrize("jsonpath", ["$.rows[?(@.name =~ '(')]", "$.rows[\\name]", "$.rows.`sorted`"])
def test_a_jsonpath_that_fails_at_what_the_api_sent_leads_to_no_list(jsonpath: str) -> None:
    assert refused({"rows": [{"id": "1", "name": 5}, {"id": "2", "name": "Bob"}]}, jsonpath).startswith(
        f"records_jsonpath {jsonpath} leads to no list in the response"
    )


# Failures with HTTP 200

FAILURES: list[dict[str, Any]] = [
    *({name: value} for name in ("success", "ok", "isSuccess", "is_success") for value in (False, "No", 0, "error")),
    *({"status": value} for value in (False, "FALSE", "error", "ERROR ", "fail", "Failed", "failure", "unauthorized")),
    *({"code": value} for value in ("UNAUTHENTICATED", "ACCESS_DENIED", "not-found", "Internal Server Error")),
    *({name: value} for name in ("isError", "is_error", "hasErrors") for value in (True, "true", "Yes", 1)),
    *({"error": value} for value in ("busy", True, 1, {"type": "busy"}, ["busy"])),
    *({"errors": ["busy"]}, {"errors": {"page": ["too large"]}}, {"errors": [{}]}),
    *({name: "busy"} for name in ("errorMessage", "error_message", "ErrorMsg", "error_description", "exception")),
    *({name: value} for name in ("status", "status_code", "code", "errorCode") for value in (400, "500", 599)),
]


@pytest.mark.parametrize("place", [[], *([name] for name in WRAPPERS)], ids=".".join)
@pytest.mark.parametrize("jsonpath", [None, "$..candidates"])
def test_a_reported_failure_is_never_an_empty_page(place: list[str], jsonpath: str | None) -> None:
    for verdict in FAILURES:
        with pytest.raises(InterviewerError, match=r"^the API returned 200 but reports a failure") as caught:
            open_page(nested(place, {"candidates": [], **verdict}), jsonpath)
        assert caught.value.kind == "a reported failure", verdict
        assert "jsonpath" not in str(caught.value)


REASONS: list[dict[str, Any]] = [
    *({"message": "The database is busy"}, {"error": {"message": "The database is busy"}}),
    {"errors": [{"detail": "The database is busy"}, {"detail": "And more"}]},
    {"result": {"error": {"errors": [{"message": "The database is busy"}]}}},
    {"message": "", "error": {"code": 7, "reason": "The database is busy"}},
    {"message": {}, "details": ["The database is busy"]},
    {"error": True, "msg": "The\ndatabase\tis \u202e\x1b busy"},
    *({"errorCode": "The database is busy"}, {"message": "Found", "errorMessage": "The database is busy"}),
]


def test_a_failure_is_shown_in_the_apis_own_words() -> None:
    reason = "the API returned 200 but reports a failure: the API says “The database is busy”"
    for said in REASONS:
        assert refused({"success": False, "candidates": [], **said}) == reason, said


def test_a_candidate_is_no_reason() -> None:
    assert refused({"success": False, "data": {"id": "a", "title": "Ada's own"}}) == (
        "the API returned 200 but reports a failure (top-level keys: success, data; in data: id, title)"
    )


@pytest.mark.parametrize("filler", ["no ", " "], ids=["words", "blanks"])
def test_a_long_reason_is_cut_between_words_so_that_what_is_to_be_hidden_stays_whole(filler: str) -> None:
    secret = "sandbox-0123456789-" * 3
    for before in range(MAX_REASON - len(secret), 5 * MAX_REASON, 7):
        words = refused({"error": "a" + (filler * before)[:before] + f" {secret} is wrong"})
        assert len(words) < 2 * MAX_REASON
        assert secret in words or "sandbox" not in words


# Page metadata

IN_3: dict[str, Any] = {"pages": 3, "total": 250}
STATED: list[tuple[dict[str, Any], PageMetadata]] = [
    ({}, PageMetadata()),
    ({"hasMore": True}, PageMetadata(has_more=True)),
    ({"has_next_page": False}, PageMetadata(has_more=False)),
    *(({"hasNext": "false"}, PageMetadata(has_more=False)), ({"hasMore": "yes"}, PageMetadata(has_more=True))),
    *(({"nextPage": 2}, PageMetadata(has_more=True)), ({"next_page_url": ""}, PageMetadata(has_more=False))),
    ({"_links": {"self": "…", "next": {"href": "…"}}}, PageMetadata(has_more=True)),
    ({"isLastPage": "false"}, PageMetadata(has_more=True)),
    ({"last_page": "3"}, PageMetadata(pages=3)),
    *(({"total": 0}, PageMetadata(total=0)), ({"totalCount": "250"}, PageMetadata(total=250))),
    ({"total-results": 250}, PageMetadata(total=250)),
    # As frameworks in wide use state it: Spring, TypeORM, Nest, Strapi, Mongoose, Laravel, Sequelize, Django, Feathers.
    ({"page": {"size": 100, "totalElements": 250, "totalPages": 3, "number": 0}}, PageMetadata(pages=3, total=250)),
    ({"totalElements": 250, "totalPages": 3, "number": 2, "last": True}, PageMetadata(has_more=False, **IN_3)),
    ({"meta": {"totalItems": 250, "itemCount": 100, "totalPages": 3}}, PageMetadata(None, 3, 250)),
    (
        {"meta": {"totalItems": 250, "totalPages": 3}, "links": {"next": "/?page=2"}},
        PageMetadata(has_more=True, **IN_3),
    ),
    ({"meta": {"pagination": {"page": 1, "pageCount": 3, "total": 250}}}, PageMetadata(None, 3, 250)),
    ({"totalDocs": 250, "totalPages": 3, "hasNextPage": True, "pagingCounter": 1}, PageMetadata(has_more=True, **IN_3)),
    ({"meta": {"total": 250, "last_page": 3}, "links": {"next": None}}, PageMetadata(has_more=False, **IN_3)),
    ({"count": 250}, PageMetadata(total=250)),
    ({"count": 250, "next": None, "previous": "/?page=2"}, PageMetadata(has_more=False, total=250)),
    ({"total": 250, "limit": 100, "skip": 0}, PageMetadata(total=250)),
]


@pytest.mark.parametrize("place", [[], *([name] for name in WRAPPERS)], ids=".".join)
def test_metadata_is_found_beside_the_list_and_in_the_usual_places(place: list[str]) -> None:
    for beside, metadata in STATED:
        assert open_page(nested(place, {"candidates": [ADA], **beside})).metadata == metadata, beside


def test_a_value_of_another_type_states_nothing() -> None:
    odd: list[dict[str, Any]] = [
        *(
            {"totalPages": "three", "total": None},
            {"total": -1, "totalPages": 2.5},
            {"total": True, "totalPages": False},
        ),
        *({"total": "9" * 16, "count": "٢٥"}, {"count": ["a"], "pages": {"a": 1}}, {"last": "/?page=3", "isLast": 1}),
        {"page": 1, "limit": 20, "skip": 0, "number": 0, "itemCount": 20, "size": 20},
    ]
    for beside in odd:
        assert open_page({"candidates": [ADA], **beside}).metadata == PageMetadata(), beside


def test_of_several_values_the_highest_one_counts() -> None:
    # Some APIs give the size of the page in one place and that of the whole in another, under the same name.
    said = {"total": 1, "hasMore": False, "totalPages": 1}
    more = {"total": 250, "hasNextPage": True, "totalPages": 3}
    words = PageMetadata(True, 3, 250)  # noqa: FBT003
    assert open_page({"data": [ADA], **said, "meta": more}).metadata == words
    assert open_page({"data": {"items": [ADA], **more}, "meta": said}).metadata == words


# A look-up


ALONE: list[Any] = [ADA, {"candidate": ADA}, {"interview": ADA}, {"ok": True, "interview": ADA}]
FOUND: list[Any] = [
    *ALONE,
    {"success": True, "status": "success", "message": "Found", "candidate": ADA},
    *([ADA], {"results": [ADA, ADA]}, {"data": [BOB, ADA]}),
    *({"success": True, "code": 200, wrapper: inner} for wrapper in WRAPPERS for inner in ALONE),
    *({wrapper: inner} for wrapper in WRAPPERS for inner in (*ALONE, {"candidates": [BOB, ADA]})),
]


def test_a_candidate_is_found_alone_and_in_a_list() -> None:
    for document in FOUND:
        assert open_look_up(document, "1") == [ADA], document


@pytest.mark.parametrize(("name", "value"), [("id", "1"), ("interviewId", 1), ("_id", "1")])
def test_a_candidate_is_known_by_the_id_of_its_record(name: str, value: object) -> None:
    another = {"interviewId": "7", "id": "1", "_id": "1"}
    for found in ({name: value}, {"_id": "8", name: value}):
        assert open_look_up({"data": found}, "1") == [found]
        assert open_look_up({"data": [another, found]}, "1") == [found]
    assert open_look_up(another, "1") == open_look_up([another], "1") == []


PERSON = {"id": "p9", "name": "Ada", "status": "active"}
INTERVIEW = {"id": "i1", "score": 72}


@pytest.mark.parametrize(
    ("answer", "record"),
    [
        ({**INTERVIEW, "candidate": PERSON}, {**INTERVIEW, "candidate": PERSON}),
        ({"candidate": PERSON, "interview": INTERVIEW}, {**INTERVIEW, "candidate": PERSON}),
        ({"interview": {**INTERVIEW, "candidate": PERSON}}, {**INTERVIEW, "candidate": PERSON}),
        ({"candidate": {**PERSON, "interviewId": "i1"}}, {**PERSON, "interviewId": "i1"}),
        ({"candidate": PERSON, "interview": INTERVIEW, "report": {"url": "…"}, "status": "hired"},
         {**INTERVIEW, "candidate": PERSON, "report": {"url": "…"}, "status": "hired"}),
        ({"candidate": "p9", "interview": INTERVIEW, "data": None}, {**INTERVIEW, "candidate": "p9", "data": None}),
    ],
    ids=[
        *("the person in the interview", "side by side", "the person in an interview inside"),
        *("the person alone", "more beside", "the person's ID"),
    ],
)  # fmt: skip
def test_the_interview_is_found_however_its_person_stands_to_it(answer: dict[str, Any], record: dict[str, Any]) -> None:
    for place in ([], *([wrapper] for wrapper in WRAPPERS)):
        assert open_look_up(nested(place, answer), "i1") == [record], place


def test_nothing_is_lost_where_a_person_has_an_interview_inside_and_what_is_dropped_stays_dropped() -> None:
    answer = {**PERSON, "success": "of a kind", "interview": {**INTERVIEW, "status": "completed"}}
    beside = {"name": "Ada", "success": "of a kind"}
    record = {**INTERVIEW, "status": "completed", **beside}
    assert open_look_up(answer, "i1") == [{**record, "response": {"id": "p9", "status": "active"}}]
    assert open_look_up(answer, "i1", never_rescued={"status"}) == [{**record, "response": {"id": "p9"}}]
    answer = {"data": {"id": "p9", "data": 1, "data_": 2, "candidate": {**INTERVIEW, "data": 1}}}
    assert open_look_up(answer, "i1") == [{**INTERVIEW, "data": 1, "data_": 2, "data__": {"id": "p9"}}]


def test_the_status_of_a_lone_candidate_is_its_own() -> None:
    failed = {"id": "1", "status": "failed"}
    assert open_look_up(failed, "1") == open_look_up({"data": failed}, "1") == [failed]


def test_a_candidate_that_is_not_found_is_no_error() -> None:
    nothing: list[object] = [{"data": None}, {"success": True, "status": 200, "data": None}, {"data": []}, []]
    for document in (*nothing, {"data": {"candidates": []}}, BOB, {"data": BOB}, {"data": {"interview": BOB}}, [BOB]):
        assert open_look_up(document, "1") == [], document


def test_a_look_up_with_another_answer_is_an_error() -> None:
    others: list[object] = [
        *(None, "Ada", {}, {"data": {"name": "Ada"}}),
        *({"success": False, "data": ADA}, {"error": "no such interview"}, {"data": {"success": False}}),
        *({"id": "1", "success": False, "message": "not found"}, {"interviewId": "1", "error": "not found"}),
        *({"status": "error", "data": None}, {"statusCode": "500", "data": None}, {"status": False, "data": None}),
    ]
    for document in others:
        with pytest.raises(InterviewerError):
            open_look_up(document, "1")


def test_a_look_up_uses_the_jsonpath() -> None:
    assert open_look_up({"payload": {"rows": [BOB, ADA]}}, "1", "$.payload.rows[*]") == [ADA]


def test_a_look_up_that_is_answered_with_all_candidates_is_refused_above_the_bound() -> None:
    with pytest.raises(FatalAPIError, match="more than 100,000"):
        open_look_up({"data": [ADA] * 100_001}, "1")
