"""What others make of the tap's output: readers that know the Singer specification, and nothing of this tap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker

from tap_interviewflow.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Read
    from tests.runs import Run

HELD = {"interviewer-1": 130, "interviewer-2": 25}
CHOICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "flattened": {"flattening_enabled": True, "flattening_max_depth": 1},
    "mapped": {"stream_maps": {"candidates": {"name": "__NULL__", "email_hash": "md5(email)"}}},
}


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
@pytest.mark.parametrize("settings", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("validator", [Draft4Validator, Draft202012Validator], ids=["Draft 4", "Draft 2020-12"])
def test_every_record_is_valid_by_the_schema_that_was_sent(
    read: Read, validator: type[Draft4Validator], settings: dict[str, Any], *, odd: bool
) -> None:
    with Sandbox(HELD, odd=odd) as api:
        run = read(api, **settings)
    (schema,) = run.of("SCHEMA")
    validator.check_schema(schema["schema"])
    valid = validator(schema["schema"], format_checker=FormatChecker())
    # As readers have them that make a double of each number.
    records = [json.loads(line)["record"] for line in run.out.splitlines() if json.loads(line)["type"] == "RECORD"]
    assert len(records) == 155
    assert [error.message for record in records for error in valid.iter_errors(record)] == []


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_the_messages_come_in_the_order_of_the_specification(read: Read, *, odd: bool) -> None:
    with Sandbox(HELD, odd=odd) as api:
        run = read(api)
    assert _order(run) == ["SCHEMA", "RECORD", "STATE"]
    assert all(message["stream"] == "candidates" for message in run.messages if message["type"] != "STATE")


def test_every_record_holds_its_whole_key(read: Read) -> None:
    with Sandbox(HELD, odd=True) as api:
        run = read(api)
    (schema,) = run.of("SCHEMA")
    keys = [tuple(record[name] for name in schema["key_properties"]) for record in run.records]
    assert len(set(keys)) == len(keys) == 155
    assert all(isinstance(part, str) and part for key in keys for part in key)


def test_batches_are_not_followed_by_a_version_that_their_records_do_not_carry(read: Read, tmp_path: Path) -> None:
    files = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    with Sandbox(HELD) as api:
        run = read(api, batch_config=files, emit_activate_version_messages=True)
    assert run.code == 0
    assert run.of("BATCH")
    assert not run.of("ACTIVATE_VERSION")
    assert "No ACTIVATE_VERSION is sent: what goes out in batches carries no version" in run.lines("WARNING")


def _order(run: Run) -> list[str]:
    """Name the kinds of messages in their order, a row of the same kind once."""
    kinds = [str(message["type"]) for message in run.messages]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]
