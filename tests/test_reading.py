"""Reading as a user sees it: who came, what was warned of, how it was judged, and what was asked of the API."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests.runs import catalog_of
from tests.sandbox import Envelope, Framework, Lie, Metadata, Move, Moves, PastEnd, Sandbox, Within
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.conftest import Read
    from tests.runs import Run
    from tests.sandbox.faults import Faults

ONE = "interviewer-1"
TWO = "interviewer-2"
THREE = "interviewer-3"
CATALOG = catalog_of(*Sandbox({ONE: 50}).candidates(ONE))


@pytest.fixture
def read(read: Read) -> Read:
    """Give the tap a catalog: then it samples nothing, and each request is one of the read."""

    def run(api: Sandbox, *arguments: str, catalog: object = None, **settings: Any) -> Run:
        if "--discover" in arguments:
            return read(api, *arguments, **settings)
        return read(api, *arguments, catalog=catalog or CATALOG, **settings)

    return run


def person(number: int, **fields: object) -> dict[str, Any]:
    return {"id": f"id-{number}", "name": f"Person {number}", **fields}


def pages_asked(api: Sandbox, interviewer: str = ONE) -> list[int]:
    return [body["page"] for body in api.requests if body["interviewerId"] == interviewer]


def everybody(api: Sandbox) -> list[tuple[str, str]]:
    return [(name, held["id"]) for name in api.interviewers for held in api.candidates(name)]


def came(run: Run) -> list[tuple[str, str]]:
    return [(record["interviewerId"], record["id"]) for record in run.records]


def assert_complete(run: Run, api: Sandbox) -> None:
    """Everybody came, once and in the API's order, and the run says so."""
    assert run.code == 0
    assert came(run) == everybody(api)
    counts = {name: len(api.candidates(name)) for name in api.interviewers}
    assert run.verdicts == {name: f"{count} read, {count} written, complete" for name, count in counts.items()}


# Everybody, once, in order


@pytest.mark.parametrize("parallel", [1, 4, 16])
def test_every_candidate_of_every_interviewer_arrives_once_and_in_order(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 250, TWO: 30, THREE: 0, "interviewer-4": 1}) as api:
        run = read(api, page_size=50, max_parallel_requests=parallel)
        assert_complete(run, api)
    assert run.complaints == []


def test_a_repeated_interviewer_is_read_once(read: Read) -> None:
    with Sandbox({ONE: 3}) as api:
        run = read(api, interviewer_ids=[ONE, ONE])
    assert len(run.ids) == 3
    assert len(run.lines("INFO", "WARNING")) == len(set(run.lines("INFO", "WARNING")))


def test_an_interviewer_without_candidates_is_no_failure(read: Read) -> None:
    with Sandbox({ONE: 0}) as api:
        run = read(api)
        assert_complete(run, api)
        assert pages_asked(api) == [1]
    assert [message["type"] for message in run.messages] == ["SCHEMA", "STATE"]


def test_the_key_is_the_interviews_id_whatever_it_is_called(read: Read) -> None:
    held: Sequence[Mapping[str, Any]] = (
        {"id": "person", "interviewId": "a", "_id": "x"},
        {"id": "b", "_id": "x"},
        {"_id": "c"},
        {"interviewId": "", "id": None, "_id": "d"},
        {"interviewId": 7},
        # A person with two interviews is two rows.
        {"id": "person", "interviewId": "e"},
    )
    with Sandbox({ONE: held}) as api:
        run = read(api, catalog=catalog_of(), page_size=2)
    assert run.ids == ["a", "b", "c", "d", "7", "e"]
    assert run.records[0]["_rescued_data"] == {"id": "person", "interviewId": "a", "_id": "x"}


def test_a_candidate_without_an_id_ends_the_run_and_names_the_page(read: Read) -> None:
    with Sandbox({ONE: [person(1), person(2), {"name": "Ada"}]}) as api:
        run = read(api, page_size=2)
    assert run.lines("ERROR") == [
        f"Interviewer {ONE}, page 2: the candidate at index 0 has no ID: no interviewId, id or _id"
    ]
    assert run.code == 1
    assert run.ids == ["id-1", "id-2"]


