"""The tap: its settings, discovery, and what it takes from the command line."""

from __future__ import annotations

import dataclasses
from typing import IO, TYPE_CHECKING, Any, Final

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_interviewflow import cli, config, environment
from tap_interviewflow.catalog import mend_catalog
from tap_interviewflow.incremental import check_state
from tap_interviewflow.interruption import Interruption
from tap_interviewflow.messages import PageWriter
from tap_interviewflow.schema import candidates_schema
from tap_interviewflow.streams import Candidates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput


_ENVIRONMENT: Final = "ENV"


class TapInterviewFlow(Tap):
    """Singer tap for InterviewFlowAI: candidates through the Fetch API."""

    name = "tap-interviewflow"
    config_jsonschema = config.SETTINGS
    dynamic_catalog = True
    message_writer_class = PageWriter
    message_writer: PageWriter

    def __init__(self, **kwargs: Any) -> None:
        """Initialize the tap; the arguments are those of the SDK's."""
        self.interruption = Interruption()
        self._reads_environment = bool(kwargs.get("parse_env_config"))
        if isinstance(document := kwargs.get("catalog"), dict):
            kwargs["catalog"] = mend_catalog(document.to_dict() if isinstance(document, Catalog) else document)
        check_state(kwargs.get("state") or {})
        super().__init__(**kwargs)
        self.message_writer.interruption = self.interruption

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
        errors = config.errors(self._config, schema, reads_environment=self._reads_environment)
        if errors and raise_errors:
            line = "; ".join(errors)
            raise ConfigValidationError(line, errors=[line])
        for warning in config.warnings(self._config, schema):
            self.logger.warning("%s", warning)
        return errors

    @property
    def _env_var_config(self) -> dict[str, Any]:  # ty: ignore[incompatible-property-override]
        # The SDK's puts all of a .env into the process, fails on a number that is none without naming the setting,
        # and splits what is not JSON.
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        variables = environment.variables(self._env_var_prefix)
        for warning in environment.warnings(variables, schema, self._env_var_prefix):
            self.logger.warning("%s", warning)
        return environment.settings_from(variables, schema, self._env_var_prefix)

    # Signals. The SDK's handler writes into whatever is being written, and exits with 0.

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.interruption.note(signum)

    # Command line

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        return cli.OneLineCommand.like(super().get_singer_command(), cls.logger)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        # The SDK's own has no word of use for a file that it can't read, and a pipe can't be read twice to find one.
        files = [path for path in value if path != _ENVIRONMENT]
        given = super().cb_config(ctx, param, tuple(path for path in value if path == _ENVIRONMENT))
        return dataclasses.replace(given, config=cli.read_config(files))

    @classmethod
    @override
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        super().invoke(
            state=cli.checked("--state", state),
            catalog=cli.checked("--catalog", catalog),
            **kwargs,
        )
