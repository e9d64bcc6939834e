from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from tap_interviewflow import tap
from tap_interviewflow.api.client import Client
from tests.api.conftest import FakeTime
from tests.runs import Run, config_for, run_here, write

# Whoever starts the tests in the background has Ctrl-C ignored, and so would every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A quick look with every run; `make test-slow` looks longer.
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("slow", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_interviewflow.sandbox import Sandbox


ADDRESS = re.compile(r"[\w.]@[\w.]+\.\w")
"""Of a person: in no log line of any run, whatever it reads; nor is the key."""


class Read(Protocol):
    """Reads a sandbox with some settings."""

    def __call__(
        self,
        api: Sandbox,
        *arguments: str,
        catalog: object = None,
        state: object = None,
        **settings: Any,
    ) -> Run: ...


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Run the tap against a sandbox: its settings, a catalog and a state in files as a user would have them."""

    def run(api: Sandbox, *arguments: str, catalog: object = None, state: object = None, **settings: Any) -> Run:
        files = ["--config", write(tmp_path / "config.json", config_for(api, **settings))]
        if catalog is not None:
            files += ["--catalog", write(tmp_path / "catalog.json", catalog)]
        if state is not None:
            files += ["--state", write(tmp_path / "state.json", state)]
        ended = run_here(*files, *arguments)
        assert api.key not in ended.err
        assert not ADDRESS.search(ended.err)
        return ended

    return run


@pytest.fixture(autouse=True, scope="session")
def _no_proxy_on_the_way_to_loopback() -> Iterator[None]:
    """Spare the servers of whole modules a developer's proxy, too: they start before any test has its environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost"))))
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep a developer's own settings, proxies and .env out of the tests."""
    for name in list(os.environ):
        if name.startswith("TAP_INTERVIEWFLOW_") or name.lower().endswith("_proxy") or name == "LOGLEVEL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Have the waits between tries take no time, and a request that hangs a moment."""
    time = FakeTime()

    def impatient(config: Any, **options: Any) -> Client:
        return Client({**config, "request_timeout": 0.15}, clock=time.clock(), **options)

    monkeypatch.setattr(tap, "Client", impatient)
    return time