# Where the list is

WORDLESS = {"body", "jsend", "micro1"}
TOTALLESS = {*WORDLESS, "totalPages", "hasMore"}


@pytest.mark.parametrize(
    ("envelope", "metadata", "within"),
    [
        *((envelope, "pagination", None) for envelope in ("body", "rows", "data.candidates")),
        *((framework, None, None) for framework in get_args(Framework)),
        *(("items", metadata, None) for metadata in ("total", "totalPages", "hasMore")),
        *(("docs", "pagination", within) for within in ("result", "response")),
        ("body", "pagination", "data"),
    ],
)
def test_the_list_and_the_words_beside_it_are_found_in_every_known_shape(
    read: Read, envelope: Any, metadata: Metadata | None, within: Within | None
) -> None:
    with Sandbox({ONE: 5, TWO: 5}, envelope=envelope, metadata=metadata, within=within) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
        assert_complete(run, api)
        # The words proved true of the first Interviewer, and end the reading of the second.
        asked = [1, 2, 3, 4] if envelope in WORDLESS else [1, 2, 3]
        # Where no total proves that nobody was lost, page 1 is looked at again.
        assert pages_asked(api, TWO) == [*asked, *([1] if {envelope, metadata} & TOTALLESS else [])]
    assert run.complaints == []


@pytest.mark.parametrize("suffix", ["", "[*]"])
def test_another_shape_is_read_where_records_jsonpath_says(read: Read, suffix: str) -> None:
    with Sandbox({ONE: 5}, envelope="payload.rows") as api:
        run = read(api, page_size=2, records_jsonpath=f"$.payload.rows{suffix}")
        assert_complete(run, api)


@pytest.mark.parametrize("arguments", [(), ("--discover",)])
def test_another_shape_is_an_error_that_names_its_keys_and_the_setting(read: Read, arguments: tuple[str, ...]) -> None:
    with Sandbox({ONE: 5}, envelope="payload.rows") as api:
        run = read(api, *arguments)
        people = api.candidates(ONE)
    assert run.lines("ERROR") == [
        (
            f"Interviewer {ONE}, page 1: no list of candidates in the answer (top-level keys: success, payload; "
            "in payload: rows); records_jsonpath can say where the list is"
        )
    ]
    assert run.code == 1
    assert run.records == []
    assert [person["id"] for person in people if person["id"] in run.err or person["name"] in run.err] == []


def body(document: object) -> str:
    return f"body:{json.dumps(document)}"


FAILURES = [
    {"success": False, "data": [person(1)], "message": "The database is busy"},
    {"error": {"code": "busy", "message": "The database is busy"}},
    {"statusCode": 503, "message": "The database is busy"},
]


@pytest.mark.parametrize("failure", FAILURES, ids=json.dumps)
def test_a_failure_with_http_200_is_no_page_but_an_error_with_the_apis_own_reason(
    read: Read, failure: Mapping[str, object]
) -> None:
    # Page 3 of 5: in the middle of the list it is no end, either.
    with Sandbox({ONE: 10}, faults={(ONE, 3): f"always:{body(failure)}"}) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
    (line,) = run.lines("ERROR")
    assert line == (
        f"Interviewer {ONE}, page 3: the API answered 200 but reports a failure: the API says “The database is busy”"
    )
    assert (run.code, len(run.ids)) == (1, 4)


STRANGE = [
    (None, "the answer is null, not a list of candidates; records_jsonpath can say where the list is"),
    ("soon", "the answer is str, not a list of candidates; records_jsonpath can say where the list is"),
    (
        {"message": "Forbidden"},
        ("no list of candidates in the answer (top-level keys: message); records_jsonpath can say where the list is"),
    ),
    (
        {"data": {"items": [{"id": "x"}]}, "results": [{"id": "y"}]},
        (
            "the answer has more than one list with candidates: results and data.items (top-level keys: data, results; "
            "in data: items); records_jsonpath can say which"
        ),
    ),
    ({"data": [1, 2]}, "the list of candidates holds a value of type int (top-level keys: data)"),
]


