"""The settings: what they are, and what is wrong with bad ones."""

from __future__ import annotations

import difflib
import ipaddress
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from jsonpath_ng.ext import parse as parse_jsonpath  # type: ignore[attr-defined]
from singer_sdk import typing as th

from tap_interviewflow import builtin
from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.records.json import is_text
from tap_interviewflow.records.times import to_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
        description="IDs of the Interviewers whose candidates are read. An Interviewer's ID is on its Integrations "
        "tab. A repeated ID counts once.",
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
        "custom_field_columns",
        th.BooleanType,
        default=False,
        title="Custom Field Columns",
        description="Give each custom field that discovery sees a typed column of its own, beside the JSON column.",
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
        th.StringType(min_length=1),
        title="Records JSONPath",
        description="Where the list of candidates is in the API's answer, such as `$.data.candidates`. Only needed "
        "if the tap does not find it.",
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
        title="User Agent",
        description="User agent that is sent to the API. If not set, it is the tap's name and version.",
    ),
    # The SDK obeys this one in every tap, but declares it in none, so that no environment variable could set it.
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Emit ACTIVATE_VERSION",
        description="Let the target delete candidates that the API no longer has, after each complete read.",
    ),
).to_dict()
"""The tap's own settings as a JSON Schema; the SDK adds its own."""

REMEDIES: Final = {
    "api_key": "it must be the text of a key, made in the dashboard under API Keys",
    "interviewer_ids": 'it must be a list of at least one Interviewer\'s ID, such as ["id-1", "id-2"]',
    "interview_ids": 'it must be a list of at least one interview ID, such as ["id-1"]',
    "additional_fields": "it must be an object of strings, numbers or booleans, such as "
    '{"Manual Score": 50, "review": "yes"}: a number is a minimum, a string must match exactly',
    "custom_field_columns": "it must be true or false",
    "page_size": "it must be a whole number from 1 to 1000",
    "start_date": "it must be a date or an RFC 3339 time, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    "allow_incomplete": "it must be true or false",
    "max_parallel_requests": "it must be a whole number from 1 to 16",
    "request_timeout": "it must be a whole number of seconds from 1 to 3600",
    "records_jsonpath": "it must be a JSONPath to the list of candidates, such as $.data.candidates",
    "api_url": "it must be an address with https, or with http on a loopback host such as 127.0.0.1",
    "user_agent": "it must be plain text in one line",
    "emit_activate_version_messages": "it must be true or false",
}


def errors(config: Mapping[str, Any], schema: Mapping[str, Any], *, reads_environment: bool = True) -> list[str]:
    """Say what is wrong with settings, and fill in the defaults.

    Args:
        config: The settings; none of them null.
        schema: The JSON Schema of all settings.
        reads_environment: Whether settings were looked for there, too.

    Returns:
        For each bad setting one text with its name, what is wrong and what would be right. No value is quoted: it
        may be a secret in the wrong place.
    """
    validator = th.extend_validator_with_defaults(th.DEFAULT_JSONSCHEMA_VALIDATOR)(builtin.mended(schema))
    missing = [name for name in schema.get("required", ()) if name not in config]
    found = {name: f"{name} is missing; {REMEDIES[name]}" for name in missing}
    for error in validator.iter_errors(config):
        if error.path and (name := str(error.path[0])) not in found:
            found[name] = f"{name} {_wrong(error)}; {REMEDIES[name]}" if name in REMEDIES else builtin.describe(error)
    for name in [name for name in REMEDIES if name not in found and not is_text(config.get(name))]:
        found[name] = f"{name} has half a character in it; {REMEDIES[name]}"
    for name, check in _CHECKS.items():
        if name not in found and name in config and (wrong := check(config[name])):
            found[name] = f"{name} {wrong}; {REMEDIES[name]}"
    if not found.keys() - REMEDIES.keys():
        found |= {error: error for error in builtin.errors(config)}
    hint = "variables of the environment and .env are read only with --config ENV"
    return [*found.values(), *([hint] if missing and not reads_environment else ())]


def warnings(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Say which settings are good but do nothing, or not what was probably meant."""
    for name in config:
        if name not in schema["properties"]:
            yield unknown(name, schema["properties"])
    if config.get("additional_fields") == {}:
        yield "additional_fields is empty, so no candidate is left out"
    yield from builtin.warnings(config)


def unknown(name: str, names: Iterable[str], prefix: str = "") -> str:
    """Say that a name is not that of a setting, and which was probably meant; all begin with the prefix."""
    close = difflib.get_close_matches(name.removeprefix(prefix), [known.removeprefix(prefix) for known in names], n=1)
    return f"{plain_name(name)} is an unknown setting and is ignored" + (
        f"; did you mean {prefix}{close[0]}?" if close else ""
    )


def _wrong(error: ValidationError) -> str:
    inner = list(error.path)[1:]
    if error.instance in ("", []):
        return "is empty" if not inner else "has an empty value in it"
    if inner:
        place = f", for {json.dumps(inner[0])}" if isinstance(inner[0], str) else ""
        return f"has {builtin.kind(error.instance)} in it{place}"
    if error.validator == "type":
        return f"is {builtin.kind(error.instance)}"
    return {"minimum": "is too small", "maximum": "is too large"}.get(str(error.validator), "is not valid")


def _wrong_ids(ids: Sequence[str]) -> str | None:
    return "has an ID with spaces around it" if any(text != text.strip() for text in ids) else None


def _wrong_start_date(text: str) -> str | None:
    try:
        to_moment(text)
    except ValueError:
        return "is not a date or a time"
    return None


def _wrong_jsonpath(text: str) -> str | None:
    try:
        parse_jsonpath(text)
    except Exception as error:  # noqa: BLE001  # the parser has no exception of its own
        return f"is not a valid JSONPath ({type(error).__name__})"
    return None


def _wrong_url(text: str) -> str | None:
    request = requests.PreparedRequest()
    try:
        request.prepare_url(text, None)  # whoever sends it later has to understand it
        parts = urlsplit(str(request.url))
        _ = parts.port
    except ValueError:
        return "is an invalid address"
    if not text.isprintable() or " " in text or not parts.hostname:
        return "is an invalid address"
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
    "interviewer_ids": _wrong_ids,
    "interview_ids": _wrong_ids,
    "start_date": _wrong_start_date,
    "records_jsonpath": _wrong_jsonpath,
    "api_url": _wrong_url,
    "user_agent": _wrong_header,
}
