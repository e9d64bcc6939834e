"""Reading candidates: of one Interviewer after the other, by look-up, or as a sample."""

from __future__ import annotations

import itertools
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.completeness import Completeness, Verdict
from tap_interviewflow.api.page import InterviewerError, Page
from tap_interviewflow.api.pagination import CandidatesPaginator
from tap_interviewflow.api.pool import WorkerPool
from tap_interviewflow.api.prefetch import MAX_HELD_BYTES, PageQueue, Prefetcher
from tap_interviewflow.api.redact import count_of
from tap_interviewflow.api.retry import AbandonedError
from tap_interviewflow.fetcher import Fetcher
from tap_interviewflow.lookups import look_ups
from tap_interviewflow.records.schema import STREAM

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from tap_interviewflow.api.client import Client
    from tap_interviewflow.records.conform import Conformer
    from tap_interviewflow.shutdown import Shutdown

logger = logging.getLogger(f"tap-interviewflow.{STREAM}")

MAX_PASSES: Final = 3
"""How often the pages of an Interviewer are read before the read is incomplete."""

GRACE: Final = 0.5
"""Seconds after a time limit in which requests that meet it may end."""

PROGRESS_INTERVAL: Final = 30.0
"""Seconds between log lines on how far a read is."""


class Reader:
    """Reads candidates from the API, pages ahead of need over all Interviewers.

    Attributes:
        interviewer_ids: The Interviewers, each once, in the order of the setting.
        verdicts: How the read of each Interviewer ended, if it has.
        shutdown: Whether the run is to stop.
    """

    def __init__(self, config: Mapping[str, Any], shutdown: Shutdown, client: Client) -> None:
        """Request nothing yet."""
        self.interviewer_ids: list[str] = list(dict.fromkeys(config["interviewer_ids"]))
        self.verdicts: dict[str, Verdict] = {}
        self.shutdown = shutdown
        self._config = config
        self._client = client
        self._fetcher = Fetcher(config, client)
        self._pool = WorkerPool(config["max_parallel_requests"], shutdown)
        self.prepare(self._fetcher.conformer, self.interviewer_ids)

    def prepare(
        self,
        conformer: Conformer,
        interviewer_ids: Sequence[str],
        *,
        encode: Callable[[Sequence[dict[str, Any]]], bytes] | None = None,
        reads_twice: bool = False,
    ) -> None:
        """Describe what becomes of candidates, before the first of them is read.

        Args:
            conformer: Makes records of candidates.
            interviewer_ids: The Interviewers that are going to be read, in their order.
            encode: Makes RECORD messages of records, in the fetching threads, if every record is written as it is.
            reads_twice: Whether a target deletes what does not come: then every list is read twice.
        """
        self._fetcher.conformer = conformer
        self._fetcher.encode = encode
        self._fetcher.reads_twice = reads_twice
        self.verdicts.clear()
        self._client.reopen()
        queues = (
            PageQueue(partial(self._fetcher.page, interviewer_id), self._config["page_size"], self._pool)
            for interviewer_id in interviewer_ids
        )
        self._prefetcher = Prefetcher(queues, self._pool)

    def close(self) -> None:
        """Close the connections, and end the threads."""
        self._pool.close()
        self._client.close()

    # Discovery

    def sample(self) -> Iterator[dict[str, Any]]:
        """Read the first page of each Interviewer, side by side.

        Yields:
            Candidates as the API sent them.

        Raises:
            FatalAPIError: If no Interviewer can be read.
        """
        errors = []
        # The first one by itself: its size decides how many of the others are held at once.
        at_once = 1
        for interviewer_ids in (self.interviewer_ids[:1], self.interviewer_ids[1:]):
            calls = [partial(self._first_page, interviewer_id) for interviewer_id in interviewer_ids]
            for result in self._pool.in_order(calls, at_once):
                if isinstance(result, InterviewerError):
                    errors.append(result)  # it comes again when the Interviewer is read
                elif isinstance(result, FatalAPIError):
                    raise result
                else:
                    candidates, size = result
                    at_once = max(1, MAX_HELD_BYTES // max(1, size))
                    yield from candidates
        if len(errors) == len(self.interviewer_ids):
            raise errors[0]
        for error in errors:
            logger.warning("%s", error)

    def check(self, seconds: float) -> Iterator[tuple[str, int | FatalAPIError]]:
        """Read the first page of each Interviewer, and yield how many candidates it has or what is wrong.

        Args:
            seconds: After these, for all of them, nothing more is requested.
        """
        ends_at = time.monotonic() + seconds
        is_wanted = lambda: time.monotonic() < ends_at  # noqa: E731

        def count(interviewer_id: str) -> int | FatalAPIError:
            result = self._first_page(interviewer_id, is_wanted)
            return result if isinstance(result, FatalAPIError) else len(result[0])

        futures = [self._pool.submit(partial(count, each)) for each in self.interviewer_ids]
        for interviewer_id, future in zip(self.interviewer_ids, futures, strict=True):
            # Requests have time limits, but not the look-up of a host's address: what hangs there is not waited for.
            while not future.done() and time.monotonic() < ends_at + GRACE:
                self._pool.wait_for_any()
            try:
                result = future.result(timeout=0)
            except (AbandonedError, TimeoutError):
                message = f"Interviewer {interviewer_id}, page 1: no good response within {seconds:g} s"
                result = InterviewerError(message)
            yield interviewer_id, result

    def _first_page(
        self, interviewer_id: str, is_wanted: Callable[[], bool] = lambda: True
    ) -> tuple[list[dict[str, Any]], int] | FatalAPIError:
        try:
            return self._fetcher.sample(interviewer_id, is_wanted)
        except FatalAPIError as error:
            return error

    # Pages

    def pages(self, interviewer_id: str) -> Iterator[Page]:
        """Read an Interviewer, pass by pass, until every candidate came or the read is incomplete.

        Interviewers are read in the order that ``prepare`` was given. Afterwards ``verdicts`` holds how it ended.

        Yields:
            Pages with candidates that are to be written.

        Raises:
            FatalAPIError: If no Interviewer can be read; the pages before that have been yielded.
        """
        prefetcher = self._prefetcher
        completeness = Completeness(
            uses_total=not self._config.get("additional_fields"), total_is_reliable=prefetcher.total_is_reliable
        )
        is_error = False
        try:
            reason, delete_blocker = yield from self._passes(interviewer_id, completeness)
        except InterviewerError as error:
            is_error = True
            reason = delete_blocker = str(error)
        where = f"Interviewer {interviewer_id}, "
        self.verdicts[interviewer_id] = Verdict(
            read=completeness.count,
            stated=completeness.stated,
            incomplete_reason=reason and reason.removeprefix(where),
            delete_blocker=delete_blocker and delete_blocker.removeprefix(where),
            is_error=is_error,
            requested_at=completeness.requested_at,
        )
        prefetcher.total_is_reliable = completeness.total_is_reliable
        prefetcher.next_interviewer()
        if completeness.duplicates_on_page:
            logger.warning(
                "Interviewer %s: %s came with the ID of another one on the same page; a target keeps one of each",
                *(interviewer_id, count_of(completeness.duplicates_on_page, "candidate")),
            )

    def _passes(
        self, interviewer_id: str, completeness: Completeness
    ) -> Generator[Page, None, tuple[str | None, str | None]]:
        """Read the pages up to three times.

        Returns:
            Why candidates may be missing, and why no target may delete those that did not come; None where all is well.
        """
        queue, reads_twice = self._prefetcher.current, self._fetcher.reads_twice
        has_moved = False
        for number in range(1, MAX_PASSES + 1):
            if number > 1:
                logger.info("Interviewer %s: its pages are read again, pass %d", interviewer_id, number)
                queue.start_later_pass(is_ahead=number == 2 and not has_moved)  # noqa: PLR2004
            paginator = CandidatesPaginator(completeness, self._config["page_size"])
            yield from self._read_pass(interviewer_id, paginator, completeness)
            has_moved = completeness.has_moved
            if has_moved:
                yield from self._read_top(interviewer_id, completeness)
            is_one_page = paginator.is_one_page and not completeness.problem
            is_complete = completeness.reaches_total or is_one_page or (number > 1 and not completeness.disagreement)
            is_confirmed = number > 1 and not completeness.new
            if is_complete and (is_confirmed or not reads_twice):
                break
        if paginator.straddling_request:
            page = queue.fetch_now(*paginator.straddling_request)
            new = completeness.add(page, is_reread=True)
            paginator.judge_straddling_page(page, new)
            if new:
                yield self._fetcher.select(page, new, interviewer_id)
        reason = paginator.problem or completeness.problem or (None if is_complete else completeness.disagreement)
        if reason:
            return reason, reason
        if completeness.has_others:
            return None, "its list holds candidates that name another one of interviewer_ids"
        if number == 1 or completeness.new:
            return None, "its last pass brought new candidates"
        return None, None if completeness.reaches_total else paginator.states_more

    def _read_pass(
        self, interviewer_id: str, paginator: CandidatesPaginator, completeness: Completeness
    ) -> Iterator[Page]:
        logged = time.monotonic()
        while not paginator.finished:
            page = self._prefetcher.next_page()
            paginator.advance(page)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]  # see has_more
            if not paginator.finished:
                self._prefetcher.request_ahead()
            if paginator.new:
                yield self._fetcher.select(page, paginator.new, interviewer_id)
            page.candidates, page.records, page.lines = (), (), None  # the paginator keeps the page
            if time.monotonic() - logged > PROGRESS_INTERVAL:
                logged = time.monotonic()
                of = "" if completeness.total is None else f" of {completeness.total:,}"
                logger.info("Interviewer %s, page %d: %s candidates so far%s", interviewer_id, page.number,
                            f"{completeness.count:,}", of)  # fmt: skip

    def _read_top(self, interviewer_id: str, completeness: Completeness) -> Iterator[Page]:
        """Read the top of the list again, where new and updated candidates come, until nothing is new."""
        for number in itertools.count(1):
            page = self._prefetcher.current.fetch_now(number)
            if new := completeness.add(page, is_reread=True):
                yield self._fetcher.select(page, new, interviewer_id)
            if page.is_blank:
                return

    # Look-ups

    def look_ups(self, interview_ids: Iterable[str]) -> Iterator[Page]:
        """Request single candidates: see ``lookups.look_ups``."""
        return look_ups(self._fetcher, self._pool, self.interviewer_ids, interview_ids)
