"""What `make demo` prints, and its picture, without Meltano; test_meltano.py runs it with Meltano.

Those that tell the whole story take seconds, and so run where the demo itself does.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.demo.runs import LOADED
from tests.demo.story import HELD, VARIES, Story
from tests.demo.terminal import COLUMNS, Terminal, lines_of
from tests.runs import run_here, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PICTURE = Path(__file__).parent.parent.parent / "docs" / "demo.svg"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A demo with a pipeline that loads as Meltano does with this loader, only sooner."""
    monkeypatch.chdir(tmp_path)
    LOADED.parent.mkdir(parents=True)
    state: list[str] = []

    def load(variables: Mapping[str, str]) -> Iterator[str]:
        document = json.loads(run_here("--config", "ENV", "--discover", environment=variables).out)
        document["streams"][0] |= {"replication_method": "INCREMENTAL", "replication_key": "updatedAt"}
        catalog = write(tmp_path / "catalog.json", document)
        run = run_here("--config", "ENV", "--catalog", catalog, *state, environment=variables)
        state[:] = ["--state", write(tmp_path / "state.json", run.state)]
        rows = [message["record"] for message in map(json.loads, run.out.split("\n")[:-1]) if "record" in message]
        with LOADED.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
        yield from run.err.splitlines(keepends=True)

    with Sandbox(HELD, metadata="total") as api:
        yield Story(Terminal(), api, load, ".venv-meltano/bin/meltano", [sys.executable, "-m", "tap_interviewflow"])


@pytest.mark.meltano
def test_the_picture_shows_what_the_demo_prints_but_for_times(demo: Story, capsys: pytest.CaptureFixture[str]) -> None:
    demo.tell()
    printed = capsys.readouterr().out.split("\n")
    shown = lines_of(PICTURE.read_text("utf-8"))
    assert [VARIES.sub(" #", line) for line in shown] == [
        VARIES.sub(" #", line) for line in ("$ make demo", *filter(None, printed))
    ]
    assert max(map(len, printed)) <= COLUMNS


@pytest.mark.meltano
def test_the_demo_stops_at_a_candidate_that_was_not_loaded(demo: Story) -> None:
    def loses_one(variables: Mapping[str, str]) -> Iterator[str]:
        yield from demo.load(variables)
        LOADED.write_text(LOADED.read_text("utf-8").partition("\n")[2], "utf-8")

    with pytest.raises(SystemExit, match="What was loaded is not what the API holds"):
        replace(demo, load=loses_one).tell()
    assert "loaded" not in "\n".join(demo.terminal.lines)


def test_the_picture_loads_nothing() -> None:
    picture = PICTURE.read_text("utf-8")
    names = {name for element in ET.fromstring(picture).iter() for name in element.attrib}  # noqa: S314 - its own
    assert not any(name.endswith(("href", "src")) for name in names)
    assert "url(" not in picture
    assert "@import" not in picture
