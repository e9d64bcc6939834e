"""The tap: its settings, discovery, and what it takes from the command line."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import simplejson
from dotenv import load_dotenv
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError

from tap_interviewflow import settings
from tap_interviewflow.command import OneLineCommand
from tap_interviewflow.incremental import check_state
from tap_interviewflow.interruption import Interruption
from tap_interviewflow.messages import PageWriter
from tap_interviewflow.schema import candidates_schema
from tap_interviewflow.streams import Candidates

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput


class TapInterviewFlow(Tap):
    """Singer tap for InterviewFlowAI: candidates through the Fetch API."""

    name = "tap-interviewflow"
    config_jsonschema = settings.SETTINGS
    dynamic_catalog = True
    message_writer_class = PageWriter
    message_writer: PageWriter

    def __init__(self, **kwargs: Any) -> None:
        """Initialize the tap; the arguments are those of the SDK's."""
        self.interruption = Interruption()
        super().__init__(**kwargs)
        self.message_writer.interruption = self.interruption

    @override
    def discover_streams(self) -> Sequence[Candidates]:
        """Give the one stream, with the columns that a sample of the API shows unless a catalog says them."""
        candidates = Candidates(tap=self, schema=candidates_schema())
        if self.input_catalog is not None:
            return [candidates]
        return [Candidates(tap=self, schema=candidates_schema(candidates.sample()))]

    # Settings. The SDK's own checks quote a bad value, which may be the key, and name no remedy.

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        for name in [name for name, value in self._config.items() if value is None]:
            del self._config[name]
        errors = settings.problems(self._config, schema)
        if errors and raise_errors:
            line = "; ".join(errors)
            raise ConfigValidationError(line, errors=[line])
        for warning in settings.unknown(self._config, schema):
            self.logger.warning("%s", warning)
        return errors

    @property
    def _env_var_config(self) -> dict[str, Any]:  # ty: ignore[incompatible-property-override]
        # The SDK's fails on a number that is none without naming the setting, and splits what is no JSON.
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        load_dotenv(Path.cwd() / ".env")
        return settings.from_environment(schema, self._env_var_prefix, os.environ)

    # State

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        check_state(state)
        super().load_state(state)

    # Signals. The SDK's handler writes into whatever is being written, and exits with 0.

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.interruption.note(signum)

    # Command line

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        return OneLineCommand.like(super().get_singer_command(), cls.logger)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        for path in value:
            if path != "ENV":
                _read_object("--config", Path(path).read_text(encoding="utf-8"))
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        super().invoke(state=_checked("--state", state), catalog=_checked("--catalog", catalog), **kwargs)


def _checked(option: str, file: IO[str] | None) -> IO[str] | None:
    if file is None:
        return None
    text = file.read()
    _read_object(option, text)
    return io.StringIO(text)


def _read_object(option: str, text: str) -> None:
    try:
        is_object = isinstance(simplejson.loads(text), dict)
    except ValueError:
        is_object = False
    if not is_object:
        message = f"the file given as {option} is no JSON object"
        raise ConfigurationError(message)
