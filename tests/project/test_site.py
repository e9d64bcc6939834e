"""The pages as a site, as `make docs` has built it (make test-dist)."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import pytest
from typing_extensions import override

from tests.project.pages import REPOSITORY, ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.dist

SITE: Final = ROOT / "site"


class Page(HTMLParser):
    """What a page leads to, what it loads, and where it can be entered."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value is not None}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        address = found.get("src") or found.get("href")
        if address:
            (self.links if tag == "a" else self.loaded).append(address)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    found = {path: Page(path) for path in SITE.glob("*.html") if path.name != "404.html"}
    assert found, "run `make docs`"
    return found


def test_each_page_is_there(pages: dict[Path, Page]) -> None:
    assert {path.stem for path in pages} == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_each_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[file].anchors if file in pages else set()
            if not file.exists() or (parts.fragment and parts.fragment not in anchors):
                broken.append((path.name, link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert [address for page in pages.values() for address in page.loaded if urlsplit(address).netloc] == []


def test_it_can_be_read_without_the_repository(pages: dict[Path, Page]) -> None:
    away = {link for page in pages.values() for link in page.links if link.startswith(f"{REPOSITORY}/blob/main/docs/")}
    assert away == set()