@pytest.mark.parametrize(("answer", "said"), STRANGE, ids=[json.dumps(answer) for answer, _ in STRANGE])
def test_what_is_no_page_is_never_an_empty_one(read: Read, answer: object, said: str) -> None:
    number = 3 if answer is None else 1
    with Sandbox({ONE: 10}, faults={(ONE, number): f"always:{body(answer)}"}) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
    assert run.lines("ERROR") == [f"Interviewer {ONE}, page {number}: {said}"]
    assert (run.code, len(run.ids)) == (1, 2 * (number - 1))


def test_an_empty_list_beside_the_one_with_candidates_is_no_riddle(read: Read) -> None:
    answer = body({"data": {"items": [person(1)]}, "results": []})
    with Sandbox({ONE: 0}, faults={(ONE, 1): f"always:{answer}"}) as api:
        assert read(api).ids == ["id-1"]


@pytest.mark.parametrize("envelope", ["body", "data.results"])
def test_a_list_that_is_elsewhere_on_another_page_is_still_found(read: Read, envelope: Envelope) -> None:
    elsewhere = body({"interviews": [person(3), person(4)]})
    held = [person(number) for number in range(1, 6)]
    with Sandbox({ONE: held}, envelope=envelope, faults={(ONE, 2): f"always:{elsewhere}"}) as api:
        run = read(api, page_size=2)
        assert_complete(run, api)


# Where the end is: what proving it costs

COUNTS = [5, 4, 1, 0, 2, 3]
"""Candidates of as many Interviewers: 2 on a page, so that some last pages are full."""


@pytest.mark.parametrize("metadata", ["total", "totalPages", "hasMore", "pagination"])
def test_a_truthful_word_costs_a_request_a_run_and_one_where_a_last_page_is_full(
    read: Read, metadata: Metadata
) -> None:
    with Sandbox({f"i-{place}": count for place, count in enumerate(COUNTS)}, metadata=metadata) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
        assert_complete(run, api)
        asked = [pages_asked(api, name) for name in api.interviewers]
    look = [1] if metadata in TOTALLESS else []  # at the top of more than two pages, where no total proves anything
    assert asked == [[1, 2, 3, 4, *look], [1, 2, 3], [1], [1], [1, 2], [1, 2]]
    assert run.complaints == []


def test_without_words_the_end_is_looked_for_behind_a_full_page(read: Read) -> None:
    with Sandbox({f"i-{place}": count for place, count in enumerate(COUNTS)}) as api:
        run = read(api, page_size=2, max_parallel_requests=1)
        assert_complete(run, api)
        asked = [pages_asked(api, name) for name in api.interviewers]
    # Two empty pages behind a full one, one behind a short one; and page 1 again where there were more than two.
    assert asked == [[1, 2, 3, 4, 1], [1, 2, 3, 4], [1, 2], [1], [1, 2, 3], [1, 2, 3]]
    assert run.complaints == []


@pytest.mark.parametrize(("metadata", "parallel"), [(None, 16), ("total", 16), ("hasMore", 4)])
def test_reading_ahead_costs_few_requests_more(read: Read, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 100, TWO: 30, THREE: 0}, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert run.code == 0
        assert came(run) == everybody(api)
        assert len(api.requests) <= 10 + 3 + 1 + 3 * parallel


@pytest.mark.parametrize(
    ("habits", "metadata", "parallel"),
    [
        ({"max_limit": 3}, None, 4),
        ({"max_limit": 3}, "hasMore", 1),
        ({"max_limit": 3}, "pagination", 4),
        ({"thin": 0.4, "seed": 5}, None, 1),
        ({"thin": 0.4, "seed": 5}, "total", 4),
        ({"thin": 0.4, "seed": 5}, "totalPages", 1),
    ],
    ids=str,
)
def test_pages_that_come_short_in_the_middle_cost_no_candidate(
    read: Read, habits: dict[str, Any], metadata: Metadata | None, parallel: int
) -> None:
    with Sandbox({ONE: 25, TWO: 61, THREE: 7}, metadata=metadata, **habits) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert_complete(run, api)
    assert run.complaints == []


