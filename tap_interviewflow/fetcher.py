"""One response of the API: requested, opened, and conformed to the schema."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.client import RefusedError, UnreadableError
from tap_interviewflow.api.envelope import Envelope, open_look_up, open_page
from tap_interviewflow.api.page import InterviewerError, Page
from tap_interviewflow.api.prefetch import MAX_AGE
from tap_interviewflow.records.conform import Conformer, NoIDError, id_of, ids_of
from tap_interviewflow.records.schema import INTERVIEWER, candidates_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from tap_interviewflow.api.client import Client, Response

_MAYBE_BEHIND_THE_END: Final = {"400", "404", "416", "422", "a reported failure", "no list"}
"""Kinds of refusals that an API may send for a page behind the last one."""

_KEY_REFUSED: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Statuses that concern the key, and so every Interviewer."""

_NOT_FOUND: Final = "404"

_JOB: Final = "jobId"
"""Where a candidate may name its Interviewer, by the one response of the vendor that is documented."""

MAX_SAMPLED: Final = 20 * 2**20
"""Bytes of first pages that are kept from a sample."""

MAX_CONFORMED: Final = 1_000
"""The most candidates that are made into records, and then into lines, at once: an API may ignore the limit."""

MAX_CELLS: Final = 2_000_000
"""Candidates times columns of one response: each takes memory, also where a candidate has no value."""


