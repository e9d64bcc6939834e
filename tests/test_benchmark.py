"""What the benchmark's page and picture say is what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import report, results
from tests.benchmarks.results import Part, Race, Result, Sample

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLAIN = Result("plain", [Sample(8.0, 7.0, 40.0), Sample(10.0, 9.5, 41.0), Sample(9.0, 8.0, 42.0)])
OURS = Result("this tap | a target", [Sample(1.5, 1.0, 50.0, rows=1_000, lost=2), Sample(1.5, 1.0, 51.0, 999, 0)], 4)
PART = Part([Race("A race", "How.", [PLAIN, OURS], "plain", 4.0)], "2026-01-31", "a machine", 0.5, {"Python": "3"}, {})


def test_the_page_and_the_picture_are_made_of_the_results() -> None:
    parts = results.load()
    assert report.PAGE.read_text("utf-8") == report.page(parts)
    assert report.PICTURE.read_text("utf-8") == report.picture(parts)


def test_a_table_has_the_median_of_the_seconds_and_the_most_memory_and_the_fewest_rows() -> None:
    table = report.page({"lines": PART}).partition("## A race\n\nHow.\n\n")[2]
    assert table == (
        "|  | seconds | times plain | over waiting alone | processor seconds | peak MiB | rows | lost |\n"
        "| --- | --: | --: | --: | --: | --: | --: | --: |\n"
        "| plain | 9.00 | 1.0 | +125% | 8.00 | 42 |  |  |\n"
        r"| this tap \| a target | 1.50 | 6.0 | +50% | 1.00 | 51 | 999 | 2 |"
        "\n\n`lines`, 2026-01-31: a machine, load 0.5 before; Python==3.\n"
    )


def test_a_part_takes_the_place_of_what_was_measured_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "benchmark.json")
    results.save({"batch": PART, "lines": PART})
    newer = Part([], "2026-02-01", "another", None, {}, {})
    results.save({"batch": newer})
    assert results.load() == {"batch": newer, "lines": PART}
