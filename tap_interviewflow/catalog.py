"""Input catalogs: made by hand, by Meltano, or by an older version of the tap."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.records.column import Column
from tap_interviewflow.records.schema import KEY_PROPERTIES, OWN, STREAM, column_names

if TYPE_CHECKING:
    from collections.abc import Mapping


def correct_catalog(document: Mapping[str, Any]) -> dict[str, Any]:
    """Correct a catalog so that every record is valid by it, whatever was edited in it.

    - Both columns of the key are in the schema and selected. They and ``_rescued_data`` are as the tap fills them,
      and every other column takes null.
    - Of the selected columns, those with a name that not every warehouse can hold are left out.
    - Open objects have no empty ``properties``: targets would drop all that is in them.
    - The replication method is where the SDK looks for it.

    Raises:
        ConfigurationError: If it has no stream of candidates, or one that can't be read.
    """
    column = ""
    try:
        (stream,) = [copy.deepcopy(entry) for entry in document["streams"] if entry["tap_stream_id"] == STREAM]
        properties = {name: OWN[name] for name in KEY_PROPERTIES} | stream["schema"]["properties"]
        _correct_metadata(stream, properties)
        if not all(isinstance(stream.get(name), str | None) for name in ("replication_method", "replication_key")):
            raise TypeError  # noqa: TRY301
        selection = Catalog.from_dict({"streams": [stream]})[STREAM].metadata.resolve_selection()
        selected = [name for name in properties if selection["properties", name]]
        unusable = {*selected} - {*column_names(selected)}
        corrected: dict[str, Any] = {}
        for column in [name for name in properties if name not in unusable]:
            Column.of(column, properties[column])
            corrected[column] = dict(OWN[column]) if column in OWN else _corrected(properties[column])
        stream |= {"stream": STREAM, "key_properties": list(KEY_PROPERTIES)}
        stream["schema"] |= {"properties": corrected, "required": list(KEY_PROPERTIES)}
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        cause = f", because of its column {plain_name(column)}" if column else ""
        message = f"the catalog has no stream {STREAM} that can be read{cause}; make one with --discover"
        raise ConfigurationError(message) from None
    return {"streams": [stream]}


def _corrected(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Make a column nullable, and an object open."""
    corrected = {key: value for key, value in definition.items() if key != "properties" or value}
    if Draft202012Validator(corrected).is_valid(None):
        return corrected
    if "type" not in corrected or "enum" in corrected:
        return {"anyOf": [corrected, {"type": "null"}]}
    types = [corrected["type"]] if isinstance(corrected["type"], str) else corrected["type"]
    return corrected | {"type": [*types, "null"]}


def _correct_metadata(stream: dict[str, Any], columns: Mapping[str, Any]) -> None:
    """Select the key, also the replication key, and put the replication method where the SDK looks for it."""
    metadata = {tuple(entry["breadcrumb"]): entry["metadata"] for entry in stream.get("metadata") or ()}
    if metadata:  # without any, everything is selected
        root = metadata.setdefault((), {"selected": True})
        replication_key = root.get("replication-key")
        for name in (*KEY_PROPERTIES, replication_key or stream.get("replication_key")):
            if name in columns:
                metadata.setdefault(("properties", name), {}).update(inclusion="automatic", selected=True)
        if method := root.get("replication-method") or (replication_key and REPLICATION_INCREMENTAL):
            stream["replication_method"] = method
    stream["metadata"] = [{"breadcrumb": list(where), "metadata": each} for where, each in metadata.items()]
