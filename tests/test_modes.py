"""Single candidates, filters, incremental replication, versions, and the state between runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import fetcher
from tests.batch_files import batch_config
from tests.runs import catalog_of
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Read
    from tests.runs import Run

START = datetime(2026, 1, 1, tzinfo=UTC)


def person(number: int, updated: datetime | None = None, **fields: Any) -> dict[str, Any]:
    moment = START + timedelta(days=number)
    return {"id": f"id-{number}", "createdAt": rfc3339(moment), "updatedAt": rfc3339(updated or moment), **fields}


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def body(*candidates: Mapping[str, Any]) -> str:
    """Describe a fault of the sandbox: a page with these candidates."""
    return f"body:{json.dumps({'data': candidates})}"


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"one": [person(n) for n in range(5)], "two": [person(n) for n in range(10, 13)]}) as api:
        yield api


CATALOG = catalog_of(person(0))


def incremental(key: str = "updatedAt", **metadata: str) -> dict[str, Any]:
    """Return a catalog with the replication as Meltano's metadata puts it there."""
    catalog = catalog_of(person(0))
    (root,) = (entry["metadata"] for entry in catalog["streams"][0]["metadata"] if not entry["breadcrumb"])
    root.update({"replication-key": key, "replication-method": "INCREMENTAL"} | metadata)
    return catalog


def bookmarks(state: dict[str, Any]) -> dict[str, str | None]:
    entries = state["bookmarks"]["candidates"]["partitions"]
    return {entry["context"]["interviewerId"]: entry.get("replication_key_value") for entry in entries}


def state_of(value: str) -> dict[str, Any]:
    bookmark = {"replication_key": "updatedAt", "replication_key_value": value}
    return {"bookmarks": {"candidates": {"partitions": [{"context": {"interviewerId": "one"}, **bookmark}]}}}


NEWS = [body(person(3)), body(person(3), person(4)), f"always:{body(person(3), person(4), person(7))}"]
DEEP = f"body:{'[' * 100_000}"


