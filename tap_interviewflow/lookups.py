"""Look-ups: single candidates by their interview's ID."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.page import InterviewerError, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_interviewflow.api.pool import WorkerPool
    from tap_interviewflow.fetcher import Fetcher


def look_ups(
    fetcher: Fetcher, pool: WorkerPool, interviewer_ids: Sequence[str], interview_ids: Iterable[str]
) -> Iterator[Page]:
    """Request candidates, each from one Interviewer after the other until one has it.

    Yields:
        Pages with one candidate each, in the order of the IDs.

    Raises:
        FatalAPIError: If one was not found, or refused, after the others.
    """
    failures = []
    unique_ids = list(dict.fromkeys(interview_ids))
    results = pool.in_order(partial(_look_up, fetcher, interviewer_ids, interview_id) for interview_id in unique_ids)
    for interview_id, result in zip(unique_ids, results, strict=True):
        if isinstance(result, Page):
            yield result
        else:
            failures.append(result or f"no Interviewer of interviewer_ids has the interview {interview_id}")
    if failures:
        others = f", and {len(failures) - 1:,} more" if len(failures) > 1 else ""
        message = f"{failures[0]}{others} (interview_ids)"
        raise FatalAPIError(message)


def _look_up(fetcher: Fetcher, interviewer_ids: Sequence[str], interview_id: str) -> Page | str:
    """Return the candidate, or why the API refused, if it did."""
    refusal = ""
    for interviewer_id in interviewer_ids:
        try:
            if page := fetcher.look_up(interviewer_id, interview_id):
                return page
        except InterviewerError as error:
            refusal = str(error)
    return refusal
