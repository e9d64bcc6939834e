"""The SDK's features on top of the tap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import catalog_of
from tests.sandbox import Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Read

PEOPLE: list[dict[str, Any]] = [
    {
        "id": "a",
        "name": "Ana",
        "email": "ana@example.com",
        "additionalFields": {"Manual Score": 72, "phone": "0"},
        "score": 1,
    },
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


def test_a_deselected_field_is_gone_from_columns_and_rescue(read: Read, api: Sandbox) -> None:
    run = read(api, catalog=discovered(read, api, "email", "score"))
    assert run.code == 0, run.err
    assert "score" not in run.of("SCHEMA")[0]["schema"]["properties"]
    assert all(not {"email", "score"} & record.keys() for record in run.records)
    assert [record["_rescued_data"] for record in run.records] == [None] * 3
    assert run.complaints == []


@pytest.mark.parametrize("mapped", [None, "__NULL__", "md5(email) if email else None"])
def test_what_a_map_hides_does_not_come_out_in_the_rescue(read: Read, mapped: str | None) -> None:
    people: list[dict[str, Any]] = [
        {"id": "a", "email": {"work": "one@example.com"}, "score": "new", "Ключ": 1},
        {"id": "b", "email": ["two@example.com"]},
    ]
    with Sandbox({"interviewer-1": people}) as api:
        run = read(api, catalog=catalog_of({"id": "a"}), stream_maps={"candidates": {"email": mapped, "Ключ": None}})
    assert "@example.com" not in run.out + run.err
    assert [record["_rescued_data"] for record in run.records] == [{"score": "new"}, None]
    assert run.complaints[1:] == ["2 of 2 values of email do not fit its type, text; dropped, as a map replaces it"]


def test_flattening_keeps_open_objects_as_json_text_and_writes_every_column(read: Read) -> None:
    people: list[dict[str, Any]] = [
        {"id": "a", "additionalFields": {"City": "Rome"}, "metadata": {"a": 1}},
        {"id": "b", "additionalFields": None, "score": "N/A"},
    ]
    catalog = catalog_of({"score": 1}, people[0])
    text = {"type": ["string", "null"]}
    catalog["streams"][0]["schema"]["properties"]["additionalFields"]["properties"] = {"City": text}
    with Sandbox({"interviewer-1": people}) as api:
        run = read(api, catalog=catalog, flattening_enabled=True, flattening_max_depth=1)
    (schema,) = run.of("SCHEMA")
    columns = schema["schema"]["properties"]
    first, second = run.records
    assert (first["additionalFields__City"], second["additionalFields__City"]) == ("Rome", None)
    assert columns["metadata"]["type"] == ["string", "null"]
    assert (json.loads(first["metadata"]), json.loads(second["_rescued_data"])) == ({"a": 1}, {"score": "N/A"})
    assert list(first) == list(second) == list(columns)


def test_a_map_of_another_stream_hides_nothing(read: Read) -> None:
    with Sandbox({"interviewer-1": [{"id": "a", "score": "N/A", "extra": 5}]}) as api:
        maps = {"users": {"score": "score", "extra": "1"}}
        run = read(api, catalog=catalog_of({"id": "a", "score": 1}), stream_maps=maps)
    assert run.records[0]["_rescued_data"] == {"extra": 5, "score": "N/A"}


@pytest.mark.parametrize("beside", [{}, {"data": 1}], ids=str)
def test_what_a_look_up_moves_aside_is_hidden_as_well(read: Read, beside: dict[str, Any]) -> None:
    person = {"id": "p", "email": "one@example.com", **beside}
    found = {"data": {**person, "interview": {"id": "i", "email": "two@example.com"}}}
    catalog = catalog_of({"id": "a"})
    entry = {"breadcrumb": ["properties", "email"], "metadata": {"selected": False}}
    catalog["streams"][0]["metadata"].append(entry)
    with serving(lambda _: [ok(json.dumps(found).encode())]) as url:
        run = read(Sandbox({"one": 0}), api_url=url, catalog=catalog, interview_ids=["i"])
    assert [record["id"] for record in run.records] == ["i"]
    assert "example.com" not in run.out + run.err
    place = "data_" if beside else "data"
    assert run.records[0]["_rescued_data"] == {**beside, place: {"id": "p"}}


def test_a_catalog_without_the_rescue_says_what_it_drops(read: Read, api: Sandbox) -> None:
    catalog = discovered(read, api)
    del catalog["streams"][0]["schema"]["properties"]["_rescued_data"]
    run = read(api, catalog=catalog)
    assert [set(record) & {"_rescued_data"} for record in run.records] == [set()] * 3
    assert any("score" in line and "dropped" in line for line in run.lines("WARNING"))


@pytest.mark.parametrize("is_declared", [False, True], ids=["open", "declared"])
def test_a_deselected_member_of_an_open_object_is_nowhere(read: Read, api: Sandbox, *, is_declared: bool) -> None:
    catalog = discovered(read, api)
    (stream,) = catalog["streams"]
    breadcrumb = ["properties", "additionalFields", "properties", "phone"]
    stream["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"inclusion": "available", "selected": False}})
    if is_declared:
        members = {name: {"type": ["string", "null"]} for name in ("phone", "City")}
        stream["schema"]["properties"]["additionalFields"]["properties"] = members
    run = read(api, catalog=catalog)
    assert run.code == 0, run.err
    assert "phone" not in run.out
    assert [record["additionalFields"] for record in run.records] == [{"Manual Score": 72}, {}, None]
    assert [record["_rescued_data"] for record in run.records] == [None, {"score": "N/A"}, None]


# Custom fields as columns


def test_a_saved_catalog_decides_which_custom_fields_have_columns(read: Read) -> None:
    before: dict[str, Any] = {"Manual Score": 72, "City": "Rome"}
    with Sandbox({"interviewer-1": [{"id": "a", "additionalFields": before}]}) as api:
        catalog = json.loads(read(api, "--discover", custom_field_columns=True).out)
        assert read(api, custom_field_columns=True).records[0]["additionalFields_Manual_Score"] == 72
        api.replace("interviewer-1", [{"id": "a", "additionalFields": {"Manual_Score": 7, "City": 5}}])
        run = read(api, catalog=catalog)
        again = read(api, custom_field_columns=True)
    (record,) = run.records
    assert [name for name in record if name.startswith("additionalFields")] == [
        *("additionalFields", "additionalFields_City", "additionalFields_Manual_Score")
    ]
    assert record["additionalFields"] == {"Manual_Score": 7, "City": 5}
    assert (record["additionalFields_City"], record["additionalFields_Manual_Score"]) == (None, None)
    assert "_rescued_data" in record
    assert record["_rescued_data"] is None
    (line,) = (line for line in run.lines("WARNING") if "additionalFields" in line)
    assert line.startswith("1 of 1 values of additionalFields_City do not fit its type, text; null there")
    assert again.records[0]["additionalFields_Manual_Score"] == 7


# What did not fit, said with numbers


def test_each_field_that_did_not_fit_is_warned_of_once_with_numbers(read: Read) -> None:
    people = [{"id": str(number), "name": number, "surprise": number or None} for number in range(10)]
    with Sandbox({"interviewer-1": [{"id": "x"}, *people]}) as api:
        run = read(api, page_size=1)
    assert [line for line in run.lines("WARNING") if "_rescued_data" in line] == [
        "9 of 11 candidates have the field surprise, kept in _rescued_data; run discovery again for a column",
        "10 of 11 values of name do not fit its type, text; kept in _rescued_data",
    ]


def test_a_field_without_a_column_that_every_warehouse_can_hold_is_named_or_counted(read: Read) -> None:
    odd = {"xmin": 1, "_rescued_data": 0, "Ключ": 2, "First Name": 3, "first_name": 4, "x" * 64: 5}
    with Sandbox({"interviewer-1": [{"id": "a", **odd}]}) as api:
        run = read(api)
    (record,) = run.records
    assert record["_rescued_data"] == {"xmin": 1, "_rescued_data": 0, "Ключ": 2, "first_name": 4, "x" * 64: 5}
    unlike = "; not every warehouse can hold a column of that name beside the others"
    assert [line for line in run.lines("WARNING") if "_rescued_data" in line] == [
        *(
            f"1 of 1 candidates have the field {name}, kept in _rescued_data{unlike}"
            for name in ("_rescued_data", "first_name", "xmin")
        ),
        "2 fields with names that not every warehouse can hold: kept in _rescued_data",
    ]


def test_replaced_characters_are_warned_of_once_with_their_number(read: Read) -> None:
    with Sandbox({"interviewer-1": [{"id": "a", "name": "x\x00y"}, {"id": "b", "name": "\x00"}]}) as api:
        run = read(api)
    assert [record["name"] for record in run.records] == ["x\ufffdy", "\ufffd"]
    (line,) = (line for line in run.lines("WARNING") if "U+FFFD" in line)
    assert "2 characters" in line
