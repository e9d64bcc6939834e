"""The memory of a run is bounded whatever the size of the pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import catalog_of, write
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 400 * 2**10
"""KiB."""

SCRIPT = """
import sys
from tap_interviewflow.tap import TapInterviewFlow
try:
    TapInterviewFlow.cli.main(sys.argv[1:])
finally:
    print(*[line for line in open("/proc/self/status") if "VmHWM" in line], file=sys.stderr)
"""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process alone"),
]


def assert_bounded(records: int, folder: Path, config: dict[str, Any], *arguments: str, catalog: object = None) -> None:
    """Run the tap in a process of its own: all records come, and it never has more memory than the limit."""
    files = ["--config", write(folder / "config.json", config)]
    if catalog:
        files += ["--catalog", write(folder / "catalog.json", catalog)]
    command = [sys.executable, "-c", SCRIPT, *files, *arguments]
    with (folder / "out").open("wb") as out:
        ended = subprocess.run(command, check=False, stdout=out, stderr=subprocess.PIPE, timeout=110)
    with (folder / "out").open("rb") as lines:
        assert sum(b'"type":"RECORD"' in line[:100] for line in lines) == records
    assert ended.returncode == 0, ended.stderr[-500:]
    peak = int(ended.stderr.decode().rpartition("VmHWM:")[2].split()[0])
    assert peak < LIMIT, f"{peak / 1024:.0f} MiB"


@pytest.mark.parametrize(
    ("interviewers", "pages", "is_discovered", "arguments"),
    [(1, 30, False, ()), (1, 30, True, ()), (20, 1, True, ()), (20, 1, True, ("--test",))],
)
def test_sixteen_pages_of_20_mb_in_flight_take_less_than_400_mib(
    interviewers: int, pages: int, arguments: tuple[str, ...], tmp_path: Path, *, is_discovered: bool
) -> None:
    long_notes = json.dumps("a sentence of an answer. " * 800)

    def answer(request: bytes) -> Iterator[bytes]:
        asked = json.loads(request.partition(b"\r\n\r\n")[2])
        number, name = asked["page"], asked["interviewerId"]
        rows = range((number - 1) * 1000, min(number, pages) * 1000)
        notes = '"a draft"' if is_discovered and number == 1 < pages else long_notes
        items = ",".join(f'{{"id": "{name}-{row}", "name": "Person {row}", "notes": {notes}}}' for row in rows)
        yield ok(f'{{"total": {pages * 1000}, "data": [{items}]}}'.encode())

    with serving(answer) as url:
        names = [f"interviewer-{number}" for number in range(interviewers)]
        config = {"api_url": url, "api_key": "any", "interviewer_ids": names, "page_size": 1000}
        catalog = None if is_discovered else catalog_of({"id": "1", "notes": "text"})
        records = 0 if arguments else interviewers * pages * 1000
        assert_bounded(records, tmp_path, config | {"max_parallel_requests": 16}, *arguments, catalog=catalog)


@pytest.mark.parametrize(("candidates", "answers"), [(100_000, 0), (40_000, 10)])
@pytest.mark.parametrize("states_total", [True, False])
def test_an_api_that_returns_its_whole_list_as_every_page_takes_less_than_400_mib(
    candidates: int, answers: int, tmp_path: Path, *, states_total: bool
) -> None:
    rest = {"tags": ["a"] * 10, "answers": [{"question": number, "text": "a word"} for number in range(answers)]}
    listed = [
        {"id": f"id-{each}", "name": f"Person {each}", "email": f"{each}@example.com"} for each in range(candidates)
    ]
    document: dict[str, Any] = {"data": [each | rest for each in listed]}
    if states_total:
        document["total"] = candidates
    body = [ok(json.dumps(document).encode())]
    with serving(lambda _: body) as url:
        config = {"api_url": url, "api_key": "any", "interviewer_ids": ["interviewer-1"]}
        assert_bounded(candidates, tmp_path, config, catalog=catalog_of())
