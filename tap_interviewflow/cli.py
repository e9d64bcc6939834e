"""The command line: what it reads, and that every failure is one line and an exit code."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click
from singer_sdk.exceptions import (
    ConfigurationError,
    ConfigValidationError,
    MapExpressionError,
    MappingError,
    SingerSDKError,
)
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_interviewflow.api import redact
from tap_interviewflow.output import OutputError, TargetGoneError
from tap_interviewflow.records.json import parse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

_STOPPED_BY_CTRL_C: Final = 130
_MAPPER: Final = "singer_sdk.mapper"
_BATCHES: Final = (
    *("tap_interviewflow.batches", "singer_sdk.batch"),
    *("singer_sdk.helpers._batch", "singer_sdk.contrib.batch_encoder_"),
)


class OneLineCommand(SingerCommand):
    """A command that shows no tracebacks: they are of no use to its users, and can quote what is personal."""

    @classmethod
    def like(cls, command: click.Command, logger: logging.Logger) -> OneLineCommand:
        """Make one of the command that the SDK has put together."""
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=logger,
        )

    @override
    def invoke(self, ctx: click.Context) -> Any:
        logging.captureWarnings(capture=True)
        return click.Command.invoke(self, ctx)  # the SDK's own would report errors in its way, in several lines

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Before anything is read: what is wrong with it may be quoted.
        redact.install([os.environ.get("TAP_INTERVIEWFLOW_API_KEY", "")])
        try:
            # Otherwise click would report what is wrong with the command line in its own way, in several lines.
            sys.exit(super().main(*args, **kwargs | {"standalone_mode": False}))
        except click.ClickException as error:
            self._fail(error.format_message())
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(_STOPPED_BY_CTRL_C)
        except BrokenPipeError:
            pass
        except TargetGoneError as error:
            self.logger.info("Stopped: %s", error)
        except Exception as error:  # noqa: BLE001  # its text may quote a candidate, unless it is one of those named
            self._fail(_line(error) or _defect(error))
            self.logger.debug("%s", "".join(traceback.format_tb(error.__traceback__)))
        sys.exit(1)

    def _fail(self, line: str) -> None:
        self.logger.error("%s", " ".join(line.split()))


def read_object(option: str, name: str, content: bytes) -> dict[str, Any]:
    """Read a JSON object from what a file holds.

    Raises:
        ConfigurationError: If it holds something else.
    """
    try:
        document = parse(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        message = f"{name}, given as {option}, is not a valid JSON object in UTF-8"
        raise ConfigurationError(message)
    return document


def read_config(paths: Iterable[str]) -> dict[str, Any]:
    """Read settings from files, each once, as it may be a pipe; a later one outdoes an earlier one."""
    config: dict[str, Any] = {}
    for path in paths:
        if path.lstrip().startswith("{"):
            message = "--config takes the path of a file, or ENV, and not the settings themselves"
            raise ConfigurationError(message)
        config |= read_object("--config", path, Path(path).read_bytes())
    return config


def checked(option: str, file: IO[str] | None) -> IO[str] | None:
    """Read a file that has a JSON object in it, in UTF-8 whatever the system's own encoding is."""
    if file is None:
        return None
    content = file.buffer.read() if isinstance(file, io.TextIOWrapper) else file.read().encode()
    read_object(option, file.name, content)
    return io.StringIO(content.decode("utf-8-sig"))


def _line(error: Exception) -> str | None:
    """Say what an error means, if it is one that can come from outside of the tap."""
    match error:
        case ConfigValidationError(errors=[_, *_]):
            return "; ".join(error.errors)
        case SingerSDKError() if not isinstance(error, MappingError):
            return str(error)
        case OutputError():
            return str(error)
        case RecursionError():
            return "A value is nested too deeply to be read"
    if line := _line_of_setting(error):
        return line
    return _reason(error) if isinstance(error, MappingError | OSError) else None


def _line_of_setting(error: Exception) -> str | None:
    """Name the setting of the SDK that has led to an error: the innermost place tells which, if it is not our own."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        module = str(frame.f_globals["__name__"])
        if module.startswith(_BATCHES):
            return f"batch_config can't be used: {_reason(error)}"
        if module.startswith("tap_interviewflow."):
            return None
        if module == _MAPPER:
            return f"{_map(frames)} can't be used: {_reason(error)}"
    return None


def _map(frames: list[FrameType]) -> str:
    for frame in frames:
        if frame.f_globals["__name__"] == _MAPPER and "property_name" in frame.f_locals:
            column = frame.f_locals["property_name"] or "__filter__"
            return f"stream_maps.{frame.f_locals['self'].stream_alias}.{column}"
    return "stream_maps"


def _reason(error: Exception) -> str:
    """Give the reason for an error in words that hold nothing of a candidate."""
    match error:
        case OSError(strerror=str(text)):
            return ": ".join(str(part) for part in (error.filename, text) if part)
        case MapExpressionError(__cause__=Exception() as cause):
            # Of what the expression names, and not of the expression, which may have a seed in it.
            name = next((vars(cause)[name] for name in ("name", "func_name", "attr") if name in vars(cause)), None)
            return f"{type(cause).__name__} ({name})" if name else type(cause).__name__
        case ImportError() | MappingError():
            return str(error)
    return type(error).__name__


def _defect(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
    return f"Unexpected {type(error).__name__} in {place}: a defect of the tap; LOGLEVEL=DEBUG shows the call stack"