# Words that lie

LYING_WORD = {"total": "total", "pages": "totalPages", "more": "hasMore"}
PROMISES_TOO_MUCH = {"total-of-account", "total-too-high", "total-growing", "more-always"}


def lying(lie: Lie, **habits: Any) -> Sandbox:
    """An API whose word is borne out by the first Interviewer, in most cases, and is wrong of the others."""
    if "asked" in lie:
        habits["max_limit"] = 10
    return Sandbox({ONE: 3, TWO: 45, THREE: 150}, metadata="pagination", lies=lie, **habits)


def most_requests(api: Sandbox, parallel: int) -> int:
    pages = sum(-(-len(api.candidates(name)) // (api.max_limit or 20)) for name in api.interviewers)
    return 3 * pages + len(api.interviewers) * (2 * parallel + 6)


@pytest.mark.parametrize(("lie", "parallel"), [(lie, 4 if turn % 2 else 1) for turn, lie in enumerate(get_args(Lie))])
def test_no_lying_word_costs_a_candidate_and_each_is_judged(read: Read, lie: Lie, parallel: int) -> None:
    with lying(lie) as api:
        run = read(api, page_size=20, max_parallel_requests=parallel)
        assert run.code == 0
        assert came(run) == everybody(api)
        assert len(api.requests) <= most_requests(api, parallel)
        counts = {name: len(api.candidates(name)) for name in api.interviewers}
    if lie in PROMISES_TOO_MUCH:
        for name, count in counts.items():
            assert run.verdicts[name].startswith(f"{count} read, {count} written, incomplete: ")
            assert [line for line in run.complaints if name in line and f"{count} came" in line]
        return
    assert run.verdicts == {name: f"{count} read, {count} written, complete" for name, count in counts.items()}
    word = LYING_WORD[lie.partition("-")[0]]
    warning = f"the API's `{word}` said that there is no more, but there is; it is not trusted any more in this run"
    warned = [line.partition(": ")[2] for line in run.complaints]
    expected: dict[str, list[list[str]]] = {"total-as-text": [[]], "total-remaining": [[], [warning]]}
    assert warned in expected.get(lie, [[warning]])


def test_a_total_that_is_not_reached_is_said_with_both_numbers(read: Read) -> None:
    with Sandbox({ONE: 25}, metadata="pagination", lies="total-too-high") as api:
        run = read(api, page_size=10)
    reason = "the API states 1,025 candidates, 25 came; page 4 is empty"
    assert run.verdicts == {ONE: f"25 read, 25 written, incomplete: {reason}"}
    assert f"Interviewer {ONE}: {reason}" in run.lines("WARNING")


def test_a_total_that_grows_for_ever_is_asked_after_no_longer_than_others(read: Read) -> None:
    with Sandbox({ONE: 100}, metadata="total", lies="total-growing") as api:
        run = read(api, page_size=2)
        assert len(set(run.ids)) == 100
        assert len(api.requests) <= 3 * 50 + 20
    assert "incomplete" in run.verdicts[ONE]


# What stands behind the last page

REFUSALS = ["204", "400", "404", "416", "422", "null", "nolist", "failure"]
PAGES_AGAIN = ["repeat", "first", "circle", "random"]


def test_each_end_is_of_one_kind() -> None:
    assert sorted(get_args(PastEnd)) == sorted(["empty", *REFUSALS, *PAGES_AGAIN])


@pytest.mark.parametrize(
    ("past_end", "metadata"), [(past_end, (None, "total")[turn % 2]) for turn, past_end in enumerate(REFUSALS)]
)
def test_a_refusal_behind_the_last_page_is_learned_to_be_the_end(
    read: Read, past_end: PastEnd, metadata: Metadata | None
) -> None:
    # After a short page, after full ones, and after a single one of each sort.
    with Sandbox({ONE: 25, TWO: 20, THREE: 10, "i-4": 5}, past_end=past_end, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=1)
        assert_complete(run, api)
        assert pages_asked(api)[:7] == [1, 2, 3, 4, 3, 4, 5]  # the page before, the page itself, and the one after
        # Known by now; only behind a full page that nothing else calls the last one is the next page asked for, too.
        assert pages_asked(api, TWO) == ([1, 2, 3] if metadata else [1, 2, 3, 4])
        assert pages_asked(api, THREE) == ([1, 2] if metadata else [1, 2, 3])
        assert pages_asked(api, "i-4") == ([1] if metadata else [1, 2])
    assert run.complaints == []
    (line,) = [line for line in run.lines("INFO") if "what the API answers after the last page" in line]
    assert line.startswith(f"Interviewer {ONE}, page 4: ")


@pytest.mark.parametrize("past_end", ["204", "400", "failure"])
def test_a_refusal_is_the_end_after_a_full_last_page_from_the_first_on(read: Read, past_end: PastEnd) -> None:
    with Sandbox({ONE: 20}, past_end=past_end) as api:
        run = read(api, page_size=10, max_parallel_requests=4)
        assert_complete(run, api)
    assert run.complaints == []


@pytest.mark.parametrize("past_end", ["204", "failure"])
def test_a_word_that_had_promised_more_than_a_refusal_brings_makes_the_read_incomplete(
    read: Read, past_end: PastEnd
) -> None:
    with Sandbox({ONE: 25}, past_end=past_end, metadata="lies") as api:
        run = read(api, page_size=10)
        assert came(run) == everybody(api)
    reason = "the API states 1,025 candidates, 25 came; there is no page 4"
    assert f"incomplete: {reason}" in run.verdicts[ONE]
    assert [line for line in run.lines("WARNING") if reason in line]


@pytest.mark.parametrize(
    ("fault", "metadata", "parallel"),
    [
        *(("204", None, 4), ("204", "total", 1), ("404", None, 1), ("404", "total", 4)),
        ("success-false", "total", 1),
    ],
)  # fmt: skip
def test_a_refusal_in_the_middle_is_an_error(read: Read, fault: str, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 60, TWO: 5}, faults={(ONE, 3): f"always:{fault}"}, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert run.code == 1
        assert came(run) == everybody(api)[:20]
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page 3: ")
    assert "interviewer_ids" not in line  # the API does know it: it gave the pages before
    assert ONE not in run.verdicts


def test_a_refusal_in_the_middle_is_an_error_where_refusals_are_known_as_ends_too(read: Read) -> None:
    faults: Faults = {(TWO, 3): "always:404"}
    with Sandbox({ONE: 10, TWO: 60}, past_end="404", metadata="total", faults=faults) as api:
        run = read(api, page_size=10, max_parallel_requests=1)
    assert run.verdicts == {ONE: "10 read, 10 written, complete"}
    assert (run.code, len(run.ids)) == (1, 30)


@pytest.mark.parametrize(
    ("fault", "metadata"),
    [
        *(("204", None), ("404", "total"), ("success-false", "hasMore")),
        *(("empty", None), ("empty", "total"), ("empty", "hasMore")),
    ],
)  # fmt: skip
def test_a_page_that_fails_once_costs_nobody(read: Read, fault: str, metadata: Metadata | None) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): [fault]}, metadata=metadata) as api:
        run = read(api, page_size=10)
        assert_complete(run, api)
    assert run.complaints == []


