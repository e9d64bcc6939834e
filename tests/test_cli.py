from __future__ import annotations

import copy
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_interviewflow import __version__, streams
from tests.runs import Run, run_here, run_process, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Read

ONE = "interviewer-1"
NAMES = f"tap-interviewflow v{__version__}, Meltano SDK v{version('singer-sdk')}"


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({ONE: 3, "interviewer-2": 2}) as running:
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


def changed(catalog: Any, change: Callable[[Any], object]) -> Any:
    """Give a catalog whose one stream was changed."""
    catalog = copy.deepcopy(catalog)
    change(catalog["streams"][0])
    return catalog


# What it says of itself


def test_the_version_is_one_line() -> None:
    run = run_here("--version")
    assert (run.code, run.out) == (0, f"{NAMES}\n")


def test_help_names_every_option() -> None:
    run = run_here("--help")
    assert run.code == 0
    options = ["version", "about", "format", "config", "discover", "test", "catalog", "state", "help"]
    assert [option for option in options if f"--{option}" not in run.out] == []


@pytest.mark.parametrize("arguments", [["--about"], ["--about", "--format=json"], ["--about", "--format=markdown"]])
def test_about_needs_no_settings_and_names_all_of_them(arguments: list[str]) -> None:
    run = run_here(*arguments)
    assert run.code == 0
    assert run.lines("ERROR") == []
    names = json.loads(run_here("--about", "--format=json").out)["settings"]["properties"]
    assert [name for name in names if name not in run.out] == []


