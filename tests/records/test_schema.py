from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_interviewflow.records.json import decode
from tap_interviewflow.records.schema import DOCUMENTED, MAX_COLUMNS, OWN, candidates_schema, column_names
from tests import untrusted
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
    """Return the definition of a field that had these values in the sample."""
    return candidates_schema({"x": value} for value in sampled)["properties"].get("x")


@given(untrusted.pages)
def test_any_sample_makes_columns_that_every_target_can_load_behind_the_documented_ones(
    page: list[dict[str, Any]],
) -> None:
    schema = candidates_schema(decode(untrusted.to_json(page)).value)
    Draft202012Validator.check_schema(schema)
    names = list(schema["properties"])
    assert names[: len(DOCUMENTED)] == list(DOCUMENTED)
    assert names[len(DOCUMENTED) : -1] == sorted(names[len(DOCUMENTED) : -1])
    assert names[-1] == "_rescued_data"
    for name, definition in schema["properties"].items():
        shape = {key: value for key, value in definition.items() if key != "description"}
        assert shape in (PORTABLE if name not in schema["required"] else [{"type": ["string"]}])
    assert schema["required"] == ["interviewerId", "id"]
    assert {name: schema["properties"][name] for name in DOCUMENTED} == DOCUMENTED


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
        (["2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z", "soon", 1, 2], {"type": ["string", "null"]}),
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
        *("", " ", "\ufffd", "Ключ", "a\nb", "x" * 64, "x" + "ü" * 32, "_sdc_deleted_at", "_SDC_x", "-sdc-x"),
        *("xmin", "CTID", "xmin!", "Name", "created.at!", "_Rescued_Data", "_rescued_data"),
    ],
)
def test_a_field_whose_name_some_warehouse_can_not_hold_gets_no_column(name: str) -> None:
    sample = [{name: "value", "created at": 1}] if name == "created.at!" else [{name: "value"}]
    names = list(candidates_schema(sample)["properties"])
    assert names == [*DOCUMENTED, *(["created at"] if len(sample[0]) > 1 else []), "_rescued_data"]


@pytest.mark.parametrize(
    "name",
    [
        *("x" * 63, "xü" * 21, "Größe", 'with "quotes"', "%(x)s", "select", "order by", "First Name", "a "),
        *("created_at", "1"),
    ],
)
def test_a_field_whose_name_every_warehouse_can_hold_gets_a_column(name: str) -> None:
    assert list(candidates_schema([{name: "value"}])["properties"]) == [*DOCUMENTED, name, "_rescued_data"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("Score", "score"), ("First Name", "first_name"), ("Größe", "Grüße"), ("a", "a "), ("1", "b"), ("a-b", "a.b")],
)
def test_of_two_fields_with_names_that_are_alike_the_earlier_one_gets_a_column(earlier: str, later: str) -> None:
    assert list(candidates_schema([{later: 1, earlier: 2}])["properties"]) == [*DOCUMENTED, earlier, "_rescued_data"]


# Custom fields as columns


def custom(*sampled: object) -> dict[str, Any]:
    """Return the columns of custom fields that the values of ``additionalFields`` in a sample make."""
    sample = [{"additionalFields": value, "score": 1} for value in sampled]
    properties = candidates_schema(sample, custom_field_columns=True)["properties"]
    columns = [name for name in properties if name.startswith("additionalFields_")]
    position = list(properties).index("additionalFields")
    assert list(properties)[position : position + len(columns) + 2] == ["additionalFields", *columns, "metadata"]
    assert candidates_schema(sample) == candidates_schema([{"score": 1}])
    return {name: properties[name] for name in columns}


def test_each_custom_field_has_a_column_of_its_own_type_beside_the_one_of_all() -> None:
    assert custom(
        {"isSynced": False, "Manual Score": 72, "City": "Łódź", "Since": "2026-01-31T10:00:00Z"},
        {"isSynced": "true", "Manual Score": None, "isSynced ": True, "a.b-c": Decimal("0.5")},
        {"isSynced": True, "Nothing": None, "Empty": "", "Objects": {"a": 1}, "Arrays": [1]},
        None,
        ["Not", "an object"],
    ) == {
        "additionalFields_City": {"title": "City", "type": ["string", "null"]},
        "additionalFields_Manual_Score": {"title": "Manual Score", "type": ["number", "null"]},
        "additionalFields_Since": {"title": "Since", "type": ["string", "null"]},
        "additionalFields_a_b_c": {"title": "a.b-c", "type": ["number", "null"]},
        "additionalFields_isSynced": {"title": "isSynced", "type": ["boolean", "null"]},
        "additionalFields_isSynced_": {"title": "isSynced ", "type": ["boolean", "null"]},
    }


def test_a_custom_field_without_a_name_of_its_own_gets_no_column_and_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = {"a b": 1, "a_b": 2, "a.b": 3, "A_B": 4, "Ключ": 5, "": 6, "x" * 46: 7, "x" * 47: 8}
    assert [column["title"] for column in custom(fields).values()] == ["A_B", "x" * 46]
    (line,) = caplog.messages
    assert line.startswith("6 custom fields get no column of their own: their names are empty, too long or alike")


def test_a_field_that_is_named_like_the_column_of_a_custom_field_gets_no_column() -> None:
    sample = [{"additionalFields": {"a b": 1}, "additionalFields_a_b": "x", "additionalFields_A_B": True}]
    properties = candidates_schema(sample, custom_field_columns=True)["properties"]
    assert [name for name in properties if name not in DOCUMENTED] == ["additionalFields_a_b", "_rescued_data"]
    assert properties["additionalFields_a_b"] == {"title": "a b", "type": ["number", "null"]}


@given(st.lists(untrusted.names, max_size=30, unique_by=untrusted.received))
def test_the_sdks_sql_targets_keep_all_columns_apart(names: list[str]) -> None:
    from singer_sdk.sql import SQLSink  # noqa: PLC0415  # takes long, in each process that only looks for tests

    columns = column_names(untrusted.received(names))
    spelled = [SQLSink.conform_name(None, name) for name in columns]  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    assert len({*spelled, *(name.casefold() for name in OWN)}) == len(columns) + len({*OWN} - {*columns})
    assert all(spelled)


def test_there_are_no_more_columns_than_every_warehouse_takes() -> None:
    names = list(candidates_schema({f"x{number:05}": 1} for number in range(2 * MAX_COLUMNS))["properties"])
    assert names[: len(DOCUMENTED)] == list(DOCUMENTED)
    assert names[-2:] == [f"x{MAX_COLUMNS - len(DOCUMENTED) - 2:05}", "_rescued_data"]
    assert len(names) == MAX_COLUMNS


def test_discovery_gives_the_catalog_that_was_agreed_upon(read: Read) -> None:
    """A change of the public schema is to be seen in review: ``tests/catalog.json`` then changes with it."""
    with Sandbox({"interviewer-1": 200}) as api:
        run = read(api, "--discover")
    assert json.loads(run.out) == json.loads(CATALOG.read_text(encoding="utf-8"))