def test_a_refusal_is_no_end_where_the_page_before_is_refused_by_now(read: Read) -> None:
    with Sandbox({ONE: 25}, past_end="404", faults={(ONE, 3): ["ok", "always:404"]}) as api:
        run = read(api, page_size=10, max_parallel_requests=1)
    assert (run.code, len(run.ids)) == (1, 25)


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_key_that_is_not_accepted_any_more_is_no_end(read: Read, status: str) -> None:
    with Sandbox({ONE: 25}, faults={(ONE, 4): f"always:{status}"}) as api:
        run = read(api, page_size=10)
    assert (run.code, len(run.ids)) == (1, 25)
    assert "api_key" in run.lines("ERROR")[0]


@pytest.mark.parametrize("arguments", [(), ("--discover",)])
def test_a_run_that_has_failed_asks_for_nothing_more(read: Read, arguments: tuple[str, ...]) -> None:
    faults: Faults = {(ONE, 1): "always:401", (TWO, 1): "always:503", (THREE, 1): "always:503"}
    before = threading.enumerate()
    with Sandbox({ONE: 5, TWO: 5, THREE: 5}, faults=faults) as api:
        run = read(api, *arguments)
        assert run.code == 1
        for thread in threading.enumerate():
            if thread.name.startswith("fetcher-") and thread not in before:
                thread.join(10)
                assert not thread.is_alive()


