"""What the README says is what the tap does. `test_dist.py` and `test_meltano.py` run its longer commands."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.project.pages import DOCS, README, REPOSITORY, block, blocks, links, table
from tests.runs import config_for, run_here, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = README.read_text("utf-8")
# They only hold other settings.
CONTAINERS = {"faker_config", "batch_config", "batch_config.encoding", "batch_config.storage"}


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    """The sandbox that the README starts."""
    (interviewers, candidates) = re.findall(r"--interviewers (\d+) --candidates (\d+)", TEXT)[0]
    held = {f"interviewer-{number}": int(candidates) for number in range(1, int(interviewers) + 1)}
    with Sandbox(held) as sandbox:
        yield sandbox


def settings_tables() -> tuple[str, str]:
    """The settings as ``--about`` has them: the tap's own, and the SDK's."""
    about = run_here("--about", "--format", "markdown").out
    rows = [line.strip("| ").split(" | ", 3) for line in about.splitlines() if re.match(r"\| [a-z_.]+ \|", line)]
    first = [name for name, *_ in rows].index("batch_config")
    own = table(
        ("Setting", "Default", "Meaning"),
        (
            (f"`{name}`", "required" if required == "True" else "" if default == "None" else f"`{default}`", meaning)
            for name, required, default, meaning in rows[:first]
        ),
    )
    others = ((f"`{name}`", meaning) for name, _, _, meaning in rows[first:] if name not in CONTAINERS)
    return own, table(("Setting", "Meaning"), others)


def test_the_settings_are_those_of_about() -> None:
    own, others = settings_tables()
    assert f"\n\n{own}\n\n" in TEXT
    assert f"\n\n{others}\n" in (DOCS / "settings.md").read_text("utf-8")


def test_the_record_that_is_shown_is_the_first_one_of_its_sandbox(api: Sandbox, tmp_path: Path) -> None:
    read = run_here("--config", write(tmp_path / "config.json", config_for(api)))
    first: dict[str, Any] = read.of("RECORD")[0]["record"]
    sample: dict[str, Any] = json.loads(block(DOCS / "columns.md", "{"), parse_float=Decimal)
    assert list(sample.items()) == list(first.items())


def test_its_env_file_has_names_of_settings_and_values_of_their_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(block(README, "TAP_INTERVIEWFLOW_API_KEY=your-key"), "utf-8")
    with Sandbox({"your-interviewer": 3, "your-other-interviewer": 2}, key="your-key") as api:
        ended = run_here("--config", "ENV", "--test", environment={"TAP_INTERVIEWFLOW_API_URL": api.url})
    assert ended.code == 0, ended.err
    assert [line for line in ended.lines("INFO") if "found" in line] == [
        "Interviewer your-interviewer: found, 3 candidates on the first page",
        "Interviewer your-other-interviewer: found, 2 candidates on the first page",
    ]


def test_its_links_and_pictures_are_addresses_that_a_package_page_can_follow() -> None:
    own = [link for link in links(TEXT) if "/tap-interviewflow" in link]
    assert [link for link in links(TEXT) if not link.startswith("https://")] == []
    assert own
    assert all(link.startswith(f"{REPOSITORY}/") for link in own)


def test_each_of_its_blocks_is_run_by_a_test() -> None:
    beginnings = [(language, text.split("\n", 1)[0]) for language, text in blocks(TEXT)]
    assert beginnings == [
        ("bash", f"git clone {REPOSITORY}"),  # test_meltano.py
        ("bash", f"pipx install git+{REPOSITORY}"),  # test_dist.py
        ("bash", "tap-interviewflow-sandbox --port 8765 --interviewers 2 --candidates 50 &"),  # test_dist.py
        ("dotenv", "TAP_INTERVIEWFLOW_API_KEY=your-key"),
        ("bash", "meltano init interviews"),  # test_meltano.py
        ("bash", "set -o pipefail; tap-interviewflow --config ENV | target-jsonl"),  # test_dist.py
    ]
