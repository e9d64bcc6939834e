"""What a run is given besides its settings: files, pipes and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow import cli
from tests.runs import config_for, run_here, start, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 3, "interviewer-2": 2}) as running:
        yield running


@pytest.fixture
def catalog(api: Sandbox, read: Read) -> Any:
    found = json.loads(read(api, "--discover").out)
    api.requests.clear()
    return found


# Files


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"5", b"{}}", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe{\x00}\x00", b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "number", "more", "quotes", "NaN", "UTF-16", "deep"],
)
def test_what_is_not_a_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^x\.json, given as --state, is not a valid JSON object in UTF-8$"):
        cli.read_object("--state", "x.json", content)


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
def test_a_file_that_is_not_a_json_object_is_refused(api: Sandbox, tmp_path: Path, option: str) -> None:
    config = write(tmp_path / "config.json", config_for(api))
    path = write(tmp_path / "bad.json", [])
    run = run_here("--config", config, option, path)
    assert run.lines("ERROR") == [f"{path}, given as {option}, is not a valid JSON object in UTF-8"]
    assert (run.code, run.out) == (1, "")
    assert api.requests == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("mode", [[], ["--discover"]], ids=["read", "discover"])
def test_every_file_can_be_a_pipe(api: Sandbox, tmp_path: Path, catalog: Any, mode: list[str]) -> None:
    documents = {"config": config_for(api)} | ({} if mode else {"catalog": catalog, "state": {}})
    files = []
    for option, document in documents.items():
        pipe = tmp_path / option
        os.mkfifo(pipe)
        threading.Thread(target=write, args=(pipe, document), daemon=True).start()
        files += [f"--{option}", str(pipe)]
    run = run_here(*files, *mode)
    assert run.code == 0, run.err
    assert "candidates" in run.out
    if not mode:
        assert len(run.ids) == 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file")
def test_standard_input_can_be_the_config(api: Sandbox) -> None:
    before, (read_end, write_end) = os.dup(0), os.pipe()
    os.write(write_end, json.dumps(config_for(api)).encode())
    os.close(write_end)
    os.dup2(read_end, 0)
    try:
        run = run_here("--config", "/dev/stdin")
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(read_end)
    assert (run.code, len(run.ids)) == (0, 5)


def test_a_byte_order_mark_does_no_harm(api: Sandbox, tmp_path: Path, catalog: Any) -> None:
    files = []
    for option, document in [("config", config_for(api)), ("catalog", catalog), ("state", {})]:
        path = tmp_path / f"{option}.json"
        path.write_text(json.dumps(document), encoding="utf-8-sig")
        files += [f"--{option}", str(path)]
    run = run_here(*files)
    assert run.code == 0, run.err
    assert len(run.ids) == 5


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
def test_a_file_that_is_not_there_is_named(api: Sandbox, tmp_path: Path, option: str) -> None:
    config = write(tmp_path / "config.json", config_for(api))
    run = run_here("--config", config, option, str(tmp_path / "missing.json"))
    assert run.code != 0
    assert run.out == ""
    assert "missing.json" in run.err.splitlines()[-1]
    assert "No such file" in run.err.splitlines()[-1]
    assert "Traceback" not in run.err
    assert api.requests == []


# Ctrl-C


def test_ctrl_c_before_the_tap_is_there_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "read_config", interrupt)
    run = run_here("--config", "config.json")
    assert (run.code, run.out, run.err.strip()) == (130, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_while_the_config_is_waited_for_shows_no_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "config.json"
    os.mkfifo(pipe)
    # The pipe opens as soon as somebody reads from it.
    with start("--config", str(pipe)) as process, pipe.open("w", encoding="utf-8"):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (out, err) == (b"", b"")
    assert process.returncode in {130, -signal.SIGINT}  # a shell calls both 130
