"""What reaches standard output, whatever that is: whole lines, all of them, or an error."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from singer_sdk.singerlib import StateMessage

from tap_interviewflow.shutdown import Shutdown
from tap_interviewflow.writer import SingerWriter
from tests.runs import Run, config_for, run_here, start, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


ONE = "interviewer-1"
PIPE = 2**16
STATE = StateMessage(value={})

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")


def lines_of(*lengths: int) -> bytes:
    return b"".join(b"%d" % (length % 10) + b"x" * (length - 2) + b"\n" for length in lengths)


@contextmanager
def as_stdout(number: int) -> Generator[SingerWriter]:
    """Let an open file be the standard output; a fixture can't, as pytest has its own for each phase of a test."""
    with pytest.MonkeyPatch.context() as monkeypatch, open(number, "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "__stdout__", stdout)
        yield SingerWriter()


@contextmanager
def meanwhile(call: Callable[[], object]) -> Generator[None]:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    yield
    thread.join()


@pytest.fixture(params=["pipe", "non-blocking pipe", "socket"])
def target(request: pytest.FixtureRequest) -> Iterator[tuple[io.FileIO, io.FileIO]]:
    """The end that is read, and the other one."""
    if os.name == "nt":
        pytest.skip("Windows has other pipes")
    numbers = map(socket.socket.detach, socket.socketpair()) if request.param == "socket" else os.pipe()
    reading, writing = (io.FileIO(number, mode) for number, mode in zip(numbers, "rw", strict=True))
    os.set_blocking(writing.fileno(), request.param != "non-blocking pipe")
    with reading, writing:
        yield reading, writing


# Everything arrives


@pytest.mark.parametrize("was_stopped", [False, True])
def test_lines_of_any_length_reach_a_slow_target_whole_and_in_order(
    target: tuple[io.FileIO, io.FileIO], monkeypatch: pytest.MonkeyPatch, *, was_stopped: bool
) -> None:
    monkeypatch.setattr(Shutdown, "is_process_ending", was_stopped)
    reading, writing = target
    dice = Random(1)  # noqa: S311  # the same on every run
    lines = [lines_of(length) for length in [2, 4095, 4096, 4097, PIPE, PIPE + 1, 3 * PIPE] * 2]
    lines += [lines_of(dice.randint(2, 20_000)) for _ in range(200)]
    dice.shuffle(lines)
    got = bytearray()

    def read_slowly() -> None:
        pauses = Random(2)  # noqa: S311
        while piece := reading.read(pauses.choice([1, 1_000, PIPE, PIPE])):
            got.extend(piece)
            if pauses.random() < 0.01:
                time.sleep(0.01)

    with as_stdout(writing.fileno()) as writer, meanwhile(read_slowly):
        for line in lines:
            writer.write_lines(line)
            if dice.random() < 0.5:
                writer.flush()
        writer.flush()
        writing.close()
    is_same = got == b"".join(lines)  # without a report of megabytes
    assert is_same


def test_lines_wait_for_a_flush_and_messages_go_out_at_once(target: tuple[io.FileIO, io.FileIO]) -> None:
    reading, writing = target
    os.set_blocking(reading.fileno(), False)
    with as_stdout(writing.fileno()) as writer:
        writer.write_lines(b'{"type":"RECORD"}\n')
        assert reading.read(PIPE) is None
        writer.write_message(STATE)
    assert [json.loads(line)["type"] for line in (reading.read(PIPE) or b"").splitlines()] == ["RECORD", "STATE"]


@pytest.mark.parametrize("has_bytes", [True, False])
def test_what_stands_in_for_standard_output_gets_everything(
    monkeypatch: pytest.MonkeyPatch, *, has_bytes: bool
) -> None:
    content, text = io.BytesIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "utf-8") if has_bytes else text)
    writer = SingerWriter()
    for line in ("ä\n", "b\n"):
        writer.write_lines(line.encode())
        writer.flush()
    assert (content.getvalue().decode() if has_bytes else text.getvalue()) == "ä\nb\n"


# A target that takes no more


@pytest.mark.parametrize("length", [100, 3 * PIPE])
def test_a_target_that_hangs_up_while_it_is_waited_for_is_gone(
    target: tuple[io.FileIO, io.FileIO], length: int
) -> None:
    reading, writing = target

    def hang_up_late() -> None:
        time.sleep(0.05)
        reading.close()

    def write_for_ever() -> None:
        while True:
            writer.write_lines(lines_of(length))
            writer.flush()

    with as_stdout(writing.fileno()) as writer:
        with meanwhile(hang_up_late), pytest.raises(BrokenPipeError):
            write_for_ever()
        with pytest.raises(BrokenPipeError):
            writer.write_message(STATE)


def test_a_target_that_is_gone_ends_discovery_quietly(target: tuple[io.FileIO, io.FileIO], tmp_path: Path) -> None:
    reading, writing = target
    reading.close()
    with Sandbox({ONE: 5}) as api, as_stdout(writing.fileno()):
        config = write(tmp_path / "config.json", config_for(api))
        run = run_here("--config", config, "--discover", stdout=sys.stdout)
    assert run.code == 1
    assert not run.complaints


@posix
def test_a_target_that_dies_ends_the_run_quietly(tmp_path: Path) -> None:
    with Sandbox({ONE: 6_000}, record=False, latency=0.01) as api:
        process = start("--config", write(tmp_path / "config.json", config_for(api)))
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        _, err = process.communicate()
    run = Run(process.returncode, "", err.decode())
    assert run.code == 1
    assert "Stopped: the target reads no more" in run.lines("INFO")
    assert not run.lines("ERROR")


# What is no target


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_a_file_that_can_not_grow_ends_with_a_whole_line(tmp_path: Path, mode: str) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.jsonl"
    before = lines_of(500) if mode == "ab" else b""
    path.write_bytes(before)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open(mode) as file, as_stdout(file.fileno()) as writer:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            with pytest.raises(OSError, match=r"File too large: 'standard output'"):
                writer.write_lines(lines_of(900) * 500)
            with pytest.raises(OSError, match="File too large"):  # as the last STATE does
                writer.write_message(STATE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before + lines_of(900) * ((100_000 - len(before)) // 900)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a /dev/full")
def test_a_full_disk_ends_the_run_in_one_line(tmp_path: Path) -> None:
    with Sandbox({ONE: 5}) as api, Path("/dev/full").open("w") as full:
        process = start("--config", write(tmp_path / "config.json", config_for(api)), stdout=full)
        _, err = process.communicate()
    run = Run(process.returncode, "", err.decode())
    assert run.code == 1
    assert run.lines("ERROR") == ["standard output: No space left on device"]
    assert "Traceback" not in run.err


def test_no_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OSError, match="standard output"):
        SingerWriter().write_message(STATE)
