from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import Phase, settings

from tap_interviewflow import tap
from tap_interviewflow.api import retry
from tap_interviewflow.api.client import Client
from tests.api.conftest import FakeTime
from tests.runs import Run, config_for, run_here, write

# Whoever starts the tests in the background has Ctrl-C ignored, and so would every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A failing example is not made smaller, which takes minutes where each try is a run: HYPOTHESIS_PROFILE=shrink
# does that. `make test-slow` tries more of them.
WITHOUT_SHRINKING = tuple(phase for phase in Phase if phase not in {Phase.shrink, Phase.explain})
settings.register_profile("shrink", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("quick", settings.get_profile("shrink"), phases=WITHOUT_SHRINKING)
settings.register_profile("slow", max_examples=300, deadline=None, phases=WITHOUT_SHRINKING)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sandbox import Sandbox


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: a third of the time of all tests together is waiting."""
    return 2 * (os.cpu_count() or 1)


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
def read(files_of_runs: Path) -> Read:
    """Run the tap against a sandbox: its settings, a catalog and a state in files as a user would have them."""

    def run(api: Sandbox, *arguments: str, catalog: object = None, state: object = None, **settings: Any) -> Run:
        given = ["--config", write(files_of_runs / "config.json", config_for(api, **settings))]
        if catalog is not None:
            given += ["--catalog", write(files_of_runs / "catalog.json", catalog)]
        if state is not None:
            given += ["--state", write(files_of_runs / "state.json", state)]
        return run_here(*given, *arguments)

    return run


@pytest.fixture(scope="session")
def files_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files that are written anew for each run: to make one for each test takes longer than most."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(autouse=True, scope="session")
def _nothing_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep a developer's own settings, proxies and .env out of the tests, and what they write out of the folder."""
    folder = tmp_path_factory.mktemp("working-directory")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in list(os.environ):
            if name.startswith("TAP_INTERVIEWFLOW_") or name.lower().endswith("_proxy") or name == "LOGLEVEL":
                monkeypatch.delenv(name)
        monkeypatch.chdir(folder)
        yield
    assert not list(folder.iterdir()), "one test would see what another has written"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let the waits between tries take no time, and a request that hangs as long as the test chooses."""
    time = FakeTime()

    def impatient(config: Any, **options: Any) -> Client:
        return Client({**config, "request_timeout": time.request_timeout}, **options)

    monkeypatch.setattr(retry, "time", time)
    monkeypatch.setattr(tap, "Client", impatient)
    return time