class Fetcher:
    """Requests pages and single candidates. Safe to call from several threads at once.

    Attributes:
        conformer: Makes records of candidates.
        encode: Makes lines of records, where every record is written as it is.
        reads_twice: Whether a target deletes what does not come: then every list is read twice.
    """

    def __init__(self, config: Mapping[str, Any], client: Client) -> None:
        """Request nothing yet."""
        self.conformer = Conformer(candidates_schema())
        self.encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None
        self.reads_twice = False
        self._config = config
        self._client = client
        self._interviewer_ids = set(config["interviewer_ids"])
        self._sampled: dict[str, Response] = {}

    def sample(self, interviewer_id: str, is_wanted: Callable[[], bool]) -> tuple[list[dict[str, Any]], int]:
        """Request the first page of an Interviewer, and keep the response for ``page``.

        Returns:
            The candidates as the API sent them, and the bytes of the response's body.

        Raises:
            InterviewerError: If this Interviewer can't be read.
            FatalAPIError: If no Interviewer can be read.
            AbandonedError: If it is not wanted any more.
        """
        response = self._request_page(interviewer_id, 1, self._config["page_size"], is_wanted)
        with self._naming(_where(interviewer_id, 1)):
            candidates = self._open(response).candidates
            ids_of(candidates)
        if response.size + sum(kept.size for kept in list(self._sampled.values())) <= MAX_SAMPLED:
            self._sampled[interviewer_id] = response
        return candidates, response.size

    def page(
        self, interviewer_id: str, number: int, limit: int, is_wanted: Callable[[], bool], *, is_first_pass: bool
    ) -> Page:
        """Return a page, or what the API returns in its place.

        Args:
            interviewer_id: The Interviewer.
            number: The number of the page, from 1.
            limit: How many candidates to request.
            is_wanted: Whether it is still of use.
            is_first_pass: Whether all of its candidates are to be written: then they are conformed here. A later pass
                needs their IDs, and the records of the few that are new.

        Raises:
            InterviewerError: If this Interviewer can't be read.
            FatalAPIError: If no Interviewer can be read.
            AbandonedError: If it is not wanted any more.
        """
        response = self._sampled.pop(interviewer_id, None) if number == 1 else None
        try:
            if response is None or time.monotonic() - response.received > MAX_AGE:
                response = self._request_page(interviewer_id, number, limit, is_wanted)
            with self._naming(_where(interviewer_id, number)):
                envelope = self._open(response)
                candidates = envelope.candidates
                page = Page(number, limit, ids_of(candidates), envelope.metadata, response.sent, response.received)
        except InterviewerError as error:
            if number == 1 or error.kind not in _MAYBE_BEHIND_THE_END:
                raise
            return Page(number, limit, refusal=error)
        page.requested_at = _requested_at(response)
        page.size = response.size
        page.candidates = candidates
        if self.reads_twice:
            page.has_others = any(self._owner_of(each, interviewer_id) != interviewer_id for each in candidates)
        if is_first_pass:
            self._conform(page, interviewer_id, response)
        return page

    def look_up(self, interviewer_id: str, interview_id: str) -> Page | None:
        """Return a page with a single candidate, or None if the Interviewer does not have it.

        Raises:
            InterviewerError: If the API refuses this look-up.
            FatalAPIError: If it refuses all.
        """
        where = f"Interviewer {interviewer_id}, interview {interview_id}"
        try:
            response = self._request({INTERVIEWER: interviewer_id, "interviewId": interview_id}, where)
        except InterviewerError as error:
            if error.kind == _NOT_FOUND:
                return None
            raise
        with self._naming(where):
            jsonpath, hidden = self._config.get("records_jsonpath"), self.conformer.never_rescued
            candidates = open_look_up(
                *(response.document, interview_id, jsonpath), never_rescued=hidden, redact=self._client.redact
            )
            if not candidates:
                return None
            page = Page(1, ids=ids_of(candidates), candidates=candidates)
            self._conform(page, self._owner_of(candidates[0], interviewer_id), response)
        return page

    def _conform(self, page: Page, interviewer_id: str, response: Response) -> None:
        records: list[dict[str, Any]] = []
        lines = []
        for start in range(0, len(page.candidates), MAX_CONFORMED):
            part, counts = self.conformer.conform(
                page.candidates[start : start + MAX_CONFORMED],
                interviewer_id,
                has_extreme_numbers=response.has_extreme_numbers,
            )
            page.counts.add(counts)
            if self.encode:
                # In this thread, right after they were decoded: later they would have left the processor's cache.
                lines.append(self.encode(part))
            else:
                records += part
        page.candidates, page.records = (), records
        page.counts.replaced = response.replaced
        page.lines = b"".join(lines) if self.encode else None

    def select(self, page: Page, indices: Sequence[int], interviewer_id: str) -> Page:
        """Return a page with the IDs and the records of some of its candidates.

        Lines that are encoded already stay whole: the others were written before, and a target keeps one of each.
        """
        chosen = replace(page, ids=[page.ids[index] for index in indices], candidates=())
        if page.candidates:
            candidates = [page.candidates[index] for index in indices]
            chosen.records, chosen.counts = self.conformer.conform(candidates, interviewer_id)
        elif page.lines is None and len(indices) < len(page.ids):
            chosen.records = [page.records[index] for index in indices]
        return chosen

    def _owner_of(self, candidate: Mapping[str, Any], interviewer_id: str) -> str:
        """Return the configured Interviewer that a candidate names, or else the one that it was requested from."""
        named = candidate.get(INTERVIEWER) or candidate.get(_JOB) or ""
        name = id_of(named) if isinstance(named, dict) else str(named)
        return name if name and name in self._interviewer_ids else interviewer_id

    @contextmanager
    def _naming(self, where: str) -> Generator[None]:
        """Raise what is wrong with a response as an error that names where it came from."""
        try:
            yield
        except (FatalAPIError, NoIDError) as error:
            message = self._client.redact(f"{where}: {error}")
            raise InterviewerError(message, getattr(error, "kind", "")) from None
        except RecursionError:
            message = f"{where}: the response is nested too deeply to be read"
            raise InterviewerError(message) from None

    def _open(self, response: Response) -> Envelope:
        envelope = open_page(response.document, self._config.get("records_jsonpath"), redact=self._client.redact)
        cells = len(envelope.candidates) * self.conformer.width
        if cells > MAX_CELLS:
            message = f"the response makes a table of {cells:,} cells, more than {MAX_CELLS:,}; set a smaller page_size"
            raise FatalAPIError(message)
        return envelope

    def _request_page(self, interviewer_id: str, number: int, limit: int, is_wanted: Callable[[], bool]) -> Response:
        body: dict[str, Any] = {INTERVIEWER: interviewer_id, "page": number, "limit": limit}
        if filters := self._config.get("additional_fields"):
            body["additionalFields"] = filters
        where = _where(interviewer_id, number)
        try:
            return self._request(body, where, is_wanted)
        except InterviewerError as error:
            if error.kind == _NOT_FOUND and number > 1:  # its advice is about the Interviewer, but page 1 came
                message = f"{where}: 404 Not Found, although page 1 came"
                raise InterviewerError(message, _NOT_FOUND) from None
            raise

    def _request(self, body: Mapping[str, Any], where: str, is_wanted: Callable[[], bool] = lambda: True) -> Response:
        try:
            return self._client.fetch(body, where, is_wanted)
        except UnreadableError as error:
            raise InterviewerError(str(error)) from None
        except RefusedError as error:
            if error.status in _KEY_REFUSED:
                raise
            raise InterviewerError(str(error), str(error.status)) from None


def _requested_at(response: Response) -> datetime:
    sent = datetime.now(UTC) - timedelta(seconds=time.monotonic() - response.sent)
    return min(sent, response.date or sent)


def _where(interviewer_id: str, number: int) -> str:
    return f"Interviewer {interviewer_id}, page {number}"
