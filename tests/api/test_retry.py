"""Retries: how long a request waits, which others wait with it, and when it is given up."""

from __future__ import annotations

import re
import time as real_time
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.retry import AbandonedError, RetriableError, Retries, backoff, http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import FakeTime

tzset = getattr(real_time, "tzset", lambda: None)  # Windows has none


def busy(retry_after: str | None = None) -> RetriableError:
    return RetriableError("429 Too Many Requests", is_rate_limit=True, retry_after=retry_after)


def down(retry_after: str | None = None) -> RetriableError:
    return RetriableError("503 Service Unavailable", retry_after=retry_after)


def run(retries: Retries, attempt: Callable[[float], Any], is_wanted: Callable[[], bool] = lambda: True) -> Any:
    return retries.run(attempt, "Interviewer 1, page 1", is_wanted)


@pytest.mark.parametrize("jitter", [min, max])
@pytest.mark.parametrize("failure", [busy, down])
@pytest.mark.parametrize("header", [None, "0", "1", "Sat, 31 Jan 2026 11:00:00 GMT", "-5", "soon"])
def test_an_outage_of_two_minutes_is_survived_whatever_retry_after_says(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch, failure: Any, jitter: Any, header: str | None
) -> None:
    monkeypatch.setattr("random.uniform", jitter)

    def attempt(_: float) -> str:
        if time.now < 120:
            raise failure(header)
        return "response"

    assert run(Retries(), attempt) == "response"


@pytest.mark.parametrize("failure", [down(), busy("1")])
def test_what_stays_is_given_up_after_eight_tries_with_doubled_waits_and_one_line_each(
    time: FakeTime, caplog: pytest.LogCaptureFixture, failure: RetriableError
) -> None:
    with pytest.raises(FatalAPIError, match=rf"^{failure}; gave up after 8 tries$"):
        run(Retries(), Mock(side_effect=failure))
    assert 123 <= time.now <= 1.25 * 123 + 1
    wording = re.compile(rf"Interviewer 1, page 1: {failure}; try [2-8] of 8 in [\d.]+ s")
    assert [bool(wording.fullmatch(line)) for line in caplog.messages] == [True] * 7


def test_two_that_fail_together_do_not_try_again_together() -> None:
    assert len({backoff(3, None) for _ in range(10)}) > 1
    assert len({backoff(1, 5) for _ in range(10)}) > 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        *((text, 7, 7.2) for text in ("7", "007", " 7 ")),
        ("0", 0.5, 0.5),
        *((f"Sat, 31 Jan 2026 {text}", 30, 30.2) for text in ("12:00:30 GMT", "12:00:30 -0000", "13:00:30 +0100")),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.5, 0.5),
        *((text, 300, 300.2) for text in ("9" * 2**16, "Fri, 31 Dec 9999 23:59:59 GMT")),
        *((text, 1, 1.25) for text in ("", "-5", "1.5.5", "soon", "٣", " " * 2**16, "1e9", "inf", "9 Dec 9999999")),
    ],
)
def test_retry_after_is_obeyed_where_it_makes_sense_in_any_time_zone(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch, header: str, least: float, most: float
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        tzset()
        http_date.cache_clear()
        run(Retries(), Mock(side_effect=[busy(header), None]))
    tzset()
    assert least <= time.now <= most


def test_one_retry_after_holds_every_request_back(time: FakeTime) -> None:
    retries = Retries()
    run(retries, Mock(side_effect=[down("9"), None]))
    time.now = 0
    assert run(retries, lambda _: time.now) >= 9


def test_429s_do_not_count_as_long_as_others_get_through(time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    retries = Retries()
    refused: list[float] = []

    def attempt(_: float) -> str:
        if len(refused) < 50:
            refused.append(time.now)
            if len(refused) % 6 == 0:
                run(retries, lambda _: "another's response")
            raise busy("0")
        return "response"

    assert run(retries, attempt) == "response"
    assert all("; try " in line for line in caplog.messages)


def test_a_failure_that_is_no_429_counts_whatever_gets_through(time: FakeTime) -> None:
    retries = Retries()

    def attempt(_: float) -> None:
        run(retries, lambda _: "another's response")
        raise down()

    with pytest.raises(FatalAPIError, match="gave up after 8 tries"):
        run(retries, attempt)
    assert time.now < 200


def test_what_is_not_wanted_any_more_is_not_waited_for(time: FakeTime) -> None:
    with pytest.raises(AbandonedError):
        run(Retries(), Mock(side_effect=down()), lambda: time.now < 20)
    assert time.now < 21


@pytest.mark.parametrize("failure", [down(), down("60"), busy("60"), busy()])
def test_no_wait_goes_beyond_the_patience(time: FakeTime, failure: RetriableError) -> None:
    retries, attempt = Retries(patience=10), Mock(side_effect=failure)
    for _ in range(2):
        with pytest.raises(FatalAPIError, match=r"gave up after|the API asks to wait 60 s, longer than this request"):
            run(retries, attempt)
    assert time.now <= 20
    assert attempt.call_args_list[0].args == (10,)
    assert all(0 <= call.args[0] < 10.01 for call in attempt.call_args_list)
