"""The settings: what they are, how the environment spells them, and what is wrong with bad ones."""

from __future__ import annotations

import difflib
import ipaddress
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
import simplejson
from jsonpath_ng.ext import parse as parse_jsonpath  # type: ignore[attr-defined]
from singer_sdk import typing as th

from tap_interviewflow import __version__
from tap_interviewflow.incremental import to_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError

SETTINGS: Final[dict[str, Any]] = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType(min_length=1),
        required=True,
        secret=True,
        title="API Key",
        description="Key of the InterviewFlowAI account, made in the dashboard under API Keys. It is sent as "
        "`X-API-KEY`, to the API's own origin only.",
    ),
    th.Property(
        "interviewer_ids",
        th.CustomType({"type": ["array"], "items": {"type": ["string"], "minLength": 1}, "minItems": 1}),
        required=True,
        title="Interviewer IDs",
        description="The Interviewers whose candidates are read. An Interviewer's ID is on its Integrations tab. "
        "A repeated one is read once.",
    ),
    th.Property(
        "interview_ids",
        th.CustomType({"type": ["array", "null"], "items": {"type": ["string"], "minLength": 1}, "minItems": 1}),
        title="Interview IDs",
        description="Read only the candidates with these interview IDs, one look-up each.",
    ),
    th.Property(
        "additional_fields",
        th.ObjectType(additional_properties=th.CustomType({"type": ["string", "number", "boolean"]})),
        title="Custom Field Filters",
        description="Read only candidates whose custom fields match: a number is a minimum, a string must match "
        "exactly. Passed on to the API unchanged.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=1000),
        default=100,
        title="Page Size",
        description="How many candidates to ask for at a time (the API's `limit`), from 1 to 1000.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start Date",
        description="With incremental replication: leave out candidates that are older, by the replication key.",
    ),
    th.Property(
        "max_parallel_requests",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        title="Parallel Requests",
        description="How many requests are in flight at most, over all Interviewers, from 1 to 16.",
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
        th.StringType(min_length=1),
        title="Records JSONPath",
        description="Where the list of candidates is in the API's answer, such as `$.data.candidates`. Only needed "
        "should the answer change its shape.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default="https://api.interviewflowai.com",
        title="API URL",
        description="Address of the API: https, or http on a loopback host.",
    ),
    th.Property(
        "user_agent",
        th.StringType(min_length=1),
        default=f"tap-interviewflow/{__version__}",
        title="User Agent",
        description="How the tap names itself to the API.",
    ),
    # The SDK obeys this one in every tap, but declares it in none, so that no environment variable could set it.
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Emit ACTIVATE_VERSION",
        description="Have the target delete what the API does not hold any more, after each complete read.",
    ),
).to_dict()
"""The tap's own settings as a JSON Schema; the SDK adds its own."""

_RIGHT: Final = {
    "api_key": "it must be the text of a key, made in the dashboard under API Keys",
    "interviewer_ids": 'it must be a list of at least one Interviewer\'s ID, such as ["id-1", "id-2"]',
    "interview_ids": 'it must be a list of interview IDs, such as ["id-1"], none of them empty',
    "additional_fields": "it must be an object of strings, numbers or booleans, such as "
    '{"Manual Score": 50, "review": "yes"}: a number is a minimum, a string must match exactly',
    "page_size": "it must be a whole number from 1 to 1000",
    "start_date": "it must be a date or an RFC 3339 time, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    "max_parallel_requests": "it must be a whole number from 1 to 16",
    "request_timeout": "it must be a whole number of seconds from 1 to 3600",
    "records_jsonpath": "it must be a JSONPath to the list of candidates, such as $.data.candidates",
    "api_url": "it must be an address with https, or with http on a loopback host such as 127.0.0.1",
    "user_agent": "it must be plain text in one line",
    "emit_activate_version_messages": "it must be true or false",
}
_KINDS: Final = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "array": "a list",
}
_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_SHOWN: Final = {"page_size", "start_date", "max_parallel_requests", "request_timeout", "records_jsonpath"}
_MOST_LETTERS: Final = 40


