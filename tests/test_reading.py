"""Reading as a user runs it: what is written, how the read of each Interviewer is judged, and what is requested."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests.runs import catalog_of
from tests.sandbox import Metadata, Move, Moves, PastEnd, Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read
    from tests.runs import Run
    from tests.sandbox.faults import Faults

ONE = "interviewer-1"
TWO = "interviewer-2"
THREE = "interviewer-3"
CATALOG = catalog_of(*Sandbox({ONE: 50}).candidates(ONE))


@pytest.fixture
def read(read: Read) -> Read:
    """Run the tap with a catalog: then it samples nothing, and each request is one of the read."""

    def run(api: Sandbox, *arguments: str, catalog: object = None, **settings: Any) -> Run:
        if "--discover" in arguments:
            return read(api, *arguments, **settings)
        return read(api, *arguments, catalog=catalog or CATALOG, **settings)

    return run


def person(number: int, **fields: object) -> dict[str, Any]:
    return {"id": f"id-{number}", "name": f"Person {number}", **fields}


def body(document: object) -> str:
    """Describe a fault of the sandbox: this answer, with status 200."""
    return f"body:{json.dumps(document)}"


def requested(api: Sandbox, interviewer: str = ONE) -> list[int]:
    """Return the pages that were requested of an Interviewer."""
    return [request["page"] for request in api.requests if request["interviewerId"] == interviewer]


def held(api: Sandbox, *interviewers: str) -> list[tuple[str, str]]:
    """Return the keys of all candidates of some Interviewers, or of all, in the API's order."""
    return [(name, each["id"]) for name in interviewers or api.interviewers for each in api.candidates(name)]


def written(run: Run) -> list[tuple[str, str]]:
    return [(record["interviewerId"], record["id"]) for record in run.records]


def assert_complete(run: Run, api: Sandbox) -> None:
    """Every candidate came, once and in the API's order, and the run reports so without a complaint."""
    assert (run.code, run.complaints) == (0, [])
    assert written(run) == held(api)
    counts = {name: len(api.candidates(name)) for name in api.interviewers}
    assert run.verdicts == {name: f"{count} read, {count} written, complete" for name, count in counts.items()}


def assert_incomplete(run: Run, reason: str, *interviewers: str) -> None:
    """The run ends with 1, STATE and one line that names the reason, and so do the verdicts of these Interviewers."""
    assert (run.code, run.messages[-1]["type"]) == (1, "STATE")
    incomplete = {name: verdict for name, verdict in run.verdicts.items() if ", incomplete: " in verdict}
    assert set(incomplete) == set(interviewers or [ONE])
    (line,) = run.lines("ERROR")
    assert all(reason in text for text in (line, *incomplete.values()))
    assert ("set allow_incomplete" in line) == (": the API states" in line)


# Every candidate, once and in order


@pytest.mark.parametrize("parallel", [1, 4, 16])
def test_every_candidate_of_every_interviewer_arrives_once_and_in_order(read: Read, parallel: int) -> None:
    with Sandbox({ONE: 250, TWO: 30, THREE: 0, "interviewer-4": 1}) as api:
        assert_complete(read(api, page_size=50, max_parallel_requests=parallel), api)


def test_two_rows_with_one_id_on_a_page_are_both_written_and_warned_of(read: Read) -> None:
    with Sandbox({ONE: [person(1), person(2, status="draft"), person(2, status="hired")]}) as api:
        run = read(api, catalog=catalog_of(person(1)))
    assert (run.code, [record["status"] for record in run.records][1:]) == (0, ["draft", "hired"])
    (line,) = run.complaints
    assert line.startswith(f"Interviewer {ONE}: 1 candidate came with the ID of another one on the same page")


# Errors of one Interviewer, and of all

ERRORS = {
    "400": "400 Bad Request: the API says “additionalFields: no custom field has this name”",
    "404": "404 Not Found: the API does not know it; check the IDs in interviewer_ids",
    "success-false": "the API returned 200 but reports a failure: the API says “The database is busy”",
    body({"results": [person(1)], "data": {"items": [person(2)]}}): "the response has more than one list with",
    body({"data": [1, 2]}): "the list of candidates holds a value of type int",
}


@pytest.mark.parametrize("fault", ERRORS)
def test_an_error_of_one_interviewer_does_not_stop_the_others_and_ends_the_run_with_1(read: Read, fault: str) -> None:
    with Sandbox({ONE: 5, TWO: 25}, faults={(ONE, 1): f"always:{fault}"}) as api:
        for allow_incomplete in (False, True):  # which is for totals, not for errors
            run = read(api, page_size=10, allow_incomplete=allow_incomplete)
            assert (run.code, run.messages[-1]["type"], written(run)) == (1, "STATE", held(api, TWO))
            (line,) = run.lines("ERROR")
            assert line.startswith(f"Interviewer {ONE}: page 1: {ERRORS[fault]}")
            assert "allow_incomplete" not in line
            assert run.verdicts[ONE].startswith(f"0 read, 0 written, incomplete: page 1: {ERRORS[fault]}")
            assert run.verdicts[TWO] == "25 read, 25 written, complete"


