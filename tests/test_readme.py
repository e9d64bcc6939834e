"""What the README says is what the tap does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_interviewflow.records.schema import RESCUED, candidates_schema
from tests import moving
from tests.runs import run_here

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KINDS = {"string": "text", "object": "object", "array": "array"}


def section(name: str) -> str:
    """The part of the README that is generated under a name."""
    (text,) = re.findall(rf"<!-- {name}: .*? -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    return str(text).strip()


def settings_table() -> str:
    """The tap's own settings, as ``--about`` has them."""
    about = run_here("--about", "--format", "markdown").out
    rows = [line.strip("| ").split(" | ", 3) for line in about.splitlines() if re.match(r"\| [a-z_]+ \|", line)]
    own = rows[: [name for name, *_ in rows].index("stream_maps")]
    return table(
        ("Setting", "Required", "Default", "Meaning"),
        (
            (f"`{name}`", "yes" if required == "True" else "", "" if default == "None" else f"`{default}`", meaning)
            for name, required, default, meaning in own
        ),
    )


def columns_table() -> str:
    """The columns that are always there."""
    rows = []
    for name, definition in candidates_schema()["properties"].items():
        (kind,) = (KINDS[kind] for kind in definition["type"] if kind != "null")
        kind = "array of text" if "items" in definition else definition.get("format", kind)
        if name == RESCUED:
            rows.append(("…", "", "What discovery has found."))
        rows.append((f"`{name}`", kind, definition["description"]))
    return table(("Column", "Type", "Meaning"), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (head, ("---",) * len(head), *rows))


def test_the_settings_are_those_of_about() -> None:
    assert section("settings") == settings_table()


def test_the_columns_are_those_of_the_schema() -> None:
    assert section("columns") == columns_table()


def test_its_commands_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)$", README, re.MULTILINE))
    assert commands
    assert all(f"\n{''.join(command)}:" in makefile for command in commands)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https:)([^)#]+)", README))))
def test_its_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_table_of_lists_that_move_stands_where_the_command_writes_it() -> None:
    page = moving.PAGE.read_text(encoding="utf-8")
    (table,) = moving.MARKED.findall(page)
    assert all(f"| {name} |" in table for name in moving.KINDS)
    assert (moving.PAGE.parent / "moving.svg").is_file()
