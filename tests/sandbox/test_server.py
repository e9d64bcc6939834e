from __future__ import annotations

import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox import Sandbox
from tests.sandbox.client import ONE, ask, assert_silent, request, send


def test_requests_and_headers_are_recorded_in_step_failed_ones_too() -> None:
    with Sandbox({ONE: 1}) as api:
        ask(api, page=1)
        send(api, b"{", key="wrong")
        ask(api, "nobody")
        assert api.requests == [{"interviewerId": ONE, "page": 1}, None, {"interviewerId": "nobody"}]
        assert [headers["x-api-key"] for headers in api.headers] == ["sandbox-key", "wrong", "sandbox-key"]


def test_nothing_is_recorded_when_it_is_not_wanted() -> None:
    with Sandbox({ONE: 1}, record=False) as api:
        assert ask(api).status == 200
        assert (api.requests, api.headers) == ([], [])


def test_the_peak_is_the_most_requests_at_once() -> None:
    with Sandbox({ONE: 1}, faults={(ONE, 1): "always:hang"}) as api:
        clients = [socket.create_connection(("127.0.0.1", api.port), timeout=5) for _ in range(3)]
        for client in clients:
            client.sendall(request())
        while len(api.requests) < 3:
            time.sleep(0.001)
        assert api.in_flight_peak == 3
        for client in clients:
            client.close()


def test_requests_one_after_another_never_count_as_two() -> None:
    with Sandbox({ONE: 1}) as api:
        for _ in range(20):
            ask(api)
        assert api.in_flight_peak == 1


@pytest.mark.parametrize("uptime", [0.0, 1e6])
def test_requests_above_the_rate_are_too_many_however_long_the_machine_is_up(
    monkeypatch: pytest.MonkeyPatch, uptime: float
) -> None:
    monkeypatch.setattr("tests.sandbox.server.monotonic", lambda: uptime)
    with Sandbox({ONE: 1}, rate_limit=0.001) as api:
        assert [ask(api).status for _ in range(3)] == [200, 429, 429]
        assert ask(api).headers["retry-after"] == "1"
        assert len(api.requests) == 4


def test_a_rate_of_nothing_lets_nobody_through() -> None:
    with Sandbox({ONE: 1}, rate_limit=0) as api:
        assert ask(api).status == 429


def test_an_answer_has_a_date_by_the_clock_of_the_api_if_it_has_one() -> None:
    with Sandbox({ONE: 1}, faults={2: "503"}) as api:
        assert "date" not in ask(api).headers
        api.clock = -86_400
        for reply in (ask(api), ask(api)):
            ahead = parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
            assert -86_500 < ahead <= -86_400
            assert reply.json


def test_requests_within_the_rate_are_answered() -> None:
    with Sandbox({ONE: 1}, rate_limit=1000) as api:
        assert [ask(api).status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(
    "habits",
    [
        {"envelope": "items"},
        {"within": "result"},
        {"metadata": "hasMore"},
        {"lies": ["total-too-high"]},
        {"past_end": "first"},
        {"thin": 1.0},
        {"max_limit": 1},
        {"ignore_page": True},
    ],
    ids=str,
)
def test_habits_may_change_while_it_runs(habits: dict[str, Any]) -> None:
    pages = (1, 2, 9)
    other_habits: dict[str, Any] = {"metadata": "total", **habits}
    with Sandbox({ONE: 9}, metadata="total") as api, Sandbox({ONE: 9}, **other_habits) as other:
        before = [ask(api, page=page, limit=4).content for page in pages]
        for name, value in habits.items():
            setattr(api, name, value)
        after = [ask(api, page=page, limit=4).content for page in pages]
        assert after != before
        assert after == [ask(other, page=page, limit=4).content for page in pages]


def test_the_answer_comes_after_the_latency() -> None:
    with Sandbox({ONE: 1}, latency=0.01) as api:
        assert ask(api).status == 200
        api.latency = 60
        assert_silent(api)


def test_preencoding_changes_no_answer() -> None:
    with Sandbox({ONE: 5}) as cold, Sandbox({ONE: 5}, past_end="404") as warm:
        warm.preencode(2)
        for page in (1, 2, 3):
            assert ask(warm, page=page, limit=2).content == ask(cold, page=page, limit=2).content
