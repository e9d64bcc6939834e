"""Settings from the environment: from variables, and from a ``.env`` in the working directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dotenv import dotenv_values
from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow import config
from tap_interviewflow.records.json import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SWITCHES: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_OBEYED_ELSEWHERE: Final = ("LOGLEVEL", "_")
"""How the names of variables go on that others obey: the SDK, and Meltano, which names its extras so."""


def variables(prefix: str) -> dict[str, str]:
    """Give the variables with a prefix; those of the process win over those of ``.env``.

    Nothing is expanded in that file, and nothing of it gets into the process: what else is in it, be it a proxy or
    a variable of Python's own, was written for others.

    Raises:
        ConfigurationError: If the file is not text.
    """
    path = Path.cwd() / ".env"
    try:
        of_file = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path} is not text in UTF-8"
        raise ConfigurationError(message) from None
    found = {**of_file, **os.environ}
    return {name: value for name, value in found.items() if name.startswith(prefix) and value is not None}


def settings_from(environment: Mapping[str, str], schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Read settings from variables: text as it is, everything else as JSON.

    Returns:
        The settings that are there. A value that is not valid JSON stays text, for ``config.errors`` to report.
    """
    settings: dict[str, Any] = {}
    for variable, name in _names(schema, prefix).items():
        if (text := environment.get(variable)) is None:
            continue
        types = schema["properties"][name].get("type") or ()
        if "string" in types:
            settings[name] = text
        elif "boolean" in types:
            settings[name] = _SWITCHES.get(text.strip().lower(), text)
        else:
            try:
                settings[name] = parse(text)
            except (ValueError, RecursionError):
                settings[name] = text
    return settings


def warnings(environment: Mapping[str, str], schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Say which variables look like settings and are not."""
    names = _names(schema, prefix)
    for name in environment:
        if name not in names and not name.startswith(_OBEYED_ELSEWHERE, len(prefix)):
            yield config.unknown(name, names, prefix)


def _names(schema: Mapping[str, Any], prefix: str) -> dict[str, str]:
    return {prefix + name.upper().replace("-", "_"): name for name in schema["properties"]}