# An empty page


@pytest.mark.parametrize(("metadata", "parallel"), [(None, 1), (None, 4), ("total", 4), ("hasMore", 1)])
def test_an_empty_page_in_the_middle_is_not_the_end(read: Read, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:empty"}, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert came(run) == everybody(api)[:20] + everybody(api)[30:]
    if metadata == "total":
        assert "incomplete: the API states 60 candidates, 50 came" in run.verdicts[ONE]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("total", "the API states 60 candidates, 20 came; page 3 is empty"),
        ("totalPages", "page 3 is empty although the API's `totalPages` says that there is more; 20 came"),
        ("hasMore", "page 3 is empty although the API's `hasMore` says that there is more; 20 came"),
    ],
)
def test_empty_pages_that_a_word_contradicts_make_the_read_incomplete(
    read: Read, metadata: Metadata, said: str
) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, page): "always:empty" for page in range(3, 9)}, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=1)
    assert run.verdicts == {ONE: f"20 read, 20 written, incomplete: {said}"}
    assert f"Interviewer {ONE}: {said}" in run.lines("WARNING")


def test_gaps_without_an_end_are_not_followed_for_ever(read: Read) -> None:
    with Sandbox({ONE: 300}, faults={(ONE, page): "always:empty" for page in range(2, 99, 2)}) as api:
        run = read(api, page_size=2)
        assert len(api.requests) < 150
    assert "incomplete: more than 10 empty pages were followed by candidates" in run.verdicts[ONE]


# Pages that come again


@pytest.mark.parametrize(
    ("past_end", "count", "parallel"),
    [(past_end, count, (1, 4)[turn % 2]) for turn, past_end in enumerate(PAGES_AGAIN) for count in (25, 30)],
)
def test_pages_that_come_again_behind_the_last_one_are_not_written_again(
    read: Read, past_end: PastEnd, count: int, parallel: int
) -> None:
    with Sandbox({ONE: count, TWO: 1}, past_end=past_end) as api:
        run = read(api, interviewer_ids=[ONE], page_size=10, max_parallel_requests=parallel)
        assert run.ids == [held["id"] for held in api.candidates(ONE)]
        assert len(api.requests) <= 4 * 5 + 2 * parallel
    assert run.code == 0
    (line,) = [line for line in run.complaints if "page 4 repeats an earlier page" in line and "read," not in line]
    assert f"{count} candidates came" in line
    # After a full page it may as well be an API that does not look at the number: nobody can tell.
    is_doubtful = count == 30
    assert ("Candidates may be missing" in line) is is_doubtful
    assert (line in run.lines("ERROR")) is is_doubtful
    assert run.verdicts[ONE].startswith(f"{count} read, {count} written, {'in' if is_doubtful else ''}complete")


@pytest.mark.parametrize("past_end", ["repeat", "random"])
def test_a_total_that_is_reached_explains_pages_that_come_again(read: Read, past_end: PastEnd) -> None:
    with Sandbox({ONE: 30}, past_end=past_end, metadata="total") as api:
        run = read(api, page_size=10)
        assert_complete(run, api)
    (line,) = run.complaints
    assert line.endswith("30 candidates came, the API states 30")


@pytest.mark.parametrize(("metadata", "parallel"), [(None, 1), ("total", 4), ("hasMore", 1), ("lies", 4)])
def test_an_api_that_ignores_the_page_is_no_endless_loop(read: Read, metadata: Metadata | None, parallel: int) -> None:
    with Sandbox({ONE: 25}, ignore_page=True, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=parallel)
        assert len(api.requests) <= 12 + 2 * parallel
    assert len(run.ids) == 10
    (line,) = run.lines("ERROR")
    assert "page 2 repeats an earlier page" in line
    assert "Candidates may be missing: the API seems to ignore `page`" in line
    assert run.verdicts[ONE].startswith("10 read, 10 written, incomplete: ")