def from_environment(schema: Mapping[str, Any], prefix: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Read settings from environment variables: text as it is, everything else as JSON.

    Args:
        schema: The JSON Schema of all settings.
        prefix: What the variables' names begin with.
        environment: The variables.

    Returns:
        The settings that are there. A value that does not parse stays text, for ``problems`` to report.
    """
    config: dict[str, Any] = {}
    for name, definition in schema["properties"].items():
        text = environment.get(prefix + name.upper().replace("-", "_"))
        if text is None:
            continue
        types = definition.get("type") or ()
        if "string" in types:
            config[name] = text
        elif "boolean" in types:
            config[name] = _WORDS.get(text.strip().lower(), text)
        else:
            try:
                config[name] = json.loads(text, parse_float=Decimal)
            except ValueError:
                config[name] = text
    return config


def problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with settings, and fill in the defaults.

    Args:
        config: The settings; those that are null count as not given.
        schema: The JSON Schema of all settings.

    Returns:
        For each bad setting one text with its name, what is wrong and what would be right. No secret and no
        filter value is quoted.
    """
    validator = th.extend_validator_with_defaults(th.DEFAULT_JSONSCHEMA_VALIDATOR)(schema)
    found: dict[str, str] = {}
    for error in validator.iter_errors(config):
        for name, wrong in _wrong(error, config, schema.get("required", ())):
            found.setdefault(name, wrong)
    for name, check in _CHECKS.items():
        if name not in found and name in config and (reason := check(config[name])):
            found[name] = reason
    return [f"{name} {wrong}; {_right(name, schema)}" for name, wrong in found.items()]


def unknown(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Say which settings are none, and which were probably meant."""
    for name in config:
        if name not in schema["properties"]:
            close = difflib.get_close_matches(name, schema["properties"], n=1)
            yield f"{name} is no setting of this tap and is ignored" + (f"; did you mean {close[0]}?" if close else "")


def _right(name: str, schema: Mapping[str, Any]) -> str:
    if name in _RIGHT:
        return _RIGHT[name]
    types = schema["properties"].get(name, {}).get("type", ())
    return f"it must be {' or '.join(_KINDS[kind] for kind in _KINDS if kind in types) or 'something else'}"


def _wrong(error: ValidationError, config: Mapping[str, Any], required: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not error.path:
        yield from ((name, "is missing") for name in required if name not in config)
        return
    setting, *inner = error.path
    name = str(setting)
    if error.instance in ("", []):
        yield name, "is empty" if not inner else "has an empty value in it"
    elif inner:
        place = f", for {json.dumps(inner[0])}" if isinstance(inner[0], str) else ""
        yield name, f"has {_kind(error.instance)} in it{place}"
    elif name in _SHOWN and isinstance(error.instance, (str, int, float, Decimal)):
        yield name, f"is {simplejson.dumps(error.instance)[:_MOST_LETTERS]}"
    elif error.validator == "type":
        yield name, f"is {_kind(error.instance)}"
    else:
        yield name, "is not valid"


def _kind(value: object) -> str:
    kinds = {str: "text", bool: "a boolean", dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), "a number")


def _wrong_start_date(text: str) -> str | None:
    try:
        to_moment(text)
    except ValueError:
        return f"is {json.dumps(text)[:_MOST_LETTERS]}"
    return None


def _wrong_jsonpath(text: str) -> str | None:
    try:
        parse_jsonpath(text)
    except Exception as error:  # noqa: BLE001  # the parser has no exception of its own
        return f"is {json.dumps(text)[:_MOST_LETTERS]}, which is no JSONPath ({type(error).__name__})"
    return None


def _wrong_url(text: str) -> str | None:
    request = requests.PreparedRequest()
    try:
        request.prepare_url(text, None)  # whoever sends it later has to understand it
        parts = urlsplit(str(request.url))
        _ = parts.port
    except ValueError:
        return "is no address"
    if not text.isprintable() or " " in text or not parts.hostname:
        return "is no address"
    if any((parts.username, parts.password, parts.query, parts.fragment)):
        return "has more in it than the address of a host"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)):
        return None
    return f"begins with {parts.scheme}:// for the host {parts.hostname}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong_header(text: str) -> str | None:
    if not text.isprintable() or not text.isascii() or text != text.strip():
        return "has characters that can't be sent in a header, or spaces around it"
    return None


_CHECKS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "api_key": _wrong_header,
    "start_date": _wrong_start_date,
    "records_jsonpath": _wrong_jsonpath,
    "api_url": _wrong_url,
    "user_agent": _wrong_header,
}
