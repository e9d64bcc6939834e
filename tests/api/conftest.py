from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tap_interviewflow.api.client import Client
from tap_interviewflow.api.retry import Clock
from tests.wire import ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox import Sandbox

KEY = "sandbox-key"
ONE = "interviewer-1"
WHAT = f"Interviewer {ONE}, page 1"


@dataclass
class FakeTime:
    """Time that passes only while somebody waits, but for that of a request itself."""

    now: float = 0.0
    request_timeout: float = 5.0
    utc: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep, utc=lambda: self.utc)


class NewClient(Protocol):
    """Makes a client for a sandbox or an address; settings of the tap and arguments of the client alike."""

    def __call__(self, api: Sandbox | str, **settings: Any) -> Client: ...


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def new_client(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewClient]:
    """Make clients whose waits take no time, in surroundings that say nothing."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    made = []

    def new(api: Sandbox | str, **settings: Any) -> Client:
        arguments = {name: settings.pop(name) for name in ("on_response", "patience") if name in settings}
        config = {
            "api_url": api if isinstance(api, str) else api.url,
            "api_key": KEY if isinstance(api, str) else api.key,
            "request_timeout": 5,
            "max_parallel_requests": 4,
            **settings,
        }
        made.append(Client(config, clock=time.clock(), **arguments))
        return made[-1]

    yield new
    for client in made:
        client.close()


def page(number: int, limit: int = 10) -> dict[str, Any]:
    """The body that asks for a page."""
    return {"interviewerId": ONE, "page": number, "limit": limit}


def answer(status: str, body: bytes, *headers: str) -> bytes:
    """Make an answer with a status line of one's own."""
    return ok(body, *headers).replace(b"200 OK", status.encode(), 1)
