"""The stream of candidates: its key, its partitions, and the way of its records."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_interviewflow import answers, collector
from tap_interviewflow.client import InterviewFlowStream, NotFoundError
from tap_interviewflow.fitter import Fitter
from tap_interviewflow.incremental import Bookmark
from tap_interviewflow.lookahead import Fetchers, LookAhead, Reading
from tap_interviewflow.pages import PageReader
from tap_interviewflow.pagination import CandidatesPaginator, Page
from tap_interviewflow.schema import INTERVIEWER, KEY_PROPERTIES, RESCUED
from tap_interviewflow.shutdown import Interrupted
from tap_interviewflow.values import parse
from tap_interviewflow.writer import OutputError, SingerWriter, record_lines

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_interviewflow.tap import TapInterviewFlow

_MOST_SURPRISES: Final = 50
"""How many unexpected fields are reported by name."""

_PROGRESS_INTERVAL: Final = 30.0


class Candidates(InterviewFlowStream):
    """The candidates of the Interviewers."""

    name = "candidates"
    primary_keys: Sequence[str] = KEY_PROPERTIES
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # every record has been fitted to the schema
    _tap: TapInterviewFlow

    def __init__(self, tap: TapInterviewFlow, schema: dict[str, Any]) -> None:
        """Initialize the stream.

        Args:
            tap: The tap.
            schema: The schema of a candidate, as discovery made it.
        """
        super().__init__(tap=tap, schema=schema)
        self._readings: list[Reading] = []
        self._has_read_all = False
        self._encodes_ahead = False
        self._surprises: set[str] = set()
        self._replaced = 0
        self._count = 0

    @cached_property
    def interviewer_ids(self) -> list[str]:
        """The Interviewers to read, each once, in the order of the setting."""
        return list(dict.fromkeys(self.config["interviewer_ids"]))

    @property
    def is_incremental(self) -> bool:
        """Whether only what is new goes out. Single candidates do in any case: they are asked for by name."""
        return self.replication_method == REPLICATION_INCREMENTAL and not self.config.get("interview_ids")

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        if not self.is_incremental:
            return None
        return [{INTERVIEWER: interviewer_id} for interviewer_id in self.interviewer_ids]

    @override
    def get_new_paginator(self, interviewer_id: str = "") -> CandidatesPaginator:
        return CandidatesPaginator(interviewer_id, self.config["page_size"])

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        return ()  # no stream hangs on this one

    @override
    def log(self, message: str, *args: Any, **kwargs: Any) -> None:
        # The SDK announces that an error has occurred, and the command then says which: one line is enough.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, **kwargs)

    # Discovery

    def sample(self) -> Iterator[dict[str, Any]]:
        """Read the first page of each Interviewer, side by side.

        Yields:
            Candidates as the API sent them.

        Raises:
            FatalAPIError: If an Interviewer can't be read.
        """

        def candidates_of(body: bytes) -> list[dict[str, Any]]:
            document, _, _ = parse(body)
            return answers.read(document, self.config.get("records_jsonpath")).candidates

        first_pages = (
            partial(self.fetch, {INTERVIEWER: interviewer_id}, 1, candidates_of)
            for interviewer_id in self.interviewer_ids
        )
        try:
            for candidates in self._fetchers.in_order(first_pages):
                yield from candidates
        except Interrupted:
            self.logger.warning("Stopped by %s", self._tap.shutdown.name)
            raise
        finally:
            self._fetchers.close()
            self.close()

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
        properties = self.effective_schema["properties"]
        times = [name for name, definition in properties.items() if definition.get("format") == "date-time"]
        if self.replication_key not in times:
            message = (
                f"the replication key {self.replication_key or '(none given)'} is no date-time property of "
                f"candidates; use one of: {', '.join(times)}"
            )
            raise ConfigurationError(message)

    # Reading

    @cached_property
    def _fetchers(self) -> Fetchers:
        return Fetchers(self.config["max_parallel_requests"], self._tap.shutdown)

    @cached_property
    def _page_reader(self) -> PageReader:
        deselected = {
            breadcrumb[1]
            for breadcrumb, is_selected in self.mask.items()
            if len(breadcrumb) == 2 and not is_selected and breadcrumb[1] != self.replication_key  # noqa: PLR2004
        }
        fitter = Fitter(self.effective_schema, deselected=deselected)
        return PageReader(fitter, self.config.get("records_jsonpath"), as_dicts=not self._writes_pages)

    @cached_property
    def _look_ahead(self) -> LookAhead:
        self._readings = [
            Reading(self.get_new_paginator(interviewer_id), partial(self._fetch_page, interviewer_id))
            for interviewer_id in self.interviewer_ids
        ]
        return LookAhead(self._readings, self._fetchers)

    def _fetch_page(self, interviewer_id: str, number: int, is_wanted: Callable[[], bool]) -> Page:
        def read(body: bytes) -> Page:
            return self._page_reader.read(body, interviewer_id, number)

        try:
            page = self.fetch({INTERVIEWER: interviewer_id}, number, read, is_wanted=is_wanted)
        except NotFoundError:
            if number == 1:
                raise
            return Page(number, [], is_missing=True)  # the paginator knows whether this may be the end
        if self._encodes_ahead:
            # In this thread, right after they were decoded: later they would have left the processor's cache.
            page.lines, page.records = self._lines(page), ()
        return page

    def _lines(self, page: Page) -> bytes:
        return record_lines(self.name, page.records, self._stream_version, datetime.now(UTC))

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        for page in self._pages(context):
            yield from page.records
            self._end_page()

    def _pages(self, context: Context | None) -> Iterator[Page]:
        """Give the pages of one Interviewer, or of all, with the records that are to go out of each."""
        if self.config.get("interview_ids"):
            yield from self._single_candidates()
        elif context:
            yield from self._new_candidates(context)
        else:
            for interviewer_id in self.interviewer_ids:
                yield from self._all_candidates(interviewer_id)
            is_filtered = bool(self.config.get("additional_fields"))
            self._has_read_all = not is_filtered and self._was_read_to_its_end(*self.interviewer_ids)

    def _all_candidates(self, interviewer_id: str) -> Iterator[Page]:
        count = pages = 0
        logged = time.monotonic()
        for page in self._look_ahead.pages():
            self._note(page)
            pages += 1
            count += len(page.ids)
            if time.monotonic() - logged > _PROGRESS_INTERVAL:
                logged = time.monotonic()
                of = "" if page.words.total is None else f" of {page.words.total}"
                self.log("Interviewer %s, page %d: %d candidates so far%s", interviewer_id, page.number, count, of)
            yield page
        self.log("Interviewer %s: %d candidates on %d pages", interviewer_id, count, pages)

    def _new_candidates(self, context: Context) -> Iterator[Page]:
        self._warn_of_another_key(context)
        started = datetime.fromtimestamp(self._tap.initialized_at / 1000, UTC)
        bookmark = Bookmark(self.get_starting_timestamp(context), started)
        key = str(self.replication_key)
        interviewer_id = str(context[INTERVIEWER])
        for page in self._all_candidates(interviewer_id):
            values = self._page_reader.values(page.records, key)
            page.records = [record for record, value in zip(page.records, values, strict=True) if bookmark.takes(value)]
            yield page
        # Only when the last of them is written: a run that breaks off repeats some, and loses none.
        if not (newest := bookmark.value()):
            return
        if self._was_read_to_its_end(interviewer_id):
            self.get_context_state(context).update(replication_key=key, replication_key_value=newest)
        else:
            self.logger.warning("Interviewer %s: the bookmark stays, as candidates may be missing", interviewer_id)

    def _was_read_to_its_end(self, *interviewer_ids: str) -> bool:
        paginators = (reading.paginator for reading in self._readings)
        return all(paginator.is_complete for paginator in paginators if paginator.interviewer_id in interviewer_ids)

    def _warn_of_another_key(self, context: Context) -> None:
        bookmarked = self.get_context_state(context).get("replication_key")
        if bookmarked not in {None, self.replication_key}:
            self.logger.warning(
                "Interviewer %s: the bookmark is one of %s, not of the replication key %s, and is ignored",
                *(context[INTERVIEWER], bookmarked, self.replication_key),
            )

    def _single_candidates(self) -> Iterator[Page]:
        interview_ids = list(dict.fromkeys(self.config["interview_ids"]))
        finds = (partial(self._find, interview_id) for interview_id in interview_ids)
        missing = []
        for interview_id, page in zip(interview_ids, self._fetchers.in_order(finds), strict=True):
            if page.is_empty:
                missing.append(interview_id)
                continue
            self._note(page)
            yield page
        if missing:
            message = f"no Interviewer of interviewer_ids has the interview {', '.join(missing)} (interview_ids)"
            raise FatalAPIError(message)

    def _find(self, interview_id: str) -> Page:
        page = Page(1, [])
        for interviewer_id in self.interviewer_ids:
            read = partial(self._page_reader.read_single, interviewer_id=interviewer_id, interview_id=interview_id)
            with suppress(NotFoundError):
                page = self.fetch({INTERVIEWER: interviewer_id, "interviewId": interview_id}, None, read)
            if not page.is_empty:
                break
        return page

    def _note(self, page: Page) -> None:
        """Warn, once for each name, of fields that the schema has no place for."""
        self._replaced += page.replaced
        self._count += len(page.ids)
        kept = f"kept in {RESCUED}" if self._page_reader.has_rescue else f"dropped, as {RESCUED} is not selected"
        for name in page.surprises:
            if len(self._surprises) > _MOST_SURPRISES:
                break
            if name in self._surprises:
                continue
            self._surprises.add(name)
            if len(self._surprises) <= _MOST_SURPRISES:
                self.logger.warning(
                    "The schema has no place for values of the field %s; they are %s. Run discovery again "
                    "for a column of their kind",
                    *(answers.shown(name), kept),
                )
            else:
                self.logger.warning("Values of still more fields are %s", kept)

    # Writing

    @cached_property
    def _writes_pages(self) -> bool:
        """Whether records go out as they come in: no map, flattening, batch, selection or limit is in use."""
        (stream_map, *others) = self.stream_maps
        return (
            not others
            and type(stream_map) is SameRecordTransform
            and not stream_map.flattening_enabled
            and all(self.mask.values())
            and not self.config.get("batch_config")
            and self.ABORT_AT_RECORD_COUNT is None
        )

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        # The SDK's loop takes each record through five functions of which a plain run needs none. It stays in
        # charge wherever one of its features is in use.
        if self.replication_method == REPLICATION_FULL_TABLE:
            self.stream_state.pop("partitions", None)
        try:
            if write_messages and self._writes_pages:
                self._sync_pages()
            else:
                yield from super()._sync_records(context, write_messages=write_messages)
            self._writer.flush()  # the last message may be a RECORD: a STATE that says nothing new is not sent
        except OutputError:
            raise
        except (Exception, SystemExit):
            if write_messages:
                with suppress(OutputError):
                    self._tap.state_writer.write_state(self.tap_state)
                    self._writer.flush()
            if self._tap.shutdown.is_obeyed:
                self.logger.warning("Stopped by %s after %d candidates", self._tap.shutdown.name, self._count)
            raise
        finally:
            if self._replaced:
                self.logger.warning("Replaced %d characters that no target can store by U+FFFD", self._replaced)
            self._fetchers.close()
            self.close()

    def _sync_pages(self) -> None:
        self._encodes_ahead = not self.is_incremental
        with collector.at_rest(), self.get_record_counter() as counter, self.get_sync_timer():
            for context in self.partitions or (None,):
                self._write_starting_replication_value(context)
                for page in self._pages(context):
                    self._writer.write_lines(self._lines(page) if page.lines is None else page.lines)
                    self._end_page()
                    counter.increment(len(page.records if page.lines is None else page.ids))
                self._finalize_state(self.get_context_state(context))
                self._write_state_message()

    def _end_page(self) -> None:
        self._tap.shutdown.raise_if_requested()
        self._writer.flush()

    @property
    def _writer(self) -> SingerWriter:
        return self._tap.message_writer

    # State and versions

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        return None  # ``Bookmark`` keeps to the past by itself, for each Interviewer

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        """Leave the bookmark to ``_new_candidates``: the SDK compares times as text, and moves it too early."""

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        # The SDK sends it before the first record, so that a read which fails makes a target delete good rows.
        if self._has_read_all:
            super()._write_activate_version_message(full_table_version)

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the last STATE, and after it what makes a target delete the candidates that are gone."""
        super().finalize_state_progress_markers(state)
        if self._stream_version is None:
            return
        if self.config.get("batch_config"):
            # What is in a file carries no version: a target would take all of it for what is gone.
            self.logger.warning("No ACTIVATE_VERSION is sent: what goes out in batches carries no version")
            return
        self._write_activate_version_message(self._stream_version)
        if not self._has_read_all:
            self.logger.warning("No ACTIVATE_VERSION is sent: not everything was read, so nothing may be deleted")
