"""What reaches standard output, whatever that is: whole lines, all of them, or an error."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TextIO

import pytest
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_interviewflow import output, shutdown
from tap_interviewflow.output import OutputError, TargetGoneError
from tap_interviewflow.shutdown import Interrupted
from tap_interviewflow.writer import SingerWriter
from tests.runs import config_for, run_here, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.conftest import Read

ONE = "interviewer-1"
PIPE = 2**20
"""Bytes in a pipe, where the writer may make it that wide."""

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe does not say how full it is")


def lines_of(*lengths: int) -> bytes:
    return b"".join(b"%d" % (length % 10) + b"x" * (length - 2) + b"\n" for length in lengths)


def is_same(got: bytes | bytearray, wanted: bytes) -> bool:
    """Compare without a report of megabytes."""
    return got == wanted


def write_for_ever(messages: SingerWriter, lines: bytes) -> None:
    while True:
        messages.write_lines(lines)
        messages.flush()


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

    def read_what_is_there(self) -> bytes:
        os.set_blocking(self.reading, False)
        try:
            self.read_all()
        except BlockingIOError:
            pass
        finally:
            os.set_blocking(self.reading, True)
        return bytes(self.got)

    def hang_up(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1

    def close(self) -> None:
        """Close our end, as the end of the process would."""
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
def as_stdout(number: int, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    with open(number, "w", closefd=False) as stdout, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        patched.setattr(sys, "__stdout__", stdout)
        yield


@contextmanager
def beside(call: Callable[[], object]) -> Generator[None]:
    """Have something done in the meantime."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    yield
    thread.join()


# Everything arrives


@posix
@pytest.mark.parametrize("target", ["pipe", "non-blocking pipe", "socket"], indirect=True)
def test_lines_of_any_length_reach_a_slow_target_whole_and_in_order(target: Target) -> None:
    dice = Random(1)  # noqa: S311  # the same on every run
    lines = [lines_of(length) for length in [2, 4095, 4096, 4097, PIPE, PIPE + 1, 3 * PIPE] * 2]
    lines += [lines_of(dice.randint(2, 20_000)) for _ in range(500)]
    dice.shuffle(lines)

    def read_slowly() -> None:
        pauses = Random(2)  # noqa: S311
        while target.read(pauses.choice([1, 1_000, 2**16, 2**16])):
            if pauses.random() < 0.01:
                time.sleep(0.01)

    with beside(read_slowly):
        messages = target.writer()
        for line in lines:
            messages.write_lines(line)
            if dice.random() < 0.5:
                messages.flush()
        messages.flush()
        target.close()
    assert is_same(target.got, b"".join(lines))


def test_a_file_gets_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.jsonl"
    lines = lines_of(*[900] * 1_000)
    with path.open("wb") as file, as_stdout(file.fileno(), monkeypatch):
        messages = SingerWriter()
        messages.write_lines(lines)
        messages.flush()
    assert is_same(path.read_bytes(), lines)


@posix
def test_records_wait_for_company_and_all_else_goes_out_at_once(target: Target) -> None:
    record = RecordMessage(stream="candidates", record={"id": "1"}, time_extracted=datetime(2026, 1, 31, tzinfo=UTC))
    messages = target.writer()
    messages.write_message(record)
    assert not target.read_what_is_there()
    messages.write_message(StateMessage(value={}))
    kinds = [json.loads(line)["type"] for line in target.read_what_is_there().splitlines()]
    assert kinds == ["RECORD", "STATE"]


@posix
def test_much_goes_out_before_it_is_asked_for(target: Target) -> None:
    messages = target.writer()
    with beside(target.read_all):
        for _ in range(1_000):
            messages.write_lines(lines_of(900))
        target.close()
    assert len(target.got) > 600_000


@pytest.mark.parametrize("has_bytes", [True, False])
def test_a_stand_in_for_standard_output_gets_everything(monkeypatch: pytest.MonkeyPatch, *, has_bytes: bool) -> None:
    content, text = io.BytesIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "utf-8") if has_bytes else text)
    messages = SingerWriter()
    for line in ("ä\n", "b\n"):
        messages.write_lines(line.encode())
        messages.flush()
    assert (content.getvalue().decode() if has_bytes else text.getvalue()) == "ä\nb\n"


FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
PATHS: dict[str, dict[str, Any]] = {
    "plain": {},
    "map": {"stream_maps": {"candidates": {"name": "None"}}},
    "flattening": FLAT,
    "deselection": {"catalog": {"email": False}},
    "look-ups": {"interview_ids": ["c0", "c1", "c2"]},
    "look-ups and map": {"interview_ids": ["c0", "c1", "c2"], **FLAT},
    "incremental": {"catalog": {}},
    "incremental and map": {"catalog": {}, **FLAT},
}


@pytest.mark.parametrize("path", PATHS)
def test_the_last_record_is_out_when_a_run_ends(read: Read, path: str) -> None:
    settings = dict(PATHS[path])
    selected = settings.pop("catalog", {})
    catalog: Any = json.loads(json.dumps(CATALOG))
    (stream,) = catalog["streams"]
    stream["metadata"] += [
        {"breadcrumb": ["properties", name], "metadata": {"selected": is_selected}}
        for name, is_selected in selected.items()
    ]
    created = "2024-03-07T12:00:00Z"
    with Sandbox({ONE: [{"id": f"c{number}", "createdAt": created} for number in range(3)]}) as api:
        state = None
        if path.startswith("incremental"):
            stream |= {"replication_method": "INCREMENTAL", "replication_key": "createdAt"}
            state = read(api, catalog=catalog, **settings).state  # which does not change any more
        run = read(api, catalog=catalog, state=state, **settings)
    assert run.code == 0
    assert run.ids == ["c0", "c1", "c2"]


@posix
def test_a_slow_target_gets_the_last_of_many_records(target: Target, tmp_path: Path) -> None:
    count = 2_000  # more than a pipe holds

    def read_slowly() -> None:
        while target.read():
            time.sleep(0.004)

    with Sandbox({ONE: count}, record=False) as api, beside(read_slowly):
        settings = config_for(api, page_size=1_000, stream_maps={"candidates": {"name": "None"}})
        files = ["--config", write(tmp_path / "config.json", settings)]
        files += ["--catalog", write(tmp_path / "catalog.json", CATALOG)]
        run = run_here(*files, stdout=target.stdout())
        target.close()
    assert run.code == 0
    assert len(target.got) > PIPE
    assert target.got.count(b'"type":"RECORD"') == count
    assert target.got.endswith(b"\n")


# A target that takes no more


@posix
def test_a_target_that_has_hung_up_is_gone(target: Target) -> None:
    target.hang_up()
    messages = target.writer()
    messages.write_lines(lines_of(100))
    with pytest.raises(TargetGoneError, match="has closed the pipe"):
        messages.flush()
    with pytest.raises(TargetGoneError):  # and is not asked again
        messages.flush()


