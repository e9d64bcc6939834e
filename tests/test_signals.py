"""How a run ends before its time: soon, non-zero, with whole lines and the last STATE."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import pytest

from tap_interviewflow import shutdown
from tap_interviewflow.shutdown import SIGNALS
from tests.runs import Run, config_for, run_here, start, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG
from tests.test_modes import incremental, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Read

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and pipes")

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


def ended(process: subprocess.Popen[bytes], out: bytes = b"") -> Run:
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
        run = Run(process.returncode, out.decode(), process.stderr.read().decode())
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
        process.terminate()
        while process.poll() is None:  # to its very end; whichever of the first two is looked at first counts
            process.send_signal(signal.SIGINT)
        stopped = ended(process, out)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        assert stopped.code in {128 + signal.SIGTERM, 128 + signal.SIGINT}
        assert_stopped(stopped, signal.Signals(stopped.code - 128))
        assert stopped.ids == [candidate["id"] for candidate in held[ONE] + held[TWO][:11]]
        resumed = read(api, catalog=incremental(), state=stopped.state)
    assert (resumed.code, resumed.ids) == (0, ["id-4", *(candidate["id"] for candidate in held[TWO])])


@pytest.fixture
def signalled(files: Callable[..., list[str]]) -> Iterator[Callable[..., Run]]:
    """Run the tap in this process, and send it signals once it has written so many records, and asked for a page."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def run(api: Sandbox, records: int, page: int | None, *arguments: str, numbers: Any, **settings: Any) -> Run:
        out = io.StringIO()

        def send() -> None:
            wait_for(lambda: out.getvalue().count(RECORD.decode()) >= records)
            wait_for(lambda: any(asked.get("page") == page for asked in api.requests))
            time.sleep(0.05)
            for number in numbers:
                signal.raise_signal(number)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            run = run_here(*files(api, page_size=10, **settings), *arguments, stdout=out)
        finally:
            thread.join()
        return replace(run, out=out.getvalue())

    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # a tap that does not listen is not to end the tests
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "fault"), [*zip(SIGNALS, ("429", "500", "hang"), strict=False)])
def test_a_signal_ends_a_run_that_waits(signalled: Callable[..., Run], number: signal.Signals, fault: str) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 3): f"always:{fault}"}, retry_after_seconds=100) as api:
        # One request at a time: else page 2 may wait, too, for as long as the answer to page 3 says.
        run = signalled(api, 20, 3, numbers=[number, signal.SIGTERM], max_parallel_requests=1)
    assert_stopped(run, number)  # the first counts
    assert len(run.ids) == 20


@pytest.mark.parametrize("arguments", [[], ["--discover"]])
def test_a_signal_ends_discovery(signalled: Callable[..., Run], arguments: list[str]) -> None:
    with Sandbox({ONE: 60}, faults={(ONE, 1): "always:hang"}) as api:
        run = signalled(api, 0, 1, *arguments, numbers=[signal.SIGHUP], catalog=None)
    assert (run.code, run.out) == (128 + signal.SIGHUP, "")
    assert "Stopped by SIGHUP" in run.err


@pytest.fixture
def signal_at() -> Iterator[Callable[[str], None]]:
    """Send SIGTERM when a line with a text is logged."""
    before = logging.getLogRecordFactory()

    def install(text: str) -> None:
        def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
            record = before(*args, **kwargs)
            if text in record.getMessage():
                signal.raise_signal(signal.SIGTERM)
            return record

        logging.setLogRecordFactory(make)

    yield install
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize("line", ["read, 30 written, complete", '"http_request_count"'])
def test_a_signal_after_the_last_page_counts_and_deletes_nothing(
    line: str, signal_at: Callable[[str], None], signalled: Callable[..., Run]
) -> None:
    signal_at(line)
    with Sandbox({ONE: 30}) as api:
        run = signalled(api, 0, 1, numbers=[], emit_activate_version_messages=True)
    assert_stopped(run, signal.SIGTERM)
    assert (len(run.ids), run.of("ACTIVATE_VERSION")) == (30, [])


def test_a_signal_at_the_very_end_is_the_exit_code(
    signal_at: Callable[[str], None], signalled: Callable[..., Run]
) -> None:
    signal_at("No ACTIVATE_VERSION is sent")
    with Sandbox({ONE: 0}) as api:
        run = signalled(api, 0, 1, numbers=[], emit_activate_version_messages=True)
    assert run.code == 128 + signal.SIGTERM


def test_signals_that_were_ignored_at_the_start_as_under_nohup_change_nothing(signalled: Callable[..., Run]) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with Sandbox({ONE: 30}, latency=0.1) as api:
        run = signalled(api, 0, 1, numbers=SIGNALS)
    assert (run.code, len(run.ids)) == (0, 30)


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


@pytest.mark.parametrize(
    "settings", [{}, {"flattening_enabled": True, "flattening_max_depth": 1}], ids=["plain", "flat"]
)
def test_a_slow_target_that_reads_on_after_a_signal_gets_whole_lines_and_the_last_state(
    files: Callable[..., list[str]], settings: dict[str, Any]
) -> None:
    with Sandbox({ONE: [person(number) | {"name": "x" * 20_000} for number in range(400)]}) as api:
        process = start(*files(api, page_size=400, **settings))
        out = read_to(process.stdout, RECORD)
        process.terminate()
        time.sleep(0.5)
        assert process.stdout is not None
        for line in process.stdout:  # all of the page would take eight seconds
            out += line
            time.sleep(0.02)
        run = ended(process, out)
    assert_stopped(run, signal.SIGTERM)
    assert run.ids == [f"id-{number}" for number in range(len(run.ids))]
    assert len(run.ids) < 400


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


LOGS = """
import sys
from tap_interviewflow import __main__, shutdown
__main__.own_process()
stop = shutdown.Shutdown()
stop.listen()
print("listening", flush=True)
print("a line of the log", file=sys.stderr)
print("on", flush=True)
stop.raise_if_requested()
"""


@linux
def test_a_signal_ends_the_wait_for_a_reader_of_the_log_so_that_the_run_goes_on_to_its_state() -> None:
    reading, writing = os.pipe()
    fill(writing)
    with subprocess.Popen([sys.executable, "-c", LOGS], stdout=subprocess.PIPE, stderr=writing) as process:
        read_to(process.stdout, b"listening")
        time.sleep(0.1)
        process.terminate()
        read_to(process.stdout, b"on\n")
        assert process.wait(SOON) == 128 + signal.SIGTERM
    os.close(reading)
    os.close(writing)


def fill(number: int) -> None:
    """Fill a pipe to its last byte."""
    own = os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(own, b"#")
    os.close(own)


def test_a_log_whose_reader_is_gone_is_no_failure(files: Callable[..., list[str]]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Sandbox({ONE: 30}) as api, os.fdopen(writing, "wb") as log:
        process = start(*files(api), stderr=log)
        out, _ = process.communicate(timeout=GIVEN_UP)
    assert process.returncode == 0
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["SCHEMA", *["RECORD"] * 30, "STATE"]
