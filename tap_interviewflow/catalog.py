"""The catalog that a run is given: made by hand, by Meltano, or by an older version of the tap."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.records.column import Column
from tap_interviewflow.records.json import is_text
from tap_interviewflow.records.schema import KEY_PROPERTIES, OWN, column_names

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAM: Final = "candidates"


def mend_catalog(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a catalog with what the tap promises of it whatever a hand has changed.

    - Both columns of the key are in the schema and the key, and can't be deselected. They and ``_rescued_data`` are
      what the tap fills them with, and every other column takes null.
    - Of the selected columns, those whose names not every warehouse can hold side by side go.
    - Open objects do not say that they have no properties: targets would take it that nothing is in them.
    - The replication method is where the SDK looks for it.

    Raises:
        ConfigurationError: If the stream is not in it, or in a shape that nobody could read, or a column is.
    """
    try:
        streams = [copy.deepcopy(entry) for entry in document["streams"] if entry["tap_stream_id"] == STREAM]
        for stream in streams:
            _mend(stream)
        mended = {"streams": streams}
        can_be_read = STREAM in Catalog.from_dict(mended) and is_text(mended)
    except (AttributeError, KeyError, TypeError, ValueError):
        can_be_read = False
    if not can_be_read:
        message = f"the catalog has no stream {STREAM} that can be read; make one with --discover"
        raise ConfigurationError(message)
    for stream in streams:
        _correct_columns(stream)
    return mended


def _correct_columns(stream: dict[str, Any]) -> None:
    properties = stream["schema"]["properties"]
    mask = Catalog.from_dict({"streams": [stream]})[STREAM].metadata.resolve_selection()
    selected = {name for name in properties if mask["properties", name]}
    kept = {*column_names(name for name in properties if name in selected)}
    for name, definition in list(properties.items()):
        try:
            Column.of(name, definition)
        except (TypeError, ValueError):
            message = f"the column {plain_name(name)} of the catalog is not defined by a valid JSON Schema"
            raise ConfigurationError(message) from None
        if name in selected - kept:
            del properties[name]
        elif name not in KEY_PROPERTIES:
            properties[name] = _nullable(definition)


def _mend(stream: dict[str, Any]) -> None:
    schema = stream["schema"]
    properties = schema["properties"]
    for definition in properties.values():
        _open(definition)
    own = {name: dict(OWN[name]) for name in OWN if name in {*KEY_PROPERTIES, *properties}}
    is_complete = properties.keys() >= {*KEY_PROPERTIES}
    schema["properties"] = properties | own if is_complete else own | properties | own
    schema["required"] = list(KEY_PROPERTIES)
    stream["stream"] = STREAM
    stream["key_properties"] = list(KEY_PROPERTIES)
    # Without any metadata everything is selected.
    if metadata := {tuple(entry["breadcrumb"]): entry["metadata"] for entry in stream.get("metadata") or ()}:
        root = metadata.setdefault((), {"selected": True})
        root["table-key-properties"] = list(KEY_PROPERTIES)
        replication_key = root.get("replication-key")
        for name in (*KEY_PROPERTIES, replication_key or stream.get("replication_key")):
            if name in schema["properties"]:
                metadata.setdefault(("properties", name), {}).update(inclusion="automatic", selected=True)
        implied = REPLICATION_INCREMENTAL if replication_key else None
        if method := root.get("replication-method") or implied:
            stream["replication_method"] = method
    stream["metadata"] = [{"breadcrumb": list(where), "metadata": each} for where, each in metadata.items()]


def _nullable(definition: dict[str, Any]) -> dict[str, Any]:
    if "type" in definition:
        types = [definition["type"]] if isinstance(definition["type"], str) else definition["type"]
        members = {"enum": [*definition["enum"], None]} if "enum" in definition else {}
        return definition if "null" in types else {**definition, "type": [*types, "null"], **members}
    if not definition or {"type": "null"} in definition.get("anyOf", ()):
        return definition
    return {"anyOf": [definition, {"type": "null"}]}


def _open(schema: dict[str, Any]) -> None:
    """Take the empty ``properties`` out of objects, however deep they are."""
    if schema.get("properties") == {}:
        del schema["properties"]
    for inner in (
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", ()),
        schema.get("items"),
        schema.get("additionalProperties"),
    ):
        if isinstance(inner, dict):
            _open(inner)
