"""What others make of the tap's output: readers that know the Singer specification, and nothing of this tap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker

from tests import untrusted
from tests.batch_files import batch_config, records_by_stream
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read
    from tests.runs import Run

EVERYBODY = Sandbox({"interviewer-1": 120}, odd=True).candidates("interviewer-1")
HELD: dict[str, Any] = {
    # All that are odd, each tenth, and some that are not.
    "interviewer-1": [held for place, held in enumerate(EVERYBODY) if place % 10 == 9 or place < 30],
    "interviewer-2": 15,
    "interviewer-3": 0,
}


class Choice(NamedTuple):
    """What a user may choose: settings, by breadcrumb what a catalog says other than discovery, and what files are."""

    settings: dict[str, Any]
    metadata: dict[tuple[str, ...], dict[str, Any]]
    compression: str | None = "gzip"
    root: str = "{}"


MASKED = {"email": "md5(email)"}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
CITY = ("properties", "additionalFields", "properties", "City")
CHOICES = {
    "plain": Choice({"page_size": 20}, {}),
    "uncompressed": Choice({}, {}, "none"),
    "compression null": Choice({}, {}, None),
    "not on a disk": Choice({}, {}, root="memory:/{}"),
    "filtered": Choice({"stream_maps": {"candidates": {"__filter__": "status == 'hired'"}}}, {}),
    "masked and flattened": Choice({"stream_maps": {"candidates": MASKED}, **FLAT}, {}),
    "under another name": Choice({"stream_maps": {"candidates": {"__alias__": "people", **MASKED}}}, {}),
    "twice": Choice({"stream_maps": {"people": {"__source__": "candidates", **MASKED}}}, {}),
    "columns deselected": Choice({}, {("properties", name): {"selected": False} for name in ("email", "score")}),
    "a member deselected": Choice({}, {CITY: {"selected": False}}),
    "some by name": Choice({"interview_ids": []}, {}),
    "incremental": Choice({}, {(): {"replication-method": "INCREMENTAL", "replication-key": "interviewedAt"}}),
}


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    with Sandbox(HELD, odd=True) as api:
        yield api


def catalog_as(choice: Choice, read: Read, api: Sandbox) -> Any:
    if not choice.metadata:
        return None
    catalog = json.loads(read(api, "--discover").out)
    (stream,) = catalog["streams"]
    metadata = {tuple(entry["breadcrumb"]): entry["metadata"] for entry in stream["metadata"]}
    for breadcrumb, changes in choice.metadata.items():
        metadata.setdefault(breadcrumb, {"inclusion": "available"}).update(changes)
    stream["metadata"] = [{"breadcrumb": breadcrumb, "metadata": each} for breadcrumb, each in metadata.items()]
    return catalog


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_lines_and_batch_files_hold_the_same_by_the_schema_and_are_counted(
    read: Read, api: Sandbox, choice: Choice, tmp_path: Path
) -> None:
    settings, catalog = dict(choice.settings), catalog_as(choice, read, api)
    if "interview_ids" in settings:
        settings["interview_ids"] = [candidate["id"] for candidate in api.candidates("interviewer-1")[8:15]]
    lines = read(api, catalog=catalog, **settings)
    batches = batch_config(choice.root.format(tmp_path / "files"), choice.compression, batch_size=25)
    files = read(api, catalog=catalog, batch_config=batches, **settings)
    assert not files.records
    assert files.of("SCHEMA") == lines.of("SCHEMA")
    assert spelled(files) == spelled(lines)
    for run in (lines, files):
        assert run.code == 0, run.err
        assert_counted(run)
    assert_valid(lines)


def spelled(run: Run) -> dict[str, list[list[tuple[str, str]]]]:
    """Spell records so that two are alike only if their columns, their order and every digit are."""
    return {
        stream: [[(name, untrusted.spelled(value)) for name, value in record.items()] for record in records]
        for stream, records in records_by_stream(run).items()
    }


def assert_counted(run: Run) -> None:
    """The log and the metrics count what was written."""
    written = max(map(len, records_by_stream(run).values()))
    (record_count,) = (point for point in run.metrics if point["metric"] == "record_count")
    assert record_count["value"] == written
    if run.verdicts:
        assert sum(int(line.split()[2]) for line in run.verdicts.values()) == written
        assert sum(each["value"] for each in run.metrics if each["metric"] == "candidates_written") == written


def assert_valid(run: Run) -> None:
    """Every record is valid by the schema that was sent, and has its columns in its order."""
    schemas = {message["stream"]: message["schema"] for message in run.of("SCHEMA")}
    assert set(records_by_stream(run)) == set(schemas)
    for stream, schema in schemas.items():
        records = [json.loads(line) for line in run.out.splitlines()]  # by readers that make a double of each number
        records = [message["record"] for message in records if message.get("stream") == stream and "record" in message]
        assert {tuple(record) for record in records} == {tuple(schema["properties"])}
        for validator in (Draft4Validator, Draft202012Validator):
            validator.check_schema(schema)
            valid = validator(schema, format_checker=FormatChecker())
            assert not [error for record in records for error in valid.iter_errors(record)]