def test_about_names_what_the_tap_can_do() -> None:
    about = json.loads(run_here("--about", "--format=json").out)
    assert about["supported_python_versions"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {"catalog", "state", "discover", "about", "stream-maps", "structured-logging"} <= set(about["capabilities"])


def test_about_markdown_is_a_table_with_a_row_for_each_setting() -> None:
    about = json.loads(run_here("--about", "--format=json").out)
    rows = [line for line in run_here("--about", "--format=markdown").out.splitlines() if line.startswith("| ")]
    builtin = ("stream_", "faker_", "flattening_", "batch_")
    own = [name for name in about["settings"]["properties"] if not name.startswith(builtin)]
    assert [name for name in own if not any(row.startswith(f"| {name} ") for row in rows)] == []


# Discovery


def test_discovery_prints_a_catalog_and_nothing_else(api: Sandbox, read: Read) -> None:
    run = read(api, "--discover")
    assert run.code == 0
    (stream,) = json.loads(run.out)["streams"]
    assert stream["tap_stream_id"] == "candidates"
    assert stream["key_properties"] == ["interviewerId", "id"]
    Draft202012Validator.check_schema(stream["schema"])


def test_discovery_asks_once_for_each_interviewer(api: Sandbox, read: Read) -> None:
    read(api, "--discover", interviewer_ids=[ONE, "interviewer-2", ONE])
    assert sorted((body["interviewerId"], body["page"]) for body in api.requests) == [(ONE, 1), ("interviewer-2", 1)]


def test_discovery_needs_the_settings_and_says_which() -> None:
    run = run_here("--discover")
    (line,) = run.lines("ERROR")
    assert "api_key is missing" in line
    assert "interviewer_ids is missing" in line
    assert run.code == 1
    assert run.out == ""


def test_discovery_fails_rather_than_leave_out_an_interviewer(api: Sandbox, read: Read) -> None:
    run = read(api, "--discover", interviewer_ids=[ONE, "nobody"])
    assert_failed(
        run,
        "Interviewer nobody, page 1: 404 Not Found: the API does not know it; check the IDs in interviewer_ids",
    )
    assert run.out == ""


# Reading


def test_with_a_catalog_the_api_is_not_sampled(api: Sandbox, read: Read, catalog: Any) -> None:
    run = read(api, catalog=catalog, max_parallel_requests=1)
    assert run.code == 0
    assert len(run.ids) == 5
    asked = [(body["interviewerId"], body["page"]) for body in api.requests]
    assert asked == [(ONE, 1), (ONE, 2), ("interviewer-2", 1), ("interviewer-2", 2)]


def test_with_and_without_the_discovered_catalog_the_same_comes_out(api: Sandbox, read: Read, catalog: Any) -> None:
    with_catalog, without = read(api, catalog=catalog, page_size=2), read(api, page_size=2)
    assert with_catalog.records == without.records
    schemas = [run.of("SCHEMA")[0]["schema"]["properties"] for run in (with_catalog, without)]
    assert schemas[0] == schemas[1]


def test_a_stream_that_is_not_selected_is_not_read(api: Sandbox, read: Read, catalog: Any) -> None:
    def deselect(stream: Any) -> None:
        (about_stream,) = (entry["metadata"] for entry in stream["metadata"] if entry["breadcrumb"] == [])
        about_stream["selected"] = False

    run = read(api, catalog=changed(catalog, deselect))
    assert run.code == 0
    assert run.of("RECORD") == []
    assert api.requests == []


# State


@pytest.mark.parametrize("bookmarks", [None, {"people": 5}, {"candidates": None}], ids=repr)
def test_a_state_of_another_shape_is_refused(api: Sandbox, read: Read, bookmarks: object) -> None:
    run = read(api, state={"bookmarks": bookmarks})
    assert_failed(
        run,
        "the state has a shape that this tap does not write, and is not used; give the state of an earlier run, "
        "or none to start afresh",
    )
    assert run.out == ""
    assert api.requests == []


@pytest.mark.parametrize("state", [{}, {"bookmarks": {"people": {"since": "2026"}}}], ids=repr)
def test_a_state_that_says_nothing_of_candidates_is_fine(api: Sandbox, read: Read, state: object) -> None:
    run = read(api, state=state)
    assert run.code == 0, run.err
    assert len(run.ids) == 5


# What the API refuses


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("403", "403 Forbidden: the API does not accept the key; check the setting api_key"),
        ("400", "400 Bad Request: the API says “additionalFields: no custom field has this name”"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    api: Sandbox, read: Read, catalog: Any, status: str, said: str
) -> None:
    api.faults = {("interviewer-2", 1): f"always:{status}"}
    run = read(api, catalog=catalog, max_parallel_requests=1)
    assert_failed(run, f"Interviewer interviewer-2, page 1: {said}")
    assert api.key not in run.err
    assert "@" not in run.err
    assert len(api.requests) == 3, "it was tried again"
    assert len(run.ids) == 3, "the Interviewer before it was read"


def test_a_refusal_that_python_names_differently_by_version_has_its_number(
    api: Sandbox, read: Read, catalog: Any
) -> None:
    api.faults = {(ONE, 1): "always:422"}
    (line,) = read(api, catalog=catalog).lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page 1: 422 Unprocessable ")


def test_a_wrong_key_is_found_before_anything_is_written(api: Sandbox, read: Read) -> None:
    run = read(api, api_key="s3cret-and-wrong")
    assert_failed(
        run,
        f"Interviewer {ONE}, page 1: 401 Unauthorized: the API does not accept the key; check the setting api_key",
    )
    assert run.out == ""
    assert "s3cret" not in run.err


def test_a_refused_page_size_is_explained_by_the_api(api: Sandbox, read: Read) -> None:
    api.faults = {(ONE, 1): "always:400:limit must not be greater than 50"}
    (line,) = read(api, page_size=51).lines("ERROR")
    assert line == f"Interviewer {ONE}, page 1: 400 Bad Request: the API says “limit must not be greater than 50”"


# Defects


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_defect_is_one_line_without_what_it_quotes(
    api: Sandbox, read: Read, catalog: Any, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    quoted = "Ada Lovelace, ada@example.com"

    def fail(*_: object) -> None:
        raise RuntimeError(quoted)

    monkeypatch.setenv("LOGLEVEL", level)
    monkeypatch.setattr(streams, "record_lines", fail)
    run = read(api, catalog=catalog)
    (line,) = run.lines("ERROR")
    assert line.startswith("Unexpected RuntimeError in fail, line ")
    assert line.endswith(": a defect of the tap; LOGLEVEL=DEBUG shows the call stack")
    assert run.code == 1
    assert "Ada" not in run.err
    assert api.key not in run.err


@pytest.mark.parametrize(
    "arguments", [("--nosuch",), ("--state", "nosuch.json"), ("--catalog", "nosuch.json"), ("--format", "x", "--about")]
)
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
    handler = {"class": "logging.StreamHandler", "formatter": "broken"}
    document = {
        "version": 1,
        "formatters": {"broken": {"format": "%(nope)s"}},
        "handlers": {"console": handler},
        "root": {"handlers": ["console"]},
    }
    environment = {"SINGER_SDK_LOG_CONFIG": write(tmp_path / "log.yaml", document)}
    run = run_process("--config", str(tmp_path / "missing"), environment=environment)
    assert (run.code, run.out, run.err) == (1, "", "")


def test_a_log_that_can_not_be_set_up_is_one_line_too() -> None:
    run = run_process("--version", environment={"LOGLEVEL": "trace"})
    assert (run.code, run.out) == (1, "")
    assert run.err.splitlines() == ["LOGLEVEL or SINGER_SDK_LOG_CONFIG can't be used: ValueError"]
