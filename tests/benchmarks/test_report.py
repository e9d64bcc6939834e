"""The benchmark's page and picture are made of what was measured."""

from __future__ import annotations

from tests.benchmarks import report, results


def test_the_page_and_the_picture_are_made_of_the_results() -> None:
    parts = results.load()
    assert report.PAGE.read_text("utf-8") == report.page(parts)
    assert report.PICTURE.read_text("utf-8") == report.picture(parts)
