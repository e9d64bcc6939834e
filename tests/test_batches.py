"""BATCH files: how large, how compressed, where, and that a target finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.batch_files import batch_config, files_of, records_by_stream, records_in
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": [{"id": name, "name": name.upper()} for name in "abc"]}) as api:
        yield api


@pytest.mark.parametrize(("size", "ids"), [(1, ["a", "b", "c"]), (2, ["ab", "c"]), (3, ["abc"])])
def test_batch_files_are_as_large_as_the_setting_says(
    read: Read, api: Sandbox, tmp_path: Path, size: int, ids: list[str]
) -> None:
    config = batch_config(tmp_path / "files", batch_size=size)
    config["storage"]["prefix"] = "nightly-"
    run = read(api, batch_config=config)
    assert run.code == 0, run.err
    files = files_of(run)
    assert ["".join(record["id"] for record in records_in(file)) for file in files] == ids
    assert all(file.name.startswith("nightly-tap-interviewflow--candidates-") for file in files)
    assert sorted((tmp_path / "files").iterdir()) == sorted(files)
    assert [message["type"] for message in run.messages] == ["SCHEMA", *["BATCH"] * len(ids), "STATE"]


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", ".json.gz"), ("none", ".json")])
def test_batch_files_are_compressed_as_the_setting_says(
    read: Read, api: Sandbox, tmp_path: Path, compression: str, suffix: str
) -> None:
    run = read(api, batch_config=batch_config(tmp_path / "files", compression))
    (message,) = run.of("BATCH")
    assert message["encoding"] == {"format": "jsonl", "compression": compression}
    (file,) = files_of(run)
    assert file.name.endswith(suffix)
    assert records_in(file) == read(api).records


def test_a_page_goes_into_several_files_where_one_is_full(read: Read, tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 25, "interviewer-2": 9}) as api:
        run = read(api, page_size=10, batch_config=batch_config(tmp_path / "files", batch_size=4))
        lines = read(api, page_size=10)
    assert [len(records_in(file)) for file in files_of(run)] == [*[4] * 8, 2]
    assert records_by_stream(run) == {"candidates": lines.records}


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_target_finds_files_whatever_they_are_called(read: Read, api: Sandbox, tmp_path: Path, scheme: str) -> None:
    name = "a b%20c#1 ü a+b&c=d;e 100% '[{~}]'"
    storage = {"root": f"{scheme}{(tmp_path / name).as_posix()}", "prefix": name}
    run = read(api, batch_config={"encoding": {"format": "jsonl", "compression": "none"}, "storage": storage})
    assert run.code == 0, run.err
    assert [file.parent for file in tmp_path.glob("*/*.json")] == [tmp_path / name]
    assert records_by_stream(run) == {"candidates": read(api).records}


def test_a_run_writes_beside_the_files_of_another(read: Read, api: Sandbox, tmp_path: Path) -> None:
    runs = [read(api, batch_config=batch_config(tmp_path / "files")) for _ in range(2)]
    assert len({file for run in runs for file in files_of(run)}) == 2


def test_what_came_before_an_error_is_in_a_file(read: Read, tmp_path: Path) -> None:
    with Sandbox({"one": 5}) as api:
        given = ["gone", *(each["id"] for each in api.candidates("one"))]
        run = read(api, interview_ids=given, batch_config=batch_config(tmp_path))
    assert (run.code, [len(records_in(file)) for file in files_of(run)]) == (1, [5])


def test_without_candidates_there_is_no_file(read: Read, tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 0}) as api:
        run = read(api, batch_config=batch_config(tmp_path / "files"))
    assert [message["type"] for message in run.messages] == ["SCHEMA", "STATE"]
