"""Single candidates, filters, incremental replication, versions, and the state between runs."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tap_interviewflow import reader
from tap_interviewflow.shutdown import Shutdown
from tests.runs import catalog_of
from tests.sandbox import Move, Moves, Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Read
    from tests.runs import Run

START = datetime(2026, 1, 1, tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def person(number: int, updated: str | None = None, **fields: Any) -> dict[str, Any]:
    moment = rfc3339(START + timedelta(days=number))
    return {"id": f"id-{number}", "createdAt": moment, "updatedAt": updated or moment, **fields}


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"one": [person(n) for n in range(5)], "two": [person(n) for n in range(10, 13)]}) as api:
        yield api


CATALOG = catalog_of(person(0))


def incremental(key: str = "updatedAt", **metadata: str) -> dict[str, Any]:
    """A catalog with the replication that Meltano's metadata would put there."""
    catalog = catalog_of(person(0))
    root(catalog).update({"replication-key": key, "replication-method": "INCREMENTAL"} | metadata)
    return catalog


def root(catalog: dict[str, Any]) -> dict[str, Any]:
    """What a catalog says of the stream."""
    (metadata,) = (entry["metadata"] for entry in catalog["streams"][0]["metadata"] if not entry["breadcrumb"])
    found: dict[str, Any] = metadata
    return found


def bookmarks(state: dict[str, Any]) -> dict[str, str | None]:
    entries = state["bookmarks"]["candidates"]["partitions"]
    return {entry["context"]["interviewerId"]: entry.get("replication_key_value") for entry in entries}


