"""The command line: what it says of itself, what it is given, and that every failure is one line and an exit code."""

from __future__ import annotations

import json
import os
import threading
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__, cli, config
from tests.runs import Run, config_for, run_here, run_process, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read

ONE, TWO = "interviewer-1", "interviewer-2"
OPTIONS = ["--config", "--catalog", "--state"]
on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes and signals")


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({ONE: 3, TWO: 2}) as running:
        yield running


@pytest.fixture
def catalog(api: Sandbox, read: Read) -> Any:
    found = json.loads(read(api, "--discover").out)
    api.requests.clear()
    return found


def assert_failed(run: Run, line: str) -> None:
    assert run.lines("ERROR") == [line]
    assert run.code == 1
    assert "Traceback" not in run.err


# What it says of itself


def test_the_version_is_one_line_and_help_names_every_option() -> None:
    run, help_ = run_here("--version"), run_here("--help")
    assert run.out == f"tap-interviewflow v{__version__}, Meltano SDK v{version('singer-sdk')}\n"
    options = [*OPTIONS, "--version", "--about", "--format", "--discover", "--test", "--help"]
    assert [option for option in options if option not in help_.out] == []
    assert (run.code, help_.code) == (0, 0)


def test_about_needs_no_settings_and_names_all_of_them_and_what_the_tap_can_do() -> None:
    about = json.loads(run_here("--about", "--format=json").out)
    assert about["supported_python_versions"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {"catalog", "state", "discover", "about", "stream-maps", "structured-logging"} <= set(about["capabilities"])
    for arguments in (["--about"], ["--about", "--format=markdown"]):
        run = run_here(*arguments)
        assert (run.code, run.lines("ERROR")) == (0, [])
        assert [name for name in about["settings"]["properties"] if name not in run.out] == []


# Discovery and catalog


def test_discovery_prints_a_catalog_and_nothing_else_and_asks_once_for_each_interviewer(
    api: Sandbox, read: Read
) -> None:
    run = read(api, "--discover", interviewer_ids=[ONE, TWO, ONE])
    assert run.code == 0
    assert json.loads(run.out).keys() == {"streams"}
    assert sorted((body["interviewerId"], body["page"]) for body in api.requests) == [(ONE, 1), (TWO, 1)]


def test_with_a_catalog_the_api_is_not_sampled_and_the_same_comes_out(api: Sandbox, read: Read, catalog: Any) -> None:
    run = read(api, catalog=catalog, max_parallel_requests=1)
    assert run.code == 0
    assert [(body["interviewerId"], body["page"]) for body in api.requests[:2]] == [(ONE, 1), (ONE, 2)]
    without = read(api)
    assert run.records == without.records
    assert run.of("SCHEMA")[0]["schema"]["properties"] == without.of("SCHEMA")[0]["schema"]["properties"]


def test_a_stream_that_is_not_selected_is_not_read(api: Sandbox, read: Read, catalog: Any) -> None:
    (root,) = (entry["metadata"] for entry in catalog["streams"][0]["metadata"] if entry["breadcrumb"] == [])
    root["selected"] = False
    run = read(api, catalog=catalog)
    assert (run.code, run.of("RECORD"), api.requests) == (0, [], [])


# Files and pipes


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}}", b'{"a": NaN}', b"\xff\xfe{\x00}\x00", b"[" * 100_000, b'{"\\ud800": 1}'],
    ids=["empty", "cut", "list", "more", "NaN", "UTF-16", "deep", "half a character"],
)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_that_is_not_a_json_object_is_refused(api: Sandbox, tmp_path: Path, option: str, content: bytes) -> None:
    config = write(tmp_path / "config.json", config_for(api))
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    run = run_here("--config", config, option, str(path))
    assert_failed(run, f"{path}, given as {option}, is not a valid JSON object in UTF-8")
    assert (run.out, api.requests) == ("", [])


@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_that_is_not_there_is_named(api: Sandbox, tmp_path: Path, option: str) -> None:
    config = write(tmp_path / "config.json", config_for(api))
    run = run_here("--config", config, option, str(tmp_path / "is\nmissing.json"))
    assert run.code != 0
    assert "is missing.json" in run.err.splitlines()[-1]
    assert "No such file" in run.err.splitlines()[-1]
    assert "Traceback" not in run.err
    assert (run.out, api.requests) == ("", [])


def test_a_key_is_not_shown_before_anything_is_read() -> None:
    run = run_here("--config", "k3y-in-a-name.json", environment={"TAP_INTERVIEWFLOW_API_KEY": "k3y-in-a-name"})
    assert run.lines("ERROR") == ["….json: No such file or directory"]


def test_settings_on_the_command_line_are_refused_and_not_shown(api: Sandbox) -> None:
    run = run_here("--config", json.dumps(config_for(api)))
    assert_failed(run, "--config takes the path of a file, or ENV, and not the settings themselves")
    assert api.key not in run.err


@on_posix
def test_every_file_can_be_a_pipe_and_may_begin_with_a_byte_order_mark(
    api: Sandbox, tmp_path: Path, catalog: Any
) -> None:
    arguments = []
    for option, document in zip(OPTIONS, (config_for(api), catalog, {}), strict=True):
        pipe = tmp_path / option
        os.mkfifo(pipe)
        content = json.dumps(document).encode("utf-8-sig")
        threading.Thread(target=pipe.write_bytes, args=(content,), daemon=True).start()
        arguments += [option, str(pipe)]
    run = run_here(*arguments)
    assert (run.code, len(run.ids)) == (0, 5), run.err


# Ctrl-C


def test_ctrl_c_before_the_tap_is_there_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "read_config", interrupt)
    run = run_here("--config", "config.json")
    assert (run.code, run.out, run.err.strip()) == (130, "", "")


# Failures


@pytest.mark.filterwarnings("default")
def test_a_warning_of_a_library_is_a_line_of_the_log(
    api: Sandbox, read: Read, catalog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "warnings_of", lambda *_: [warnings.warn("ada@example.com", stacklevel=2)][1:])
    (line,) = read(api, catalog=catalog).lines("WARNING")
    assert "UserWarning: " in line


@pytest.mark.parametrize("arguments", [("--nosuch",), ("--state", "nosuch.json"), ("--format", "x", "--about")])
def test_a_bad_command_line_is_one_line(arguments: tuple[str, ...]) -> None:
    run = run_here(*arguments)
    assert (run.code, run.out) == (2, "")
    (line,) = run.err.splitlines()
    assert arguments[0] in line


def test_an_empty_level_of_the_log_is_none(tmp_path: Path) -> None:
    run = run_process("--config", write(tmp_path / "config.json", {}), environment={"LOGLEVEL": ""})
    (line,) = run.lines("ERROR")
    assert line.startswith("api_key is missing ")


def test_a_broken_format_of_the_log_brings_no_tracebacks(tmp_path: Path) -> None:
    document = {
        "version": 1,
        "formatters": {"broken": {"format": "%(nope)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "broken"}},
        "root": {"handlers": ["console"]},
    }
    environment = {"SINGER_SDK_LOG_CONFIG": write(tmp_path / "log.yaml", document)}
    run = run_process("--config", str(tmp_path / "missing"), environment=environment)
    assert (run.code, run.out, run.err) == (1, "", "")


def test_a_log_that_can_not_be_set_up_is_one_line_too() -> None:
    run = run_process("--version", environment={"LOGLEVEL": "trace"})
    assert (run.code, run.out) == (1, "")
    assert run.err.splitlines() == ["LOGLEVEL or SINGER_SDK_LOG_CONFIG can't be used: ValueError"]
