"""Trying again: how often, how long to wait, and who waits."""

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

MAX_TRIES: Final = 8
"""With the shortest waits that lie between, an outage of two minutes is survived."""

MIN_WAIT: Final = 0.5
MAX_WAIT: Final = 60.0
"""The longest wait that is the tap's own choice, in seconds, before its jitter."""

MAX_RETRY_AFTER: Final = 300.0
"""The most seconds that a Retry-After is obeyed for."""

POLL_INTERVAL: Final = 1.0
"""Seconds after which one who waits looks whether that still makes sense."""

_MAX_JITTER: Final = 1.25
_MAX_HEADER: Final = 100


class AbandonedError(Exception):
    """A request whose answer nobody waits for any more."""


class RetriableError(Exception):
    """A failed try that another may mend."""

    def __init__(self, message: str, *, is_rate_limit: bool = False, retry_after: str | None = None) -> None:
        """Say what failed.

        Args:
            message: For the log line.
            is_rate_limit: Whether the API said that there were too many requests.
            retry_after: The header of this name, if there was one.
        """
        super().__init__(message)
        self.is_rate_limit = is_rate_limit
        self.retry_after = retry_after


@dataclass(slots=True)
class Clock:
    """Time as the waiting sees it, in seconds, so that a test can make it short."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True)
class Retries:
    """The waiting of all requests that share an API's patience.

    A library's backoff makes each caller wait for itself. Here a 429, or any answer with a Retry-After, holds
    back every request, and a 429 does not count as a failed try as long as others get through.

    Attributes:
        patience: Seconds after which a request is given up.
    """

    clock: Clock = field(default_factory=Clock)
    patience: float = inf
    _opens_at: float = -inf
    _answered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, attempt: Callable[[float], _T], what: str, is_wanted: Callable[[], bool]) -> _T:
        """Try until an attempt succeeds.

        Args:
            attempt: One request, with the seconds that are left for it; it raises ``RetriableError`` where another
                may do better.
            what: What is asked for, for log lines.
            is_wanted: Whether the outcome is still of use.

        Raises:
            FatalAPIError: If the last try fails.
            AbandonedError: If the outcome is not wanted any more.
        """
        ends_at = self.clock.now() + self.patience
        again_at = -inf
        tries = failed = limited = 0
        answered = self._answered
        while True:
            self._wait_until(again_at, ends_at, is_wanted)
            if not is_wanted():
                raise AbandonedError
            try:
                outcome = attempt(ends_at - self.clock.now())
            except RetriableError as error:
                if not is_wanted():
                    raise AbandonedError from None
                tries += 1
                if not error.is_rate_limit:
                    failed += 1
                elif self._answered == answered:
                    limited += 1
                else:
                    limited = 0
                answered = self._answered
                again_at, seconds = self._put_off(error, failed + limited)
                if failed + limited == MAX_TRIES or again_at > ends_at:
                    message = f"{error}; gave up after {tries} {'try' if tries == 1 else 'tries'}"
                    raise FatalAPIError(message) from None
                ordinal = f"try {failed + limited + 1} of {MAX_TRIES}" if failed + limited else "once more"
                logger.warning("%s: %s; %s in %.1f s", what, error, ordinal, seconds)
            else:
                with self._lock:
                    self._answered += 1
                return outcome

    def _put_off(self, error: RetriableError, tries: int) -> tuple[float, float]:
        """Say when to try again and how long that is, and to everybody if the API asks for patience."""
        told = retry_after(error.retry_after, self.clock)
        seconds = wait(max(tries, 1), told)
        again_at = self.clock.now() + seconds
        if error.is_rate_limit or told is not None:
            with self._lock:
                self._opens_at = max(self._opens_at, again_at)
        return again_at, seconds

    def _wait_until(self, moment: float, ends_at: float, is_wanted: Callable[[], bool]) -> None:
        while is_wanted() and (left := max(moment, self._opens_at) - self.clock.now()) > 0:
            if self.clock.now() + left > ends_at:
                message = f"the API has asked for a wait of {left:.0f} s, which is too long"
                raise FatalAPIError(message)
            self.clock.sleep(min(left, POLL_INTERVAL))


def wait(tries: int, told: float | None) -> float:
    """Give the seconds to wait after a number of failed tries.

    Args:
        tries: From 1 on.
        told: What the API asks for. It may shorten the first wait only: an API that always says 0 would
            otherwise be given up within a moment.
    """
    doubling = min(MAX_WAIT, 2.0 ** (tries - 1)) * random.uniform(1, _MAX_JITTER)  # noqa: S311
    if told is None:
        return doubling
    obeyed = min(told, MAX_RETRY_AFTER) + random.uniform(0, 0.1)  # noqa: S311
    return max(obeyed, MIN_WAIT if tries == 1 else doubling)


def retry_after(told: str | None, clock: Clock) -> float | None:
    """Read a Retry-After, in seconds or as an HTTP date.

    Returns:
        Seconds from now, not negative; None where there is none that makes sense.
    """
    told = (told or "").strip()
    if told.isascii() and told.replace(".", "", 1).isdigit():
        return float(told)
    moment = http_date(told)
    return None if moment is None else max(0.0, (moment - clock.utc()).total_seconds())


@lru_cache(maxsize=16)  # a busy API sends the same second many times
def http_date(text: str) -> datetime | None:
    """Read a time of an HTTP header, in UTC; None where it is not one."""
    try:
        moment = parsedate_to_datetime(text[:_MAX_HEADER])
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):  # all of these come out of the parser of dates
        return None