def batches_in(folder: Path) -> dict[str, Any]:
    return {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": str(folder)}}


class TestSingleCandidates:
    def test_each_is_looked_up_with_every_interviewer_until_it_is_found(self, read: Read, api: Sandbox) -> None:
        run = read(api, catalog=CATALOG, interview_ids=["id-11", "id-3", "id-11"], max_parallel_requests=1)
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

    @pytest.mark.parametrize("fault", ["always:400", "always:success-false", "always:422"])
    def test_one_that_is_refused_does_not_stop_the_others_and_fails_the_run(
        self, read: Read, api: Sandbox, fault: str
    ) -> None:
        api.faults = {("one", "id-3"): fault}
        run = read(api, catalog=CATALOG, interview_ids=["id-1", "id-3", "id-2"])
        assert (run.code, run.ids) == (1, ["id-1", "id-2"])
        (line,) = run.lines("ERROR")
        assert line.startswith("Interviewer one, interview id-3: ")

    def test_one_that_another_interviewer_has_is_found_although_the_first_refuses(
        self, read: Read, api: Sandbox
    ) -> None:
        api.faults = {("one", "id-11"): "always:400"}
        run = read(api, catalog=CATALOG, interview_ids=["id-11"])
        assert (run.code, run.ids) == (0, ["id-11"])

    @pytest.mark.parametrize(
        "answer",
        [
            {"data": {"id": "id-3", "candidate": {"id": "p9", "name": "Ada"}}},
            {"candidate": {"id": "p9", "name": "Ada"}, "interview": {"_id": "id-3"}},
            {"data": [{"id": "p8"}, {"id": "id-3"}]},
        ],
        ids=json.dumps,
    )
    def test_the_interview_is_found_where_a_person_has_an_id_too(
        self, read: Read, api: Sandbox, answer: Mapping[str, Any]
    ) -> None:
        api.faults = {("one", "id-3"): f"body:{json.dumps(answer)}"}
        run = read(api, catalog=CATALOG, interviewer_ids=["one"], interview_ids=["id-3"])
        assert (run.code, run.ids) == (0, ["id-3"])
        assert ("Ada" in json.dumps(run.records, default=str)) is ("Ada" in json.dumps(answer))

    def test_they_come_whatever_the_bookmark_says_and_leave_it_alone(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        state = read(api, catalog=catalog).state
        run = read(api, catalog=catalog, state=state, interview_ids=["id-0"])
        assert run.ids == ["id-0"]
        assert bookmarks(run.state) == bookmarks(state)


class TestFilters:
    def test_only_what_matches_is_read(self, read: Read) -> None:
        scores = [49, 50, 51, "50"]
        people = [person(n, additionalFields={"Manual Score": score}) for n, score in enumerate(scores)]
        with Sandbox({"one": people}) as api:
            assert read(api, additional_fields={"Manual Score": 50}, page_size=1).ids == ["id-1", "id-2"]
            assert read(api, additional_fields={"Manual Score": "50"}).ids == ["id-3"]


class TestIncremental:
    def test_a_second_run_writes_what_is_new_at_or_after_the_bookmark(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        first = read(api, catalog=catalog)
        assert len(first.ids) == 8
        assert bookmarks(first.state) == {"one": "2026-01-05T00:00:00Z", "two": "2026-01-13T00:00:00Z"}
        api.append("one", person(6))
        second = read(api, catalog=catalog, state=first.state)
        assert second.ids == ["id-4", "id-6", "id-12"]
        assert bookmarks(second.state) == {"one": "2026-01-07T00:00:00Z", "two": "2026-01-13T00:00:00Z"}

    def test_state_holds_nothing_but_the_bookmarks(self, read: Read, api: Sandbox) -> None:
        (one, _) = read(api, catalog=incremental()).state["bookmarks"]["candidates"]["partitions"]
        assert one == {
            "context": {"interviewerId": "one"},
            "replication_key": "updatedAt",
            "replication_key_value": "2026-01-05T00:00:00Z",
        }

    @pytest.mark.parametrize(
        ("updated", "is_new"),
        [
            ("2026-01-05T01:00:00+02:00", False),
            ("2026-01-04T23:00:00-02:00", True),
            (None, True),
            ("soon", True),
        ],
    )
    def test_times_are_compared_as_times(self, read: Read, updated: object, is_new: bool) -> None:  # noqa: FBT001
        state = {"bookmarks": {"candidates": {"partitions": [
            {"context": {"interviewerId": "one"}, "replication_key": "updatedAt",
             "replication_key_value": "2026-01-05T00:00:00Z"}]}}}  # fmt: skip
        with Sandbox({"one": [person(0)]}) as api:
            catalog = incremental()
            api.append("one", {"id": "x", "updatedAt": updated})
            assert ("x" in read(api, catalog=catalog, state=state).ids) is is_new

    def test_a_new_interviewer_starts_from_the_start_date(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        state = read(api, catalog=catalog, interviewer_ids=["one"]).state
        run = read(api, catalog=catalog, state=state, start_date="2026-01-12T00:00:00Z")
        assert [key for key in run.ids if key != "id-4"] == ["id-11", "id-12"]

    @pytest.mark.parametrize("start_date", ["2026-01-04", "2026-01-04T00:00:00", "2026-01-04T02:00:00+02:00"])
    def test_the_start_date_leaves_out_what_is_older(self, read: Read, api: Sandbox, start_date: str) -> None:
        run = read(api, catalog=incremental(), interviewer_ids=["one"], start_date=start_date)
        assert run.ids == ["id-3", "id-4"]

    def test_a_time_to_come_does_not_move_the_bookmark_beyond_now(self, read: Read, api: Sandbox) -> None:
        api.append("one", person(99, updated="2999-01-01T00:00:00Z"))
        run = read(api, catalog=incremental(), interviewer_ids=["one"])
        (value,) = bookmarks(run.state).values()
        assert value is not None
        assert START < datetime.fromisoformat(value) <= datetime.now(UTC)

    @pytest.mark.parametrize("catalog", [incremental(), None], ids=["catalog", "sample"])
    def test_no_bookmark_is_later_than_the_clock_of_the_api(
        self, read: Read, api: Sandbox, catalog: dict[str, Any] | None
    ) -> None:
        # Two hours behind: who changes an hour from now, by that clock, would be older than a bookmark of this moment.
        changed = datetime.now(UTC) - timedelta(hours=1)
        api.append("one", person(99, updated=rfc3339(changed)))
        api.clock = -7200.0
        if catalog is None:
            catalog = json.loads(read(api, "--discover").out)
            root(catalog).update({"replication-key": "updatedAt", "replication-method": "INCREMENTAL"})
        run = read(api, catalog=catalog, interviewer_ids=["one"])
        (value,) = bookmarks(run.state).values()
        assert value is not None
        assert datetime.fromisoformat(value) <= changed - timedelta(minutes=30)

    def test_a_clock_of_the_api_that_is_ahead_moves_no_bookmark_into_the_future(self, read: Read, api: Sandbox) -> None:
        api.append("one", person(99, updated=rfc3339(datetime.now(UTC) + timedelta(hours=1))))
        api.clock = 7200.0
        run = read(api, catalog=incremental(), interviewer_ids=["one"])
        (value,) = bookmarks(run.state).values()
        assert value is not None
        assert datetime.fromisoformat(value) <= datetime.now(UTC)

    @pytest.mark.parametrize("where", ["state", "start_date"])
    def test_a_bookmark_in_the_future_is_warned_of(self, read: Read, api: Sandbox, where: str) -> None:
        state, settings = None, {"start_date": "2999-01-01T00:00:00Z"}
        if where == "state":
            state, settings = {"bookmarks": {"candidates": {"partitions": [
                {"context": {"interviewerId": "one"}, "replication_key": "updatedAt",
                 "replication_key_value": "2999-01-01T00:00:00Z"}]}}}, {}  # fmt: skip
        run = read(api, catalog=incremental(), interviewer_ids=["one"], state=state, **settings)
        assert (run.code, run.ids) == (0, [])
        (line,) = run.complaints
        assert line.startswith("Interviewer one: the bookmark or start_date 2999-01-01T00:00:00+00:00 is in the future")

    def test_the_verdict_says_how_many_are_new_and_since_when(self, read: Read, api: Sandbox) -> None:
        run = read(api, catalog=incremental(), start_date="2026-01-04")
        since = "since 2026-01-04T00:00:00+00:00"
        assert run.verdicts == {
            "one": f"5 read, 2 written {since}, complete",
            "two": f"3 read, 3 written {since}, complete",
        }

    def test_the_bookmark_moves_only_when_an_interviewer_was_read_to_its_end(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        api.faults = {("two", 2): "always:401"}
        run = read(api, catalog=catalog, page_size=2)
        assert run.code == 1
        assert [key for key in run.ids if key in {"id-10", "id-11"}] == ["id-10", "id-11"]
        assert bookmarks(run.state) == {"one": "2026-01-05T00:00:00Z", "two": None}
        api.faults = {}
        assert read(api, catalog=catalog, state=run.state).ids == ["id-4", "id-10", "id-11", "id-12"]

    @pytest.mark.parametrize("habits", [{"metadata": "lies"}, {"ignore_page": True}], ids=str)
    def test_the_bookmark_stays_where_candidates_may_be_missing(
        self, read: Read, api: Sandbox, habits: dict[str, Any]
    ) -> None:
        first = read(api, catalog=incremental())
        api.append("one", person(6))
        for name, value in habits.items():
            setattr(api, name, value)
        run = read(api, catalog=incremental(), state=first.state, page_size=6)
        assert "id-6" in run.ids
        assert bookmarks(run.state) == bookmarks(first.state)
        assert "Interviewer one: the bookmark stays, as candidates may be missing" in run.lines("WARNING")

    def test_stream_maps_and_batches_move_the_bookmark_in_the_same_way(
        self, read: Read, api: Sandbox, tmp_path: Path
    ) -> None:
        for settings in (
            {"stream_maps": {"candidates": {"email": "__NULL__"}}},
            {"batch_config": batches_in(tmp_path)},
        ):
            run = read(api, catalog=incremental(), **settings)
            assert bookmarks(run.state) == {"one": "2026-01-05T00:00:00Z", "two": "2026-01-13T00:00:00Z"}

    def test_the_bookmark_stays_where_the_last_file_could_not_be_written(
        self, read: Read, api: Sandbox, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        config = batches_in(tmp_path)
        config["storage"]["prefix"] = "file/"
        run = read(api, catalog=incremental(), batch_config=config)
        assert (run.code, run.of("BATCH")) == (1, [])
        assert bookmarks(run.state) == {"one": None}
        (line,) = run.lines("ERROR")
        assert line.startswith("batch_config can't be used: ")
        assert run.verdicts == {}

    def test_in_files_each_interviewer_is_judged_once_they_are_written(
        self, read: Read, api: Sandbox, tmp_path: Path
    ) -> None:
        run = read(api, batch_config=batches_in(tmp_path))
        assert run.verdicts == {"one": "5 read, 5 written, complete", "two": "3 read, 3 written, complete"}

    def test_every_page_is_still_read(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        api.requests.clear()
        run = read(api, catalog=incremental(), state=state, page_size=1, interviewer_ids=["one"])
        assert {body["page"] for body in api.requests} >= {1, 2, 3, 4, 5}
        assert run.verdicts == {"one": "5 read, 1 written since 2026-01-05T00:00:00+00:00, complete"}

    def test_a_replication_key_in_the_metadata_is_enough(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        entry = catalog["streams"][0]
        entry["replication_method"] = "FULL_TABLE"  # as discovery has left it
        del next(found for found in entry["metadata"] if not found["breadcrumb"])["metadata"]["replication-method"]
        assert bookmarks(read(api, catalog=catalog).state)

    def test_the_catalogs_own_replication_method_wins_over_its_key(self, read: Read, api: Sandbox) -> None:
        catalog = incremental(**{"replication-method": "FULL_TABLE"})
        run = read(api, catalog=catalog)
        assert run.state == {"bookmarks": {"candidates": {}}}

    @pytest.mark.parametrize(
        ("key", "method"),
        [("nosuch", "INCREMENTAL"), ("name", "INCREMENTAL"), ("id", "INCREMENTAL"), ("updatedAt", "LOG_BASED")],
    )
    def test_a_replication_that_cant_be_is_refused_before_any_candidate(
        self, read: Read, api: Sandbox, key: str, method: str
    ) -> None:
        catalog = incremental(key, **{"replication-method": method})
        run = read(api, catalog=catalog)
        assert (run.code, run.out) == (1, "")
        assert len(run.lines("ERROR")) == 1
        assert api.requests == []

    def test_no_name_that_may_be_a_persons_is_in_the_line(self, read: Read, api: Sandbox) -> None:
        catalog = incremental("Bo Key")
        catalog["streams"][0]["schema"]["properties"]["Ann Time"] = {"type": "string", "format": "date-time"}
        (line,) = read(api, catalog=catalog).lines("ERROR")
        assert "the replication key (a name of 6 characters) is not" in line
        assert "(a name of 8 characters)" in line
        assert "Bo" not in line
        assert "Ann" not in line

    def test_incremental_without_a_key_is_refused(self, read: Read, api: Sandbox) -> None:
        catalog = incremental()
        del next(found for found in catalog["streams"][0]["metadata"] if not found["breadcrumb"])["metadata"][
            "replication-key"
        ]
        run = read(api, catalog=catalog)
        assert (run.code, run.out) == (1, "")
        assert "createdAt" in run.lines("ERROR")[0]


class TestBookmarksAndFilters:
    """A bookmark holds for the filter that it was made with."""

    @pytest.fixture
    def api(self) -> Iterator[Sandbox]:
        held = [person(number, additionalFields={"Score": number % 2}) for number in range(4)]
        with Sandbox({"one": held}) as api:
            yield api

    def test_another_filter_starts_afresh_and_so_does_the_way_back(self, read: Read, api: Sandbox) -> None:
        everybody, odd = ["id-0", "id-1", "id-2", "id-3"], ["id-1", "id-3"]
        state = read(api, catalog=incremental()).state
        for filters, expected in (
            ({"Score": 1}, odd),
            (None, everybody),
            ({"Score": 1}, odd),
            ({"Score": 0}, everybody),
        ):
            run = read(api, catalog=incremental(), state=state, additional_fields=filters)
            assert run.ids == expected
            (line,) = run.complaints
            assert line == (
                "Interviewer one: the bookmark was made with other additional_fields, and is ignored: all candidates "
                "are written"
            )
            state = run.state

    @pytest.mark.parametrize("filters", [{"Score": 0}, {"Score": 0, "a": "x", "b": True}], ids=str)
    def test_the_same_filter_goes_on_from_its_bookmark(self, read: Read, api: Sandbox, filters: dict[str, Any]) -> None:
        for held in api.candidates("one"):
            held["additionalFields"] |= {"a": "x", "b": True}
        state = read(api, catalog=incremental(), additional_fields=filters).state
        again = dict(reversed(filters.items()))
        run = read(api, catalog=incremental(), state=state, additional_fields=again)
        assert run.ids == ["id-3"]
        assert run.complaints == []

    def test_a_filter_of_another_type_is_another_filter(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental(), additional_fields={"Score": 1}).state
        run = read(api, catalog=incremental(), state=state, additional_fields={"Score": "1"})
        assert [line for line in run.complaints if "additional_fields" in line]

    def test_the_state_does_not_hold_what_is_filtered_by(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental(), additional_fields={"Score": 1, "Name": "Ada Lovelace"}).state
        assert "Score" not in json.dumps(state)
        assert "Ada" not in json.dumps(state)


class TestState:
    def test_a_bookmark_of_another_key_is_ignored_with_a_warning(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        run = read(api, catalog=incremental("createdAt"), state=state)
        assert len(run.ids) == 8
        assert any("updatedAt" in line and "createdAt" in line for line in run.lines("WARNING"))

    def test_full_table_keeps_its_state_free_of_partitions(self, read: Read, api: Sandbox) -> None:
        state = read(api, catalog=incremental()).state
        assert read(api, state=state).state == {"bookmarks": {"candidates": {}}}


NOBODY = f"body:{json.dumps({'data': []})}"


def empty_from(page: int, visit: int) -> Any:
    """Have a page be empty from some visit on."""
    return lambda body, visits: "empty" if body["page"] == page and visits >= visit else None


class TestVersions:
    """A target deletes nothing that was merely missed."""

    def run(self, read: Read, api: Sandbox, **settings: Any) -> Run:
        given = {"catalog": CATALOG, "emit_activate_version_messages": True, "page_size": 3} | settings
        return read(api, **given)

    def reason(self, run: Run) -> str:
        """Why nothing is deleted, as the one warning says that there is."""
        assert run.code == 0
        assert run.of("ACTIVATE_VERSION") == []
        start = "No ACTIVATE_VERSION is sent, so nothing is deleted: "
        (line,) = [line for line in run.lines("WARNING") if "ACTIVATE_VERSION" in line]
        assert line.startswith(start)
        return line.removeprefix(start)

    @pytest.mark.parametrize(
        ("metadata", "settings"),
        [
            *((metadata, {}) for metadata in (None, "total", "pagination", "hasMore")),
            *((metadata, {"catalog": None}) for metadata in (None, "total")),
            ("total", {"stream_maps": {"candidates": {"a": "id"}}}),
        ],
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

    def test_without_the_setting_there_are_no_versions(self, read: Read, api: Sandbox) -> None:
        run = self.run(read, api, emit_activate_version_messages=False)
        assert all("version" not in message for message in run.messages)
        assert run.of("ACTIVATE_VERSION") == []

    @pytest.mark.parametrize("metadata", [None, "total", "hasMore"])
    def test_everything_is_looked_at_a_second_time(self, read: Read, api: Sandbox, metadata: Any) -> None:
        api.metadata = metadata
        self.run(read, api, max_parallel_requests=1)
        # Two pages and their end, and the same again; of the second Interviewer a full page and its end.
        asked = [(body["interviewerId"], body["page"]) for body in api.requests]
        assert asked == [*[("one", page) for page in (1, 2, 3, 1, 2, 3)],
                         *[("two", page) for page in (1, 2, 3, 1, 2)]]  # fmt: skip

    def test_two_changes_that_leave_the_total_as_it_was_delete_nobody(self, read: Read) -> None:
        rows = [person(number) for number in range(150)]

        def api(request: bytes) -> list[bytes]:
            number = json.loads(request.partition(b"\r\n\r\n")[2])["page"]
            page = ok(json.dumps({"data": rows[(number - 1) * 100 : number * 100], "total": len(rows)}).encode())
            if rows[9]["id"] == "id-9":
                rows.append(person(1000))
                del rows[9]
            return [page]

        with serving(api) as url:
            run = read(Sandbox({"one": 0}), api_url=url, page_size=100, catalog=CATALOG,
                       emit_activate_version_messages=True, max_parallel_requests=1)  # fmt: skip
        assert self.reason(run) == "a second look at Interviewer one found other candidates"
        assert set(run.ids) > {row["id"] for row in rows}

    @pytest.mark.parametrize(
        ("settings", "reason"),
        [
            ({"interview_ids": ["id-1"]}, "only single candidates are read"),
            ({"additional_fields": {"Manual Score": 1}}, "additional_fields leaves candidates out"),
            (
                {"stream_maps": {"candidates": {"__filter__": "id != 'id-1'"}}},
                "a __filter__ in stream_maps leaves candidates out",
            ),
        ],
        ids=str,
    )
    def test_a_partial_read_activates_nothing_and_asks_nothing_twice(
        self, read: Read, api: Sandbox, settings: dict[str, Any], reason: str
    ) -> None:
        assert self.reason(self.run(read, api, **settings)) == reason
        asked = [tuple(body.items()) for body in api.requests if "additionalFields" not in body]
        assert len(asked) == len(set(asked))

    def test_after_batches_none_is_sent_as_what_is_in_files_has_no_version(
        self, read: Read, api: Sandbox, tmp_path: Path
    ) -> None:
        run = self.run(read, api, batch_config=batches_in(tmp_path))
        assert [message["type"] for message in run.messages] == ["SCHEMA", "BATCH", "STATE"]
        assert self.reason(run) == "rows in batch files carry no version"

    def test_an_incremental_read_activates_nothing(self, read: Read, api: Sandbox) -> None:
        run = self.run(read, api, catalog=incremental())
        assert (run.code, run.of("ACTIVATE_VERSION")) == (0, [])

    @pytest.mark.parametrize(
        "habits",
        [
            {"metadata": "lies"},
            {"metadata": "pagination", "lies": "more-always"},
            {"ignore_page": True},
            {"past_end": "repeat"},
            {"faults": {("one", page): "always:empty" for page in range(2, 9)}, "metadata": "totalPages"},
            {"faults": {("one", page): "always:404" for page in range(2, 9)}, "metadata": "total"},
        ],
        ids=str,
    )
    def test_a_read_that_may_have_missed_candidates_activates_nothing(
        self, read: Read, api: Sandbox, habits: dict[str, Any]
    ) -> None:
        for name, value in habits.items():
            setattr(api, name, value)
        # With 5 and 3 candidates on pages of 3, the only page of the second Interviewer is full.
        run = self.run(read, api)
        assert self.reason(run).startswith("not everything was read of Interviewer ")
        assert [verdict for verdict in run.verdicts.values() if "incomplete" in verdict]

    def test_one_incomplete_interviewer_keeps_the_rows_of_all(self, read: Read, api: Sandbox) -> None:
        api.faults = {("two", page): "always:empty" for page in range(1, 9)}
        api.metadata = "total"
        run = self.run(read, api)
        assert run.verdicts["one"].endswith("5 written, complete")
        assert self.reason(run) == "not everything was read of Interviewer two"

    def test_a_read_without_a_single_candidate_activates_nothing(self, read: Read) -> None:
        with Sandbox({"one": 0, "two": 0}) as api:
            assert self.reason(self.run(read, api)) == "no Interviewer has a single candidate"

    def test_an_interviewer_without_candidates_is_asked_again_at_the_end(self, read: Read) -> None:
        with Sandbox({"one": 0, "two": 3}, metadata="total") as api:
            run = self.run(read, api, max_parallel_requests=1)
            asked = [body["interviewerId"] for body in api.requests]
        assert asked[-2:] == ["two", "one"]
        assert len(run.of("ACTIVATE_VERSION")) == 1

    def test_who_comes_to_an_empty_interviewer_before_the_second_look_is_written(
        self, read: Read, api: Sandbox
    ) -> None:
        api.metadata = "total"
        api.faults = {("one", 1): [NOBODY]}
        run = self.run(read, api)
        assert sorted(run.ids) == sorted(held["id"] for name in api.interviewers for held in api.candidates(name))
        assert len(run.of("ACTIVATE_VERSION")) == 1

    @pytest.mark.parametrize("metadata", [None, "total"])
    def test_an_interviewer_that_has_somebody_only_at_the_end_activates_nothing(
        self, read: Read, api: Sandbox, metadata: Any
    ) -> None:
        api.metadata = metadata
        api.faults = {("one", 1): [NOBODY, NOBODY]}
        run = self.run(read, api)
        assert self.reason(run) == "an Interviewer that had no candidate has some now"
        assert run.verdicts["one"] == "0 read, 0 written, complete"

    @pytest.mark.parametrize(
        "faults",
        [
            empty_from(page=2, visit=2),
            {("one", 2): ["ok", "body:" + json.dumps({"data": [person(3), person(4), person(7)]})]},
        ],
        ids=["fewer", "others"],
    )
    def test_a_second_look_that_finds_others_activates_nothing(self, read: Read, api: Sandbox, faults: Any) -> None:
        api.faults = faults
        run = self.run(read, api, interviewer_ids=["one"])
        assert self.reason(run) == "a second look at Interviewer one found other candidates"

    @pytest.mark.parametrize("metadata", [None, "total"])
    def test_a_list_that_moved_and_came_to_rest_is_activated_with_everybody_in_it(
        self, read: Read, metadata: Any
    ) -> None:
        with Sandbox({"one": 60}, moves=Moves(["newcomer-first"], 3), metadata=metadata) as api:
            run = self.run(read, api, page_size=10)
            assert set(run.ids) >= set(api.present_throughout("one"))
        assert len(run.of("ACTIVATE_VERSION")) == 1

    @pytest.mark.parametrize(
        ("kind", "metadata", "is_endless"),
        [
            *((kind, "total", False) for kind in get_args(Move) if kind != "shuffle-ties"),
            *((kind, None, False) for kind in ("newcomer-first", "newcomer-last", "update-first")),
            *(("deletion", "total", True), ("update-last", "total", True), ("newcomer-first", None, True)),
        ],
    )
    def test_no_row_that_is_there_is_deleted_however_the_list_moves(
        self, read: Read, kind: Move, metadata: Any, *, is_endless: bool
    ) -> None:
        with Sandbox({"one": 60}, moves=Moves([kind], 4, endless=is_endless), metadata=metadata, latency=0.001) as api:
            run = self.run(read, api, page_size=10)
            assert set(run.ids) >= set(api.present_throughout("one")) or not run.of("ACTIVATE_VERSION")

    @pytest.mark.parametrize("fault", ["400", "401"])
    def test_a_failed_read_activates_nothing(self, read: Read, api: Sandbox, fault: str) -> None:
        api.faults = {("two", 1): f"always:{fault}"}
        run = self.run(read, api)
        assert (run.code, len(run.ids), run.of("ACTIVATE_VERSION")) == (1, 5, [])

    def test_a_read_that_a_signal_ends_activates_nothing(
        self, read: Read, api: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listening: list[Shutdown] = []
        monkeypatch.setattr(Shutdown, "listen", lambda shutdown: listening.append(shutdown))  # noqa: PLW0108  # bound

        def interrupt(body: Mapping[str, object], _: int) -> None:
            if (body["interviewerId"], body["page"]) == ("two", 1):
                listening[0].request(signal.SIGTERM)

        api.faults, api.metadata = interrupt, "total"
        run = self.run(read, api, max_parallel_requests=1)
        assert (run.code, run.of("ACTIVATE_VERSION")) == (128 + signal.SIGTERM, [])
        assert len(run.ids) >= 5
        assert run.messages[-1]["type"] == "STATE"

    def test_a_target_keeps_its_rows_where_the_last_look_fails(self, read: Read) -> None:
        with Sandbox({"one": 0, "two": 3}, faults={("one", 1): ["ok", "ok", "always:400"]}) as api:
            run = self.run(read, api, max_parallel_requests=1)
        assert (run.code, len(run.ids), run.of("ACTIVATE_VERSION")) == (1, 3, [])


class TestSamples:
    """What discovery has sampled is not asked for a second time."""

    def test_a_run_without_a_catalog_asks_for_each_page_once(self, read: Read, api: Sandbox) -> None:
        api.metadata = "total"
        run = read(api, page_size=2, max_parallel_requests=1)
        asked = [(body["interviewerId"], body["page"]) for body in api.requests]
        assert asked == [("one", 1), ("two", 1), *[("one", page) for page in (2, 3, 4)], ("two", 2)]
        assert len(run.ids) == 8

    @pytest.mark.parametrize(("limit", "value"), [("MAX_SAMPLED", 0), ("MAX_AGE", 0.0)])
    def test_what_is_large_or_old_is_asked_for_anew(
        self, read: Read, api: Sandbox, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
    ) -> None:
        monkeypatch.setattr(reader, limit, value)
        api.metadata = "total"
        run = read(api, page_size=2, max_parallel_requests=1, interviewer_ids=["two"])
        assert [body["page"] for body in api.requests] == [1, 1, 2, 3]
        assert len(run.ids) == 3

    def test_a_look_at_page_1_again_is_not_taken_from_the_sample(self, read: Read, api: Sandbox) -> None:
        read(api, page_size=2, max_parallel_requests=1, interviewer_ids=["one"])
        assert [body["page"] for body in api.requests] == [1, 2, 3, 4, 1]
