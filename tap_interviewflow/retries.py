"""Trying again: how often, how long to wait, and who waits."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

logger = logging.getLogger("tap-interviewflow.requests")

MOST_TRIES: Final = 7
SHORTEST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 60.0
LONGEST_WAIT_TOLD: Final = 300.0
"""The most seconds that a Retry-After is obeyed for."""


NAP: Final = 1.0
"""Seconds after which one who waits looks whether that still makes sense."""


class AbandonedError(Exception):
    """A request whose answer nobody waits for any more."""


@dataclass(slots=True)
class Clock:
    """Time as the retries see it, in seconds, so that a test can make it short."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True)
class Retries:
    """The waiting of all requests that share an API's patience.

    A library's backoff makes each caller wait for itself. Here a 429, or any answer with a Retry-After, holds
    back every request, and does not count as a failed try as long as others get through.
    """

    clock: Clock = field(default_factory=Clock)
    _opens_at: float = 0.0
    _answered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, attempt: Callable[[], _T], what: str, is_wanted: Callable[[], bool]) -> _T:
        """Try until an attempt succeeds.

        Args:
            attempt: One request; it raises ``RetriableAPIError`` where another may do better.
            what: What is asked for, for log lines.
            is_wanted: Whether the outcome is still of use.

        Raises:
            FatalAPIError: If the last try fails.
            AbandonedError: If the outcome is not wanted any more.
        """
        tries = 0
        again_at = 0.0
        answered = self._answered
        while True:
            self._wait_until(again_at, is_wanted)
            if not is_wanted():
                raise AbandonedError
            try:
                outcome = attempt()
            except RetriableAPIError as error:
                if not is_wanted():
                    raise AbandonedError from None
                is_limited = _status(error) == HTTPStatus.TOO_MANY_REQUESTS
                if not (is_limited and self._answered > answered):
                    tries += 1
                answered = self._answered
                if tries == MOST_TRIES:
                    message = f"{error}; gave up after {tries} tries"
                    raise FatalAPIError(message) from None
                again_at = self._put_off(error, tries, what, is_limited=is_limited)
            else:
                with self._lock:
                    self._answered += 1
                return outcome

    def _put_off(self, error: RetriableAPIError, tries: int, what: str, *, is_limited: bool) -> float:
        """Say when to try again, and to everybody if the API asks for patience."""
        told = retry_after(error, self.clock)
        seconds = backoff(tries) if told is None else min(told, LONGEST_WAIT_TOLD) + random.uniform(0, 0.1)  # noqa: S311
        seconds = max(seconds, SHORTEST_WAIT)
        logger.warning("%s: %s; try %d of %d in %.1f s", what, error, tries + 1, MOST_TRIES, seconds)
        again_at = self.clock.now() + seconds
        if is_limited or told is not None:
            with self._lock:
                self._opens_at = max(self._opens_at, again_at)
        return again_at

    def _wait_until(self, moment: float, is_wanted: Callable[[], bool]) -> None:
        while is_wanted() and (left := max(moment, self._opens_at) - self.clock.now()) > 0:
            self.clock.sleep(min(left, NAP))


def backoff(tries: int) -> float:
    """Give the seconds to wait after a number of failed tries: doubling, with jitter, capped."""
    return min(LONGEST_WAIT, 2.0 ** max(tries - 1, 0)) * random.uniform(0.75, 1.25)  # noqa: S311


def retry_after(error: RetriableAPIError, clock: Clock) -> float | None:
    """Read the Retry-After of an error's response, in seconds or as an HTTP date.

    Returns:
        Seconds from now, not negative; None where there is none that makes sense.
    """
    told = error.response.headers.get("Retry-After", "").strip() if error.response is not None else ""
    if told.isascii() and told.isdigit():
        return float(told[:10])
    try:
        moment = parsedate_to_datetime(told)
        return max(0.0, (moment.astimezone(UTC) - clock.utc()).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):  # all of these come out of the parser of dates
        return None


def _status(error: RetriableAPIError) -> int | None:
    return error.response.status_code if error.response is not None else None
