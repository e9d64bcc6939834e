"""The tap: its settings, discovery, and what it takes from the command line."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import simplejson
from dotenv import load_dotenv
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_interviewflow import settings
from tap_interviewflow.command import OneLineCommand
from tap_interviewflow.incremental import check_state
from tap_interviewflow.schema import KEY_PROPERTIES, candidates_schema
from tap_interviewflow.shutdown import Shutdown
from tap_interviewflow.streams import Candidates
from tap_interviewflow.writer import SingerWriter

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click
    from singer_sdk.plugin_base import _ConfigInput


class TapInterviewFlow(Tap):
    """Singer tap for InterviewFlowAI: candidates through the Fetch API."""

    name = "tap-interviewflow"
    config_jsonschema = settings.SETTINGS
    dynamic_catalog = True
    message_writer_class = SingerWriter
    message_writer: SingerWriter

    def __init__(self, **kwargs: Any) -> None:
        """Initialize the tap; the arguments are those of the SDK's."""
        self.shutdown = Shutdown()
        _take_replication_methods(kwargs.get("catalog"))
        super().__init__(**kwargs)
        self.message_writer.shutdown = self.shutdown

    @override
    def discover_streams(self) -> Sequence[Candidates]:
        """Give the one stream, with the columns that a sample of the API shows unless a catalog says them."""
        candidates = Candidates(tap=self, schema=candidates_schema())
        if self.input_catalog is not None:
            return [candidates]
        return [Candidates(tap=self, schema=candidates_schema(candidates.sample()))]

    @override
    def setup_mapper(self) -> None:
        if self.config.get("flattening_enabled"):
            # The SDK flattens an object into its declared properties, and one that declares that it has none into
            # nothing. If it declares nothing, it becomes JSON text.
            for entry in self.catalog.streams:
                for definition in (entry.schema.properties or {}).values():
                    definition.properties = definition.properties or None
        super().setup_mapper()

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
        path = Path.cwd() / ".env"
        try:
            load_dotenv(path, encoding="utf-8-sig")
        except UnicodeDecodeError:
            message = f"{path} is no text in UTF-8"
            raise ConfigurationError(message) from None
        return settings.from_environment(schema, self._env_var_prefix, os.environ)

    # State

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        check_state(state)
        super().load_state(state)

    # Output

    @override
    def run_discovery(self) -> str:
        catalog = self.catalog_json_text
        self.message_writer.write_lines(f"{catalog}\n".encode())
        self.message_writer.flush()
        return catalog

    # Signals. The SDK's handler writes into whatever is being written, exits with 0, and leaves SIGHUP to kill.

    @override
    def _setup_signal_handlers(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.shutdown.listen()

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
                _read_object("--config", path, Path(path).read_bytes())
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        state = _checked("--state", state, check_state)
        catalog = _checked("--catalog", catalog, _check_catalog)
        super().invoke(state=state, catalog=catalog, **kwargs)


def _take_replication_methods(catalog: object) -> None:
    """Put a stream's replication method where the SDK looks for it, if the metadata say one.

    That is where Meltano puts ``metadata: {candidates: {replication-method: …}}``. The SDK does not read it, and
    takes the method that discovery has left in the catalog even if a replication key was added since.
    """
    if not isinstance(catalog, dict):
        return
    for stream in catalog.get("streams", ()):
        for entry in stream.get("metadata", ()):
            if entry["breadcrumb"]:
                continue
            implied = REPLICATION_INCREMENTAL if entry["metadata"].get("replication-key") else None
            if method := entry["metadata"].get("replication-method") or implied:
                stream["replication_method"] = method


def _checked(option: str, file: IO[str] | None, check: Callable[[dict[str, Any]], None]) -> IO[str] | None:
    if file is None:
        return None
    # In UTF-8, whatever the system's own encoding is.
    content = file.buffer.read() if isinstance(file, io.TextIOWrapper) else file.read().encode()
    check(_read_object(option, file.name, content))
    return io.StringIO(content.decode())


def _read_object(option: str, name: str, content: bytes) -> dict[str, Any]:
    try:
        document = simplejson.loads(content.decode())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        message = f"{name}, given as {option}, is no JSON object in plain UTF-8"
        raise ConfigurationError(message)
    return document


def _check_catalog(document: dict[str, Any]) -> None:
    # The SDK would fail on another shape without a word of use, and read nothing where the stream is not in it.
    try:
        properties = Catalog.from_dict(document)[Candidates.name].schema.properties
        has_keys = set(KEY_PROPERTIES) <= set(properties or ())
    except (AttributeError, KeyError, TypeError, ValueError):
        has_keys = False
    if not has_keys:
        message = (
            f"the catalog has no stream {Candidates.name} with the properties {' and '.join(KEY_PROPERTIES)}; "
            "make one with --discover"
        )
        raise ConfigurationError(message)
