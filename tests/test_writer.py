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
from typing import TYPE_CHECKING, Any, TextIO

import pytest
from singer_sdk.singerlib import StateMessage

from tap_interviewflow.writer import SingerWriter
from tests.runs import Run, config_for, run_here, start, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.conftest import Read

ONE = "interviewer-1"
PIPE = 2**16

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")


def lines_of(*lengths: int) -> bytes:
    return b"".join(b"%d" % (length % 10) + b"x" * (length - 2) + b"\n" for length in lengths)


class Target:
    """A pipe or the like, and its other end."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if kind == "socket":
            ours, its = socket.socketpair()
            self.reading, self.writing = ours.detach(), its.detach()
        else:
            self.reading, self.writing = os.pipe()
        os.set_blocking(self.writing, kind != "non-blocking pipe")
        self.got = bytearray()
        self._monkeypatch = monkeypatch

    def stdout(self) -> TextIO:
        """Make it the standard output. A fixture can't: pytest has its own for each phase of a test."""
        stdout = open(self.writing, "w", closefd=False)  # noqa: SIM115  # that does not close anything
        self._monkeypatch.setattr(sys, "stdout", stdout)
        self._monkeypatch.setattr(sys, "__stdout__", stdout)
        return stdout

    def writer(self) -> SingerWriter:
        self.stdout()
        return SingerWriter()

    def read(self, most: int = 2**16) -> bytes:
        piece = os.read(self.reading, most)
        self.got += piece
        return piece

    def read_all(self) -> None:
        """Read until the other end is closed."""
        while self.read():
            pass

    def hang_up(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1

    def close(self) -> None:
        """Close the tap's end, as the end of the process would."""
        if self.writing >= 0:
            os.close(self.writing)
        self.writing = -1


@pytest.fixture
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    made = Target(getattr(request, "param", "pipe"), monkeypatch)
    yield made
    made.close()
    made.hang_up()


@contextmanager
def meanwhile(call: Callable[[], object]) -> Generator[None]:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    yield
    thread.join()


kinds = pytest.mark.parametrize("target", ["pipe", "non-blocking pipe", "socket"], indirect=True)


# Everything arrives


@posix
@kinds
def test_lines_of_any_length_reach_a_slow_target_whole_and_in_order(target: Target) -> None:
    dice = Random(1)  # noqa: S311  # the same on every run
    lines = [lines_of(length) for length in [2, 4095, 4096, 4097, PIPE, PIPE + 1, 3 * PIPE] * 2]
    lines += [lines_of(dice.randint(2, 20_000)) for _ in range(200)]
    dice.shuffle(lines)

    def read_slowly() -> None:
        pauses = Random(2)  # noqa: S311
        while target.read(pauses.choice([1, 1_000, 2**16, 2**16])):
            if pauses.random() < 0.01:
                time.sleep(0.01)

    with meanwhile(read_slowly):
        writer = target.writer()
        for line in lines:
            writer.write_lines(line)
            if dice.random() < 0.5:
                writer.flush()
        writer.flush()
        target.close()
    is_same = target.got == b"".join(lines)  # without a report of megabytes
    assert is_same


@posix
def test_lines_wait_for_more_but_not_for_long_and_messages_go_out_at_once(target: Target) -> None:
    writer = target.writer()
    writer.write_lines(b'{"type":"RECORD"}\n')
    os.set_blocking(target.reading, False)
    with pytest.raises(BlockingIOError):
        target.read()
    writer.write_message(StateMessage(value={}))
    assert [json.loads(line)["type"] for line in target.read().splitlines()] == ["RECORD", "STATE"]
    os.set_blocking(target.reading, True)
    with meanwhile(target.read_all):
        for _ in range(300):
            writer.write_lines(lines_of(900))
        target.close()
    assert len(target.got) > 200_000


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


FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
INCREMENTAL = {"replication_method": "INCREMENTAL", "replication_key": "createdAt"}
PATHS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "map": ({"stream_maps": {"candidates": {"name": "None"}}}, {}),
    "flattening": (FLAT, {}),
    "look-ups": ({"interview_ids": ["c0", "c1", "c2"]}, {}),
    "incremental": ({}, INCREMENTAL),
    "incremental and flattening": (FLAT, INCREMENTAL),
}


@pytest.mark.parametrize("path", PATHS)
def test_the_last_record_is_out_when_a_run_ends(read: Read, path: str) -> None:
    settings, replication = PATHS[path]
    catalog = {"streams": [CATALOG["streams"][0] | replication]}
    created = "2024-03-07T12:00:00Z"
    with Sandbox({ONE: [{"id": f"c{number}", "createdAt": created} for number in range(3)]}) as api:
        run = read(api, catalog=catalog, **settings)
    assert run.code == 0
    assert run.ids == ["c0", "c1", "c2"]


@posix
@pytest.mark.parametrize("is_unbuffered", [False, True])
def test_a_socket_gets_all_that_a_process_writes(tmp_path: Path, *, is_unbuffered: bool) -> None:
    ours, its = socket.socketpair()
    environment = {"PYTHONUNBUFFERED": "1" if is_unbuffered else ""}
    with Sandbox({ONE: 500}) as api, ours:
        config = write(tmp_path / "config.json", config_for(api))
        with its:
            process = start("--config", config, environment=environment, stdout=its)
        with process, ours.makefile("rb") as out:
            kinds = [json.loads(line)["type"] for line in out]
    assert process.returncode == 0
    assert kinds == ["SCHEMA", *["RECORD"] * 500, "STATE"]


# A target that takes no more


@posix
@kinds
@pytest.mark.parametrize("length", [100, 3 * PIPE])
def test_a_target_that_hangs_up_while_it_is_waited_for_is_gone(target: Target, length: int) -> None:
    writer = target.writer()

    def hang_up_late() -> None:
        time.sleep(0.05)
        target.hang_up()

    def write_for_ever() -> None:
        while True:
            writer.write_lines(lines_of(length))
            writer.flush()

    with meanwhile(hang_up_late), pytest.raises(BrokenPipeError):
        write_for_ever()
    with pytest.raises(BrokenPipeError):
        writer.flush()


@posix
@kinds
@pytest.mark.parametrize("arguments", [[], ["--discover"]])
def test_a_target_that_is_gone_ends_the_command_quietly(target: Target, tmp_path: Path, arguments: list[str]) -> None:
    target.hang_up()
    with Sandbox({ONE: 5}) as api:
        run = run_here("--config", write(tmp_path / "config.json", config_for(api)), *arguments, stdout=target.stdout())
    assert run.code == 1
    assert not run.complaints


# What is no target


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_a_file_that_can_not_grow_ends_with_a_whole_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.jsonl"
    before = lines_of(500) if mode == "ab" else b""
    path.write_bytes(before)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open(mode) as file, open(file.fileno(), "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "__stdout__", stdout)
        writer = SingerWriter()
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            with pytest.raises(OSError, match=r"File too large: 'standard output'"):
                writer.write_lines(lines_of(900) * 500)
            with pytest.raises(OSError, match="File too large"):  # as the last STATE does
                writer.write_message(StateMessage(value={}))
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
        SingerWriter().write_message(StateMessage(value={}))