@posix
@pytest.mark.parametrize(
    ("target", "length"),
    [
        *(("pipe", length) for length in (100, 5_000, PIPE // 2 + 5, 3 * PIPE)),
        ("non-blocking pipe", 5_000),
        *(("socket", length) for length in (100, 3 * PIPE)),
    ],
    indirect=["target"],
)
def test_a_target_that_hangs_up_while_it_is_waited_for_is_gone(target: Target, length: int) -> None:
    messages = target.writer()

    def hang_up_late() -> None:
        time.sleep(0.05)
        target.hang_up()

    with beside(hang_up_late), pytest.raises(TargetGoneError, match="has closed"):
        write_for_ever(messages, lines_of(length))


@posix
@pytest.mark.parametrize(
    ("target", "length"),
    [("pipe", 100), ("pipe", 100_000), ("non-blocking pipe", 2_100), ("non-blocking pipe", 5_000)],
    indirect=["target"],
)
def test_a_target_that_never_reads_gets_whole_lines_and_costs_no_more_than_the_last_wait(
    target: Target, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    if sys.platform != "linux" and length > 512:
        pytest.skip("elsewhere a pipe takes only short lines in one piece")
    monkeypatch.setattr(shutdown, "MAX_TARGET_WAIT", 0.1)
    messages = target.writer()
    messages.shutdown.request(15)
    with pytest.raises(Interrupted) as interrupted:
        write_for_ever(messages, lines_of(length))
    assert interrupted.value.code == 128 + 15
    with pytest.raises(TargetGoneError, match="does not read any more"):
        messages.flush()
    got = target.read_what_is_there()
    assert is_same(got, lines_of(length) * (len(got) // length))
    assert len(got) > PIPE // 4


@linux
def test_a_line_that_is_longer_than_the_pipe_is_begun_only_where_all_before_it_was_read(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "MAX_TARGET_WAIT", 0.1)
    messages = target.writer()
    messages.write_lines(lines_of(100))
    messages.flush()
    messages.shutdown.request(15)
    with pytest.raises(Interrupted):
        messages.write_lines(lines_of(3 * PIPE))
    assert target.read_what_is_there() == lines_of(100)


@posix
def test_a_target_that_reads_again_in_time_gets_what_is_left(target: Target) -> None:
    messages = target.writer()
    messages.shutdown.request(15)

    def read_late() -> None:
        time.sleep(0.1)
        target.read_all()

    with beside(read_late):
        for _ in range(3):
            messages.write_lines(lines_of(PIPE // 2))
        messages.write_message(StateMessage(value={}))
        target.close()
    assert json.loads(bytes(target.got).splitlines()[-1])["type"] == "STATE"


@linux
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("target", ["non-blocking pipe"], indirect=True)
def test_a_pipe_gets_only_what_it_takes_at_once(target: Target, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    writes: list[tuple[int, int]] = []
    write_really = os.write

    def noted(number: int, content: bytes) -> int:
        count = write_really(number, content)  # fails where a blocking pipe would have blocked
        writes.append((len(content), count))
        return count

    monkeypatch.setattr(os, "write", noted)
    monkeypatch.setattr(shutdown, "MAX_TARGET_WAIT", -1)
    monkeypatch.setattr(output, "POLL_INTERVAL", 0)
    dice = Random(seed)  # noqa: S311  # the same on every run
    for _ in range(20):
        target.read_what_is_there()
        messages = target.writer()
        messages.shutdown.request(15)
        longest = dice.choice([50, 3_000, 10_000, 300_000])
        with suppress(Interrupted):  # once it is full
            for _ in range(1_000):
                messages.write_lines(lines_of(*[dice.randint(2, longest) for _ in range(dice.choice([1, 5]))]))
                messages.flush()
                if dice.random() < 0.3:
                    target.read(dice.randint(1, 2**16))
    assert len(writes) > 1_000
    assert all(asked == done for asked, done in writes)


@posix
def test_what_a_pipe_refuses_after_all_is_tried_again(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    write_really, asked = os.write, count()

    def refused_at_first(number: int, content: bytes) -> int:
        if next(asked) < 3:
            raise BlockingIOError  # somebody else writes to it, too
        return write_really(number, content)

    monkeypatch.setattr(os, "write", refused_at_first)
    messages = target.writer()
    messages.write_lines(lines_of(100))
    messages.flush()
    assert target.read_what_is_there() == lines_of(100)


# What is no target


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a /dev/full")
def test_a_full_disk_is_an_error_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb") as full, as_stdout(full.fileno(), monkeypatch):
        messages = SingerWriter()
        messages.write_lines(lines_of(100))
        for _ in range(2):
            with pytest.raises(OutputError, match="No space left on device"):
                messages.flush()


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_a_file_that_can_not_grow_ends_with_a_whole_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.jsonl"
    before = lines_of(500) if mode == "ab" else b""
    path.write_bytes(before)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open(mode) as file, as_stdout(file.fileno(), monkeypatch):
        messages = SingerWriter()
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            with pytest.raises(OutputError, match="File too large"):
                write_for_ever(messages, lines_of(900))
            with pytest.raises(OutputError, match="File too large"):
                messages.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before + lines_of(900) * ((100_000 - len(before)) // 900)


def test_no_standard_output_is_an_error_only_if_there_is_something_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    messages = SingerWriter()
    messages.flush()
    messages.write_lines(b"1\n")
    with pytest.raises(OutputError, match="there is no standard output"):
        messages.flush()


@posix
@pytest.mark.parametrize("arguments", [[], ["--discover"]])
def test_a_target_that_is_gone_ends_the_command_quietly(target: Target, tmp_path: Path, arguments: list[str]) -> None:
    target.hang_up()
    with Sandbox({ONE: 5}) as api:
        run = run_here("--config", write(tmp_path / "config.json", config_for(api)), *arguments, stdout=target.stdout())
    assert run.code == 1
    assert "Stopped: the target has closed the pipe" in run.err
    assert not run.lines("ERROR")
