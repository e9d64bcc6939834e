"""Trying again: how long one waits, who waits with one, and when it is given up."""

from __future__ import annotations

import threading
import time as time_module
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.retry import (
    MAX_RETRY_AFTER,
    MAX_TRIES,
    MAX_WAIT,
    MIN_WAIT,
    POLL_INTERVAL,
    AbandonedError,
    RetriableError,
    Retries,
    http_date,
    wait,
)

tzset = getattr(time_module, "tzset", lambda: None)  # Windows has none

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import FakeTime


def failing(*failures: RetriableError | None) -> Callable[[float], str]:
    """Fail so often; the last failure stays if there is no None at the end."""
    left = list(failures)

    def attempt(_: float) -> str:
        failure = left.pop(0) if len(left) > 1 else left[0]
        if failure is None:
            return "answer"
        raise failure

    return attempt


def busy(told: str | None = None) -> RetriableError:
    return RetriableError("429 Too Many Requests", is_rate_limit=True, retry_after=told)


def down(told: str | None = None) -> RetriableError:
    return RetriableError("503 Service Unavailable", retry_after=told)


def run(retries: Retries, attempt: Callable[[float], Any], is_wanted: Callable[[], bool] = lambda: True) -> Any:
    return retries.run(attempt, "Interviewer 1, page 1", is_wanted)


@pytest.mark.parametrize("jitter", ["least", "most"])
@pytest.mark.parametrize("failure", [busy, down])
def test_an_outage_of_two_minutes_is_survived_whatever_retry_after_says(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch, failure: Callable[..., RetriableError], jitter: str
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: least if jitter == "least" else most)

    for told in (None, "0", "1", "Sat, 31 Jan 2026 11:00:00 GMT", "-5", "soon"):
        end = time.now + 120

        def attempt(_: float, told: str | None = told, end: float = end) -> str:
            if time.now < end:
                raise failure(told)
            return "answer"

        assert run(Retries(time.clock()), attempt) == "answer"


def test_waits_double_up_to_a_cap(time: FakeTime) -> None:
    with pytest.raises(FatalAPIError, match=r"^503 Service Unavailable; gave up after 8 tries$"):
        run(Retries(time.clock()), failing(down()))
    doubled = sum(min(2.0**number, MAX_WAIT) for number in range(MAX_TRIES - 1))
    assert doubled <= time.now <= 1.25 * doubled
    assert MAX_WAIT <= wait(20, None) <= 1.25 * MAX_WAIT


def test_two_that_fail_together_do_not_try_again_together() -> None:
    assert len({wait(3, None) for _ in range(10)}) > 1
    assert len({wait(1, 5) for _ in range(10)}) > 1


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("7", 7, 7.2),
        ("0", MIN_WAIT, MIN_WAIT),
        ("007", 7, 7.2),
        (" 7 ", 7, 7.2),
        ("1.5", 1.5, 1.7),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30, 30.2),
        ("Sat, 31 Jan 2026 12:00:30 -0000", 30, 30.2),
        ("Sat, 31 Jan 2026 13:00:30 +0100", 30, 30.2),
        ("Sat, 31 Jan 2026 11:00:00 GMT", MIN_WAIT, MIN_WAIT),
        ("99999999999999999999", MAX_RETRY_AFTER, MAX_RETRY_AFTER + 0.2),
        ("9" * 2**16, MAX_RETRY_AFTER, MAX_RETRY_AFTER + 0.2),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER, MAX_RETRY_AFTER + 0.2),
        *((garbage, 1, 1.25) for garbage in ("", "-5", "1.5.5", ".", "soon", "٣", "Mon", " " * 2**16, "1e9", "inf")),
        ("Fri, 31 Dec 99999999999999999999", 1, 1.25),
        ("Sat, 31 Jan 2026 25:61:61 GMT", 1, 1.25),
        ("31 Jan 0000 00:00:00 -9999999999", 1, 1.25),
    ],
)
def test_retry_after_is_obeyed_where_it_makes_sense(time: FakeTime, told: str, least: float, most: float) -> None:
    run(Retries(time.clock()), failing(busy(told), None))
    assert least <= time.now <= most


def test_one_that_is_told_to_wait_holds_everybody_back(time: FakeTime) -> None:
    retries = Retries(time.clock())
    other: list[float] = []

    def attempt(_: float) -> str:
        if not other:
            other.append(-1)
            raise down("9")
        return "answer"

    first = threading.Thread(target=run, args=(retries, attempt))
    first.start()
    first.join()
    assert time.now >= 9
    time.now = 0
    run(retries, lambda _: other.append(time.now))
    assert other[-1] >= 9


