"""The bookmarks of the Interviewers in the state of the stream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from singer_sdk import Stream
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_interviewflow.api.redact import plain_name
from tap_interviewflow.records.bookmark import FILTER, Bookmark, fingerprint
from tap_interviewflow.records.schema import INTERVIEWER

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context

    from tap_interviewflow.api.completeness import Verdict


class BookmarkedStream(Stream):
    """A stream with a bookmark for each Interviewer."""

    def _drop_unused_state(self) -> None:
        """Drop the bookmarks that this run can't use: in FULL_TABLE all, in INCREMENTAL one outside ``partitions``."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            self.stream_state.clear()
        elif unused := self.stream_state.keys() - {"partitions", "starting_replication_value"}:
            for name in unused:
                del self.stream_state[name]
            self.logger.warning("The state has a bookmark of no Interviewer, outside `partitions`; it is ignored")

    def _bookmark_of(self, interviewer_id: str | None) -> Bookmark:
        """Return the bookmark; one of another filter or replication key is ignored."""
        context = {INTERVIEWER: interviewer_id}
        state = self.get_context_state(context)
        if "replication_key_value" in state:
            reason = None
            if (key := state.get("replication_key")) != self.replication_key:
                reason = f"is one of {plain_name(str(key))}, not of the replication key {self.replication_key}"
            elif state.get(FILTER) != fingerprint(self.config):
                reason = "was made with another filter (additional_fields, start_date or a __filter__ map)"
            if reason:
                for name in ("replication_key", "replication_key_value", FILTER):
                    state.pop(name, None)
                self.logger.warning("Interviewer %s: the bookmark %s, and is ignored", interviewer_id, reason)
        self._write_starting_replication_value(context)
        start = self.get_starting_timestamp(context)
        if start is not None and start > datetime.now(UTC):
            message = "Interviewer %s: the bookmark or start_date %s is in the future; nothing before it is written"
            self.logger.warning(message, interviewer_id, start.isoformat())
        return Bookmark(str(self.replication_key), start)

    def _finish_bookmark(self, interviewer_id: str, bookmark: Bookmark, verdict: Verdict) -> None:
        """Move the bookmark if the read was complete, and write the state."""
        state = self.get_context_state({INTERVIEWER: interviewer_id})
        if verdict.is_complete and verdict.requested_at:
            if newest := bookmark.value(verdict.requested_at):
                state.update(replication_key=self.replication_key, replication_key_value=newest)
            state.pop(FILTER, None)
            if used_filter := fingerprint(self.config):
                state[FILTER] = used_filter
        else:
            self.logger.warning("Interviewer %s: the bookmark stays, as candidates may be missing", interviewer_id)
        self._finalize_state(state)
        self._write_state_message()

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        return None  # ``Bookmark`` limits each bookmark by the time of the Interviewer's own request
