from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api import retry
from tap_interviewflow.api.client import Client
from tests.backends import WIDTHS, Reading
from tests.wire import serving

if TYPE_CHECKING:
    from tests.sandbox import Sandbox

KEY = "sandbox-key"
ONE = "interviewer-1"
WHERE = f"Interviewer {ONE}, page 1"


@dataclass
class FakeTime:
    """In the place of the module ``time``: time that passes only in waits, not in requests."""

    now: float = 0.0
    request_timeout: float = 5.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Have the waits between tries take no time."""
    time = FakeTime()
    monkeypatch.setattr(retry, "time", time)
    return time


class NewClient(Protocol):
    """Makes a client for a sandbox or an address; settings of the tap and arguments of the client alike."""

    def __call__(self, api: Sandbox | str, **settings: Any) -> Client: ...


@pytest.fixture
def new_client(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> NewClient:  # noqa: ARG001
    """Make clients whose waits take no time, in surroundings that say nothing."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)

    def new(api: Sandbox | str, **settings: Any) -> Client:
        arguments = {name: settings.pop(name) for name in ("on_response", "patience") if name in settings}
        url = api if isinstance(api, str) else api.url
        config = {"api_url": url, "api_key": KEY, "request_timeout": 5, "max_parallel_requests": 4, **settings}
        return Client(config, **arguments)

    return new


def _named(each: tuple[int, bool]) -> str:
    return f"{each[0]} in flight, {'a' if each[1] else 'no'} total"


@pytest.fixture(params=[(width, has_total) for width in WIDTHS for has_total in (False, True)], ids=_named)
def reading(request: pytest.FixtureRequest) -> Reading:
    """Read with each number of requests in flight, with and without a total."""
    return Reading(*request.param)


@pytest.fixture(params=WIDTHS)
def without_total(request: pytest.FixtureRequest) -> Reading:
    """Read with each number of requests in flight, without a total but one that the test states."""
    return Reading(request.param, has_total=False)


def page(number: int, limit: int = 10) -> dict[str, Any]:
    """The body that requests a page."""
    return {"interviewerId": ONE, "page": number, "limit": limit}


def failure(client: Client) -> str:
    """The one line that a request ends with, behind the place that it begins with."""
    with pytest.raises(FatalAPIError) as raised:
        client.fetch(page(1), WHERE)
    line = str(raised.value)
    assert line.startswith(f"{WHERE}: ")
    assert line.isprintable()
    assert KEY not in line
    return line.removeprefix(f"{WHERE}: ")


def failure_of(new_client: NewClient, response: bytes) -> str:
    """The line that a request ends with to which this is the only response."""
    with serving(lambda _: [response]) as url:
        return failure(new_client(url))
