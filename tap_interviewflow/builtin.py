"""What is wrong with the SDK's own settings, found before the first request instead of in the middle of a run."""

from __future__ import annotations

import ast
import os
from copy import deepcopy
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fsspec.core import strip_protocol  # type: ignore[import-untyped]
from fsspec.utils import get_protocol  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError

_STREAM: Final = "candidates"
_REMOVED: Final = (None, "__NULL__")
_TEXTS: Final = ("__alias__", "__filter__", "__source__")
_KINDS: Final = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "array": "a list",
}
FORMATS: Final = ["jsonl"]
"""Not Parquet: its columns would have to name what is in an object, which is different in each candidate."""

_BATCH: Final = {
    "type": ["object", "null"],
    "properties": {
        "encoding": {
            "type": "object",
            "properties": {"format": {"enum": FORMATS}, "compression": {"enum": ["gzip", "none", None]}},
            "required": ["format"],
            "additionalProperties": False,
        },
        "storage": {
            "type": "object",
            "properties": {
                "root": {"type": "string", "minLength": 1},
                "prefix": {"type": ["string", "null"]},
                "params": {"type": "object"},
            },
            "required": ["root"],
            "additionalProperties": False,
        },
        "batch_size": {"type": ["integer", "null"], "minimum": 1},
    },
    "required": ["encoding", "storage"],
    "additionalProperties": False,
}


def mended(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give a JSON Schema of settings without the faults of the SDK's own.

    That of stream maps can't be used: it has a text where a schema must be. That of batches takes what ends the run
    later, or what loses every candidate, such as a size of 0.
    """
    properties = schema["properties"]
    changed = {
        "stream_maps": {"type": ["object", "null"]},
        "batch_config": _BATCH,
        "flattening_max_depth": {"type": ["integer", "null"], "minimum": 0},
    }
    return {**schema, "properties": properties | {name: changed[name] for name in changed if name in properties}}


def list_formats(properties: dict[str, Any]) -> None:
    """Name the formats of BATCH files in the listing of settings: the SDK's own names one that does not work."""
    batch = properties["batch_config"] = deepcopy(properties["batch_config"])  # it is that of all taps in the process
    batch["properties"]["encoding"]["properties"]["format"]["enum"] = FORMATS


def kind(value: object) -> str:
    """Name the kind of a value in JSON."""
    kinds = {str: "text", bool: "a boolean", dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), "a number")


def describe(error: ValidationError) -> str:
    """Say in words what an error of ``jsonschema`` says, without the value."""
    path = ".".join(str(part) for part in error.path)
    rule: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            name = next(name for name in rule if name not in instance)
            return f"{path}.{name} is missing; required are: {', '.join(rule)}"
        case "additionalProperties":
            name = next(name for name in instance if name not in schema["properties"])
            return f"{path}.{name} is unknown; it must be one of: {', '.join(schema['properties'])}"
        case "enum":
            return f"{path} must be one of: {', '.join(filter(None, rule))}"
        case "minimum":
            return f"{path} must be {rule} or more"
        case "minLength":
            return f"{path} is empty"
    alternatives = rule if error.validator == "oneOf" else [{"type": rule}]
    types = [
        name for each in alternatives for name in ([each["type"]] if isinstance(each["type"], str) else each["type"])
    ]
    return f"{path} is {kind(instance)}; it must be {' or '.join(_KINDS[name] for name in types if name in _KINDS)}"


