"""The stream of candidates as Singer sees it: its key, partitions, messages, state and versions."""

from __future__ import annotations

from contextlib import closing, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_interviewflow import deletes
from tap_interviewflow.api.redact import count_of, plain_name
from tap_interviewflow.config import mapped_columns
from tap_interviewflow.records.conform import Conformer, Counts
from tap_interviewflow.records.schema import INTERVIEWER, KEY_PROPERTIES, STREAM
from tap_interviewflow.report import failure_of, log_unexpected, log_verdict
from tap_interviewflow.state import BookmarkedStream
from tap_interviewflow.writer import RecordOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog, Message, MetadataMapping

    from tap_interviewflow.api.page import Page
    from tap_interviewflow.batches import BatchWriter
    from tap_interviewflow.reader import Reader
    from tap_interviewflow.records.bookmark import Bookmark
    from tap_interviewflow.report import RequestMetrics
    from tap_interviewflow.writer import SingerWriter


class Candidates(BookmarkedStream):
    """The candidates of the Interviewers."""

    name = STREAM
    primary_keys: Sequence[str] = KEY_PROPERTIES
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # ``Conformer`` has done it

    def __init__(
        self, tap: Tap, schema: dict[str, Any], reader: Reader, writer: SingerWriter, requests: RequestMetrics
    ) -> None:
        """Initialize the stream by the schema that discovery made."""
        super().__init__(tap=tap, schema=schema)
        self._reader = reader
        self._writer = writer
        self._requests = requests
        self._written = 0

    @property
    def is_incremental(self) -> bool:
        """Whether only new candidates are written. Those of ``interview_ids`` are in any case."""
        return self.replication_method == REPLICATION_INCREMENTAL and not self.config.get("interview_ids")

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        return [{INTERVIEWER: each} for each in self._reader.interviewer_ids] if self.is_incremental else None

    @override
    def log(self, message: str, *args: Any, **kwargs: Any) -> None:
        # The SDK announces that an error has occurred, and the command then logs it: one line is enough.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, **kwargs)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply the schema, the selection and the replication of a catalog.

        Raises:
            ConfigurationError: If the stream can't be replicated in the way the catalog asks for.
        """
        super().apply_catalog(catalog)
        method, key = self.replication_method, self.replication_key
        if method not in {REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL}:
            message = f"the replication method {plain_name(method)} is not known; use FULL_TABLE or INCREMENTAL"
            raise ConfigurationError(message)
        if method == REPLICATION_INCREMENTAL and key not in self._times:
            is_unseen = key and key not in self.effective_schema["properties"]
            unseen = "; discovery saw no candidate with a value for it" if is_unseen else ""
            message = (
                f"the replication key {plain_name(str(key)) if key else '(none given)'} is not a date-time column of "
                f"candidates{unseen}; use one of: {', '.join(map(plain_name, self._times))}"
            )
            raise ConfigurationError(message)

    @property
    @override
    def metadata(self) -> MetadataMapping:
        metadata = super().metadata
        if self._tap.input_catalog is None:
            metadata.root.valid_replication_keys = self._times
        return metadata

    @property
    def _times(self) -> list[str]:
        """The columns that can be the replication key."""
        properties = self.effective_schema["properties"]
        return [name for name, definition in properties.items() if definition.get("format") == "date-time"]

    # Reading

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        interviewer_ids = [str(context[INTERVIEWER])] if context else self._reader.interviewer_ids
        self._prepare(interviewer_ids)
        for _, pages in self._reads(interviewer_ids):
            for page in pages:
                yield from page.records

    def _prepare(
        self, interviewer_ids: Sequence[str], encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None
    ) -> None:
        # Every other part of a breadcrumb is the word "properties".
        paths = {where[1::2] for where, is_selected in self.mask.items() if where[1:] and not is_selected}
        self._conformer = Conformer(
            self.effective_schema,
            deselected={path[0] for path in paths if len(path) == 1},
            never_rescued={path[0] for path in paths} | mapped_columns(self.config),
        )
        reads_twice = self._stream_version is not None and self._reason_against_deletes is None
        self._reader.prepare(self._conformer, interviewer_ids, encode=encode, reads_twice=reads_twice)

    def _reads(self, interviewer_ids: Sequence[str]) -> Iterator[tuple[str | None, Iterator[Page]]]:
        """Yield each Interviewer with its pages, or no Interviewer with those of the look-ups."""
        if interview_ids := self.config.get("interview_ids"):
            yield None, self._reader.look_ups(interview_ids)
            return
        for interviewer_id in interviewer_ids:
            yield interviewer_id, self._reader.pages(interviewer_id)

    # Writing

    @cached_property
    def _is_plain(self) -> bool:
        """Whether records are written as they are read: no map, flattening or selection inside of columns is in use."""
        (stream_map, *others) = self.stream_maps
        return (
            not others
            and type(stream_map) is SameRecordTransform
            and not stream_map.flattening_enabled
            and all(is_selected for breadcrumb, is_selected in self.mask.items() if len(breadcrumb) != 2)  # noqa: PLR2004
        )

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        if not write_messages:
            yield from self.get_records(context)
            return
        # By page: the SDK's loop takes each record through five functions of which a plain run needs none. See
        # https://github.com/meltano/sdk/issues/1194.
        self._sync_pages(RecordOutput(self._writer, self._stream_version))

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        # The SDK's batches hold records as they were read: unmapped, unfiltered, and with what was deselected.
        from tap_interviewflow.batches import BatchWriter  # noqa: PLC0415  # loads what only batches need

        with self.get_batch_counter() as counter:

            def write_message(message: Message) -> None:
                counter.increment()
                self._tap.write_message(message)

            with closing(BatchWriter(self.tap_name, batch_config, write_message)) as batches:
                self._sync_pages(batches)

    def _sync_pages(self, output: RecordOutput | BatchWriter) -> None:
        """Read everything, and write it."""
        self._drop_unused_state()
        interviewer_ids = self._reader.interviewer_ids
        writes_all = self._is_plain and not self.is_incremental
        self._prepare(interviewer_ids, partial(output.encode, self.name) if writes_all else None)
        counts = Counts()
        reads: list[tuple[str | None, int, Bookmark | None]] = []
        with self.get_record_counter() as counter, self.get_sync_timer():
            try:
                for interviewer_id, pages in self._reads(interviewer_ids):
                    bookmark = self._bookmark_of(interviewer_id) if self.is_incremental else None
                    before = self._written
                    for page in pages:
                        counts.add(page.counts)
                        self._check_max_record_limit(self._written)
                        count = self._write_page(page, bookmark, output)
                        counter.increment(count)
                        self._written += count
                        self._writer.flush()  # so that a slow API does not look like a tap that hangs
                        self._reader.shutdown.raise_if_requested()
                    reads.append((interviewer_id, self._written - before, bookmark))
                    if self.is_incremental or not output.gathers:
                        self._finish_reads(reads, output)
                self._finish_reads(reads, output)
                if not self.is_incremental:
                    self._finalize_state(self.stream_state)
                    self._write_state_message()
            except (Exception, SystemExit) as error:
                if isinstance(error, FatalAPIError):  # what came before it is written, to files too
                    output.flush()
                self._end_early(error)
                raise
            finally:
                log_unexpected(counts, self._conformer)
                self._requests.finish()

    def _end_early(self, error: BaseException) -> None:
        """Write the state, then log why not everything was read: writing the log may block."""
        self._reader.close()  # where the process goes on, what is in flight would be tried again
        with suppress(OSError):
            self._tap.state_writer.write_state(self.tap_state)
        if self._reader.shutdown.is_stopping:
            stopped = self._reader.shutdown.name, count_of(self._written, "candidate")
            self.logger.warning("Stopped by %s after %s", *stopped)
        elif isinstance(error, BrokenPipeError):
            self.logger.info("Stopped: the target reads no more")
        if self.emit_activate_version_messages:
            self._warn_of_no_deletes("the run ended early")

    def _write_page(self, page: Page, bookmark: Bookmark | None, output: RecordOutput | BatchWriter) -> int:
        """Write the records of a page, and return how many candidates they are of."""
        if page.lines is not None:
            output.add(self.name, page.lines)
            return len(page.ids)
        records = bookmark.select(page.records) if bookmark else page.records
        if self._is_plain:
            output.add(self.name, output.encode(self.name, records))
            return len(records)
        written = 0
        for record in records:
            self._reader.shutdown.raise_if_requested()
            mapped = list(self._generate_record_messages(record))
            for each in mapped:
                # In the order of the SCHEMA, with the members of an object that is null: flattening leaves them out.
                columns = {name: each.record.get(name) for name in self._columns[each.stream]}
                others = {name: value for name, value in each.record.items() if value is not None}
                output.add(each.stream, output.encode(each.stream, (columns | others,)))
            written += bool(mapped)
        return written

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        """The columns of each stream that is written, in the order of its SCHEMA."""
        return {each.stream_alias: list(each.transformed_schema["properties"]) for each in self.stream_maps}

    def _finish_reads(
        self, reads: list[tuple[str | None, int, Bookmark | None]], output: RecordOutput | BatchWriter
    ) -> None:
        """Flush, then log the verdicts and move the bookmarks: nothing is said of candidates that are not written."""
        output.flush()
        for interviewer_id, written, bookmark in reads:
            if interviewer_id is not None:
                verdict = self._reader.verdicts[interviewer_id]
                log_verdict(interviewer_id, verdict, written, bookmark.start if bookmark else None)
                if bookmark:
                    self._finish_bookmark(interviewer_id, bookmark, verdict)
        reads.clear()

    # Versions, and the end of the run

    @property
    def _reason_against_deletes(self) -> str | None:
        is_full = self.replication_method == REPLICATION_FULL_TABLE
        return deletes.reason_of_settings(self.config, reads_all=is_full and self.ABORT_AT_RECORD_COUNT is None)

    def _warn_of_no_deletes(self, reason: str | None) -> None:
        self.logger.warning("No ACTIVATE_VERSION is sent, so nothing is deleted: %s", reason)

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Send nothing here: it is called before the first record, and a read that fails would delete good rows.

        See https://github.com/meltano/sdk/pull/607.
        """

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the last STATE, then what makes a target delete the candidates that are gone, and judge the run.

        Raises:
            FatalAPIError: If not everything was read.
        """
        super().finalize_state_progress_markers(state)
        try:
            self._reader.shutdown.raise_if_requested()
        except SystemExit as error:
            self._end_early(error)
            raise
        try:
            if self.emit_activate_version_messages:
                reason = self._reason_against_deletes or deletes.reason_of_verdicts(self._reader)
                if reason is None and self._stream_version is not None:
                    super()._write_activate_version_message(self._stream_version)
                else:
                    self._warn_of_no_deletes(reason)
            self._reader.shutdown.raise_if_requested()
        finally:
            self._reader.close()
        if failure := failure_of(self._reader.verdicts, allow_incomplete=self.config.get("allow_incomplete", False)):
            raise FatalAPIError(failure)
