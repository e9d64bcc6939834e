"""The pages of the documentation, taken apart."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parent.parent.parent
DOCS: Final = ROOT / "docs"
REPOSITORY: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
README: Final = ROOT / "README.md"
PAGES: Final = sorted((*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "examples").rglob("*.md")))


class Block(NamedTuple):
    """A block of code: its language, and what is in it."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Return the blocks of code, in their order."""
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]


def block(page: Path, beginning: str) -> str:
    """Return the one block of a page that begins like this."""
    (text,) = (text for _, text in blocks(page.read_text("utf-8")) if text.startswith(beginning))
    return text


def section(heading: str) -> str:
    """Return what stands below a heading of the second level, which is on one page only."""
    below = re.compile(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    (text,) = (text for page in PAGES for text in below.findall(page.read_text("utf-8")))
    return str(text)


def prose(text: str) -> str:
    """Leave out what is code, where a bracket is no link and a # no heading."""
    return re.sub(r"^```.*?^```$|(`+).+?\1", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text: str) -> list[str]:
    """Return the targets of all links and pictures."""
    return re.findall(r"(?:\]\(|^\[[^]]+\]: |<a href=\"|<img src=\")<?([^)>\s\"]+)", prose(text), re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings that GitHub and MkDocs name alike."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return {slug for slug in slugs if slug.isascii() and "--" not in slug}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table."""
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
