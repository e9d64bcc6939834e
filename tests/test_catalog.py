"""A catalog that was edited by hand, or saved by an older version, says what the tap promises all the same."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog

from tap_interviewflow.catalog import correct_catalog
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Read

KEYS = ["interviewerId", "id"]
KEY = {"type": ["string"]}
TEXT = {"type": ["string", "null"]}
NULL = {"type": "null"}
OPEN = {"type": ["object", "null"], "additionalProperties": True}
OPEN_AS_IT_WAS = {"type": ["object", "null"], "properties": {}, "additionalProperties": True}
ROOT: tuple[list[str], dict[str, Any]] = ([], {"selected": True})


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 2}) as running:
        yield running


def catalog(
    *metadata: tuple[list[str], dict[str, Any]], change: Callable[[Any], object] = id, **columns: Any
) -> dict[str, Any]:
    """A catalog with a stream that has the key, and what is given besides; at last the stream is changed."""
    stream = {
        "tap_stream_id": "candidates",
        "stream": "candidates",
        "key_properties": KEYS,
        "schema": {"type": "object", "properties": {**dict.fromkeys(KEYS, KEY), **columns}},
        "metadata": [{"breadcrumb": where, "metadata": {**said}} for where, said in metadata],
    }
    change(stream)
    return {"streams": [stream]}


def corrected(document: dict[str, Any]) -> Any:
    (stream,) = correct_catalog(document)["streams"]
    return stream


def columns(schema: dict[str, Any]) -> dict[str, Any]:
    """The columns of a schema without their descriptions."""
    return {
        name: {key: value for key, value in definition.items() if key != "description"}
        for name, definition in schema["properties"].items()
    }


def selected(document: dict[str, Any], *where: str) -> bool:
    """Whether the SDK takes something of a catalog for selected."""
    return Catalog.from_dict(correct_catalog(document))["candidates"].metadata.resolve_selection()[where]


def test_a_catalog_that_is_right_stays_as_it_is() -> None:
    given = catalog(ROOT, email=TEXT)
    before = copy.deepcopy(given)
    assert columns(corrected(given)["schema"]) == given["streams"][0]["schema"]["properties"]
    assert given == before, "what is given is not changed"


# The key and what is selected


@pytest.mark.parametrize("missing", [["id"], ["interviewerId"], KEYS], ids=str)
def test_a_column_of_the_key_that_is_missing_comes_first(missing: list[str]) -> None:
    document = catalog(change=lambda stream: [stream["schema"]["properties"].pop(name) for name in missing], email=TEXT)
    expected = [("interviewerId", KEY), ("id", KEY), ("email", TEXT)]
    assert list(columns(corrected(document)["schema"]).items()) == expected


@pytest.mark.parametrize("definition", [TEXT, {"type": "string", "maxLength": 3}, {"enum": ["a"]}, {}], ids=str)
def test_the_columns_that_the_tap_fills_itself_are_as_it_fills_them(definition: dict[str, Any]) -> None:
    schema = corrected(catalog(id=definition, _rescued_data=TEXT, email=TEXT))["schema"]
    assert columns(schema) == {**dict.fromkeys(KEYS, KEY), "_rescued_data": OPEN, "email": TEXT}
    assert schema["required"] == KEYS


@pytest.mark.parametrize("deselection", [{"selected": False}, {"inclusion": "unsupported"}], ids=str)
@pytest.mark.parametrize("root", [[ROOT], []], ids=["with the stream's metadata", "without"])
def test_the_key_can_not_be_deselected(deselection: dict[str, Any], root: list[Any]) -> None:
    document = catalog(*root, *((["properties", name], deselection) for name in (*KEYS, "email")))
    paths = [(), *(("properties", name) for name in (*KEYS, "email"))]
    assert [selected(document, *path) for path in paths] == [True, True, True, False]


def test_what_is_not_deselected_is_selected() -> None:
    assert selected(catalog(change=lambda stream: stream.pop("metadata"), email=TEXT), "properties", "email")
    assert not selected(catalog(([], {"selected": False})))


def test_a_hand_made_catalog_loads_records_with_their_key(api: Sandbox, read: Read) -> None:
    stream = {
        "tap_stream_id": "candidates",
        "stream": "people",
        "key_properties": ["email"],
        "schema": {"properties": {"email": {"type": "string"}, "metadata": OPEN_AS_IT_WAS}},
        "metadata": [{"breadcrumb": ["properties", "id"], "metadata": {"selected": False}}],
    }
    run = read(api, catalog={"streams": [stream]})
    assert run.code == 0, run.err
    (schema,) = run.of("SCHEMA")
    assert (schema["stream"], schema["key_properties"]) == ("candidates", KEYS)
    assert columns(schema["schema"]) == {**dict.fromkeys(KEYS, KEY), "email": TEXT, "metadata": OPEN}
    assert [len(record) for record in run.records] == [4, 4]
    assert all(record["id"] and record["interviewerId"] == "interviewer-1" for record in run.records)


# Every other column


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "string"}, TEXT),
        ({"type": ["string"], "enum": ["a"]}, {"anyOf": [{"type": ["string"], "enum": ["a"]}, NULL]}),
        ({"const": "a"}, {"anyOf": [{"const": "a"}, NULL]}),
        ({"anyOf": [{"type": "string"}, NULL]}, {"anyOf": [{"type": "string"}, NULL]}),
        ({}, {}),
        (OPEN_AS_IT_WAS, OPEN),
        ({**OPEN_AS_IT_WAS, "type": "object"}, OPEN),
    ],
    ids=str,
)
def test_a_column_takes_null_and_an_object_whatever_is_in_it(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert columns(corrected(catalog(email=before))["schema"])["email"] == after


@pytest.mark.parametrize("metadata", [[], [ROOT]], ids=["without metadata", "with metadata"])
def test_a_catalog_saved_before_keeps_no_column_that_not_every_warehouse_can_hold(metadata: Any) -> None:
    names = ["xmin", "Größe", "Grüße", "created_at", "createdAt", "Ключ", "x" * 64, "_rescued_data", "ID"]
    given: dict[str, Any] = dict.fromkeys(names, TEXT)
    kept = [*KEYS, "Größe", "created_at", "createdAt", "_rescued_data"]
    assert list(columns(corrected(catalog(*metadata, **given))["schema"])) == kept


def test_a_deselected_column_takes_no_other_ones_place_and_stays_deselected() -> None:
    deselected = [(["properties", name], {"selected": False}) for name in ("First Name", "xmin")]
    fields: dict[str, Any] = {"First Name": TEXT, "first_name": TEXT, "xmin": TEXT}
    given = catalog(ROOT, *deselected, **fields)
    names = columns(corrected(given)["schema"])
    assert [name for name in names if selected(given, "properties", name)] == [*KEYS, "first_name"]


# What is replicated


@pytest.mark.parametrize(
    ("metadata", "method"),
    [
        ({"replication-method": "INCREMENTAL"}, "INCREMENTAL"),
        ({"replication-key": "createdAt"}, "INCREMENTAL"),
        ({"replication-key": "createdAt", "replication-method": "FULL_TABLE"}, "FULL_TABLE"),
        ({}, "FULL_TABLE"),
    ],
    ids=str,
)
def test_the_metadata_decide_on_the_replication_method(metadata: dict[str, Any], method: str) -> None:
    document = catalog(
        ([], {"selected": True} | metadata), change=lambda stream: stream.update(replication_method="FULL_TABLE")
    )
    assert corrected(document)["replication_method"] == method


@pytest.mark.parametrize("is_in_metadata", [False, True])
def test_a_replication_key_can_not_be_deselected(is_in_metadata: bool) -> None:  # noqa: FBT001
    root = {"selected": True, **({"replication-key": "createdAt"} if is_in_metadata else {})}
    document = catalog(([], root), (["properties", "createdAt"], {"selected": False}), createdAt=TEXT)
    if not is_in_metadata:
        document["streams"][0]["replication_key"] = "createdAt"
    assert selected(document, "properties", "createdAt")


# What can't be corrected


@pytest.mark.parametrize(
    "document",
    [
        *({}, {"streams": []}, {"streams": {}}, {"streams": "candidates"}, {"streams": [5]}, {"streams": [{}]}),
        catalog(change=lambda stream: stream.update(tap_stream_id="people")),
        *({"streams": [catalog()["streams"][0] | {"schema": bad}]} for bad in (5, {}, {"properties": ["id"]})),
        *({"streams": [catalog()["streams"][0] | {"metadata": bad}]} for bad in (5, [{"breadcrumb": None}])),
        *({"streams": [catalog()["streams"][0] | {bad: ["id"]}]} for bad in ("replication_key", "replication_method")),
        *(catalog(email="text"), catalog(id=None)),
    ],
    ids=str,
)
def test_a_catalog_without_our_stream_is_refused(document: dict[str, Any]) -> None:
    # Singer's convention would be to read nothing and report a success.
    with pytest.raises(ConfigurationError, match="no stream candidates that can be read; make one with --discover"):
        correct_catalog(document)


@pytest.mark.parametrize("definition", [{"type": "foo"}, {"pattern": "("}, {"type": 5}, {"$ref": "#/x"}], ids=str)
@pytest.mark.parametrize("name", ["email", "id"])
def test_a_column_that_is_no_json_schema_is_named(name: str, definition: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"because of its column {name}; make one with --discover"):
        correct_catalog(catalog(**{name: definition}))


def test_a_column_that_is_nested_too_deeply_is_refused_in_the_same_way() -> None:
    definition: dict[str, Any] = {}
    for _ in range(900):
        definition = {"not": definition}
    with pytest.raises(ConfigurationError, match="no stream candidates that can be read"):
        correct_catalog(catalog(email=definition))


def test_a_catalog_without_our_stream_ends_the_run_in_one_line(api: Sandbox, read: Read) -> None:
    for document in ("{}", '{"streams": []}'):
        run = read(api, catalog=json.loads(document))
        assert run.lines("ERROR") == ["the catalog has no stream candidates that can be read; make one with --discover"]
        assert (run.code, run.out, api.requests) == (1, "", [])


def test_metadata_of_all_columns_together_select_and_deselect_none(api: Sandbox, read: Read) -> None:
    run = read(api, catalog=catalog((["properties"], {"selected": False}), name=TEXT))
    assert (run.code, [[*record] for record in run.records]) == (0, [[*KEYS, "name"]] * 2), run.err
