"""The stream of candidates as Singer sees it: its key, partitions, messages, state and versions."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_interviewflow import deletes
from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.config import mapped_columns
from tap_interviewflow.records.bookmark import FILTER, Bookmark, fingerprint
from tap_interviewflow.records.conform import Conformer
from tap_interviewflow.records.rescue import Tally
from tap_interviewflow.records.schema import INTERVIEWER, KEY_PROPERTIES
from tap_interviewflow.report import count_of, log_misfits, log_verdict
from tap_interviewflow.writer import json_lines, record_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog, Message, MetadataMapping

    from tap_interviewflow.api.page import Page
    from tap_interviewflow.reader import Reader
    from tap_interviewflow.report import RequestMetrics
    from tap_interviewflow.writer import SingerWriter


class Candidates(Stream):
    """The candidates of the Interviewers."""

    name = "candidates"
    primary_keys: Sequence[str] = KEY_PROPERTIES
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # every record has been conformed to the schema

    def __init__(
        self, tap: Tap, schema: dict[str, Any], reader: Reader, writer: SingerWriter, requests: RequestMetrics
    ) -> None:
        """Initialize the stream.

        Args:
            tap: The tap.
            schema: The schema of a candidate, as discovery made it.
            reader: What reads the API.
            writer: What writes the messages.
            requests: What counts the requests.
        """
        super().__init__(tap=tap, schema=schema)
        self._reader = reader
        self._writer = writer
        self._requests = requests
        self._tally = Tally()
        self._written = 0
        self._is_rescuing = True
        self._bookmark = Bookmark("", None)
        self._gathers = False  # whether what is handed on may be written much later
        self._verdicts: list[Callable[[], None]] = []

    @property
    def is_incremental(self) -> bool:
        """Whether only what is new goes out. Single candidates do in any case: they are asked for by name."""
        return self.replication_method == REPLICATION_INCREMENTAL and not self.config.get("interview_ids")

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        if not self.is_incremental:
            return None
        return [{INTERVIEWER: interviewer_id} for interviewer_id in self._reader.interviewer_ids]

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        return ()  # no stream hangs on this one

    @override
    def log(self, message: str, *args: Any, **kwargs: Any) -> None:
        # The SDK announces that an error has occurred, and the command then says which: one line is enough.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, **kwargs)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the schema, the selection and the replication from a catalog.

        Raises:
            ConfigurationError: If the stream can't be replicated in the way the catalog asks for.
        """
        super().apply_catalog(catalog)
        if self.replication_method == REPLICATION_FULL_TABLE:
            return
        if self.replication_method != REPLICATION_INCREMENTAL:
            message = f"the replication method {self.replication_method} is not known; use FULL_TABLE or INCREMENTAL"
            raise ConfigurationError(message)
        if self.replication_key not in (times := self._times):
            key = plain_name(self.replication_key) if self.replication_key else "(none given)"
            is_unseen = self.replication_key and self.replication_key not in self.effective_schema["properties"]
            unseen = "; discovery saw no candidate with a value for it" if is_unseen else ""
            message = (
                f"the replication key {key} is not a date-time column of candidates{unseen}; "
                f"use one of: {', '.join(map(plain_name, times))}"
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
        self._prepare()
        for page in self._pages(context):
            self._written += len(page.records)
            yield from page.records

    def _prepare(self, encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None) -> None:
        # Every other part of a breadcrumb is the word "properties".
        paths = {breadcrumb[1::2] for breadcrumb, is_selected in self.mask.items() if breadcrumb and not is_selected}
        conformer = Conformer(
            self.effective_schema,
            deselected={path[0] for path in paths if len(path) == 1},
            masked={path[0] for path in paths} | self._masked,
        )
        self._is_rescuing = conformer.has_rescue
        self._reader.prepare(
            conformer,
            encode=None if self.is_incremental else encode,
            confirms=self._stream_version is not None
            and deletes.reason_of_settings(self.config, reads_some=self._reads_some) is None,
        )

    @cached_property
    def _masked(self) -> set[str]:
        """The fields that any map removes or replaces."""
        return mapped_columns(self.config)

    def _pages(self, context: Context | None) -> Iterator[Page]:
        """Give the pages of one Interviewer, or of all, with the records that are to go out of each."""
        if interview_ids := self.config.get("interview_ids"):
            yield from map(self._noted, self._reader.look_ups(interview_ids))
        elif context:
            yield from self._new_candidates(context)
        else:
            for interviewer_id in self._reader.interviewer_ids:
                before = self._written
                yield from map(self._noted, self._reader.pages(interviewer_id))
                self._judge(interviewer_id, before)

    def _noted(self, page: Page) -> Page:
        self._tally.add(page.tally)
        return page

    def _new_candidates(self, context: Context) -> Iterator[Page]:
        interviewer_id = str(context[INTERVIEWER])
        start = self.get_starting_timestamp(context)
        if start is not None and start > self._started:
            self.logger.warning(
                "Interviewer %s: the bookmark or start_date %s is in the future; nothing before it is written",
                *(interviewer_id, start.isoformat()),
            )
        self._bookmark = Bookmark(str(self.replication_key), start)
        before = self._written
        for page in self._reader.pages(interviewer_id):
            page.records = self._bookmark.select(page.records)
            yield self._noted(page)
        self._judge(interviewer_id, before, start)

    def _judge(self, interviewer_id: str, before: int, start: datetime | None = None) -> None:
        """Have a verdict logged, once all that it speaks of is written."""
        verdict = self._reader.verdicts[interviewer_id]
        self._verdicts.append(partial(log_verdict, interviewer_id, verdict, self._written - before, start))
        if not self._gathers:
            self._log_verdicts()

    def _log_verdicts(self) -> None:
        for log in self._verdicts:
            log()
        self._verdicts.clear()

    # Writing

    @property
    def _writes_pages(self) -> bool:
        """Whether records go out as they come in: no map, flattening or selection is in use."""
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
        # The SDK's loop takes each record through five functions of which a plain run needs none, and says nothing of
        # pages, at whose ends a signal is obeyed.
        def encode(stream: str, records: Sequence[dict[str, Any]]) -> bytes:
            return record_lines(stream, records, self._stream_version, datetime.now(UTC))

        def write(_: str, lines: bytes, __: int) -> None:
            self._writer.write_lines(lines)

        self._sync_pages(encode, write, self._writer.flush)
        yield from ()

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        # The SDK's batches hold records as they were read: unmapped, unfiltered, and with what was deselected.
        from tap_interviewflow.batches import BatchWriter  # noqa: PLC0415  # loads what only batches need

        with self.get_batch_counter() as counter:

            def write_message(message: Message) -> None:
                counter.increment()
                self._tap.write_message(message)

            self._gathers = True
            with closing(BatchWriter(self.tap_name, batch_config, write_message)) as batches:
                self._sync_pages(lambda _, records: json_lines(records), batches.add, batches.flush)

    def _sync_pages(
        self,
        encode: Callable[[str, Sequence[dict[str, Any]]], bytes],
        write: Callable[[str, bytes, int], None],
        finish: Callable[[], None],
    ) -> None:
        """Read everything, and hand it on.

        Args:
            encode: Makes lines of records, which go out as a stream.
            write: Takes lines, with the stream that they go out as, and how many they are.
            finish: Writes what was handed on, before the state says so.
        """
        if self.replication_method == REPLICATION_FULL_TABLE:
            self.stream_state.pop("partitions", None)
        self._verdicts.clear()  # a read before this one may have failed
        encodes = self._writes_pages and not self._reads_some
        self._prepare(partial(encode, self.name) if encodes else None)
        with self.get_record_counter() as counter, self.get_sync_timer():
            try:
                for context in self.partitions or (None,):
                    if context:
                        self._check_bookmark(context)
                    self._write_starting_replication_value(context)
                    for page in self._pages(context):
                        self._check_max_record_limit(self._written)
                        count = self._hand_on(page, encode, write)
                        self._writer.flush()  # so that a slow API does not look like a hung tap
                        counter.increment(count)
                        self._written += count
                        self._reader.shutdown.raise_if_requested()
                    finish()
                    self._log_verdicts()
                    if context:
                        self._advance_bookmark(context)
                    self._finalize_state(self.get_context_state(context))
                    self._write_state_message()
                    self._reader.shutdown.raise_if_requested()
            except (Exception, SystemExit) as error:
                self._reader.close()  # where the process goes on, what is in flight would be tried again
                with suppress(OSError):  # before anything is logged: nobody may read that
                    self._tap.state_writer.write_state(self.tap_state)
                if self._reader.shutdown.is_obeyed:
                    stopped = self._reader.shutdown.name, count_of(self._written, "candidate")
                    self.logger.warning("Stopped by %s after %s", *stopped)
                elif isinstance(error, BrokenPipeError):
                    self.logger.info("Stopped: the target reads no more")
                raise
            finally:
                columns = self.effective_schema["properties"]
                log_misfits(self._tally, columns, masked=self._masked, is_rescuing=self._is_rescuing)
                self._requests.finish()

    def _hand_on(
        self,
        page: Page,
        encode: Callable[[str, Sequence[dict[str, Any]]], bytes],
        write: Callable[[str, bytes, int], None],
    ) -> int:
        """Hand on the records of a page as they are to go out, and give how many candidates they are of."""
        if page.lines is not None:
            write(self.name, page.lines, len(page.ids))
            return len(page.ids)
        if self._writes_pages:
            write(self.name, encode(self.name, page.records), len(page.records))
            return len(page.records)
        written = 0
        for record in page.records:
            # A map writes columns in the order of its expressions, which need not be that of the SCHEMA.
            outgoing = [
                (each.stream, self._in_order(each.stream, each.record))
                for each in self._generate_record_messages(record)
            ]
            for stream, mapped in outgoing:
                write(stream, encode(stream, (mapped,)), 1)
            written += bool(outgoing)
        return written

    def _in_order(self, stream: str, record: dict[str, Any]) -> dict[str, Any]:
        """Give a mapped record as its SCHEMA says: flattening leaves out the members of an object that is null."""
        columns = {name: record.get(name) for name in self._columns[stream]}
        return columns | {name: value for name, value in record.items() if value is not None}

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        """The columns of each stream that goes out, in the order of its SCHEMA."""
        return {each.stream_alias: list(each.transformed_schema["properties"]) for each in self.stream_maps}

    # State

    @property
    def _filter(self) -> str | None:
        return fingerprint(self.config.get("additional_fields"))

    @property
    def _started(self) -> datetime:
        return datetime.fromtimestamp(self._tap.initialized_at / 1000, UTC)

    def _check_bookmark(self, context: Context) -> None:
        """Forget a bookmark that was made with another filter or by another replication key."""
        state = self.get_context_state(context)
        if "replication_key_value" not in state:
            return
        key = state.get("replication_key")
        if key != self.replication_key:
            reason = f"is one of {key}, not of the replication key {self.replication_key}"
        elif state.get(FILTER) != self._filter:
            reason = "was made with other additional_fields"
        else:
            return
        for name in ("replication_key", "replication_key_value", FILTER):
            state.pop(name, None)
        self.logger.warning(
            "Interviewer %s: the bookmark %s, and is ignored: all candidates are written", context[INTERVIEWER], reason
        )

    def _advance_bookmark(self, context: Context) -> None:
        """Say in the state how far an Interviewer was read, once all that was new is written, and not before."""
        interviewer_id = str(context[INTERVIEWER])
        newest = self._bookmark.value(min(self._started, self._reader.first_date or self._started))
        if self._reader.verdicts[interviewer_id].is_complete:
            state = self.get_context_state(context)
            if newest:
                state.update(replication_key=self.replication_key, replication_key_value=newest)
            state[FILTER] = self._filter
            if self._filter is None:
                del state[FILTER]
        elif newest:
            self.logger.warning("Interviewer %s: the bookmark stays, as candidates may be missing", interviewer_id)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        return None  # ``Bookmark`` keeps to the past by itself, for each Interviewer

    # Versions

    @property
    def _reads_some(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Send nothing here: it is called before the first record, and a read that fails would delete good rows."""

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the last STATE, and after it what makes a target delete the candidates that are gone."""
        super().finalize_state_progress_markers(state)
        try:
            if self._stream_version is not None:
                if reason := deletes.reason_against(self.config, self._reader, reads_some=self._reads_some):
                    self.logger.warning("No ACTIVATE_VERSION is sent, so nothing is deleted: %s", reason)
                else:
                    super()._write_activate_version_message(self._stream_version)
        finally:
            self._reader.close()
