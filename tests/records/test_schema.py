from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from tap_interviewflow.records.json import decode
from tap_interviewflow.records.schema import DOCUMENTED, MAX_COLUMNS, MAX_NAME, candidates_schema
from tests import strangers
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read

PORTABLE = [
    {"type": ["string", "null"]},
    {"type": ["string", "null"], "format": "date-time"},
    {"type": ["number", "null"]},
    {"type": ["boolean", "null"]},
    {"type": ["array", "null"]},
    {"type": ["array", "null"], "items": {"type": ["string"]}},
    {"type": ["object", "null"], "additionalProperties": True},
]
CATALOG = Path(__file__).parent.parent / "catalog.json"


def column(*sampled: object) -> Any:
    """Give the definition of a field that had these values in the sample."""
    return candidates_schema({"x": value} for value in sampled)["properties"].get("x")


@given(strangers.pages)
def test_any_sample_makes_columns_that_every_target_can_load(page: list[dict[str, Any]]) -> None:
    schema = candidates_schema(decode(strangers.to_json(page)).value)
    Draft202012Validator.check_schema(schema)
    names = list(schema["properties"])
    assert names[: len(DOCUMENTED)] == list(DOCUMENTED)
    assert names[len(DOCUMENTED) : -1] == sorted(names[len(DOCUMENTED) : -1])
    assert names[-1] == "_rescued_data"
    assert len({name.casefold() for name in names}) == len(names)
    for name, definition in schema["properties"].items():
        shape = {key: value for key, value in definition.items() if key != "description"}
        assert shape in (PORTABLE if name not in schema["required"] else [{"type": ["string"]}])
        assert name.strip()
    assert schema["required"] == ["interviewerId", "id"]


@given(strangers.pages)
def test_the_documented_fields_never_change_with_the_sample(page: list[dict[str, Any]]) -> None:
    properties = candidates_schema(decode(strangers.to_json(page)).value)["properties"]
    assert {name: properties[name] for name in DOCUMENTED} == DOCUMENTED


@pytest.mark.parametrize(
    ("sampled", "kind"),
    [
        (["a"], {"type": ["string", "null"]}),
        ([1, Decimal("1.5")], {"type": ["number", "null"]}),
        ([True], {"type": ["boolean", "null"]}),
        ([{"a": 1}], PORTABLE[-1]),
        ([[1], []], {"type": ["array", "null"]}),
        ([["a"]], {"type": ["array", "null"]}),
        (["2026-01-31T10:00:00Z", None], {"type": ["string", "null"], "format": "date-time"}),
        (["2026-01-31T10:00:00Z", "soon"], {"type": ["string", "null"]}),
        (["2026-01-31T10:00:00Z", ""], {"type": ["string", "null"]}),
        (["2026-01-31"], {"type": ["string", "null"]}),
        (["N/A", 1, 2], {"type": ["number", "null"]}),
        (["72", 72], {"type": ["string", "null"]}),
        ([True, 72], {"type": ["number", "null"]}),
        ([True, {"a": 1}], {"type": ["boolean", "null"]}),
        ([[1], {"a": 1}], PORTABLE[-1]),
        ([None, "", [], {}], None),
    ],
)
def test_a_field_gets_the_kind_that_is_seen_most_often(sampled: list[object], kind: object) -> None:
    assert column(*sampled) == kind


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "_sdc_deleted_at",
        "_SDC_x",
        "Name",
        "a\x00",
        "a\nb",
        "_rescued_data",
        "_Rescued_Data",
        "x" * (MAX_NAME + 1),
    ],
)
def test_a_name_that_targets_cant_have_or_take_for_another_gets_no_column(name: str) -> None:
    assert list(candidates_schema([{name: "value"}])["properties"]) == [*DOCUMENTED, "_rescued_data"]


def test_of_two_names_that_differ_in_case_only_one_gets_a_column() -> None:
    assert "Score" in candidates_schema([{"score": 1, "Score": 2}])["properties"]
    assert "score" not in candidates_schema([{"score": 1, "Score": 2}])["properties"]


def test_an_api_that_uses_values_as_names_makes_no_more_columns_than_warehouses_take() -> None:
    names = list(candidates_schema({f"x{number:05}": 1} for number in range(2 * MAX_COLUMNS))["properties"])
    assert names[: len(DOCUMENTED)] == list(DOCUMENTED)
    assert names[-2:] == [f"x{MAX_COLUMNS - len(DOCUMENTED) - 1:05}", "_rescued_data"]


def test_discovery_gives_the_catalog_that_was_agreed_upon(read: Read) -> None:
    """A change of the public schema is to be seen in review: ``tests/catalog.json`` then changes with it."""
    with Sandbox({"interviewer-1": 200}) as api:
        run = read(api, "--discover")
    assert json.loads(run.out) == json.loads(CATALOG.read_text(encoding="utf-8"))