def test_a_candidate_without_an_id_is_an_error_that_names_interviewer_page_and_index(read: Read) -> None:
    with Sandbox({ONE: [person(1), person(2), {"name": "Ada"}], TWO: 1}) as api:
        run = read(api, page_size=2)
        assert written(run) == [(ONE, "id-1"), (ONE, "id-2"), *held(api, TWO)]
    said = "page 2: the candidate at index 0 has no ID: no interviewId, id or _id; 1 of 2 Interviewers incomplete"
    assert (run.code, run.lines("ERROR")) == (1, [f"Interviewer {ONE}: {said}"])


def test_discovery_warns_of_an_interviewer_that_can_not_be_read_and_fails_only_if_all_can_not(read: Read) -> None:
    faults: Faults = {(ONE, 1): "always:404", (TWO, 1): f"always:{body({'data': [{'name': 'Ada'}]})}"}
    with Sandbox({ONE: 5, TWO: 5, THREE: 5}, faults=faults) as api:
        run = read(api, "--discover")
        assert (run.code, "resumeUrl" in run.out) == (0, True)
        one, two = run.lines("WARNING")
        assert one.startswith(f"Interviewer {ONE}, page 1: 404 ")
        assert two.startswith(f"Interviewer {TWO}, page 1: the candidate at index 0 has no ID")
        run = read(api, "--discover", interviewer_ids=[ONE, TWO])
        assert (run.code, run.out) == (1, "")
        assert run.lines("ERROR") == [one]


@pytest.mark.parametrize("arguments", [(), ("--discover",)])
def test_a_run_that_has_failed_requests_nothing_more(read: Read, arguments: tuple[str, ...]) -> None:
    faults: Faults = {(ONE, 1): "always:401", (TWO, 1): "always:503", (THREE, 1): "always:503"}
    before = threading.enumerate()
    with Sandbox({ONE: 5, TWO: 5, THREE: 5}, faults=faults) as api:
        assert read(api, *arguments).code == 1
        for thread in threading.enumerate():
            if thread.name.startswith("fetcher-") and thread not in before:
                thread.join(10)
                assert not thread.is_alive()


# Where the list is


@pytest.mark.parametrize(
    ("envelope", "metadata"),
    [("body", None), ("data.candidates", "total"), ("results", "total"), ("data.items", "pagination")],
)
def test_the_list_and_the_total_beside_it_are_found_in_every_known_shape(
    read: Read, envelope: str, metadata: Metadata | None
) -> None:
    with Sandbox({ONE: 5, TWO: 5}, envelope=envelope, metadata=metadata) as api:
        assert_complete(read(api, page_size=2, max_parallel_requests=1), api)
        assert requested(api, TWO) == ([1, 2, 3] if metadata else [1, 2, 3, 4] * 2)


@pytest.mark.parametrize("suffix", ["", "[*]"])
def test_another_shape_is_read_where_records_jsonpath_points(read: Read, suffix: str) -> None:
    with Sandbox({ONE: 5}, envelope="payload.rows") as api:
        assert_complete(read(api, page_size=2, records_jsonpath=f"$.payload.rows{suffix}"), api)


# What a list costs that stands still


def test_an_incomplete_read_ends_the_run_with_1_and_with_allow_incomplete_with_0(read: Read) -> None:
    with Sandbox({ONE: 30, TWO: 5}, metadata="total", faults={(ONE, 2): "always:empty"}) as api:
        run, allowed = (read(api, page_size=10, allow_incomplete=allow) for allow in (False, True))
        assert written(run) == written(allowed) == [*held(api, ONE)[:10], *held(api, ONE)[20:], *held(api, TWO)]
    reason = "the API states 30 candidates, 20 came"
    assert_incomplete(run, reason)
    advice = "Run again, and compare with the dashboard; set allow_incomplete if the total counts what is not listed"
    assert run.lines("ERROR") == [f"Interviewer {ONE}: {reason}; 1 of 2 Interviewers incomplete. {advice}"]
    assert (allowed.code, allowed.lines("ERROR"), allowed.verdicts) == (0, [], run.verdicts)
    assert allowed.messages[-1]["type"] == "STATE"


# Behind the last page


