"""The SDK's features on top of the tap."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read

PEOPLE: list[dict[str, Any]] = [
    {"id": "a", "name": "Ana", "email": "ana@example.com", "additionalFields": {"Manual Score": 72}, "score": 1},
    {
        "id": "b",
        "name": "Bo",
        "email": "bo@example.com",
        "additionalFields": {},
        "score": "N/A",
        "report": {"x": {"y": 1}},
    },
    {"id": "c", "name": None, "email": "", "additionalFields": None, "score": 2.5},
]


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": PEOPLE}) as api:
        yield api


def discovered(read: Read, api: Sandbox, *deselected: str) -> dict[str, Any]:
    """A catalog with some properties deselected."""
    catalog: dict[str, Any] = json.loads(read(api, "--discover").out)
    for entry in catalog["streams"][0]["metadata"]:
        entry["metadata"]["selected"] = ".".join(entry["breadcrumb"][1:]) not in deselected
    return catalog


def test_a_stream_map_masks_drops_and_derives(read: Read, api: Sandbox) -> None:
    columns = {
        "email": "md5(config['hash_seed'] + email)",
        "name": "__NULL__",
        "manual_score": "float((additionalFields or {}).get('Manual Score'))"
        " if (additionalFields or {}).get('Manual Score') is not None else None",
    }
    run = read(api, stream_maps={"candidates": columns}, stream_map_config={"hash_seed": "salt"})
    assert run.code == 0, run.err
    first, second, third = run.records
    assert first["email"] not in {None, "ana@example.com"}
    assert "name" not in first
    assert "name" not in run.of("SCHEMA")[0]["schema"]["properties"]
    assert [record["manual_score"] for record in (first, second, third)] == [72, None, None]
    assert second["_rescued_data"] == {"score": "N/A"}


@pytest.mark.parametrize("with_catalog", [False, True])
def test_flattening_keeps_open_objects_as_json_text(read: Read, api: Sandbox, with_catalog: bool) -> None:  # noqa: FBT001
    catalog = discovered(read, api) if with_catalog else None
    run = read(api, catalog=catalog, flattening_enabled=True, flattening_max_depth=2)
    assert run.code == 0, run.err
    first, second, _ = run.records
    assert json.loads(first["additionalFields"]) == {"Manual Score": 72}
    assert json.loads(second["_rescued_data"]) == {"score": "N/A"}
    properties = run.of("SCHEMA")[0]["schema"]["properties"]
    assert properties["additionalFields"]["type"] == ["string", "null"]
    assert all(record.keys() <= properties.keys() for record in run.records)


def test_a_deselected_field_is_gone_from_columns_and_rescue(read: Read, api: Sandbox) -> None:
    run = read(api, catalog=discovered(read, api, "email", "score"))
    assert run.code == 0, run.err
    assert "score" not in run.of("SCHEMA")[0]["schema"]["properties"]
    assert all(not {"email", "score"} & record.keys() for record in run.records)
    assert [record["_rescued_data"] for record in run.records] == [None] * 3


def test_the_rescue_itself_can_be_deselected(read: Read, api: Sandbox) -> None:
    run = read(api, catalog=discovered(read, api, "_rescued_data"))
    assert all("_rescued_data" not in record for record in run.records)
    assert run.records[1]["score"] is None


def test_a_deselected_stream_is_not_read(read: Read, api: Sandbox) -> None:
    catalog = discovered(read, api, "")
    catalog["streams"][0]["metadata"] = [{"breadcrumb": [], "metadata": {"selected": False}}]
    api.requests.clear()
    run = read(api, catalog=catalog)
    assert (run.code, run.records, api.requests) == (0, [], [])


def test_a_catalog_that_knows_less_loses_nothing(read: Read, api: Sandbox) -> None:
    catalog = discovered(read, api)
    del catalog["streams"][0]["schema"]["properties"]["report"]
    api.requests.clear()
    run = read(api, catalog=catalog)
    assert run.records[1]["_rescued_data"] == {"score": "N/A", "report": {"x": {"y": 1}}}
    assert len(api.requests) == 2


def test_a_catalog_without_the_rescue_says_what_it_drops(read: Read, api: Sandbox) -> None:
    catalog = discovered(read, api)
    del catalog["streams"][0]["schema"]["properties"]["_rescued_data"]
    run = read(api, catalog=catalog)
    assert [set(record) & {"_rescued_data"} for record in run.records] == [set()] * 3
    assert any("score" in line and "dropped" in line for line in run.lines("WARNING"))


def test_batch_files_hold_every_candidate(read: Read, api: Sandbox, tmp_path: Path) -> None:
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    run = read(api, batch_config=config)
    assert run.code == 0, run.err
    (manifest,) = (message["manifest"] for message in run.of("BATCH"))
    files = [tmp_path / file.rsplit("/", 1)[1] for file in manifest]
    records = [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [record["id"] for record in records] == ["a", "b", "c"]


def test_each_unexpected_field_is_warned_of_once(read: Read) -> None:
    people = [{"id": str(number), "name": number, "surprise": number or None} for number in range(10)]
    with Sandbox({"interviewer-1": [{"id": "x"}, *people]}) as api:
        run = read(api, page_size=1)
    named = [line for line in run.lines("WARNING") if "no place" in line]
    assert [("field name" in line, "field surprise" in line) for line in named].count((True, False)) == 1
    assert [("field name" in line, "field surprise" in line) for line in named].count((False, True)) == 1
    assert all("discovery" in line for line in named)


def test_replaced_characters_are_warned_of_once_with_their_number(read: Read) -> None:
    with Sandbox({"interviewer-1": [{"id": "a", "name": "x\x00y"}, {"id": "b", "name": "\x00"}]}) as api:
        run = read(api)
    assert [record["name"] for record in run.records] == ["x\ufffdy", "\ufffd"]
    (line,) = (line for line in run.lines("WARNING") if "U+FFFD" in line)
    assert "2 characters" in line
