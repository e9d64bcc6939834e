"""How a run ends before its time: soon, non-zero, with whole lines and the last STATE."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.sandbox import Sandbox
from tests.runs import Run, config_for, start, write
from tests.test_faults import CATALOG

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and pipes")

ONE = "interviewer-1"
SOON = 5.0
GIVEN_UP = 30.0


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    def make(api: Sandbox, **settings: Any) -> list[str]:
        config = write(tmp_path / "config.json", config_for(api, **settings))
        return ["--config", config, "--catalog", write(tmp_path / "catalog.json", CATALOG)]

    return make


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + GIVEN_UP
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def ended(process: subprocess.Popen[bytes], *, out: bytes | None = None, within: float = GIVEN_UP) -> Run:
    """Take what a process has said once it has ended."""
    process.wait(within)
    assert process.stderr is not None
    if out is None:
        assert process.stdout is not None
        out = process.stdout.read()
    run = Run(process.returncode, out.decode(), process.stderr.read().decode())
    process.stderr.close()
    if process.stdout is not None:
        process.stdout.close()
    assert "Traceback" not in run.err
    return run


def assert_whole_lines(text: str) -> None:
    assert text.endswith("\n")
    for line in text.splitlines():
        json.loads(line)


def assert_stopped(run: Run, number: signal.Signals) -> None:
    assert run.code == 128 + number
    assert_whole_lines(run.out)
    assert run.messages[-1]["type"] == "STATE"
    (line,) = [line for line in run.lines("WARNING") if "Stopped" in line]
    assert line.startswith(f"Stopped by {number.name} after ")
    assert not run.lines("ERROR")


# While the API is waited for


@pytest.mark.parametrize(("number", "parallel"), [(signal.SIGTERM, 8), (signal.SIGINT, 1)])
def test_a_signal_ends_a_run_that_waits_for_a_page(
    files: Callable[..., list[str]], number: signal.Signals, parallel: int
) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:hang"}) as api:
        process = start(*files(api, page_size=10, max_parallel_requests=parallel))
        wait_for(lambda: {"interviewerId": ONE, "page": 3, "limit": 10} in api.requests)
        time.sleep(0.3)
        process.send_signal(number)
        run = ended(process, within=SOON)
        assert_stopped(run, number)
        assert run.ids == [held["id"] for held in api.candidates(ONE)[:20]]


@pytest.mark.parametrize("fault", ["429", "500"])
def test_a_signal_ends_a_run_that_waits_to_try_again(files: Callable[..., list[str]], fault: str) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): f"always:{fault}"}, retry_after_seconds=100) as api:
        process = start(*files(api, page_size=10))
        wait_for(lambda: {"interviewerId": ONE, "page": 3, "limit": 10} in api.requests)
        time.sleep(0.3)
        process.terminate()
        run = ended(process, within=SOON)
    assert_stopped(run, signal.SIGTERM)
    assert len(run.ids) == 20


def test_a_second_signal_changes_nothing(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:hang"}) as api:
        process = start(*files(api, page_size=10))
        wait_for(lambda: {"interviewerId": ONE, "page": 3, "limit": 10} in api.requests)
        time.sleep(0.3)
        for _ in range(5):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert_stopped(ended(process, within=SOON), signal.SIGINT)


def test_a_signal_ends_a_look_up(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, "nobody"): "always:hang"}) as api:
        process = start(*files(api, interview_ids=["nobody"]))
        wait_for(lambda: api.requests)
        process.terminate()
        assert_stopped(ended(process, within=SOON), signal.SIGTERM)


def test_a_signal_ends_a_run_that_uses_a_stream_map(files: Callable[..., list[str]]) -> None:
    maps = {"candidates": {"name": "None"}}
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:hang"}) as api:
        process = start(*files(api, page_size=10, stream_maps=maps))
        wait_for(lambda: {"interviewerId": ONE, "page": 3, "limit": 10} in api.requests)
        time.sleep(0.3)
        process.terminate()
        run = ended(process, within=SOON)
    assert_stopped(run, signal.SIGTERM)
    assert len(run.ids) == 20


@pytest.mark.parametrize(("number", "arguments"), [(signal.SIGTERM, []), (signal.SIGINT, ["--discover"])])
def test_a_signal_ends_discovery(files: Callable[..., list[str]], arguments: list[str], number: signal.Signals) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 1): "always:hang"}) as api:
        process = start(*files(api)[:2], *arguments)
        wait_for(lambda: api.requests)
        process.send_signal(number)
        run = ended(process, within=SOON)
    assert (run.code, run.out) == (128 + number, "")
    assert f"Stopped by {number.name}" in run.err


# While the target is waited for


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_whose_target_does_not_read(
    files: Callable[..., list[str]], number: signal.Signals
) -> None:
    with Sandbox({ONE: 6_000}) as api:
        process = start(*files(api, page_size=200))
        wait_for(lambda: is_stuck(api, process))
        process.send_signal(number)
        run = ended(process, within=SOON)  # which reads only what it finds in the pipe afterwards
    assert run.code == 128 + number
    if sys.platform == "linux":
        assert_whole_lines(run.out)


def is_stuck(api: Sandbox, process: subprocess.Popen[bytes]) -> bool:
    """Whether a tap has stopped asking for pages."""
    assert process.poll() is None
    before = len(api.requests)
    time.sleep(0.5)
    return before > 3 and len(api.requests) == before


def test_a_target_that_is_only_slow_gets_the_last_state(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 6_000}) as api:
        process = start(*files(api, page_size=200))
        wait_for(lambda: is_stuck(api, process))
        process.terminate()
        time.sleep(0.5)
        assert process.stdout is not None
        out = process.stdout.read()  # all of it, at last
        assert_stopped(ended(process, out=out, within=SOON), signal.SIGTERM)


@pytest.mark.parametrize("count", [6_000, 300])
def test_a_target_that_dies_ends_the_run_quietly(files: Callable[..., list[str]], count: int) -> None:
    with Sandbox({ONE: count}, record=False, latency=0.01) as api:
        process = start(*files(api, page_size=20))
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        run = ended(process, out=b"", within=SOON)
    assert run.code == 1
    assert "Stopped: the target has closed the pipe" in run.err
    assert not run.lines("ERROR")
    assert not run.lines("WARNING") or all("no place" in line for line in run.lines("WARNING"))


def test_a_target_that_is_dead_already_ends_the_run_quietly(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 5}) as api:
        process = start(*files(api), stdout=closed_pipe())
        run = ended(process, out=b"")
    assert run.code == 1
    assert not run.lines("ERROR")


def test_a_target_of_discovery_that_is_dead_already_ends_it_quietly(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 5}) as api:
        run = ended(start(*files(api)[:2], "--discover", stdout=closed_pipe()), out=b"")
    assert run.code == 1
    assert not run.lines("ERROR")


def test_a_run_without_standard_output_ends_with_a_line(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 5}) as api:
        run = ended(start(*files(api), preexec_fn=lambda: os.close(1)), out=b"")
    assert run.code == 1
    assert run.lines("ERROR") == ["there is no standard output"]


def closed_pipe() -> int:
    read_end, write_end = os.pipe()
    os.close(read_end)
    return write_end


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a /dev/full")
@pytest.mark.parametrize("arguments", [[], ["--discover"]])
def test_a_full_disk_ends_the_run_with_a_line(files: Callable[..., list[str]], arguments: list[str]) -> None:
    with Sandbox({ONE: 5}) as api, Path("/dev/full").open("wb") as full:
        run = ended(start(*(files(api)[:2] if arguments else files(api)), *arguments, stdout=full), out=b"")
    assert run.code != 0
    (line,) = run.lines("ERROR")
    assert "No space left on device" in line


def test_a_file_that_can_not_grow_ends_with_a_whole_line(files: Callable[..., list[str]], tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limit = 100_000

    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    path = tmp_path / "out.jsonl"
    for mode in ("wb", "ab"):
        with Sandbox({ONE: 500}) as api, path.open(mode) as file:
            run = ended(start(*files(api), stdout=file, preexec_fn=no_larger_files), out=b"")
        assert run.code == 1
        assert "File too large" in run.lines("ERROR")[0]
        assert 0 < path.stat().st_size < limit
        assert_whole_lines(path.read_text())


# Back pressure


def test_a_slow_target_costs_no_candidate_no_timeout_and_no_memory(
    files: Callable[..., list[str]],
) -> None:
    count = 6_000
    with Sandbox({ONE: count}, record=False) as api:
        process = start(*files(api, page_size=100, request_timeout=1))
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        for _ in range(4):
            time.sleep(0.5)  # longer, together, than a request may take
            lines += [process.stdout.readline() for _ in range(100)]
        used = memory_of(process)
        lines += process.stdout.readlines()
        run = ended(process, out=b"".join(lines))
        assert run.ids == [held["id"] for held in api.candidates(ONE)]
    assert run.code == 0
    assert "try 2" not in run.err
    assert used is None or used < 200 * 2**20


def memory_of(process: subprocess.Popen[bytes]) -> int | None:
    """The memory that a process has now, in bytes, where the system tells."""
    path = Path(f"/proc/{process.pid}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else None


def test_nothing_is_left_running_after_a_signal(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:hang"}) as api:
        process = start(*files(api, page_size=10, max_parallel_requests=16), start_new_session=True)
        wait_for(lambda: {"interviewerId": ONE, "page": 3, "limit": 10} in api.requests)
        process.terminate()
        ended(process, within=SOON)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
