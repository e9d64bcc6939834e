from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog

from tap_interviewflow.catalog import correct_catalog
from tap_interviewflow.tap import TapInterviewFlow
from tests.runs import config_for
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Read

KEYS = ["interviewerId", "id"]
KEY = {"type": ["string"]}
TEXT = {"type": ["string", "null"]}
TIME = {**TEXT, "format": "date-time"}
OPEN = {"type": ["object", "null"], "additionalProperties": True}
OPEN_AS_IT_WAS = {"type": ["object", "null"], "properties": {}, "additionalProperties": True}


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 2}) as running:
        yield running


def catalog(*metadata: tuple[list[str], dict[str, Any]], **properties: Any) -> dict[str, Any]:
    """A catalog with a stream that has the key, and what is given besides."""
    return {
        "streams": [
            {
                "tap_stream_id": "candidates",
                "stream": "candidates",
                "key_properties": KEYS,
                "schema": {"type": "object", "properties": {**dict.fromkeys(KEYS, KEY), **properties}},
                "metadata": [{"breadcrumb": where, "metadata": said} for where, said in metadata],
            }
        ]
    }


def mended(document: dict[str, Any]) -> Any:
    (stream,) = correct_catalog(document)["streams"]
    return stream


def columns(document: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = mended(document)["schema"]["properties"]
    return properties


def selected(document: dict[str, Any], *where: str) -> bool:
    """Whether the SDK takes something of a catalog for selected."""
    return Catalog.from_dict(correct_catalog(document))["candidates"].metadata.resolve_selection()[where]


def without_descriptions(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in definition.items() if key != "description"}
        for name, definition in properties.items()
    }


def test_a_catalog_that_needs_no_mending_stays_as_it_is(api: Sandbox) -> None:
    given = catalog(([], {"selected": True, "table-key-properties": KEYS}), email=TEXT)
    before = copy.deepcopy(given)
    assert without_descriptions(columns(given)) == given["streams"][0]["schema"]["properties"]
    assert given == before, "what is given is not changed"
    discovered = TapInterviewFlow(config=config_for(api)).catalog_dict
    again = TapInterviewFlow(config=config_for(api), catalog=correct_catalog(discovered)).catalog_dict
    assert again["streams"][0].keys() == discovered["streams"][0].keys()
    assert correct_catalog(correct_catalog(discovered)) == correct_catalog(discovered)


# The key


@pytest.mark.parametrize("missing", [["id"], ["interviewerId"], KEYS], ids=str)
def test_a_column_of_the_key_that_is_missing_comes_first(missing: list[str]) -> None:
    document = catalog(email=TEXT)
    for name in missing:
        del document["streams"][0]["schema"]["properties"][name]
    properties = without_descriptions(columns(document))
    assert list(properties.items()) == [("interviewerId", KEY), ("id", KEY), ("email", TEXT)]


