"""The pages agree with the tap, with each other, and with the files that they lead to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_interviewflow.config import SETTINGS
from tap_interviewflow.records.schema import RESCUED, candidates_schema
from tests import moving
from tests.project.pages import DOCS, PAGES, REPOSITORY, ROOT, anchors, blocks, links, table
from tests.runs import catalog_of
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Read

KINDS = {"string": "text", "object": "object", "array": "array"}
TEXTS = {page: page.read_text("utf-8") for page in PAGES}
NAMES = {page: page.relative_to(ROOT).as_posix() for page in PAGES}


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


def is_ours(link: str) -> bool:
    return "://" not in link or link.startswith((f"{REPOSITORY}/blob/main/", f"{REPOSITORY}/raw/main/"))


@pytest.mark.parametrize("page", PAGES, ids=NAMES.get)
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    broken = [link for link in links(TEXTS[page]) if is_ours(link) and not leads_somewhere(link, page)]
    assert broken == []


def leads_somewhere(link: str, page: Path) -> bool:
    path, _, anchor = re.sub(rf"^{re.escape(REPOSITORY)}/(blob|raw)/main/", "", link).partition("#")
    file = ((ROOT if "://" in link else page.parent) / path).resolve() if path else page
    return file.exists() and (not anchor or anchor in anchors(file.read_text("utf-8")))


def test_the_index_and_the_site_have_each_page() -> None:
    pages = {page.name for page in PAGES if page.parent == DOCS} - {"index.md"}
    assert pages == {link for link in links(TEXTS[DOCS / "index.md"]) if "://" not in link}
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert pages == set(re.findall(r"^ *- ([a-z-]+\.md)$", site, re.MULTILINE))


def test_the_columns_are_those_of_the_schema() -> None:
    assert f"\n{columns_table()}\n" in TEXTS[DOCS / "columns.md"]


def test_the_picture_of_the_columns_shows_what_the_tap_does(read: Read) -> None:
    picture = (DOCS / "columns.svg").read_text("utf-8")
    shown = {
        kind: re.findall(rf'<text class="{kind}"[^>]*>(.*?)</text>', picture) for kind in ("sent", "column", "value")
    }
    candidate = json.loads("{" + ",".join(shown["sent"]) + "}")
    catalog = catalog_of({name: value for name, value in candidate.items() if name != "hobby"})
    with Sandbox({"interviewer-1": [candidate]}) as api:
        (record,) = read(api, catalog=catalog).records
    values = [json.loads(value) for value in shown["value"]]
    assert values == [record[name] for name in shown["column"]]
    assert {name: value for name, value in record.items() if value is not None and name not in shown["column"]} == {}


def test_each_setting_is_explained() -> None:
    page = TEXTS[DOCS / "settings.md"]
    names = list(SETTINGS["properties"])
    assert [name for name in names[: names.index("batch_config")] if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES.get)
def test_each_block_is_of_its_language(page: Path) -> None:
    readers: dict[str, Any] = {"yaml": yaml.safe_load, "json": json.loads}
    found = [(language, text) for language, text in blocks(TEXTS[page]) if language in readers]
    assert all(readers[language](text) for language, text in found)


def test_each_command_of_make_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    text = "\n".join(TEXTS.values())
    commands = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)\b", text, re.MULTILINE))
    assert commands
    assert [each for each in map("".join, commands) if f"\n{each}:" not in makefile] == []


def test_the_table_of_lists_that_move_stands_where_the_command_writes_it() -> None:
    (written,) = moving.MARKED.findall(TEXTS[moving.PAGE])
    assert all(f"| {name} |" in written for name in moving.KINDS)