@pytest.mark.parametrize(
    ("past_end", "lies"),
    [
        *(("empty", ("total-too-high",)), ("repeat", ("total-growing", "more-always")), ("404", ("total-too-high",))),
        *(("random", ("total-too-high",)), ("failure", ("total-growing", "more-always"))),
    ],
)
def test_no_end_and_no_promise_together_keep_a_run_going(read: Read, past_end: PastEnd, lies: tuple[Lie]) -> None:
    with Sandbox({ONE: 45, TWO: 3}, past_end=past_end, metadata="pagination", lies=lies) as api:
        run = read(api, page_size=10)
        assert run.code == 0
        assert came(run) == everybody(api)
        assert len(api.requests) <= most_requests(api, 4) + 20
    assert all("incomplete" in verdict for verdict in run.verdicts.values())


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 4, 16])
@pytest.mark.parametrize("past_end", get_args(PastEnd))
@pytest.mark.parametrize("lie", get_args(Lie))
def test_no_lie_and_no_end_together_cost_a_candidate(read: Read, lie: Lie, past_end: PastEnd, parallel: int) -> None:
    with lying(lie, past_end=past_end) as api:
        run = read(api, page_size=20, max_parallel_requests=parallel)
        assert run.code == 0
        assert came(run) == everybody(api)
        assert len(api.requests) <= most_requests(api, parallel) + 30


# A list that moves while it is read


def assert_nobody_is_lost(run: Run, api: Sandbox) -> None:
    assert run.code == 0
    assert set(run.ids) <= set(api.ever_present(ONE))
    assert set(api.present_throughout(ONE)) <= set(run.ids) or "incomplete" in run.verdicts[ONE]


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        *((kind, "total") for kind in get_args(Move) if kind != "shuffle-ties"),
        *((kind, None) for kind in ("newcomer-first", "newcomer-last", "update-first")),
    ],
)
def test_who_was_there_all_the_time_is_written_however_the_list_moves(
    read: Read, kind: Move, metadata: Metadata | None
) -> None:
    with Sandbox({ONE: 200}, moves=Moves([kind], 6), metadata=metadata) as api:
        run = read(api, page_size=20)
        assert_nobody_is_lost(run, api)
    assert "complete" in run.verdicts[ONE]


def test_a_list_that_never_stands_still_is_read_to_an_end_and_called_incomplete(read: Read) -> None:
    moves = Moves(["deletion", "newcomer-first"], 40, endless=True)
    with Sandbox({ONE: 200}, moves=moves, metadata="total", latency=0.001) as api:
        run = read(api, page_size=20)
        assert len(api.requests) <= 5 * 11
        assert_nobody_is_lost(run, api)
    assert "the list kept moving while it was read" in run.verdicts[ONE]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 4, 16])
@pytest.mark.parametrize("metadata", ["total", "pagination"])
@pytest.mark.parametrize("seed", range(20))
def test_no_mix_of_moves_loses_anybody_in_silence(read: Read, seed: int, metadata: Metadata, parallel: int) -> None:
    kinds = [kind for kind in get_args(Move) if kind != "shuffle-ties"]
    with Sandbox({ONE: 300}, moves=Moves(kinds, 8, seed), metadata=metadata) as api:
        run = read(api, page_size=20, max_parallel_requests=parallel)
        assert_nobody_is_lost(run, api)


# What is new in the middle of a read


def test_each_page_may_have_fields_of_its_own(read: Read) -> None:
    held = [person(1), person(2), person(3, score=5), person(4, score="five", extra=[1]), person(5)]
    with Sandbox({ONE: held}) as api:
        run = read(api, catalog=catalog_of(person(1)), page_size=2)
    assert run.ids == [f"id-{number}" for number in range(1, 6)]
    rescued = {record["id"]: record["_rescued_data"] for record in run.records}
    assert rescued["id-3"] == {"score": 5}
    assert rescued["id-4"] == {"score": "five", "extra": [1]}
    assert rescued["id-5"] is None


