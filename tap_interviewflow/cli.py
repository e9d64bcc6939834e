"""The command line: files are read once, and every failure is one line and an exit code."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import IO, Any

import click
from singer_sdk import exceptions
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_interviewflow.api import redact
from tap_interviewflow.records.json import parse


class OneLineCommand(SingerCommand):
    """A command without tracebacks: they are of no use to its users, and can quote personal data."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        logging.captureWarnings(capture=True)
        return click.Command.invoke(self, ctx)  # the SDK's command reports bad settings in several lines

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Before anything is read: an error may quote what is wrong with it.
        redact.install([os.environ.get("TAP_INTERVIEWFLOW_API_KEY", "")])
        try:
            # In standalone mode click reports a bad command line itself, in several lines.
            sys.exit(super().main(*args, **kwargs | {"standalone_mode": False}))
        except click.ClickException as error:
            line, code = error.format_message(), error.exit_code
        except click.Abort:  # Ctrl-C before the tap listens to it
            sys.exit(130)
        except BrokenPipeError:  # the target is gone, which its own log explains
            sys.exit(1)
        except Exception as error:  # noqa: BLE001  # the text of an unknown one may quote a candidate
            self.logger.debug("%s", "".join(traceback.format_tb(error.__traceback__)))
            line, code = _describe(error), 1
        self.logger.error("%s", " ".join(line.split()))
        sys.exit(code)


def read_object(option: str, name: str, content: bytes) -> dict[str, Any]:
    """Parse the content of a file as a JSON object.

    Raises:
        ConfigurationError: If it is none.
    """
    try:
        document = parse(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        message = f"{name}, given as {option}, is not a valid JSON object in UTF-8"
        raise exceptions.ConfigurationError(message)
    return document


def read_config(*paths: str) -> dict[str, Any]:
    """Read settings from files, each once, as it may be a pipe; a later file wins.

    Raises:
        ConfigurationError: If a file holds no JSON object, or if the settings are given in place of a path.
    """
    config: dict[str, Any] = {}
    for path in paths:
        if path.lstrip().startswith("{"):
            message = "--config takes the path of a file, or ENV, and not the settings themselves"
            raise exceptions.ConfigurationError(message)
        config |= read_object("--config", path, Path(path).read_bytes())
    return config


def read_json_file(option: str, file: IO[str] | None) -> IO[str] | None:
    """Read a file, check that it holds a JSON object, and return its text for the SDK.

    The SDK opens it in the system's own encoding; JSON is UTF-8.

    Raises:
        ConfigurationError: If it holds no JSON object in UTF-8.
    """
    if file is None:
        return None
    content = file.buffer.read() if isinstance(file, io.TextIOWrapper) else file.read().encode()
    read_object(option, file.name, content)
    return io.StringIO(content.decode("utf-8-sig"))


def _describe(error: Exception) -> str:
    """Describe an error in words that hold nothing of a candidate."""
    reason = ""
    match error:
        case exceptions.ConfigValidationError(errors=[_, *_]):
            reason = "; ".join(error.errors)
        case exceptions.MapExpressionError() | exceptions.StreamMapConfigError():
            pass  # they quote the setting
        case exceptions.SingerSDKError() | ImportError():
            reason = str(error)
        case OSError(strerror=str(text)):
            reason = ": ".join(str(part) for part in (error.filename, text) if part)
    known: dict[str, Any] = {}
    for mapping, _ in traceback.walk_tb(error.__traceback__):
        if mapping.f_globals["__name__"] == "singer_sdk.mapper":
            known |= mapping.f_locals
    if known and not reason:
        # Not the text of the error: it quotes the expression, which may hold a salt, or a candidate's value.
        cause = error.__cause__ or error
        column = known.get("property_name", known.get("prop_key", "an expression")) or "__filter__"
        name = getattr(cause, "name", None) or getattr(cause, "func_name", None) or getattr(cause, "attr", "")
        return f"stream_maps can't be used: {column}: {type(cause).__name__} {name}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    defect = f"Unexpected {type(error).__name__} in {frame.name}, line {frame.lineno}: a defect of the tap"
    return reason or f"{defect}; LOGLEVEL=DEBUG shows the call stack"
