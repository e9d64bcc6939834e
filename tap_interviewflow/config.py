"""The settings: their schema, their sources and their validation."""

from __future__ import annotations

import ast
import difflib
import io
import json
import os
import re
from contextlib import suppress
from copy import deepcopy
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from dotenv import dotenv_values
from jsonpath_ng.ext import parse as parse_jsonpath  # type: ignore[attr-defined]
from jsonschema import FormatChecker
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers.capabilities import BATCH_CONFIG

from tap_interviewflow.api.client import is_loopback
from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.records.json import parse
from tap_interviewflow.records.schema import STREAM
from tap_interviewflow.records.times import to_moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SETTINGS: Final[dict[str, Any]] = th.PropertiesList(
    th.Property(
        "api_key",
        th.CustomType({"type": ["string"], "format": "trimmed-ascii"}),
        required=True,
        secret=True,
        title="API Key",
        description="Key of the InterviewFlowAI account, from the dashboard. It is sent to the API's own origin only.",
    ),
    th.Property(
        "interviewer_ids",
        th.CustomType({"type": ["array"], "items": {"type": ["string"], "format": "trimmed"}, "minItems": 1}),
        required=True,
        title="Interviewer IDs",
        description="IDs of the Interviewers to read, from their Integrations tabs. A repeated ID counts once.",
    ),
    th.Property(
        "interview_ids",
        th.CustomType({"type": ["array", "null"], "items": {"type": ["string"], "format": "trimmed"}, "minItems": 1}),
        title="Interview IDs",
        description="Read only the candidates with these interview IDs, one look-up each.",
    ),
    th.Property(
        "additional_fields",
        th.ObjectType(additional_properties=th.CustomType({"type": ["string", "number", "boolean"]})),
        title="Custom Field Filters",
        description="The API's filter by custom fields: a number is a minimum, a string must match exactly.",
    ),
    th.Property(
        "custom_field_columns",
        th.BooleanType,
        default=False,
        title="Custom Field Columns",
        description="Add a typed column for each custom field that discovery sees, next to the JSON column.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=1000),
        default=100,
        title="Page Size",
        description="Candidates per request (the API's `limit`), from 1 to 1000.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start Date",
        description="With incremental replication: leave out candidates whose replication key is older.",
    ),
    th.Property(
        "allow_incomplete",
        th.BooleanType,
        default=False,
        title="Allow Incomplete Reads",
        description="End with 0 although a read is incomplete: for an API whose total counts what it does not list.",
    ),
    th.Property(
        "max_parallel_requests",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        title="Parallel Requests",
        description="Maximum number of requests in flight, over all Interviewers, from 1 to 16.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=3600),
        default=60,
        title="Request Timeout",
        description="Seconds that one request may take, from connecting to the last byte.",
    ),
    th.Property(
        "records_jsonpath",
        th.CustomType({"type": ["string", "null"], "format": "jsonpath"}),
        title="Records JSONPath",
        description="Where the list of candidates is, such as `$.data.candidates`. Needed if the tap can't find it.",
    ),
    th.Property(
        "api_url",
        th.URIType,
        default="https://api.interviewflowai.com",
        title="API URL",
        description="Address of the API: https, or http on a loopback host.",
    ),
    th.Property(
        "user_agent",
        th.CustomType({"type": ["string", "null"], "format": "trimmed-ascii"}),
        title="User Agent",
        description="User agent that is sent to the API. If not set, it is the tap's name and version.",
    ),
    # The SDK reads this setting in every tap but declares it in none: undeclared, no environment variable can set it.
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Emit ACTIVATE_VERSION",
        description="Let the target delete candidates that the API no longer has, after each complete read.",
    ),
).to_dict()


def _batch_config() -> dict[str, Any]:
    """Return the SDK's schema of ``batch_config``, narrowed to what ``BatchWriter`` can write."""
    batch: dict[str, Any] = deepcopy(BATCH_CONFIG["properties"]["batch_config"])
    encoding, storage = (batch["properties"][name] for name in ("encoding", "storage"))
    # No Parquet: its columns would have to name the members of objects, which differ between candidates.
    encoding["properties"]["format"]["enum"] = ["jsonl"]
    encoding["properties"]["compression"]["enum"] = ["gzip", "none", None]
    about = {"title": "Batch Storage Parameters", "description": "Options of the storage, by their names in fsspec."}
    storage["properties"]["params"] = {"type": ["object"], **about}
    about = {"title": "Batch Size", "description": "Maximum number of candidates in a file; 10,000 if not set."}
    batch["properties"]["batch_size"] = {"type": ["integer", "null"], "minimum": 1, **about}
    for part, required in ((batch, ["encoding", "storage"]), (encoding, ["format"]), (storage, ["root"])):
        part |= {"type": ["object"], "required": required, "additionalProperties": False}
    return batch


SETTINGS["properties"]["batch_config"] = _batch_config()

_SWITCHES: Final = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)


