"""Retries: which failures are tried again, and how long a request waits before the next try."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Final, TypeVar

from singer_sdk.exceptions import FatalAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
logger = logging.getLogger("tap-interviewflow.requests")

MAX_TRIES: Final = 8  # the shortest waits between them add up to two minutes
MIN_WAIT: Final = 0.5  # seconds, like all constants below
MAX_WAIT: Final = 60.0  # before the jitter
MAX_RETRY_AFTER: Final = 300.0
POLL_INTERVAL: Final = 1.0  # after which a waiting request checks whether it is still wanted


class AbandonedError(Exception):
    """A request whose response is not wanted any more."""


class RetriableError(Exception):
    """A failed try; another one may succeed."""

    def __init__(self, message: str, *, is_rate_limit: bool = False, retry_after: str | None = None) -> None:
        """Keep whether the status was 429, and the header ``Retry-After``."""
        super().__init__(message)
        self.is_rate_limit = is_rate_limit
        self.retry_after = retry_after


@dataclass(slots=True)
class Retries:
    """The retries of all requests of a client. Safe to use from several threads at once.

    The backoff of a library delays only the request that failed. Here a 429, or any response with a ``Retry-After``,
    delays every request, and a 429 does not use up the tries of a request as long as others succeed.
    """

    patience: float = inf  # seconds after which a request is given up, even if it has tries left
    _opens_at: float = -inf  # the monotonic time before which no request is sent
    _successes: int = 0  # of all requests
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, attempt: Callable[[float], _T], where: str, is_wanted: Callable[[], bool]) -> _T:
        """Make attempts, each within the given seconds, until one raises no ``RetriableError``; return its result.

        Raises:
            FatalAPIError: If the last try fails, or the patience ends.
            AbandonedError: If the response is not wanted any more.
        """
        ends_at = time.monotonic() + self.patience
        again_at, successes, failures = -inf, self._successes, 0
        while True:
            self._wait_until(again_at, ends_at, is_wanted)
            try:
                result = attempt(ends_at - time.monotonic())
            except RetriableError as error:
                if not is_wanted():
                    raise AbandonedError from None
                failures = 1 if error.is_rate_limit and successes != self._successes else failures + 1
                successes = self._successes
                seconds = backoff(failures, parse_retry_after(error.retry_after))
                again_at = time.monotonic() + seconds
                if error.is_rate_limit or error.retry_after:
                    with self._lock:
                        self._opens_at = max(self._opens_at, again_at)
                if failures == MAX_TRIES or again_at > ends_at:
                    tries = "1 try" if failures == 1 else f"{failures} tries"
                    raise FatalAPIError(f"{error}; gave up after {tries}") from None
                logger.warning("%s: %s; try %d of %d in %.1f s", where, error, failures + 1, MAX_TRIES, seconds)
            else:
                with self._lock:
                    self._successes += 1
                return result

    def _wait_until(self, moment: float, ends_at: float, is_wanted: Callable[[], bool]) -> None:
        while is_wanted():
            opens_at, now = max(moment, self._opens_at), time.monotonic()
            if opens_at <= now:
                return
            if opens_at > ends_at:
                raise FatalAPIError(f"the API asks to wait {opens_at - now:.0f} s, longer than this request may wait")
            time.sleep(min(opens_at - now, POLL_INTERVAL))
        raise AbandonedError


def backoff(failures: int, retry_after: float | None) -> float:
    """Return the seconds to wait before the next try: they double with each failure, and have jitter.

    Args:
        failures: How many tries have failed.
        retry_after: The seconds that the API asks for. They may shorten the first wait only: an API that always asks
            for 0 would use up all tries at once.
    """
    wait = min(MAX_WAIT, 2.0 ** (failures - 1)) * random.uniform(1, 1.25)  # noqa: S311
    if retry_after is None:
        return wait
    shortest = MIN_WAIT if failures == 1 else wait
    return max(min(retry_after, MAX_RETRY_AFTER) + random.uniform(0, 0.1), shortest)  # noqa: S311


def parse_retry_after(header: str | None) -> float | None:
    """Parse a ``Retry-After`` of either form, as seconds from now; None if it is missing or invalid."""
    text = (header or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    moment = http_date(text)
    return None if moment is None else moment.timestamp() - time.time()


@lru_cache(maxsize=16)  # a busy API sends the same second many times
def http_date(text: str) -> datetime | None:
    """Parse a time of an HTTP header, in UTC; None if it is invalid."""
    try:
        moment = parsedate_to_datetime(text[:100])
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):  # all of these come out of the standard parser
        return None
