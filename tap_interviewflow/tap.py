"""The tap: it connects the command line, the settings and the catalog with the reader and the stream."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Final

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.singerlib import Catalog
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_interviewflow import cli, config
from tap_interviewflow.api import redact
from tap_interviewflow.api.client import Client
from tap_interviewflow.api.redact import count_of
from tap_interviewflow.catalog import correct_catalog
from tap_interviewflow.reader import Reader
from tap_interviewflow.records.bookmark import check_state
from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.report import RequestMetrics
from tap_interviewflow.shutdown import Interrupted, Shutdown
from tap_interviewflow.streams import Candidates
from tap_interviewflow.writer import SingerWriter

if TYPE_CHECKING:
    from collections.abc import Sequence


MAX_TEST_SECONDS: Final = 8.0
"""``--test`` tries no longer, and so ends within ten seconds."""

_ENVIRONMENT: Final = "ENV"


class TapInterviewFlow(Tap):
    """Singer tap for InterviewFlowAI: candidates through the Fetch API."""

    name = "tap-interviewflow"
    config_jsonschema = config.SETTINGS
    dynamic_catalog = True
    message_writer_class = SingerWriter
    message_writer: SingerWriter

    def __init__(self, **kwargs: Any) -> None:
        """Initialize the tap.

        Args:
            kwargs: The SDK's arguments, without its deprecated paths of files, and no other message writer.
        """
        self.shutdown = Shutdown()
        self._requests = RequestMetrics()
        self.append_builtin_config(self.config_jsonschema)
        if (document := kwargs.get("catalog")) is not None:
            kwargs["catalog"] = correct_catalog(document.to_dict() if isinstance(document, Catalog) else document)
        check_state(kwargs.get("state") or {})
        super().__init__(**kwargs)

    @override
    def discover_streams(self) -> Sequence[Candidates]:
        """Return the one stream; without a catalog, a sample of the API shows its columns."""
        sample = () if self.input_catalog is not None else self.reader.sample()
        try:
            schema = candidates_schema(sample, custom_field_columns=self.config.get("custom_field_columns", False))
            return [Candidates(self, schema, self.reader, self.message_writer, self._requests)]
        except (Exception, Interrupted):
            self.reader.close()
            if self.shutdown.is_stopping:
                self.logger.warning("Stopped by %s", self.shutdown.name)
            raise

    @cached_property
    def reader(self) -> Reader:
        """The reader of this run."""
        return Reader(self.config, self.shutdown, Client(self.config, on_response=self._requests.log))

    # Settings

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        # The SDK's validation quotes a bad value, which may be the key.
        schema = self.config_jsonschema
        for name in [name for name, value in self._config.items() if value is None]:
            del self._config[name]
        redact.install([str(self._config.get("api_key", ""))])
        errors = config.validate(self._config, schema)
        if errors and raise_errors:
            line = " ".join(errors)
            raise ConfigValidationError(line, errors=[line])
        for warning in () if errors else config.warnings_of(self._config, schema):
            self.logger.warning("%s", warning)
        return errors

    @property
    def _env_var_config(self) -> dict[str, Any]:  # ty: ignore[incompatible-property-override]
        # The SDK's method puts all of a .env into the process, and names no setting that it can't parse.
        return config.from_environment(self.config_jsonschema, self._env_var_prefix)

    @override
    def setup_mapper(self) -> None:
        super().setup_mapper()
        is_incremental = any(isinstance(each, Candidates) and each.is_incremental for each in self.streams.values())
        if self.config.get("start_date") and not is_incremental:
            self.logger.warning(
                "start_date does nothing in FULL_TABLE mode or with interview_ids: all candidates are written"
            )

    # Output and signals

    @override
    def run_discovery(self) -> str:
        catalog = self.catalog_json_text
        self.message_writer.write_lines(f"{catalog}\n".encode())
        self.message_writer.flush()
        return catalog

    @override
    def _setup_signal_handlers(self) -> None:
        # The SDK's handler writes into a line that is being written, and exits with 0. See
        # https://github.com/meltano/sdk/pull/2620.
        if threading.current_thread() is threading.main_thread():
            self.shutdown.listen()

    # Command line

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        return cli.OneLineCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        # The SDK's callback reads no pipe, and says nothing useful of a file that it can't read.
        return _ConfigInput(cli.read_config(*(path for path in value if path != _ENVIRONMENT)), _ENVIRONMENT in value)

    @classmethod
    @override
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        state, catalog = cli.read_json_file("--state", state), cli.read_json_file("--catalog", catalog)
        super().invoke(state=state, catalog=catalog, **kwargs)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        # The SDK's callback syncs and shows a record, also for an unknown mode, and says nothing of the Interviewers
        # after the first.
        modes = [each.value for each in CliTestOptionValue]
        if value not in modes:
            raise click.BadParameter(f"use {', '.join(modes)}", ctx, param)
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        given = ctx.params.get("config", _ConfigInput())
        tap = cls(config=given.config, parse_env_config=given.parse_env, setup_mapper=False)
        ctx.exit(int(not tap.check()))

    def check(self) -> bool:
        """Log for each Interviewer whether it can be read, without a candidate's data, and return whether all can."""
        client = Client(self.config, on_response=self._requests.log, patience=MAX_TEST_SECONDS)
        reader = Reader(self.config, self.shutdown, client)
        results = list(reader.check(MAX_TEST_SECONDS))
        reader.close()
        self._requests.finish()
        for name, result in results:
            if isinstance(result, int):
                self.logger.info("Interviewer %s: found, %s on the first page", name, count_of(result, "candidate"))
            else:
                self.logger.error("%s", result)
        return all(isinstance(result, int) for _, result in results)