class TestLookUps:
    def test_each_candidate_is_looked_up_at_most_once_with_every_interviewer(self, read: Read, api: Sandbox) -> None:
        api.faults = {("one", "id-11"): "always:400"}
        run = read(api, catalog=CATALOG, interview_ids=["id-11", "id-3", "id-11"], max_parallel_requests=1)
        assert (run.code, run.ids) == (0, ["id-11", "id-3"])
        assert [record["interviewerId"] for record in run.records] == ["two", "one"]
        assert api.requests == [
            {"interviewerId": "one", "interviewId": "id-11"},
            {"interviewerId": "two", "interviewId": "id-11"},
            {"interviewerId": "one", "interviewId": "id-3"},
        ]

    @pytest.mark.parametrize("name", ["interviewerId", "jobId"])
    def test_a_record_belongs_to_the_configured_interviewer_that_it_names(self, read: Read, name: str) -> None:
        candidates = [person(1) | {name: "two"}, person(2) | {name: "unknown"}]
        with Sandbox({"one": candidates, "two": 0}) as api:
            run = read(api, catalog=CATALOG, interview_ids=["id-1", "id-2"])
            assert len(api.requests) == 2
        assert [(record["interviewerId"], record["id"]) for record in run.records] == [("two", "id-1"), ("one", "id-2")]

    def test_a_number_names_an_interviewer_too(self, read: Read) -> None:
        with Sandbox({"one": [person(1) | {"jobId": 2}], "2": 0}) as api:
            (record,) = read(api, catalog=CATALOG, interview_ids=["id-1"]).records
        assert record["interviewerId"] == "2"

    def test_a_key_that_is_not_accepted_ends_them_at_once(self, read: Read, api: Sandbox) -> None:
        run = read(api, catalog=CATALOG, api_key="another", interview_ids=[f"id-{number}" for number in range(50)])
        assert len(api.requests) <= 2 * 4
        (line,) = run.lines("ERROR")
        assert (run.code, "401 Unauthorized" in line) == (1, True)

    @pytest.mark.parametrize("fault", ["204", "404", "400", "success-false", body(), 'body:{"data": [5]}', DEEP])
    def test_one_that_is_not_found_fails_the_run_after_the_others(self, read: Read, api: Sandbox, fault: str) -> None:
        api.faults = {(name, "id-3"): f"always:{fault}" for name in api.interviewers}
        run = read(api, catalog=CATALOG, interview_ids=["id-1", "id-3", "id-2"])
        assert (run.code, run.ids) == (1, ["id-1", "id-2"])
        (line,) = run.lines("ERROR")
        assert "id-3" in line
        assert "id-1" not in line

    def test_they_come_whatever_the_bookmark_is_and_leave_it_alone(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        run = read(api, catalog=incremental(), state=state, interview_ids=["id-0"])
        assert (run.ids, bookmarks(run.state)) == (["id-0"], bookmarks(state))


class TestIncremental:
    def test_a_second_run_writes_what_is_at_or_after_the_bookmark_or_without_a_time(
        self, read: Read, api: Sandbox
    ) -> None:
        first = read(api, catalog=incremental())
        assert len(first.ids) == 8
        (one, two) = first.state["bookmarks"]["candidates"]["partitions"]
        assert [one] == state_of("2026-01-05T00:00:00Z")["bookmarks"]["candidates"]["partitions"]
        assert two["replication_key_value"] == "2026-01-13T00:00:00Z"
        api.append("one", person(6), {"id": "x", "updatedAt": "soon"}, {"id": "y"})
        api.requests.clear()
        second = read(api, catalog=incremental(), state=first.state, page_size=1)
        assert second.ids == ["id-4", "id-6", "x", "y", "id-12"]
        assert bookmarks(second.state) == {"one": "2026-01-07T00:00:00Z", "two": "2026-01-13T00:00:00Z"}
        assert {request["page"] for request in api.requests if request["interviewerId"] == "one"} >= {1, 2, 3, 4, 5, 6}
        assert second.verdicts["one"] == "8 read, 4 written since 2026-01-05T00:00:00+00:00, complete"

    @pytest.mark.parametrize("start_date", ["2026-01-12", "2026-01-12T00:00:00", "2026-01-12T02:00:00+02:00"])
    def test_the_start_date_holds_where_there_is_no_bookmark(self, read: Read, api: Sandbox, start_date: str) -> None:
        api.append("one", person(20))
        state = read(api, catalog=incremental(), interviewer_ids=["one"], start_date=start_date).state
        run = read(api, catalog=incremental(), state=state, start_date=start_date)
        assert (run.ids, run.complaints) == (["id-20", "id-11", "id-12"], [])

    @pytest.mark.parametrize("clock", [None, -7200, 7200])
    def test_a_bookmark_stays_ten_minutes_behind_the_request_by_the_earlier_clock(
        self, read: Read, api: Sandbox, clock: int | None
    ) -> None:
        api.append("one", person(99, datetime.now(UTC) + timedelta(days=1)))
        api.clock = clock
        before = datetime.now(UTC)
        (value,) = bookmarks(read(api, catalog=incremental(), interviewer_ids=["one"]).state).values()
        behind = timedelta(seconds=min(clock or 0, 0)) - timedelta(minutes=10)
        # A `Date` has no fraction of a second.
        assert before + behind - timedelta(seconds=1) <= datetime.fromisoformat(str(value))
        assert datetime.fromisoformat(str(value)) <= datetime.now(UTC) + behind

    @pytest.mark.parametrize("where", ["state", "start_date"])
    def test_a_bookmark_in_the_future_is_warned_of(self, read: Read, api: Sandbox, where: str) -> None:
        future = "2999-01-01T00:00:00Z"
        given: dict[str, Any] = {"state": state_of(future)} if where == "state" else {"start_date": future}
        run = read(api, catalog=incremental(), interviewer_ids=["one"], **given)
        assert (run.code, run.ids) == (0, [])
        (line,) = run.complaints
        assert "2999-01-01T00:00:00+00:00 is in the future" in line

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"faults": {("one", 2): "always:401"}}, 1),
            ({"faults": {("one", 1): "always:404"}}, 1),
            ({"faults": {("one", 2): "always:empty"}}, 1),
            ({"faults": {("one", 2): "always:empty"}, "allow_incomplete": True}, 0),
        ],
        ids=str,
    )
    def test_a_bookmark_moves_only_after_a_complete_read_of_its_interviewer(
        self, read: Read, api: Sandbox, options: dict[str, Any], code: int
    ) -> None:
        first = read(api, catalog=incremental())
        api.append("one", person(6), person(7))
        api.append("two", person(20))
        settings = dict(options)
        api.faults = settings.pop("faults")
        run = read(api, catalog=incremental(), state=first.state, page_size=2, **settings)
        is_stopped = "401" in str(options)
        two = "2026-01-13T00:00:00Z" if is_stopped else "2026-01-21T00:00:00Z"
        assert (run.code, bookmarks(run.state)) == (code, {"one": "2026-01-05T00:00:00Z", "two": two})
        said = "Interviewer one: the bookmark stays, as candidates may be missing"
        assert (said in run.lines("WARNING")) is not is_stopped
        api.faults = {}
        run = read(api, catalog=incremental(), state=run.state, interviewer_ids=["one"])
        assert run.ids == ["id-4", "id-6", "id-7"]
        assert bookmarks(run.state)["one"] == "2026-01-08T00:00:00Z"

    def test_maps_and_batches_move_the_bookmark_in_the_same_way(self, read: Read, api: Sandbox, tmp_path: Path) -> None:
        for settings in (
            {"stream_maps": {"candidates": {"email": "__NULL__"}}},
            {"batch_config": batch_config(tmp_path)},
        ):
            run = read(api, catalog=incremental(), **settings)
            assert bookmarks(run.state) == {"one": "2026-01-05T00:00:00Z", "two": "2026-01-13T00:00:00Z"}

    @pytest.mark.parametrize("root", ["file", "unknown://nowhere"])
    def test_a_file_that_can_not_be_written_moves_no_bookmark(
        self, read: Read, api: Sandbox, tmp_path: Path, root: str
    ) -> None:
        (tmp_path / "file").touch()
        batches = batch_config(tmp_path / root if root == "file" else root)
        run = read(api, catalog=incremental(), batch_config=batches)
        assert (run.code, run.of("BATCH"), run.verdicts) == (1, [], {})
        assert bookmarks(run.state) == {"one": None}
        (line,) = run.lines("ERROR")
        assert line.startswith("batch_config can't be used: ")

    @pytest.mark.parametrize(
        ("key", "method"),
        [
            ("Bo Key", "INCREMENTAL"),
            ("name", "INCREMENTAL"),
            ("", "INCREMENTAL"),
            (5, "INCREMENTAL"),
            ("updatedAt", "LOG_BASED"),
        ],
    )
    def test_a_replication_that_is_not_possible_is_refused_before_the_first_request(
        self, read: Read, api: Sandbox, key: str, method: str
    ) -> None:
        catalog = incremental(key, **{"replication-method": method})
        catalog["streams"][0]["schema"]["properties"]["Ann Time"] = {"type": "string", "format": "date-time"}
        run = read(api, catalog=catalog)
        assert (run.code, run.out, api.requests) == (1, "", [])
        (line,) = run.lines("ERROR")
        assert "createdAt" in line or method in line
        assert not [name for name in ("Bo", "Ann") if name in line]  # it may be a person's

    def test_a_replication_method_is_shown_only_if_it_is_a_plain_name(self, read: Read, api: Sandbox) -> None:
        run = read(api, catalog=incremental(**{"replication-method": "Ann's own"}))
        assert (run.code, "Ann" in run.err) == (1, False)


