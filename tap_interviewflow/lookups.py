"""Look-ups: single candidates by their interview's ID."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.client import RefusedError, UnreadableError
from tap_interviewflow.api.envelope import open_look_up
from tap_interviewflow.api.page import Page
from tap_interviewflow.fetcher import KEY_REFUSED
from tap_interviewflow.records.conform import NoIDError, ids_of
from tap_interviewflow.records.schema import INTERVIEWER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_interviewflow.api.client import Client
    from tap_interviewflow.api.pool import WorkerPool
    from tap_interviewflow.fetcher import Fetcher


class LookUps:
    """Requests single candidates. Safe to call from several threads at once."""

    def __init__(self, config: Mapping[str, Any], client: Client, fetcher: Fetcher) -> None:
        """Request nothing yet.

        Args:
            config: The settings.
            client: What sends the requests.
            fetcher: Knows how candidates become records, and to which Interviewer one belongs.
        """
        self._records_jsonpath = config.get("records_jsonpath")
        self._client = client
        self._fetcher = fetcher

    def read(self, pool: WorkerPool, interviewer_ids: Sequence[str], interview_ids: Iterable[str]) -> Iterator[Page]:
        """Request candidates, each from one Interviewer after the other until one has it.

        Yields:
            Pages with one candidate each, in the order of the IDs.

        Raises:
            FatalAPIError: If one was not found, or refused, after the others.
        """
        failures = []
        unique_ids = list(dict.fromkeys(interview_ids))
        results = pool.in_order(partial(self._look_up, interviewer_ids, interview_id) for interview_id in unique_ids)
        for interview_id, found in zip(unique_ids, results, strict=True):
            if isinstance(found, Page):
                yield found
            else:
                failures.append(found or f"no Interviewer of interviewer_ids has the interview {interview_id}")
        if failures:
            others = f", and {len(failures) - 1:,} more" if len(failures) > 1 else ""
            message = f"{failures[0]}{others} (interview_ids)"
            raise FatalAPIError(message)

    def _look_up(self, interviewer_ids: Sequence[str], interview_id: str) -> Page | str:
        """Return the candidate, or why the API refused, if it did."""
        conformer = self._fetcher.conformer
        refusal = ""
        for interviewer_id in interviewer_ids:
            where = f"Interviewer {interviewer_id}, interview {interview_id}"
            try:
                response = self._client.fetch({INTERVIEWER: interviewer_id, "interviewId": interview_id}, where)
            except (RefusedError, UnreadableError) as error:
                status = getattr(error, "status", None)
                if status in KEY_REFUSED:
                    raise
                refusal = refusal if status == HTTPStatus.NOT_FOUND else str(error)
                continue
            try:
                candidates = open_look_up(
                    response.document, interview_id, self._records_jsonpath, dropped=conformer.dropped
                )
                if not candidates:
                    continue
                owner = self._fetcher.owner_of(candidates[0], interviewer_id)
                records, counts = conformer.conform(candidates, owner)
            except (FatalAPIError, NoIDError, RecursionError) as error:
                refusal = f"{where}: {error}"
                continue
            counts.replaced = response.replaced
            return Page(1, ids=ids_of(candidates), records=records, counts=counts)
        return refusal