@pytest.mark.parametrize("metadata", [None, "total"])
@pytest.mark.parametrize("past_end", get_args(PastEnd))
def test_whatever_comes_behind_the_last_page_the_read_is_complete(
    read: Read, past_end: PastEnd, metadata: Metadata | None
) -> None:
    with Sandbox({ONE: 25, TWO: 20, THREE: 5}, past_end=past_end, metadata=metadata) as api:
        assert_complete(read(api, page_size=10), api)


@pytest.mark.parametrize("metadata", [None, "total"])
@pytest.mark.parametrize("refusal", ["400", "422", "success-false"])
def test_a_limit_of_the_offset_is_no_end_but_incomplete_with_the_apis_reason(
    read: Read, refusal: str, metadata: Metadata | None
) -> None:
    faults: Faults = {(ONE, page): f"always:{refusal}" for page in range(3, 9)}
    with Sandbox({ONE: 45, TWO: 5}, faults=faults, metadata=metadata) as api:
        run = read(api, page_size=10, max_parallel_requests=1)
        assert written(run) == [*held(api, ONE)[:20], *held(api, TWO)]
        assert len([request for request in api.requests if request["limit"] < 10]) == 1
        assert "page_size" in run.verdicts[ONE]
    assert_incomplete(run, "the API says “")


# Pages that fail in the middle, and pages that are empty

GAPS = ["204", "404", "success-false", "empty"]


@pytest.mark.parametrize("metadata", [None, "total"])
@pytest.mark.parametrize("fault", GAPS)
def test_a_page_that_fails_once_is_read_by_a_later_pass(read: Read, fault: str, metadata: Metadata | None) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): [fault]}, metadata=metadata) as api:
        run = read(api, page_size=10)
        keys = held(api)
    assert (run.code, run.complaints) == (0, [])
    assert written(run) == [*keys[:20], *keys[30:], *keys[20:30]]  # behind the others of the Interviewer
    assert run.verdicts == {ONE: "60 read, 60 written, complete"}


# A list that moves while it is read


def assert_no_silent_loss(run: Run, api: Sandbox) -> None:
    assert set(run.ids) <= set(api.ever_present(ONE))
    assert run.code == ("incomplete" in run.verdicts[ONE])
    assert set(api.present_throughout(ONE)) <= set(run.ids) or run.code == 1
    assert run.verdicts[ONE].startswith("{0} read, {0} written,".format(len(set(run.ids))))


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("metadata", ["total", None])
@pytest.mark.parametrize("kind", get_args(Move))
def test_a_candidate_that_is_there_throughout_is_written_however_the_list_moves(
    read: Read, kind: Move, metadata: Metadata | None, parallel: int
) -> None:
    with Sandbox({ONE: 200}, moves=Moves([kind], 6), metadata=metadata) as api:
        before = api.candidates(ONE)
        assert_no_silent_loss(read(api, page_size=20, max_parallel_requests=parallel), api)
        assert api.candidates(ONE) != before


def test_a_list_that_never_stands_still_is_read_in_three_passes_and_called_incomplete(read: Read) -> None:
    with Sandbox({ONE: 200}, moves=Moves(["update-last"], 40, endless=True)) as api:
        run = read(api, page_size=20, max_parallel_requests=1)
        assert_no_silent_loss(run, api)
        assert requested(api).count(12) == 3
    assert_incomplete(run, "the list kept moving")


# What is measured


def test_the_verdict_is_measured_for_each_interviewer(read: Read) -> None:
    with Sandbox({ONE: 25, TWO: 5}, metadata="total", faults={(TWO, 1): "always:400"}) as api:
        run = read(api, page_size=10)
    points = [point for point in run.metrics if point["metric"].startswith("candidates_")]
    found = {(point["tags"]["context"]["interviewerId"], point["metric"]): point["value"] for point in points}
    assert found == {
        **{(ONE, f"candidates_{metric}"): 25 for metric in ("stated", "read", "written")},
        **{(TWO, f"candidates_{metric}"): 0 for metric in ("read", "written")},
    }
    verdicts = {point["tags"]["context"]["interviewerId"]: point["tags"]["verdict"] for point in points}
    assert verdicts == {ONE: "complete", TWO: "incomplete"}


def test_the_sdks_metrics_are_there_for_each_request(read: Read) -> None:
    with Sandbox({ONE: 25}) as api:
        points = read(api, page_size=10, max_parallel_requests=1).metrics
        requests = len(api.requests)
    durations = [point["tags"] for point in points if point["metric"] == "http_request_duration"]
    assert len(durations) >= requests  # a run before may have had some more in flight
    assert {(tags["http_status_code"], tags["stream"]) for tags in durations} == {(200, "candidates")}
    values = {point["metric"]: point["value"] for point in points}
    assert (values["http_request_count"], values["record_count"]) == (requests, 25)
    assert "sync_duration" in values