def errors(config: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong in settings that are right by their schema."""
    if config.get("flattening_enabled") and config.get("flattening_max_depth") is None:
        yield "flattening_max_depth is missing, which flattening_enabled needs; it must be a whole number"
    for path, wrong in _wrong_maps(config.get("stream_maps") or {}, config.get("stream_map_config") or {}):
        yield f"{'.'.join(('stream_maps', *path))} {wrong}"
    if batch := config.get("batch_config"):
        yield from _wrong_batch(batch)


def warnings(config: Mapping[str, Any]) -> Iterator[str]:
    """Say which stream maps are for a stream that does not exist."""
    for name, stream in _streams(config.get("stream_maps") or {}).items():
        if not fnmatch(_STREAM, stream):
            yield f"stream_maps.{name} is ignored: there is no stream {stream}, only {_STREAM}"


def _streams(maps: Mapping[str, Any]) -> dict[str, str]:
    """Give the stream, or the pattern of streams, that each map is for, as the SDK reads it."""
    return {
        name: str(definition.get("__source__", name)) if isinstance(definition, dict) else name
        for name, definition in maps.items()
        if name != "__else__"
    }


def mapped_columns(maps: Mapping[str, Any] | None) -> set[str]:
    """Give the columns of candidates that any stream map removes, replaces or adds."""
    maps = maps or {}
    ours = [maps[name] for name, stream in _streams(maps).items() if fnmatch(_STREAM, stream)]
    return {column for each in ours if isinstance(each, dict) for column in each}


def _wrong_maps(maps: Mapping[str, Any], map_config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    if maps.get("__else__") not in _REMOVED:
        yield ("__else__",), "must be null or __NULL__"
    for name, stream in _streams(maps).items():
        definition = maps[name]
        if name.startswith("__"):
            yield (name,), "is unknown; it must be the name of a stream, or __else__"
        elif not isinstance(definition, dict) and definition not in _REMOVED:
            yield (name,), f"is {kind(definition)}; it must be an object of expressions, null or __NULL__"
        elif isinstance(definition, dict) and fnmatch(_STREAM, stream):
            for column, value in definition.items():
                if wrong := _wrong_member(column, value, map_config):
                    yield (name, column), wrong


def _wrong_member(column: str, value: Any, map_config: Mapping[str, Any]) -> str | None:  # noqa: ANN401
    match column:
        case "__else__":
            return None if value in _REMOVED else "must be null or __NULL__"
        case "__key_properties__":
            is_right = value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))
            return None if is_right else "must be a list of columns, or null"
        case _ if value in _REMOVED and column not in _TEXTS:
            return None
        case _ if not isinstance(value, str):
            return f"is {kind(value)}; it must be the text of an expression, null or __NULL__"
    return _wrong_expression(value, map_config)


def _wrong_expression(text: str, map_config: Mapping[str, Any]) -> str | None:
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        statement = ast.Pass()
    if not isinstance(statement, ast.Expr):
        return "is not a valid expression"
    nodes = list(ast.walk(statement))
    is_guarded = any(isinstance(node, ast.In) for node in nodes)  # such as by "'hash_seed' in config"
    for node in nodes:
        match node:
            case ast.Name("fake") if not find_spec("faker"):
                return "uses fake, which needs the package faker: install it beside the tap"
            case ast.Subscript(ast.Name("config"), ast.Constant(str(name))) if not is_guarded:
                # A hash with an empty seed would be no better than one without any.
                if map_config.get(name) is None or (name == "hash_seed" and not map_config[name]):
                    return f"uses stream_map_config.{name}, which is not set"
    return None


def _wrong_batch(batch: Mapping[str, Any]) -> Iterator[str]:
    from tap_interviewflow.batches import is_readable  # noqa: PLC0415  # loads what only batches need

    root = batch["storage"]["root"]
    if not is_readable(root, batch["storage"].get("prefix") or ""):
        yield (
            "batch_config.storage makes names of files that no target can open: root and prefix may have no ::, no "
            "// and no line break in them, a folder no ?, and none may end with #"
        )
        return
    try:
        path = Path(strip_protocol(root))
    except ImportError as error:
        yield f"batch_config.storage.root needs a package that is not installed: {error}"
    except ValueError:
        yield "batch_config.storage.root has an unknown scheme; it must be the path of a folder, or an address with s3://"
    else:
        if get_protocol(root) in {"file", "local"} and not _is_writable(path):
            yield "batch_config.storage.root is not a folder that can be written to"


def _is_writable(path: Path) -> bool:
    """Whether files can be written to a folder that may yet have to be made."""
    nearest = next(each for each in (path, *path.parents) if each.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
