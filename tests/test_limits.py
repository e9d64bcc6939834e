"""A response of any depth and width is read, or refused with one line, and memory and log stay within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import Run, catalog_of, config_for, write
from tests.sandbox import Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from tests.conftest import Read

ONE = "interviewer-1"
CATALOG = catalog_of()


def page(*candidates: Any, **beside: Any) -> bytes:
    return json.dumps({"data": {"candidates": list(candidates), **beside}}).encode()


def failure(run: Run) -> str:
    """The one line that a failed run ends with."""
    assert run.code == 1
    assert "Traceback" not in run.err
    (line,) = run.lines("ERROR")
    return line


def nested(depth: int) -> bytes:
    return b'{"data": [{"id": "1", "metadata": {"a": ' + b"[" * depth + b"]" * depth + b"}}]}"


@pytest.mark.parametrize("depth", [970, 990, 100_000])
def test_a_value_nested_without_an_end_ends_the_run_with_a_line(read: Read, depth: int) -> None:
    with Sandbox({ONE: nested(depth)}) as api:
        for arguments in ((), ("--discover",)):
            run = read(api, *arguments)
            assert run.code == 0 or "nested too deeply" in failure(run)
            if depth > 1000:
                assert run.code == 1


def test_a_look_up_nested_without_an_end_ends_the_run_with_a_line(read: Read) -> None:
    with serving(lambda _: [ok(nested(100_000))]) as url:
        run = read(Sandbox({ONE: 5}), catalog=CATALOG, api_url=url, interview_ids=["1"])
    assert "nested too deeply" in failure(run)


@pytest.mark.parametrize("count", [10**4, pytest.param(10**5, marks=pytest.mark.slow)])
def test_names_without_number_are_kept_with_a_bounded_number_of_warnings(read: Read, count: int) -> None:
    many = {f"field{number}": number for number in range(count)}
    with Sandbox({ONE: page({"id": "1", **many})}) as api:
        run = read(api, catalog=CATALOG)
    assert run.code == 0
    assert run.records[0]["_rescued_data"] == many
    assert len(run.err.splitlines()) < 100


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process alone")
def test_the_largest_page_is_read_in_400_mib(tmp_path: Path) -> None:
    candidates = [
        {"id": f"id-{number}", "name": f"Person {number}", "email": f"person-{number}@example.com", "tags": ["a"] * 10}
        for number in range(100_000)
    ]
    script = (
        "import sys\nfrom tap_interviewflow.tap import TapInterviewFlow\n"
        "try:\n    TapInterviewFlow.cli.main(sys.argv[1:])\n"
        "finally:\n    print(*[line for line in open('/proc/self/status') if 'VmHWM' in line], file=sys.stderr)"
    )
    with Sandbox({ONE: page(*candidates, total=len(candidates))}) as api:
        files = ["--config", write(tmp_path / "config.json", config_for(api))]
        files += ["--catalog", write(tmp_path / "catalog.json", CATALOG)]
        ended = subprocess.run([sys.executable, "-c", script, *files], check=False, capture_output=True, timeout=100)
    assert ended.returncode == 0
    assert ended.stdout.count(b'"type":"RECORD"') == len(candidates)
    assert int(ended.stderr.decode().rpartition("VmHWM:")[2].split()[0]) < 400 * 1024


def test_a_name_for_each_candidate_makes_no_table_that_memory_can_not_hold(read: Read) -> None:
    page = {"data": [{"id": f"{number}", f"field{number}": 1} for number in range(2_500)]}
    with serving(lambda _: [ok(json.dumps(page).encode())]) as url:
        run = read(Sandbox({ONE: 0}), api_url=url)
    assert (run.code, run.records) == (1, [])
    (line,) = run.lines("ERROR")
    assert line == (
        f"Interviewer {ONE}: page 1: the response makes a table of 2,500,000 cells, more than 2,000,000; "
        "set a smaller page_size; 1 of 1 Interviewer incomplete"
    )
