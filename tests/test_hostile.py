"""Answers that are made, or broken, to harm: the whole tap does not crash, loses nothing, and stays within bounds.

What harms HTTP itself is tried in `tests/api`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import Run, config_for, write
from tests.sandbox import PATH, Sandbox
from tests.test_faults import CATALOG
from tests.wire import ok, serving

if TYPE_CHECKING:
    from tests.conftest import Read

ONE = "interviewer-1"


def page(*candidates: Any, **beside: Any) -> bytes:
    return json.dumps({"data": {"candidates": list(candidates), **beside}}).encode()


def failure(run: Run) -> str:
    """The one line that a failed run ends with."""
    assert run.code == 1
    assert "Traceback" not in run.err
    (line,) = run.lines("ERROR")
    return line


def test_the_key_does_not_follow_a_redirect_to_another_host(read: Read) -> None:
    with Sandbox({ONE: 5}) as other:
        answer = ok(b"", f"Location: {other.url}{PATH}").replace(b"200 OK", b"307 Moved")
        with serving(lambda _: [answer]) as url:
            line = failure(read(other, api_url=url))
        assert not other.requests
    assert f"the API redirects to {other.url} (307), which is refused" in line


# Depth and number


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


def test_discovery_makes_a_bounded_number_of_columns(read: Read) -> None:
    many = {f"field{number}": number for number in range(10**4)}
    with Sandbox({ONE: page({"id": "1", **many})}) as api:
        run = read(api)
    assert run.code == 0
    (record,) = run.records
    assert len(run.of("SCHEMA")[0]["schema"]["properties"]) < 2000
    assert record["_rescued_data"].items() <= many.items()
    assert len(record) + len(record["_rescued_data"]) > 10**4
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
    with Sandbox({ONE: page(*candidates)}) as api:
        files = ["--config", write(tmp_path / "config.json", config_for(api))]
        files += ["--catalog", write(tmp_path / "catalog.json", CATALOG)]
        ended = subprocess.run([sys.executable, "-c", script, *files], check=False, capture_output=True, timeout=100)
    assert ended.returncode == 0
    assert ended.stdout.count(b'"type":"RECORD"') == len(candidates)
    assert int(ended.stderr.decode().rpartition("VmHWM:")[2].split()[0]) < 400 * 1024


# Values


@pytest.mark.parametrize("digits", [20, 100_000])
def test_a_number_of_any_length_keeps_its_digits(read: Read, digits: int) -> None:
    forms = ("{}", "-{}", "0.{}", "{}.5", "1e{}")
    numbers = [form.format("7" * digits) for form in forms]
    members = ",".join(f'"n{place}": {number}' for place, number in enumerate(numbers))
    with Sandbox({ONE: f'{{"data": [{{"id": "1", "metadata": {{{members}}}, {members}}}]}}'.encode()}) as api:
        for catalog in (CATALOG, None):
            run = read(api, catalog=catalog)
            assert run.code == 0
            assert [run.out.count(number) >= 2 for number in numbers] == [True] * len(forms)


def test_what_is_not_a_number_of_json_stays_text(read: Read) -> None:
    tokens = ("NaN", "Infinity", "-Infinity")
    members = ",".join(f'"{token}": {token}' for token in tokens)
    with Sandbox({ONE: f'{{"data": [{{"id": "1", "metadata": {{{members}}}, {members}}}]}}'.encode()}) as api:
        (record,) = read(api, catalog=CATALOG).records
    assert record["metadata"] == {token: token for token in tokens}
    assert record["_rescued_data"] == {token: token for token in tokens}


def test_a_raw_line_break_inside_a_text_is_read(read: Read) -> None:
    with Sandbox({ONE: b'{"data": [{"id": "1", "name": "Ada\nLovelace\t"}]}'}) as api:
        (record,) = read(api, catalog=CATALOG).records
    assert record["name"] == "Ada\nLovelace\t"


def test_names_that_differ_only_in_what_is_replaced_are_all_kept(read: Read) -> None:
    with Sandbox({ONE: b'{"data": [{"id": "1", "a\\u0000": 1, "a\\ud800": 2, "a\\ufffd": 3}]}'}) as api:
        (record,) = read(api, catalog=CATALOG).records
    assert sorted(record["_rescued_data"].values()) == [1, 2, 3]


NAMES = (
    *("__proto__", "constructor", "_sdc_deleted_at", "_SDC_BATCHED_AT", "type", "record", "stream", "", " ", "a.b"),
    *(
        "a" * 1000,
        "'; DROP TABLE candidates; --",
        "__class__",
        "column1",
        "rescued",
        "é\u202e",
        "_rescued_data",
        "$ref",
    ),
)


def test_a_field_of_any_name_arrives_and_steers_nothing(read: Read) -> None:
    candidates = [{"id": str(number), **{name: {"value": number} for name in NAMES}} for number in range(3)]
    with Sandbox({ONE: candidates}) as api:
        run = read(api, page_size=2)
    assert run.code == 0
    assert {message["type"] for message in run.messages} == {"SCHEMA", "RECORD", "STATE"}
    for number, record in enumerate(run.records):
        assert not {name for name in record if name.lower().startswith("_sdc_")}
        rescued = record.pop("_rescued_data")
        assert {name: rescued.get(name, record.get(name)) for name in NAMES} == {
            name: {"value": number} for name in NAMES
        }


def test_a_candidate_that_is_no_object_ends_the_run(read: Read) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 2): "body:" + page({"id": "1"}, "ada@example.com").decode()}
        run = read(api, catalog=CATALOG, page_size=2)
    assert "the list of candidates holds a value of type " in failure(run)
    assert "example.com" not in run.err
    assert len(run.ids) == 2


@pytest.mark.parametrize("key", ["{}", "NaN", "7" * 5_000])
def test_a_candidate_without_a_usable_id_ends_the_run(read: Read, key: str) -> None:
    with Sandbox({ONE: f'{{"data": [{{"id": {key}, "email": "ada@example.com"}}]}}'.encode()}) as api:
        run = read(api, catalog=CATALOG)
    assert failure(run) == f"Interviewer {ONE}, page 1: the candidate at index 0 has no ID: no interviewId, id or _id"


@pytest.mark.parametrize("digits", [19, 400])
def test_an_id_that_is_a_long_number_keeps_its_digits(read: Read, digits: int) -> None:
    with Sandbox({ONE: f'{{"data": [{{"id": {"7" * digits}}}]}}'.encode()}) as api:
        assert read(api, catalog=CATALOG).ids == ["7" * digits]


def test_a_name_for_each_candidate_makes_no_table_that_memory_can_not_hold(read: Read) -> None:
    page = {"data": [{"id": f"{number}", f"field{number}": 1} for number in range(2_500)]}
    with serving(lambda _: [ok(json.dumps(page).encode())]) as url:
        run = read(Sandbox({ONE: 0}), api_url=url)
    assert (run.code, run.records) == (1, [])
    (line,) = run.lines("ERROR")
    assert line == (
        f"Interviewer {ONE}, page 1: the answer makes a table of 2,500,000 cells, more than 2,000,000; "
        "set a smaller page_size"
    )
