"""The command line: every way that a run can end is one line and an exit code."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import click
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand

from tap_interviewflow.writer import OutputError, TargetGoneError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


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
        try:
            # Otherwise click would report what is wrong with the command line in its own way, in several lines.
            sys.exit(super().main(*args, **kwargs | {"standalone_mode": False}))
        except click.ClickException as error:
            self._fail(error.format_message())
            sys.exit(error.exit_code)
        except (click.Abort, BrokenPipeError):
            pass
        except TargetGoneError as error:
            self.logger.info("Stopped: %s", error)
        except ConfigValidationError as error:
            self._fail("; ".join(error.errors) or str(error))
        except (SingerSDKError, OutputError) as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(
                ": ".join(str(part) for part in (error.filename, error.strerror) if part) or type(error).__name__
            )
        except RecursionError:
            self._fail("A value is nested too deeply to be read")
        except Exception as error:  # noqa: BLE001  # a defect: its text may quote a candidate, its place does not
            self._fail_unexpectedly(error)
        sys.exit(1)

    def _fail(self, line: str) -> None:
        self.logger.error("%s", " ".join(line.split()))

    def _fail_unexpectedly(self, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
        self._fail(
            f"Unexpected {type(error).__name__} in {place}: a defect of the tap; LOGLEVEL=DEBUG shows the way there"
        )
        self.logger.debug("%s", "".join(traceback.format_list(frames)))
