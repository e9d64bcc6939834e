"""How a run ends before its time: soon, non-zero, with whole lines and the last STATE."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import pytest

from tap_interviewflow import shutdown
from tests.runs import Run, config_for, run_here, start, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG
from tests.test_modes import incremental, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.conftest import Read

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and pipes")

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ONE = "interviewer-1"
TWO = "interviewer-2"
SOON = 5.0
GIVEN_UP = 30.0
RECORD = b'"type":"RECORD"'


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    def make(api: Sandbox, *, catalog: Any = CATALOG, **settings: Any) -> list[str]:
        config = write(tmp_path / "config.json", config_for(api, **settings))
        given = [] if catalog is None else ["--catalog", write(tmp_path / "catalog.json", catalog)]
        return ["--config", config, *given]

    return make


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + GIVEN_UP
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def read_to(pipe: IO[bytes] | None, text: bytes, times: int = 1) -> bytes:
    """Read lines until one has come so often."""
    assert pipe is not None
    out = b""
    while out.count(text) < times:
        line = pipe.readline()
        assert line, out
        out += line
    return out


def ended(process: subprocess.Popen[bytes], out: bytes = b"", err: bytes = b"") -> Run:
    """Wait for the end of a process; return its output, after what was read of it already."""
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.wait(SOON)
    finally:
        process.kill()
    if not process.stdout.closed:
        out += process.stdout.read()
        process.stdout.close()
    with process.stderr:
        run = Run(process.returncode, out.decode(), (err + process.stderr.read()).decode())
    assert "Traceback" not in run.err
    assert "Exception ignored" not in run.err
    return run


def assert_stopped(run: Run, number: signal.Signals) -> None:
    assert run.code == 128 + number
    assert run.out.endswith("\n")
    assert run.messages[-1]["type"] == "STATE"
    (line,) = [line for line in run.lines("WARNING") if "Stopped" in line]
    assert line.startswith(f"Stopped by {number.name} after ")
    assert not run.lines("ERROR")


# While the API is waited for


def test_after_a_signal_nothing_is_left_running_and_the_next_run_goes_on_without_loss(
    files: Callable[..., list[str]], read: Read
) -> None:
    held = {ONE: [person(number) for number in range(5)], TWO: [person(number) for number in range(100, 120)]}
    with Sandbox(held, faults={(TWO, 12): ["hang"]}) as api:
        given = files(api, catalog=incremental(), page_size=1, max_parallel_requests=16)
        process = start(*given, start_new_session=True)
        out = read_to(process.stdout, RECORD, 5 + 11)
        command = Path(f"/proc/{process.pid}/cmdline")
        assert not command.exists() or api.key.encode() not in command.read_bytes()
        process.terminate()
        process.send_signal(signal.SIGINT)  # whichever of the two is looked at first counts
        stopped = ended(process, out)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        assert stopped.code in {128 + signal.SIGTERM, 128 + signal.SIGINT}
        assert_stopped(stopped, signal.Signals(stopped.code - 128))
        assert stopped.ids == [candidate["id"] for candidate in held[ONE] + held[TWO][:11]]
        resumed = read(api, catalog=incremental(), state=stopped.state)
    assert (resumed.code, resumed.ids) == (0, ["id-4", *(candidate["id"] for candidate in held[TWO])])


class Signalled(Protocol):
    """Runs the tap in this process, and sends it a signal once it has written and asked for something."""

    def __call__(
        self,
        api: Sandbox,
        request: dict[str, Any],
        *arguments: str,
        numbers: Sequence[signal.Signals] = (signal.SIGTERM,),
        records: int = 0,
        **settings: Any,
    ) -> Run: ...


@pytest.fixture
def signalled(files: Callable[..., list[str]]) -> Iterator[Signalled]:
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def run(
        api: Sandbox,
        request: dict[str, Any],
        *arguments: str,
        numbers: Sequence[signal.Signals] = (signal.SIGTERM,),
        records: int = 0,
        **settings: Any,
    ) -> Run:
        out = io.StringIO()

        def send() -> None:
            wait_for(lambda: out.getvalue().count(RECORD.decode()) >= records)
            wait_for(lambda: any(request.items() <= asked.items() for asked in api.requests))
            time.sleep(0.05)
            for number in numbers:
                signal.raise_signal(number)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            run = run_here(*files(api, **settings), *arguments, stdout=out)
        finally:
            thread.join()
        return replace(run, out=out.getvalue())

    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # a tap that does not listen is not to end the tests
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "fault"), [*zip(SIGNALS, ("429", "500", "429"), strict=False)])
def test_a_signal_ends_a_run_that_waits_to_try_again(signalled: Signalled, number: signal.Signals, fault: str) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): f"always:{fault}"}, retry_after_seconds=100) as api:
        # One request at a time: else page 2 may wait, too, for as long as the answer to page 3 says.
        run = signalled(api, {"page": 3}, numbers=[number], records=20, page_size=10, max_parallel_requests=1)
    assert_stopped(run, number)
    assert len(run.ids) == 20


def test_a_signal_ends_a_run_that_uses_a_stream_map(signalled: Signalled) -> None:
    settings: dict[str, Any] = {"page_size": 10, "stream_maps": {"candidates": {"name": "None"}}}
    with Sandbox({ONE: 60}, faults={(ONE, 3): "always:hang"}) as api:
        run = signalled(api, {"page": 3}, numbers=[signal.SIGINT, signal.SIGTERM], records=20, **settings)
    assert_stopped(run, signal.SIGINT)  # the first counts
    assert len(run.ids) == 20


def test_a_signal_ends_a_look_up(signalled: Signalled) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, "nobody"): "always:hang"}) as api:
        run = signalled(api, {}, interview_ids=["nobody"])
    assert_stopped(run, signal.SIGTERM)


@pytest.mark.parametrize("arguments", [[], ["--discover"]])
def test_a_signal_ends_discovery(signalled: Signalled, arguments: list[str]) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 1): "always:hang"}) as api:
        run = signalled(api, {}, *arguments, numbers=[signal.SIGHUP], catalog=None)
    assert (run.code, run.out) == (128 + signal.SIGHUP, "")
    assert "Stopped by SIGHUP" in run.err


def test_signals_that_were_ignored_at_the_start_as_under_nohup_change_nothing(signalled: Signalled) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with Sandbox({ONE: 30}, latency=0.1) as api:
        run = signalled(api, {}, numbers=SIGNALS, page_size=10)
    assert run.code == 0
    assert len(run.ids) == 30


# While the libraries are loaded


def test_ctrl_c_while_the_tap_is_loaded_shows_no_traceback(tmp_path: Path) -> None:
    # One of the first modules that the tap loads takes long.
    (tmp_path / "requests.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    process = start(environment={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])})
    assert process.stdout is not None
    assert process.stdout.readline() == b"loading\n"
    process.send_signal(signal.SIGINT)
    run = ended(process)
    assert run.code == -signal.SIGINT
    assert not run.err


# While nobody reads


def is_stuck(api: Sandbox, process: subprocess.Popen[bytes]) -> bool:
    """Whether a tap has stopped asking for pages."""
    assert process.poll() is None
    before = len(api.requests)
    time.sleep(0.2)
    return before > 1 and len(api.requests) == before


def test_a_signal_ends_a_run_whose_target_does_not_read(files: Callable[..., list[str]]) -> None:
    assert shutdown.MAX_WAIT < SOON
    with Sandbox({ONE: 6_000}) as api:
        process = start(*files(api, page_size=200), impatient=True)
        wait_for(lambda: is_stuck(api, process))
        process.terminate()
        assert ended(process).code == 128 + signal.SIGTERM


def test_a_target_that_reads_on_after_a_signal_gets_whole_lines_and_the_last_state(
    files: Callable[..., list[str]],
) -> None:
    with Sandbox({ONE: 6_000}) as api:
        process = start(*files(api, page_size=200))
        wait_for(lambda: is_stuck(api, process))
        process.terminate()
        time.sleep(0.5)
        assert process.stdout is not None
        out = process.stdout.read()
        run = ended(process, out)
        assert_stopped(run, signal.SIGTERM)
        assert run.ids == [held["id"] for held in api.candidates(ONE)[: len(run.ids)]]


def test_a_target_that_dies_ends_the_run_quietly(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 6_000}, record=False, latency=0.01) as api:
        process = start(*files(api, page_size=20))
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        run = ended(process)
    assert run.code == 1
    assert "Stopped: the target reads no more" in run.lines("INFO")
    assert not run.lines("ERROR")


linux = pytest.mark.skipif(sys.platform != "linux", reason="it takes /proc to fill a pipe that others write to")


@linux
def test_a_signal_ends_a_run_whose_log_nobody_reads_with_the_last_state(files: Callable[..., list[str]]) -> None:
    with Sandbox({ONE: 60}, latency=0.05) as api:
        process = start(*files(api, page_size=10))
        out = read_to(process.stdout, RECORD, 20)
        assert process.stderr is not None
        fill(process.stderr.fileno())
        wait_for(lambda: is_stuck(api, process))  # in the line on a request that took so long
        process.terminate()
        run = ended(process, out)
    assert run.code == 128 + signal.SIGTERM
    assert run.out.endswith("\n")
    assert run.messages[-1]["type"] == "STATE"
    assert len(run.ids) >= 20


OWN = """
import sys, time
from tap_interviewflow import __main__, shutdown
__main__.own_process()
stop = shutdown.Shutdown()
stop.listen()
print("listening", flush=True)
"""


@linux
def test_a_signal_ends_the_wait_for_a_reader_of_the_log() -> None:
    logs = f"{OWN}input()\nprint('#' * 10_000, file=sys.stderr)\nprint('on', flush=True)\nstop.raise_if_requested()"
    with subprocess.Popen([sys.executable, "-c", logs], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"listening\n"
        fill(process.stderr.fileno())
        process.stdin.write(b"\n")
        process.stdin.close()
        time.sleep(0.1)
        process.terminate()
        assert process.stdout.readline() == b"on\n"
        assert process.wait(SOON) == 128 + signal.SIGTERM


def fill(number: int) -> None:
    """Fill a pipe to its last byte."""
    own = os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(own, b"#")
    os.close(own)


@pytest.mark.parametrize("log", ["full disk", "dead reader"])
def test_a_log_that_can_not_be_written_is_no_failure(files: Callable[..., list[str]], log: str) -> None:
    if log == "full disk":
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, number = os.pipe()
        os.close(reading)
    try:
        with Sandbox({ONE: 30}) as api:
            process = start(*files(api), stderr=number)
            out, _ = process.communicate(timeout=GIVEN_UP)
    finally:
        os.close(number)
    assert process.returncode == 0
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["SCHEMA", *["RECORD"] * 30, "STATE"]


def test_a_run_that_does_not_end_after_a_signal_is_ended_by_force() -> None:
    held_up = f"{OWN}shutdown.MAX_WAIT = 0.1\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", held_up], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        process.terminate()
        try:
            assert process.wait(SOON) == 128 + signal.SIGTERM
        finally:
            process.kill()