def test_a_429_does_not_count_as_long_as_others_get_through(time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    retries = Retries(time.clock())
    refused: list[float] = []

    def attempt(_: float) -> str:
        if len(refused) < 50:
            refused.append(time.now)
            run(retries, lambda _: "another's answer")
            raise busy("1")
        return "answer"

    assert run(retries, attempt) == "answer"
    assert 50 <= time.now < 50 * 1.2
    assert caplog.messages[-1].startswith("Interviewer 1, page 1: 429 Too Many Requests; once more in 1.")


def test_429s_in_a_row_are_forgotten_once_another_gets_through(time: FakeTime) -> None:
    retries = Retries(time.clock())
    refused = []

    def attempt(_: float) -> str:
        refused.append(time.now)
        if len(refused) in {6, 12}:
            run(retries, lambda _: "another's answer")
        if len(refused) < 18:
            raise busy("0")
        return "answer"

    assert run(retries, attempt) == "answer"


def test_a_failure_that_is_no_429_counts_whoever_gets_through(time: FakeTime) -> None:
    retries = Retries(time.clock())
    tries = []

    def attempt(_: float) -> None:
        tries.append(time.now)
        run(retries, lambda _: "another's answer")
        raise down()

    with pytest.raises(FatalAPIError, match="gave up after 8 tries"):
        run(retries, attempt)
    assert len(tries) == MAX_TRIES


def test_a_limit_that_lets_nobody_through_is_given_up(time: FakeTime) -> None:
    with pytest.raises(FatalAPIError, match=r"^429 Too Many Requests; gave up after 8 tries$"):
        run(Retries(time.clock()), failing(busy("1")))


def test_each_retry_is_one_line_with_what_and_how_long(time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FatalAPIError):
        run(Retries(time.clock()), failing(down("1")))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("Interviewer 1, page 1: 503 Service Unavailable; try 2 of 8 in 1.")
    assert lines[-1].startswith("Interviewer 1, page 1: 503 Service Unavailable; try 8 of 8 in ")
    assert len(lines) == MAX_TRIES - 1


def test_what_nobody_wants_any_more_is_not_waited_for(time: FakeTime) -> None:
    tries = []

    def attempt(_: float) -> None:
        tries.append(time.now)
        raise down()

    with pytest.raises(AbandonedError):
        run(Retries(time.clock()), attempt, lambda: time.now < 20)
    assert time.now < 20 + POLL_INTERVAL
    assert max(tries) < 20


@pytest.mark.parametrize("failure", [down(), down("60"), busy("60"), busy()])
def test_no_wait_goes_beyond_the_patience(time: FakeTime, failure: RetriableError) -> None:
    left = []

    def attempt(seconds: float) -> None:
        left.append(seconds)
        raise failure

    retries = Retries(time.clock(), patience=10)
    with pytest.raises(FatalAPIError, match="gave up after"):
        run(retries, attempt)
    assert time.now <= 10
    assert left[0] == 10
    assert all(0 <= seconds <= 10 for seconds in left)


def test_one_who_is_held_back_by_others_gives_up_at_the_end_of_the_patience(time: FakeTime) -> None:
    retries = Retries(time.clock(), patience=10)
    with pytest.raises(FatalAPIError, match=r"429 Too Many Requests; gave up after 1 try$"):
        run(retries, failing(busy("60")))
    with pytest.raises(FatalAPIError, match="the API has asked for a wait of 60 s, which is too long"):
        run(retries, lambda _: "answer")
    assert time.now <= 10


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sat, 31 Jan 2026 12:00:30 GMT", datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)),
        ("Sat, 31 Jan 2026 12:00:30 +0200", datetime(2026, 1, 31, 10, 0, 30, tzinfo=UTC)),
        ("Sat, 31 Jan 2026 12:00:30 -0000", datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("(" * 2**16, None),
    ],
)
def test_a_date_of_a_header_is_a_time_in_utc_wherever_one_is(
    monkeypatch: pytest.MonkeyPatch, text: str, moment: datetime | None
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    http_date.cache_clear()
    try:
        tzset()
        assert http_date(text) == moment
    finally:
        monkeypatch.undo()
        tzset()