def from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Read settings from environment variables: text as it is, others as JSON, or as text if that is invalid.

    Raises:
        ConfigurationError: If ``.env`` can't be parsed.
    """
    settings = {}
    for variable, text in _variables(prefix).items():
        name = variable.removeprefix(prefix).lower()
        if not name.startswith(("loglevel", "_")):  # these are settings of the SDK and of Meltano
            settings[name] = _parsed(text, schema["properties"].get(name, {}).get("type", ()))
    return settings


def _variables(prefix: str) -> dict[str, str]:
    """Read the variables of the process, and those that only ``.env`` in the working directory has.

    No value is expanded, and no variable is set.
    """
    path = Path.cwd() / ".env"
    try:
        text = path.read_text("utf-8-sig") if path.exists() and not path.is_dir() else ""
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not text in UTF-8") from None
    in_file = dotenv_values(stream=io.StringIO(text), interpolate=False)
    for name in re.findall(rf"^\s*(?:export\s+)?({prefix}[^\s=]*)", text, re.MULTILINE):
        if name not in in_file:
            raise ConfigurationError(f"{path} can't be parsed where it sets {plain_name(name)}; is a quote missing?")
    variables = in_file | os.environ
    return {name: value for name, value in variables.items() if name.startswith(prefix) and value is not None}


def _parsed(text: str, types: Collection[str]) -> Any:  # noqa: ANN401
    if "boolean" in types:
        return _SWITCHES.get(text.strip().lower(), text)
    if "string" not in types:
        with suppress(ValueError, RecursionError):
            return parse(text)
    return text


def validate(config: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Fill in the defaults, and return a line for each bad setting: the rule that it breaks, and its description.

    No line holds a value: it may be a secret in the wrong place.
    """
    about = {name: each["description"] for name, each in schema["properties"].items()}
    hint = "variables and .env are read with --config ENV only"
    lines = {name: f"{name} is missing ({hint}): {about[name]}" for name in schema["required"] if name not in config}
    # The SDK's schema of stream maps is no valid JSON Schema: only that it is an object can be checked.
    properties = schema["properties"] | {"stream_maps": {"type": ["object", "null"]}}
    for error in _Validator({**schema, "properties": properties}, format_checker=_formats).iter_errors(config):
        if error.path:
            path = ".".join(plain_name(part) if isinstance(part, str) else str(part) for part in error.path)
            rule = f"{error.validator}: {json.dumps(error.validator_value)}"
            if error.validator == "type" and {"array", "object"} & {*error.validator_value}:
                rule += ", as JSON"
            elif error.validator == "required":
                rule = error.message
            elif error.validator == "additionalProperties":
                rule = f"unexpected: {', '.join(map(plain_name, error.instance.keys() - error.schema['properties']))}"
            lines.setdefault(str(error.path[0]), f"{path} is not valid ({rule}): {about[str(error.path[0])]}")
    return [*lines.values()] or [*_empty_values(config)]


def warnings_of(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each valid setting that has no effect, or probably not the intended one."""
    for name in [name for name in config if name not in schema["properties"]]:
        close = difflib.get_close_matches(name, schema["properties"], n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield f"{plain_name(name)} is an unknown setting and is ignored{hint}"
    if config.get("additional_fields") == {}:
        yield "additional_fields is empty, so no candidate is left out"
    for name, stream, _ in _stream_maps(config):
        if not fnmatch(STREAM, stream):
            yield f"stream_maps.{name} is ignored: there is no stream {stream}, only {STREAM}"


def mapped_columns(config: Mapping[str, Any]) -> set[str]:
    """Return the columns of candidates that any stream map removes, replaces or adds."""
    return {column for _, stream, columns in _stream_maps(config) if fnmatch(STREAM, stream) for column in columns}


def _stream_maps(config: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the name of each stream map, the stream or pattern of streams that it applies to, and its expressions."""
    for name, columns in (config.get("stream_maps") or {}).items():
        if isinstance(columns, dict):
            yield name, str(columns.get("__source__", name)), columns
        elif name != "__else__":
            yield name, name, {}


def _empty_values(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each expression with an empty value from ``config``: a hash with an empty salt hides nothing."""
    for stream, _, columns in _stream_maps(config):
        for column, expression in columns.items():
            for name, value in _values(str(expression), config.get("stream_map_config") or {}):
                if value is None or not str(value).strip():
                    yield f"stream_maps.{stream}.{column} uses stream_map_config.{name}, which is empty."


def _values(expression: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values that an expression takes from ``config``.

    A missing one makes the expression fail later, so it does not count as empty: its name is yielded as its value.
    """
    try:
        tree = ast.parse(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the SDK reports it
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(ast.Name("config"), ast.Constant(str(name))) | ast.Attribute(ast.Name("config"), name):
                yield name, values.get(name, name)
            case ast.Call(ast.Attribute(ast.Name("config"), "get"), [ast.Constant(str(name)), *rest]):
                default = rest[0] if rest else ast.Constant(None)
                yield name, values.get(name, default.value if isinstance(default, ast.Constant) else name)


def _is_trimmed(text: str) -> bool:
    return text.isprintable() and text.strip() == text != ""


def _is_api_url(text: str) -> bool:
    """Whether the key may be sent to a URL: by https, or to this machine."""
    request = requests.PreparedRequest()
    request.prepare_url(text, None)  # as the client does
    parts = urlsplit(str(request.url))
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    return is_safe and text.isprintable() and not {*text} & {*"@?# "}


_formats: Final = FormatChecker(formats=())
for _name, _check in (
    ("trimmed", _is_trimmed),
    ("trimmed-ascii", lambda text: text.isascii() and _is_trimmed(text)),
    ("date-time", to_moment),
    ("jsonpath", parse_jsonpath),
    ("uri", _is_api_url),
):
    # Another rule checks the type of a value.
    _formats.checks(_name, raises=Exception)(lambda each, check=_check: not isinstance(each, str) or bool(check(each)))
_Validator: Final = th.extend_validator_with_defaults(th.DEFAULT_JSONSCHEMA_VALIDATOR)