class TestState:
    @pytest.fixture
    def api(self) -> Iterator[Sandbox]:
        people = [person(number, additionalFields={"Score": number % 2}) for number in range(4)]
        with Sandbox({"one": people}) as api:
            yield api

    def test_a_bookmark_of_another_filter_is_ignored_with_a_warning(self, read: Read, api: Sandbox) -> None:
        filters: dict[str, Any] = {"additional_fields": {"Score": 1}}
        first = read(api, catalog=incremental(), **filters)
        state = first.state
        for settings in ({"start_date": "2026-01-02"}, filters, {}, filters):
            run = read(api, catalog=incremental(), state=state, **settings)
            assert run.ids == read(api, catalog=incremental(), **settings).ids
            (line,) = run.complaints
            assert line.startswith("Interviewer one: the bookmark was made with another filter")
            state = run.state
        run = read(api, catalog=incremental(), state=state, **filters)
        assert (run.ids, run.complaints) == (first.ids[-1:], [])

    def test_a_bookmark_of_another_key_is_ignored_with_a_warning(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        run = read(api, catalog=incremental("createdAt"), state=state)
        assert len(run.ids) == 4
        (line,) = run.complaints
        assert all(key in line for key in ("updatedAt", "createdAt"))
        state["bookmarks"]["candidates"]["partitions"][0]["replication_key"] = "Ann's own"
        assert "Ann" not in read(api, catalog=incremental(), state=state).err

    @pytest.mark.parametrize(
        "bookmark",
        [
            {"replication_key": "updatedAt", "replication_key_value": "2026-01-03T00:00:00Z"},
            {"updatedAt": "2026-01-03T00:00:00Z"},
        ],
        ids=str,
    )
    def test_a_classic_bookmark_outside_partitions_is_ignored_with_a_warning(
        self, read: Read, api: Sandbox, bookmark: dict[str, str]
    ) -> None:
        run = read(api, catalog=incremental(), state={"bookmarks": {"candidates": bookmark}})
        assert (run.code, len(run.ids), len(run.complaints)) == (0, 4, 1)
        assert list(run.state["bookmarks"]["candidates"]) == ["partitions"]

    @pytest.mark.parametrize("state", [[], {"bookmarks": []}, state_of("soon")], ids=str)
    def test_a_malformed_state_is_refused_before_any_request(self, read: Read, api: Sandbox, state: object) -> None:
        run = read(api, catalog=incremental(), state=state)
        assert (run.code, run.out, len(run.lines("ERROR")), api.requests) == (1, "", 1, [])

    def test_full_table_keeps_its_state_free_of_bookmarks(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        state["bookmarks"]["candidates"]["replication_key_value"] = "2026-01-03T00:00:00Z"
        assert read(api, state=state).state == {"bookmarks": {"candidates": {}}}


class TestVersions:
    """A target deletes nothing that was merely missed."""

    def run(self, read: Read, api: Sandbox, **settings: Any) -> Run:
        given = {"catalog": CATALOG, "emit_activate_version_messages": True, "page_size": 3} | settings
        return read(api, **given)

    def reason(self, run: Run) -> str:
        """Return why nothing is deleted, by the one warning of it."""
        assert run.of("ACTIVATE_VERSION") == []
        (line,) = [line for line in run.lines("WARNING") if "ACTIVATE_VERSION" in line]
        return line.removeprefix("No ACTIVATE_VERSION is sent, so nothing is deleted: ")

    @pytest.mark.parametrize(
        ("metadata", "settings"),
        [(None, {}), ("total", {"catalog": None}), ("total", {"stream_maps": {"candidates": {"a": "id"}}})],
        ids=str,
    )
    def test_the_version_is_activated_once_and_after_everything_else(
        self, read: Read, api: Sandbox, metadata: Any, settings: dict[str, Any]
    ) -> None:
        api.metadata = metadata
        run = self.run(read, api, **settings)
        kinds = [message["type"] for message in run.messages]
        assert kinds == ["SCHEMA", *["RECORD"] * 8, "STATE", "ACTIVATE_VERSION"]
        assert {message["version"] for message in run.of("RECORD")} == {run.messages[-1]["version"]}
        assert run.complaints == []

    @pytest.mark.parametrize(
        ("reason", "settings"),
        [
            ("interview_ids", {"interview_ids": ["id-1"]}),
            ("additional_fields", {"additional_fields": {"Manual Score": 1}}),
            ("__filter__", {"stream_maps": {"candidates": {"__filter__": "id != 'id-1'"}}}),
            ("INCREMENTAL", {"catalog": incremental()}),
            ("batch files", {"batch_config": batch_config}),
        ],
    )
    def test_a_partial_run_deletes_nothing_and_warns(
        self, read: Read, api: Sandbox, tmp_path: Path, reason: str, settings: dict[str, Any]
    ) -> None:
        given = {name: value(tmp_path) if callable(value) else value for name, value in settings.items()}
        run = self.run(read, api, **given)
        assert (run.code, reason in self.reason(run)) == (0, True)

    @pytest.mark.parametrize(
        ("options", "code", "reason"),
        [
            ({"metadata": "too-high"}, 1, "not everything was read of Interviewer one"),
            ({"metadata": "too-high", "allow_incomplete": True}, 0, "not everything was read of Interviewer one"),
            ({"faults": {("two", 1): "always:400"}}, 1, "not everything was read of Interviewer two"),
            ({"faults": {("two", 1): "always:401"}}, 1, "the run ended early"),
            ({"faults": {("one", 2): NEWS}}, 0, "Interviewer one: its last pass brought new candidates"),
            ({"metadata": "more-always"}, 0, "Interviewer one: the API states that there are more"),
        ],
        ids=str,
    )
    def test_a_read_that_may_have_missed_candidates_deletes_nothing_and_warns(
        self, read: Read, api: Sandbox, options: dict[str, Any], code: int, reason: str
    ) -> None:
        allow_incomplete = "allow_incomplete" in options
        for name, value in options.items():
            setattr(api, name, value)
        run = self.run(read, api, allow_incomplete=allow_incomplete)
        assert (run.code, self.reason(run).startswith(reason)) == (code, True)

    @pytest.mark.parametrize("name", ["interviewerId", "jobId"])
    def test_candidates_that_name_another_configured_interviewer_delete_nothing(self, read: Read, name: str) -> None:
        with Sandbox({"one": [person(1) | {name: "two"}], "two": [person(2) | {name: "unknown"}]}) as api:
            assert "one" in self.reason(self.run(read, api))
            assert len(self.run(read, api, interviewer_ids=["two"]).of("ACTIVATE_VERSION")) == 1

    def test_only_a_run_without_a_single_candidate_deletes_nothing(self, read: Read) -> None:
        with Sandbox({"one": 0, "two": 3}) as api:
            assert len(self.run(read, api).of("ACTIVATE_VERSION")) == 1
            run = self.run(read, api, interviewer_ids=["one"])
            assert self.reason(run) == "no Interviewer has a single candidate"


class TestSamples:
    def test_a_page_that_was_sampled_is_requested_again_by_later_passes_only(self, read: Read, api: Sandbox) -> None:
        run = read(api, page_size=2, max_parallel_requests=1)
        asked = [(request["interviewerId"], request["page"]) for request in api.requests]
        assert asked[:9] == [("one", 1), ("two", 1), *(("one", page) for page in (2, 3, 4, 1, 2, 3, 4))]
        assert len(run.ids) == 8

    def test_a_page_that_is_conformed_in_parts_is_written_whole(
        self, read: Read, api: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetcher, "MAX_CONFORMED", 3)
        run = read(api, catalog=catalog_of())
        assert run.ids == [each["id"] for name in api.interviewers for each in api.candidates(name)]
        assert "8 of 8 candidates" in "".join(run.lines("WARNING"))

    @pytest.mark.parametrize(("limit", "value"), [("MAX_SAMPLED", 0), ("MAX_AGE", 0.0)])
    def test_a_sample_that_is_large_or_old_is_requested_anew(
        self, read: Read, api: Sandbox, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
    ) -> None:
        monkeypatch.setattr(fetcher, limit, value)
        api.metadata = "total"
        run = read(api, page_size=2, max_parallel_requests=1, interviewer_ids=["two"])
        assert [request["page"] for request in api.requests] == [1, 1, 2]
        assert len(run.ids) == 3
