"""One page of an Interviewer, or one candidate of it: asked for, opened, and conformed to the schema."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.client import RefusedError
from tap_interviewflow.api.envelope import NotAPageError, open_look_up, open_page
from tap_interviewflow.api.page import Page
from tap_interviewflow.records.conform import Conformer, NoIDError
from tap_interviewflow.records.schema import ID, INTERVIEWER, candidates_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from tap_interviewflow.api.client import Client, Response

_NOT_PAGES: Final = frozenset({
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
})  # fmt: skip
"""What an API may answer for a page behind the last one."""


MAX_CELLS: Final = 2_000_000
"""Candidates times columns of one answer: each takes memory, also where a candidate has no value."""


class Fetcher:
    """Makes pages of the API's answers. Safe to call from several threads at once.

    Attributes:
        conformer: Makes records of candidates.
        encode: Makes RECORD messages of records, where every record goes out as it is.
        first_date: The ``Date`` of the API's first answer, where it gave one.
    """

    def __init__(self, config: Mapping[str, Any], client: Client) -> None:
        """Ask for nothing yet.

        Args:
            config: The settings.
            client: What sends the requests.
        """
        self.conformer = Conformer(candidates_schema())
        self.encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None
        self.first_date: datetime | None = None
        self._config = config
        self._client = client

    def first_page(
        self, interviewer_id: str, is_wanted: Callable[[], bool] = lambda: True
    ) -> tuple[str, Response, list[dict[str, Any]]]:
        """Give the Interviewer, the answer for its first page, and the candidates on it as the API sent them.

        Raises:
            FatalAPIError: If it can't be read.
            AbandonedError: If it is not wanted any more.
        """
        response = self._ask(interviewer_id, 1, is_wanted)
        try:
            envelope = open_page(response.document, self._config.get("records_jsonpath"))
        except FatalAPIError as error:
            raise named(error, interviewer_id, 1) from None
        return interviewer_id, response, envelope.candidates

    def page(
        self,
        interviewer_id: str,
        number: int,
        is_wanted: Callable[[], bool],
        *,
        response: Response | None = None,
        is_first_look: bool = False,
    ) -> Page:
        """Give a page, or what came in its place.

        Args:
            interviewer_id: The Interviewer.
            number: The number of the page, from 1.
            is_wanted: Whether it is still of use.
            response: The answer, where it has come already.
            is_first_look: Whether the page will be written as it is: then it is encoded here.

        Raises:
            FatalAPIError: If it can't be read.
            AbandonedError: If it is not wanted any more.
        """
        try:
            response = response or self._ask(interviewer_id, number, is_wanted)
            return self._page_of(response, interviewer_id, number, is_encoded=is_first_look)
        except RefusedError as error:
            if number == 1 or error.status not in _NOT_PAGES:
                raise
            refusal: FatalAPIError = error
            if error.status == HTTPStatus.NOT_FOUND:  # of page 1 it would be the Interviewer that is not known
                refusal = named("404 Not Found, although the page before it came", interviewer_id, number)
            return Page(number, refusal=refusal, kind=str(error.status))
        except NotAPageError as error:
            refusal = named(error, interviewer_id, number)
            if number == 1:
                raise refusal from None
            return Page(number, refusal=refusal, kind=error.kind)

    def _page_of(self, response: Response, interviewer_id: str, number: int, *, is_encoded: bool) -> Page:
        if response.status == HTTPStatus.NO_CONTENT:
            message = "204 No Content"
            raise NotAPageError(message, "204")
        try:
            envelope = open_page(response.document, self._config.get("records_jsonpath"))
            cells = len(envelope.candidates) * self.conformer.width
            if cells > MAX_CELLS:
                message = (
                    f"the answer makes a table of {cells:,} cells, more than {MAX_CELLS:,}; set a smaller page_size"
                )
                raise FatalAPIError(message)  # noqa: TRY301  # named below, as all of them
            records, tally = self.conformer.conform(
                envelope.candidates, interviewer_id, has_extreme_numbers=response.has_extreme_numbers
            )
            tally.replaced = response.replaced
            ids = [record[ID] for record in records]
            page = Page(number, ids, envelope.metadata, response.sent, response.received, records, tally)
            if is_encoded and self.encode:
                # In this thread, right after they were decoded: later they would have left the processor's cache.
                page.lines, page.records = self.encode(records), ()
        except NotAPageError:
            raise
        except (FatalAPIError, NoIDError) as error:
            raise named(error, interviewer_id, number) from None
        except RecursionError:
            message = "the answer is nested too deeply to be read"
            raise named(message, interviewer_id, number) from None
        return page

    def _ask(self, interviewer_id: str, number: int, is_wanted: Callable[[], bool]) -> Response:
        body: dict[str, Any] = {INTERVIEWER: interviewer_id, "page": number, "limit": self._config["page_size"]}
        if filters := self._config.get("additional_fields"):
            body["additionalFields"] = filters
        response = self._client.fetch(body, _where(interviewer_id, number), is_wanted)
        self.first_date = self.first_date or response.date
        return response

    def look_up(self, interviewer_ids: Sequence[str], interview_id: str) -> tuple[str, Page | str]:
        """Look for a candidate at each Interviewer; give its ID, and it or what the API said instead, if anything."""
        refusal = ""
        for interviewer_id in interviewer_ids:
            where = f"Interviewer {interviewer_id}, interview {interview_id}"
            body = {INTERVIEWER: interviewer_id, "interviewId": interview_id}
            try:
                response = self._client.fetch(body, where)
                candidates = open_look_up(
                    response.document,
                    interview_id,
                    self._config.get("records_jsonpath"),
                    dropped=self.conformer.dropped,
                )
                if not candidates:
                    continue
                records, tally = self.conformer.conform(candidates, interviewer_id)
            except RefusedError as error:
                refusal = refusal if error.status == HTTPStatus.NOT_FOUND else str(error)
            except (NotAPageError, NoIDError) as error:
                refusal = f"{where}: {error}"
            else:
                tally.replaced = response.replaced
                return interview_id, Page(1, [record[ID] for record in records], records=records, tally=tally)
        return interview_id, refusal


def _where(interviewer_id: str, number: int) -> str:
    return f"Interviewer {interviewer_id}, page {number}"


def named(error: object, interviewer_id: str, number: int) -> FatalAPIError:
    """Give an error that begins with the Interviewer and the page."""
    return FatalAPIError(f"{_where(interviewer_id, number)}: {error}")
