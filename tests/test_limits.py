"""A response of any depth and width is read, or refused with one line, and the log stays within bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import Run, catalog_of
from tests.sandbox import Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from tests.conftest import Read

ONE = "interviewer-1"
CATALOG = catalog_of()


def page(*candidates: Any) -> bytes:
    return json.dumps({"data": {"candidates": list(candidates)}}).encode()


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
        runs = [read(api), read(api, "--discover")]
    with serving(lambda _: [ok(nested(depth))]) as url:
        runs.append(read(Sandbox({ONE: 5}), catalog=CATALOG, api_url=url, interview_ids=["1"]))
    for run in runs:
        assert (run.code == 0 and depth < 1000) or "nested too deeply" in failure(run)


@pytest.mark.parametrize("count", [10**4, pytest.param(10**5, marks=pytest.mark.slow)])
def test_names_without_number_are_kept_with_a_bounded_number_of_warnings(read: Read, count: int) -> None:
    many = {f"field{number}": number for number in range(count)}
    with Sandbox({ONE: page({"id": "1", **many})}) as api:
        run = read(api, catalog=CATALOG)
    assert run.code == 0
    assert run.records[0]["_rescued_data"] == many
    assert len(run.err.splitlines()) < 100


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
