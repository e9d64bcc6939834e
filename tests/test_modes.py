"""Single candidates, filters, incremental replication, versions, and the state between runs."""

from __future__ import annotations

import json
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.sandbox import Sandbox
from tests.runs import Run, config_for, start, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read

START = datetime(2026, 1, 1, tzinfo=UTC)


def person(number: int, updated: str | None = None, **fields: Any) -> dict[str, Any]:
    moment = (START + timedelta(days=number)).isoformat().replace("+00:00", "Z")
    return {"id": f"id-{number}", "createdAt": moment, "updatedAt": updated or moment, **fields}


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"one": [person(n) for n in range(5)], "two": [person(n) for n in range(10, 13)]}) as api:
        yield api


def incremental(read: Read, api: Sandbox, key: str = "updatedAt", **metadata: str) -> dict[str, Any]:
    """A discovered catalog with the replication that Meltano's metadata would put there."""
    catalog: dict[str, Any] = json.loads(read(api, "--discover").out)
    entry = catalog["streams"][0]
    del entry["replication_method"]
    root = next(found for found in entry["metadata"] if not found["breadcrumb"])
    root["metadata"] |= {"replication-key": key, "replication-method": "INCREMENTAL", "selected": True} | metadata
    api.requests.clear()
    return catalog


def bookmarks(state: dict[str, Any]) -> dict[str, str]:
    partitions = state["bookmarks"]["candidates"]["partitions"]
    return {partition["context"]["interviewerId"]: partition["replication_key_value"] for partition in partitions}