def test_a_total_that_grows_with_every_answer_keeps_no_run_going_for_ever(read: Read) -> None:
    asked: list[int] = []

    def api(_: bytes) -> list[bytes]:
        asked.append(len(asked))
        return [ok(json.dumps({"data": [person(1)], "total": 1000 * len(asked)}).encode())]

    with serving(api) as url:
        run = read(Sandbox({ONE: 0}), api_url=url, catalog=catalog_of(person(1)), max_parallel_requests=1)
    assert "incomplete" in run.verdicts[ONE]
    assert len(asked) < 500


@pytest.mark.parametrize("newcomers", [20, 30, 35, 60])
def test_a_bulk_import_of_whole_pages_at_the_top_ends_no_read(read: Read, newcomers: int) -> None:
    rows = [person(number) for number in range(95)]
    before = {row["id"] for row in rows}

    def api(request: bytes) -> list[bytes]:
        number = json.loads(request.partition(b"\r\n\r\n")[2])["page"]
        page = {"data": rows[(number - 1) * 10 : number * 10], "total": len(rows)}
        if number == 3 and len(rows) == 95:
            rows[:0] = [person(number) for number in range(1000, 1000 + newcomers)]
        return [ok(json.dumps(page).encode())]

    with serving(api) as url:
        run = read(Sandbox({ONE: 0}), api_url=url, catalog=catalog_of(person(1)), page_size=10, max_parallel_requests=1)
    assert before <= set(run.ids)
    assert run.verdicts[ONE].endswith(", complete")


def test_what_is_looked_at_again_is_counted_once(read: Read) -> None:
    held = [person(number, zz=1) for number in range(60)]
    with Sandbox({ONE: held}, moves=Moves(["newcomer-first"], 1), metadata="total") as api:
        run = read(api, catalog=catalog_of(person(1)), page_size=20)
    (line,) = [line for line in run.lines("WARNING") if " zz, " in line]
    rescued = sum("zz" in (record["_rescued_data"] or {}) for record in run.records)
    assert len(run.ids) > 60, "some came twice"
    assert line.startswith(f"{rescued} of {len(run.ids)} candidates have the field zz, ")


def test_two_rows_with_one_id_are_both_written_and_warned_of(read: Read) -> None:
    with Sandbox({ONE: [person(1), person(2, status="draft"), person(2, status="hired")]}) as api:
        run = read(api, catalog=catalog_of(person(1)))
    assert [record["status"] for record in run.records][1:] == ["draft", "hired"]
    (line,) = run.complaints
    assert line == (
        f"Interviewer {ONE}: 1 candidate came with the ID of another one on the same page; a target keeps one of each"
    )


# What is measured


def test_the_verdict_is_measured_for_each_interviewer(read: Read) -> None:
    with Sandbox({ONE: 25, TWO: 5}, metadata="total") as api:
        run = read(api, page_size=10)
    points = [point for point in run.metrics if point["metric"].startswith("candidates_")]
    found = {(point["tags"]["context"]["interviewerId"], point["metric"]): point["value"] for point in points}
    assert found == {
        (name, f"candidates_{metric}"): count
        for name, count in ((ONE, 25), (TWO, 5))
        for metric in ("promised", "read", "written")
    }
    assert {point["tags"]["verdict"] for point in points} == {"complete"}


def test_the_sdks_metrics_are_there_for_each_request(read: Read) -> None:
    with Sandbox({ONE: 25}) as api:
        points = read(api, page_size=10, max_parallel_requests=1).metrics
        asked = len(api.requests)
    durations = [point["tags"] for point in points if point["metric"] == "http_request_duration"]
    assert len(durations) >= asked  # a run before may have had some more in flight
    assert {tags["http_status_code"] for tags in durations} == {200}
    assert {tags["stream"] for tags in durations} == {"candidates"}
    values = {point["metric"]: point["value"] for point in points}
    assert values["http_request_count"] == asked
    assert values["record_count"] == 25
    assert "sync_duration" in values
