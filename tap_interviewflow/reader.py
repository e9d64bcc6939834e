"""Reading: the candidates of one Interviewer after the other, by look-up, or as a sample."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.completeness import Completeness, Verdict
from tap_interviewflow.api.page import Habits, Page
from tap_interviewflow.api.pagination import CandidatesPaginator
from tap_interviewflow.api.pool import WorkerPool
from tap_interviewflow.api.prefetch import MAX_AGE, PageQueue, Prefetcher
from tap_interviewflow.api.retry import AbandonedError
from tap_interviewflow.fetcher import Fetcher, named
from tap_interviewflow.report import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_interviewflow.api.client import Client, Response
    from tap_interviewflow.records.conform import Conformer
    from tap_interviewflow.shutdown import Shutdown

logger = logging.getLogger("tap-interviewflow.candidates")

MAX_SAMPLED: Final = 20 * 2**20
"""So many bytes of a sample's pages are kept, to be read without asking for these pages once more."""

PROGRESS_INTERVAL: Final = 30.0
"""Seconds between log lines on how far a read is."""


class Reader:
    """Reads candidates from the API, pages ahead of need over all Interviewers.

    Attributes:
        interviewer_ids: The Interviewers, each once, in the order of the setting.
        verdicts: How the read of each Interviewer ended, as far as it has.
        shutdown: Whether the run was asked to stop.
    """

    def __init__(self, config: Mapping[str, Any], shutdown: Shutdown, client: Client) -> None:
        """Ask for nothing yet.

        Args:
            config: The settings.
            shutdown: What is to be obeyed while an answer is waited for.
            client: What sends the requests.
        """
        self.interviewer_ids: list[str] = list(dict.fromkeys(config["interviewer_ids"]))
        self.verdicts: dict[str, Verdict] = {}
        self.shutdown = shutdown
        self._config = config
        self._client = client
        self._fetcher = Fetcher(config, client)
        self._pool = WorkerPool(config["max_parallel_requests"], shutdown)
        self._habits = Habits()
        self._sampled: dict[str, Response] = {}
        self.prepare(self._fetcher.conformer)

    def prepare(
        self,
        conformer: Conformer,
        *,
        encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None,
        confirms: bool = False,
    ) -> None:
        """Say what becomes of candidates, before the first of them is read.

        Args:
            conformer: Makes records of candidates.
            encode: Makes RECORD messages of records, in the fetching threads, where every record goes out as it is.
            confirms: Whether a target is to delete what does not come: then it is looked for twice.
        """
        self._fetcher.conformer = conformer
        self._fetcher.encode = encode
        self._confirms = confirms
        self._habits.believes = not confirms
        self.verdicts.clear()
        self._client.reopen()
        self._queues = {
            interviewer_id: PageQueue(
                partial(self._fetch, interviewer_id), self._config["page_size"], self._habits, self._pool
            )
            for interviewer_id in self.interviewer_ids
        }
        self._prefetcher = Prefetcher(self._queues.values(), self._pool)

    @property
    def first_date(self) -> datetime | None:
        """The ``Date`` of the API's first answer, where it gave one."""
        return self._fetcher.first_date

    def close(self) -> None:
        """Close the connections, and let the threads end."""
        self._pool.close()
        self._client.close()

    # Discovery

    def sample(self) -> Iterator[dict[str, Any]]:
        """Read the first page of each Interviewer, side by side.

        Yields:
            Candidates as the API sent them.

        Raises:
            FatalAPIError: If an Interviewer can't be read.
        """
        kept = 0
        for interviewer_id, response, candidates in self._pool.in_order(
            partial(self._fetcher.first_page, interviewer_id) for interviewer_id in self.interviewer_ids
        ):
            kept += response.size
            if kept <= MAX_SAMPLED:
                self._sampled[interviewer_id] = response
            yield from candidates

    def check(self, seconds: float) -> Iterator[tuple[str, int | FatalAPIError]]:
        """Ask for the first page of each Interviewer, and give how many candidates it has or what is wrong.

        Args:
            seconds: After these, for all of them, nothing more is asked for.
        """
        ends_at = time.monotonic() + seconds

        def attempt(interviewer_id: str) -> tuple[str, int | FatalAPIError]:
            try:
                return interviewer_id, len(
                    self._fetcher.first_page(interviewer_id, lambda: time.monotonic() < ends_at)[2]
                )
            except FatalAPIError as error:
                return interviewer_id, error
            except AbandonedError:
                return interviewer_id, named(f"no good answer within {seconds:g} s", interviewer_id, 1)

        yield from self._pool.in_order(partial(attempt, interviewer_id) for interviewer_id in self.interviewer_ids)

    # Pages

    def pages(self, interviewer_id: str) -> Iterator[Page]:
        """Read an Interviewer to its proven end, and look again at what moved meanwhile.

        Interviewers have to be read in the order of the setting. Afterwards ``verdicts`` says how it ended.

        Yields:
            Pages with candidates that are to be written.

        Raises:
            FatalAPIError: If a page can't be read; the pages before it have been given.
        """
        queue = self._queues[interviewer_id]
        seen = Completeness(self._habits)
        paginator = CandidatesPaginator(interviewer_id, self._config["page_size"], self._habits, queue, seen)
        logged = time.monotonic()
        while not paginator.finished:
            page = self._prefetcher.take()
            is_new = page.has_candidates and not paginator.is_repeated(page)
            paginator.advance(page)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]  # see has_more
            if not paginator.finished:
                self._prefetcher.ask_ahead()
            if is_new:
                yield page
            yield from paginator.found
            paginator.found.clear()
            if time.monotonic() - logged > PROGRESS_INTERVAL:
                logged = time.monotonic()
                of = "" if seen.total is None else f" of {seen.total:,}"
                logger.info("Interviewer %s, page %d: %s candidates so far%s", interviewer_id, page.number,
                            f"{seen.count:,}", of)  # fmt: skip
        self._prefetcher.go_on()
        if seen.doubles:
            logger.warning(
                "Interviewer %s: %s came with the ID of another one on the same page; a target keeps one of each",
                *(interviewer_id, count_of(seen.doubles, "candidate")),
            )
        yield from self._look_again(queue, seen, seen.looks(paginator.last), interviewer_id)
        verdict = seen.verdict(paginator.doubts)
        if self._confirms and verdict.is_complete:
            yield from self._look_again(queue, seen, seen.confirm(paginator.last), interviewer_id)
            verdict = seen.verdict(paginator.doubts)
        self.verdicts[interviewer_id] = verdict

    def _look_again(
        self, queue: PageQueue, seen: Completeness, looks: Iterable[list[int]], interviewer_id: str
    ) -> Iterator[Page]:
        for numbers in looks:
            logger.info("Interviewer %s: looking at %s again", interviewer_id, count_of(len(numbers), "page"))
            for page in queue.look(numbers):
                if places := seen.note_again(page):
                    yield page.only(places)

    def are_still_empty(self) -> bool:
        """Ask once more for the first page of each Interviewer without a candidate, and tell whether it has none."""
        empty = [interviewer_id for interviewer_id, verdict in self.verdicts.items() if not verdict.read]
        calls = (partial(self._fetch, interviewer_id, 1, lambda: True) for interviewer_id in empty)
        return not any(page.has_candidates for page in list(self._pool.in_order(calls)))

    def _fetch(
        self, interviewer_id: str, number: int, is_wanted: Callable[[], bool], *, is_first_look: bool = False
    ) -> Page:
        """Fetch a page, in one of the threads, or take it from the sample."""
        sampled = self._sampled.pop(interviewer_id, None) if number == 1 else None
        if sampled and self._pool.now() - sampled.received >= MAX_AGE:
            sampled = None
        return self._fetcher.page(interviewer_id, number, is_wanted, response=sampled, is_first_look=is_first_look)

    # Look-ups

    def look_ups(self, interview_ids: Iterable[str]) -> Iterator[Page]:
        """Look up single candidates, each at every Interviewer until one knows it.

        Yields:
            Pages with one candidate each.

        Raises:
            FatalAPIError: If one was not found, or refused, after the others have been given.
        """
        failures = []
        finds = (
            partial(self._fetcher.look_up, self.interviewer_ids, interview_id)
            for interview_id in dict.fromkeys(interview_ids)
        )
        for interview_id, found in self._pool.in_order(finds):
            if isinstance(found, Page):
                yield found
            else:
                failures.append(found or f"no Interviewer of interviewer_ids has the interview {interview_id}")
        if failures:
            message = f"{'; '.join(failures)} (interview_ids)"
            raise FatalAPIError(message)