class TestSingleCandidates:
    def test_each_is_looked_up_with_every_interviewer_until_it_is_found(self, read: Read, api: Sandbox) -> None:
        catalog = json.loads(read(api, "--discover").out)
        api.requests.clear()
        run = read(api, catalog=catalog, interview_ids=["id-11", "id-3", "id-11"], max_parallel_requests=1)
        assert (run.code, run.ids) == (0, ["id-11", "id-3"])
        assert [record["interviewerId"] for record in run.records] == ["two", "one"]
        assert api.requests == [
            {"interviewerId": "one", "interviewId": "id-11"},
            {"interviewerId": "two", "interviewId": "id-11"},
            {"interviewerId": "one", "interviewId": "id-3"},
        ]

    @pytest.mark.parametrize("single", ["list", "data", "candidate"])
    def test_the_candidate_is_found_in_every_known_shape(self, read: Read, api: Sandbox, single: Any) -> None:
        api.single = single
        assert read(api, interview_ids=["id-3"]).ids == ["id-3"]

    def test_one_that_is_nowhere_ends_the_run_after_the_others_were_written(self, read: Read, api: Sandbox) -> None:
        run = read(api, interview_ids=["gone", "id-3", "lost"])
        assert run.code == 1
        assert run.ids == ["id-3"]
        (line,) = run.lines("ERROR")
        assert "gone" in line
        assert "lost" in line
        assert "id-3" not in line

    @pytest.mark.parametrize("body", [{"data": [person(1), person(2)]}, {"data": None}, {"data": []}])
    def test_an_answer_with_others_only_is_none(self, read: Read, api: Sandbox, body: object) -> None:
        api.faults = {("one", "id-4"): f"body:{json.dumps(body)}"}
        assert read(api, interviewer_ids=["one"], interview_ids=["id-4"]).code == 1

    def test_an_empty_list_is_refused_rather_than_everything_read(self, read: Read, api: Sandbox) -> None:
        run = read(api, interview_ids=[])
        assert (run.code, run.out, api.requests) == (1, "", [])

    def test_other_errors_are_errors(self, read: Read, api: Sandbox) -> None:
        api.faults = {("one", "id-3"): "400"}
        run = read(api, interview_ids=["id-3"])
        assert run.code == 1
        assert "interview id-3" in run.lines("ERROR")[0]

    def test_they_come_whatever_the_bookmark_says_and_leave_it_alone(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        state = read(api, catalog=catalog).state
        run = read(api, catalog=catalog, state=state, interview_ids=["id-0"])
        assert run.ids == ["id-0"]
        assert bookmarks(run.state) == bookmarks(state)


class TestFilters:
    def test_a_filter_is_passed_on_with_its_types(self, read: Read, api: Sandbox) -> None:
        filters = {"Manual Score": 50, "weight": 0.1, "review": "50", "isSynced": True}
        read(api, additional_fields=filters)
        assert all(request["additionalFields"] == filters for request in api.requests)
        assert {type(request["additionalFields"]["Manual Score"]) for request in api.requests} == {int}

    def test_a_filter_from_the_environment_keeps_its_types(self, read: Read, api: Sandbox, monkeypatch: Any) -> None:
        monkeypatch.setenv("TAP_INTERVIEWFLOW_ADDITIONAL_FIELDS", '{"Manual Score": 50, "review": "yes"}')
        assert read(api, "--config", "ENV").code == 0
        assert api.requests[0]["additionalFields"] == {"Manual Score": 50, "review": "yes"}

    def test_only_what_matches_is_read(self, read: Read) -> None:
        scores = [49, 50, 51, "50"]
        people = [person(n, additionalFields={"Manual Score": score}) for n, score in enumerate(scores)]
        with Sandbox({"one": people}) as api:
            assert read(api, additional_fields={"Manual Score": 50}, page_size=1).ids == ["id-1", "id-2"]
            assert read(api, additional_fields={"Manual Score": "50"}).ids == ["id-3"]


class TestIncremental:
    def test_a_second_run_writes_what_is_new_at_or_after_the_bookmark(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        first = read(api, catalog=catalog)
        assert len(first.ids) == 8
        assert bookmarks(first.state) == {"one": "2026-01-05T00:00:00Z", "two": "2026-01-13T00:00:00Z"}
        api.append("one", person(6))
        second = read(api, catalog=catalog, state=first.state)
        assert second.ids == ["id-4", "id-6", "id-12"]
        assert bookmarks(second.state) == {"one": "2026-01-07T00:00:00Z", "two": "2026-01-13T00:00:00Z"}

    def test_state_holds_nothing_but_the_bookmarks(self, read: Read, api: Sandbox) -> None:
        (one, _) = read(api, catalog=incremental(read, api)).state["bookmarks"]["candidates"]["partitions"]
        assert one == {
            "context": {"interviewerId": "one"},
            "replication_key": "updatedAt",
            "replication_key_value": "2026-01-05T00:00:00Z",
        }

    @pytest.mark.parametrize(
        ("updated", "is_new"),
        [
            ("2026-01-05T00:00:00.000001Z", True),
            ("2026-01-05T01:00:00+02:00", False),
            ("2026-01-04T23:00:00-02:00", True),
            ("2026-01-05T00:00:00.0Z", True),
            ("2026-01-04T23:59:59.999Z", False),
            (None, True),
            ("soon", True),
            (5, True),
        ],
    )
    def test_times_are_compared_as_times(self, read: Read, updated: object, is_new: bool) -> None:  # noqa: FBT001
        state = {"bookmarks": {"candidates": {"partitions": [
            {"context": {"interviewerId": "one"}, "replication_key": "updatedAt",
             "replication_key_value": "2026-01-05T00:00:00Z"}]}}}  # fmt: skip
        with Sandbox({"one": [person(0)]}) as api:
            catalog = incremental(read, api)
            api.append("one", {"id": "x", "updatedAt": updated})
            assert ("x" in read(api, catalog=catalog, state=state).ids) is is_new

    def test_a_new_interviewer_starts_from_the_start_date(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        state = read(api, catalog=catalog, interviewer_ids=["one"]).state
        run = read(api, catalog=catalog, state=state, start_date="2026-01-12T00:00:00Z")
        assert [key for key in run.ids if key != "id-4"] == ["id-11", "id-12"]

    @pytest.mark.parametrize("start_date", ["2026-01-04", "2026-01-04T00:00:00", "2026-01-04T02:00:00+02:00"])
    def test_the_start_date_leaves_out_what_is_older(self, read: Read, api: Sandbox, start_date: str) -> None:
        run = read(api, catalog=incremental(read, api), interviewer_ids=["one"], start_date=start_date)
        assert run.ids == ["id-3", "id-4"]

    def test_a_time_to_come_does_not_move_the_bookmark_beyond_now(self, read: Read, api: Sandbox) -> None:
        api.append("one", person(99, updated="2999-01-01T00:00:00Z"))
        run = read(api, catalog=incremental(read, api), interviewer_ids=["one"])
        assert bookmarks(run.state)["one"] < "2999"

    def test_the_bookmark_moves_only_when_an_interviewer_was_read_to_its_end(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        api.faults = {("two", 2): "always:400"}
        run = read(api, catalog=catalog, page_size=2)
        assert run.code == 1
        assert [key for key in run.ids if key in {"id-10", "id-11"}] == ["id-10", "id-11"]
        partitions = {
            entry["context"]["interviewerId"]: entry for entry in run.state["bookmarks"]["candidates"]["partitions"]
        }
        assert partitions["one"]["replication_key_value"] == "2026-01-05T00:00:00Z"
        assert "replication_key_value" not in partitions["two"]
        api.faults = {}
        assert read(api, catalog=catalog, state=run.state).ids == ["id-4", "id-10", "id-11", "id-12"]

    def test_stream_maps_and_batches_move_the_bookmark_in_the_same_way(
        self, read: Read, api: Sandbox, tmp_path: Any
    ) -> None:
        catalog = incremental(read, api)
        batch = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
        for settings in ({"stream_maps": {"candidates": {"email": "__NULL__"}}}, {"batch_config": batch}):
            run = read(api, catalog=catalog, **settings)
            assert bookmarks(run.state) == {"one": "2026-01-05T00:00:00Z", "two": "2026-01-13T00:00:00Z"}

    def test_every_page_is_still_read(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        state = read(api, catalog=catalog).state
        api.requests.clear()
        read(api, catalog=catalog, state=state, page_size=1, interviewer_ids=["one"], max_parallel_requests=1)
        assert len(api.requests) == 6

    def test_a_replication_key_in_the_metadata_is_enough(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        entry = catalog["streams"][0]
        entry["replication_method"] = "FULL_TABLE"  # as discovery has left it
        del next(found for found in entry["metadata"] if not found["breadcrumb"])["metadata"]["replication-method"]
        assert bookmarks(read(api, catalog=catalog).state)

    def test_the_catalogs_own_replication_method_wins_over_its_key(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api, **{"replication-method": "FULL_TABLE"})
        run = read(api, catalog=catalog)
        assert run.state == {"bookmarks": {"candidates": {}}}

    @pytest.mark.parametrize(
        ("key", "method"),
        [("nosuch", "INCREMENTAL"), ("name", "INCREMENTAL"), ("id", "INCREMENTAL"), ("updatedAt", "LOG_BASED")],
    )
    def test_a_replication_that_cant_be_is_refused_before_any_candidate(
        self, read: Read, api: Sandbox, key: str, method: str
    ) -> None:
        catalog = incremental(read, api, key, **{"replication-method": method})
        run = read(api, catalog=catalog)
        assert (run.code, run.out) == (1, "")
        assert len(run.lines("ERROR")) == 1
        assert api.requests == []

    def test_incremental_without_a_key_is_refused(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(read, api)
        del next(found for found in catalog["streams"][0]["metadata"] if not found["breadcrumb"])["metadata"][
            "replication-key"
        ]
        run = read(api, catalog=catalog)
        assert (run.code, run.out) == (1, "")
        assert "createdAt" in run.lines("ERROR")[0]


class TestState:
    @pytest.mark.parametrize(
        "state",
        [
            {"bookmarks": []},
            {"bookmarks": {"candidates": []}},
            {"bookmarks": {"candidates": {"partitions": {}}}},
            {"bookmarks": {"candidates": {"partitions": [{"context": {"other": "x"}}]}}},
            {
                "bookmarks": {
                    "candidates": {
                        "partitions": [{"context": {"interviewerId": "one"}, "replication_key_value": "soon"}]
                    }
                }
            },
            {
                "bookmarks": {
                    "candidates": {"partitions": [{"context": {"interviewerId": "one"}, "replication_key_value": 5}]}
                }
            },
            {"candidates": "2026-01-01"},
        ],
    )
    def test_a_state_of_unknown_shape_is_refused(self, read: Read, api: Sandbox, state: object) -> None:
        run = read(api, catalog=incremental(read, api), state=state)
        assert (run.code, run.out) == (1, "")
        (line,) = run.lines("ERROR")
        assert "state" in line

    def test_a_bookmark_of_another_key_is_ignored_with_a_warning(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental(read, api)).state
        run = read(api, catalog=incremental(read, api, "createdAt"), state=state)
        assert len(run.ids) == 8
        assert any("updatedAt" in line and "createdAt" in line for line in run.lines("WARNING"))

    @pytest.mark.parametrize("state", [{}, {"bookmarks": {}}, {"bookmarks": {"candidates": {}}}])
    def test_an_empty_state_is_a_fresh_start(self, read: Read, api: Sandbox, state: object) -> None:
        assert len(read(api, catalog=incremental(read, api), state=state).ids) == 8

    def test_full_table_keeps_its_state_free_of_partitions(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental(read, api)).state
        assert read(api, state=state).state == {"bookmarks": {"candidates": {}}}


class TestVersions:
    def test_the_version_is_activated_once_and_after_everything_else(self, read: Read, api: Sandbox) -> None:
        run = read(api, emit_activate_version_messages=True)
        kinds = [message["type"] for message in run.messages]
        assert kinds == ["SCHEMA", *["RECORD"] * 8, "STATE", "ACTIVATE_VERSION"]
        assert {message["version"] for message in run.of("RECORD")} == {run.messages[-1]["version"]}

    def test_without_the_setting_there_are_no_versions(self, read: Read, api: Sandbox) -> None:
        run = read(api)
        assert run.of("ACTIVATE_VERSION") == []
        assert all("version" not in message for message in run.messages)

    @pytest.mark.parametrize("settings", [{"interview_ids": ["id-1"]}, {"additional_fields": {"Manual Score": 1}}])
    def test_a_partial_read_activates_nothing_and_says_so(self, read: Read, api: Sandbox, settings: Any) -> None:
        run = read(api, emit_activate_version_messages=True, **settings)
        assert (run.code, run.of("ACTIVATE_VERSION")) == (0, [])
        assert any("ACTIVATE_VERSION" in line for line in run.lines("WARNING"))

    def test_a_failed_read_activates_nothing(self, read: Read, api: Sandbox) -> None:
        catalog = json.loads(read(api, "--discover").out)
        api.faults = {("two", 1): "always:400"}
        run = read(api, catalog=catalog, emit_activate_version_messages=True)
        assert (run.code, len(run.ids), run.of("ACTIVATE_VERSION")) == (1, 5, [])

    def test_an_incremental_read_activates_nothing(self, read: Read, api: Sandbox) -> None:
        run = read(api, catalog=incremental(read, api), emit_activate_version_messages=True)
        assert (run.code, run.of("ACTIVATE_VERSION")) == (0, [])

    def test_a_read_that_may_have_missed_candidates_activates_nothing(self, read: Read, api: Sandbox) -> None:
        api.ignore_page = True
        assert read(api, emit_activate_version_messages=True, page_size=2).of("ACTIVATE_VERSION") == []
        api.ignore_page, api.metadata = False, "lies"
        assert read(api, emit_activate_version_messages=True).of("ACTIVATE_VERSION") == []

    def test_after_batches_none_is_sent_as_what_is_in_files_has_no_version(
        self, read: Read, api: Sandbox, tmp_path: Any
    ) -> None:
        batch = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
        run = read(api, emit_activate_version_messages=True, batch_config=batch)
        assert [message["type"] for message in run.messages] == ["SCHEMA", "BATCH", "STATE"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal that it could obey")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_stopped_run_leaves_a_state_that_the_next_one_takes_up_without_loss(
    read: Read, tmp_path: Path, number: signal.Signals
) -> None:
    held = {"one": [person(n) for n in range(5)], "two": [person(n) for n in range(100, 160)]}
    with Sandbox(held, faults={("two", 40): ["hang"]}) as api:
        catalog = incremental(read, api)
        files = ["--config", write(tmp_path / "c.json", config_for(api, page_size=1))]
        process = start(*files, "--catalog", write(tmp_path / "catalog.json", catalog))
        wanted = {"interviewerId": "two", "page": 40, "limit": 1}
        while wanted not in api.requests and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        stopped = Run(process.returncode, out.decode(), err.decode())
        resumed = read(api, catalog=catalog, state=stopped.state)
    assert stopped.code == 128 + number
    assert len(set(stopped.ids)) >= 5
    assert resumed.code == 0, resumed.err
    assert resumed.ids == ["id-4", *(candidate["id"] for candidate in held["two"])]