@pytest.mark.parametrize(
    "definition",
    [
        {"type": ["string", "null"]},
        {"type": "string"},
        {"type": ["integer"]},
        {"type": ["string"], "format": "date-time"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {},
    ],
    ids=str,
)
def test_a_column_of_the_key_is_text_and_never_null(definition: dict[str, Any]) -> None:
    assert without_descriptions(columns(catalog(id=definition)))["id"] == KEY


def test_a_hand_can_not_make_a_column_that_the_tap_fills_itself_refuse_what_the_tap_fills_in() -> None:
    document = catalog(
        id={"type": "string", "maxLength": 3}, interviewerId={"enum": ["a"]}, _rescued_data=TEXT, email=TEXT
    )
    document["streams"][0]["schema"]["required"] = ["email"]
    schema = mended(document)["schema"]
    assert without_descriptions(schema["properties"]) == {
        **dict.fromkeys(KEYS, KEY),
        "_rescued_data": OPEN,
        "email": TEXT,
    }
    assert schema["required"] == KEYS


@pytest.mark.parametrize(
    "deselection", [{"selected": False}, {"inclusion": "unsupported"}, {"inclusion": "available"}, {}], ids=str
)
@pytest.mark.parametrize("name", KEYS)
def test_a_column_of_the_key_can_not_be_deselected(name: str, deselection: dict[str, Any]) -> None:
    others = (["properties", "email"], dict(deselection))
    document = catalog(([], {"selected": True}), (["properties", name], deselection), others)
    assert selected(document, "properties", name)
    assert selected(document, "properties", "email") is (deselection in ({"inclusion": "available"}, {}))


def test_metadata_of_columns_alone_deselect_neither_the_stream_nor_the_key() -> None:
    document = catalog((["properties", "email"], {"selected": False}), (["properties", "id"], {"selected": False}))
    assert [selected(document, *where) for where in [(), ("properties", "id"), ("properties", "email")]] == [
        *(True, True, False)
    ]


def test_without_metadata_everything_is_selected() -> None:
    document = catalog(email=TEXT)
    del document["streams"][0]["metadata"]
    assert mended(document)["metadata"] == []
    assert selected(document, "properties", "email")


def test_a_stream_that_is_not_selected_stays_so() -> None:
    assert not selected(catalog(([], {"selected": False})))


@pytest.mark.parametrize("said", [None, [], ["id"], ["email", "id"]], ids=str)
def test_the_key_is_ours_whatever_the_catalog_says(said: list[str] | None) -> None:
    document = catalog(([], {"selected": True, "table-key-properties": said}))
    document["streams"][0]["key_properties"] = said
    stream = mended(document)
    assert stream["key_properties"] == KEYS
    del document["streams"][0]["key_properties"]
    assert mended(document)["key_properties"] == KEYS


def test_a_hand_made_catalog_loads_records_with_their_key(api: Sandbox, read: Read) -> None:
    document = {
        "streams": [
            {
                "tap_stream_id": "candidates",
                "stream": "people",
                "schema": {"properties": {"email": TEXT, "metadata": OPEN_AS_IT_WAS}},
                "metadata": [{"breadcrumb": ["properties", "id"], "metadata": {"selected": False}}],
            }
        ]
    }
    run = read(api, catalog=document)
    assert run.code == 0, run.err
    (schema,) = run.of("SCHEMA")
    assert schema["stream"] == "candidates"
    assert schema["key_properties"] == KEYS
    assert without_descriptions(schema["schema"]["properties"]) == {
        **dict.fromkeys(KEYS, KEY),
        "email": TEXT,
        "metadata": OPEN,
    }
    assert [len(record) for record in run.records] == [4, 4]
    assert all(record["id"] and record["interviewerId"] == "interviewer-1" for record in run.records)


# Open objects


@pytest.mark.parametrize("before", [OPEN_AS_IT_WAS, OPEN, {**OPEN_AS_IT_WAS, "type": "object"}], ids=str)
def test_an_open_object_does_not_say_that_nothing_is_in_it(api: Sandbox, read: Read, before: dict[str, Any]) -> None:
    run = read(api, catalog=catalog(metadata=before))
    assert run.of("SCHEMA")[0]["schema"]["properties"]["metadata"] == OPEN


# Every other column


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "string"}, TEXT),
        ({"type": ["string"], "enum": ["a"]}, {"anyOf": [{"type": ["string"], "enum": ["a"]}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"anyOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"const": "a"}, {"anyOf": [{"const": "a"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({}, {}),
    ],
    ids=str,
)
def test_every_column_but_the_key_takes_null(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert columns(catalog(email=before))["email"] == after


@pytest.mark.parametrize("metadata", [[], [([], {"selected": True})]], ids=["without metadata", "with metadata"])
def test_a_catalog_saved_before_keeps_no_column_that_not_every_warehouse_can_hold(metadata: Any) -> None:
    names = ["xmin", "Größe", "Grüße", "created_at", "createdAt", "Ключ", "x" * 64, "_rescued_data", "ID"]
    assert list(columns(catalog(*metadata, **dict.fromkeys(names, TEXT)))) == [
        *(*KEYS, "Größe", "created_at", "createdAt", "_rescued_data")
    ]


def test_a_deselected_column_takes_no_other_ones_place_and_stays_deselected() -> None:
    deselected = [(["properties", name], {"selected": False}) for name in ("First Name", "xmin")]
    given = catalog(([], {"selected": True}), *deselected, **{"First Name": TEXT, "first_name": TEXT, "xmin": TEXT})
    assert [name for name in columns(given) if selected(given, "properties", name)] == [*KEYS, "first_name"]


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
    document = catalog(([], {"selected": True} | metadata))
    document["streams"][0]["replication_method"] = "FULL_TABLE"
    assert mended(document)["replication_method"] == method


def test_a_replication_key_beside_the_metadata_can_not_be_deselected_either() -> None:
    document = catalog(([], {"selected": True}), (["properties", "createdAt"], {"selected": False}), createdAt=TIME)
    document["streams"][0]["replication_key"] = "createdAt"
    assert selected(document, "properties", "createdAt")


def test_discovery_names_the_columns_that_can_be_the_replication_key(api: Sandbox, read: Read) -> None:
    catalog = json.loads(read(api, "--discover").out)
    (stream,) = catalog["streams"]
    (root,) = (entry["metadata"] for entry in stream["metadata"] if entry["breadcrumb"] == [])
    properties = stream["schema"]["properties"]
    assert root["valid-replication-keys"] == [name for name in properties if properties[name].get("format")]
    assert "createdAt" in root["valid-replication-keys"]
    assert "replication-key" not in root
    automatic = [entry["breadcrumb"] for entry in stream["metadata"] if entry["metadata"]["inclusion"] == "automatic"]
    assert automatic == [["properties", name] for name in KEYS]
    run = read(api, catalog=catalog)
    assert run.of("STATE")[-1]["value"] == {"bookmarks": {"candidates": {}}}


# What can't be mended


def change_stream(change: Callable[[Any], object]) -> dict[str, Any]:
    document = catalog(([], {}))
    change(document["streams"][0])
    return document


UNREADABLE = {
    "nothing": {},
    "no streams": {"streams": []},
    "streams are an object": {"streams": {}},
    "streams are text": {"streams": "candidates"},
    "streams are null": {"streams": None},
    "streams are numbers": {"streams": [5]},
    "streams are empty": {"streams": [{}]},
    "another stream": change_stream(lambda stream: stream.update(tap_stream_id="people")),
    "no name": change_stream(lambda stream: stream.pop("tap_stream_id")),
    "no schema": change_stream(lambda stream: stream.pop("schema")),
    "bad schema": change_stream(lambda stream: stream.update(schema=5)),
    "no properties": change_stream(lambda stream: stream["schema"].pop("properties")),
    "bad properties": change_stream(lambda stream: stream["schema"].update(properties=["id"])),
    "bad column": change_stream(lambda stream: stream["schema"]["properties"].update(email="text")),
    "bad column of the key": change_stream(lambda stream: stream["schema"]["properties"].update(id=None)),
    "bad metadata": change_stream(lambda stream: stream.update(metadata=5)),
    "bad entry": change_stream(lambda stream: stream.update(metadata=[{"breadcrumb": None}])),
}


@pytest.mark.parametrize("document", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_catalog_without_our_stream_is_refused(document: dict[str, Any]) -> None:
    # Singer's convention would be to read nothing and report a success.
    with pytest.raises(ConfigurationError) as raised:
        correct_catalog(document)
    assert re.fullmatch(
        r"the catalog has no stream candidates that can be read(, because of its column (id|email))?; "
        "make one with --discover",
        str(raised.value),
    )


@pytest.mark.parametrize(
    "definition", [{"type": "foo"}, {"type": "string", "pattern": "("}, {"type": 5}, {"$ref": "#/x"}], ids=str
)
def test_a_column_that_is_no_json_schema_is_named(definition: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="because of its column email; make one with --discover"):
        correct_catalog(catalog(email=definition))


def test_a_catalog_with_half_a_character_in_it_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the catalog has no stream candidates that can be read"):
        correct_catalog(catalog(**{"\ud800": TEXT}))


def test_a_catalog_without_our_stream_ends_the_run_in_one_line(api: Sandbox, read: Read) -> None:
    run = read(api, catalog={"streams": []})
    assert run.lines("ERROR") == ["the catalog has no stream candidates that can be read; make one with --discover"]
    assert (run.code, run.out) == (1, "")
    assert api.requests == []


def test_a_catalog_object_of_the_sdk_is_mended_too(api: Sandbox) -> None:
    document = catalog(([], {"selected": True}), (["properties", "id"], {"selected": False}), metadata=OPEN_AS_IT_WAS)
    tap = TapInterviewFlow(config=config_for(api), catalog=Catalog.from_dict(json.loads(json.dumps(document))))
    entry = tap.catalog["candidates"].to_dict()
    assert entry["schema"]["properties"]["metadata"] == OPEN
    assert tap.streams["candidates"].mask["properties", "id"]
