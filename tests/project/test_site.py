"""The pages as a site, as `make docs` has built it, which fails at a link that leads nowhere (make test-dist)."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.project.pages import DOCS, REPOSITORY, ROOT

pytestmark = pytest.mark.dist

SITE: Final = {path.stem: path.read_text("utf-8") for path in (ROOT / "site").glob("*.html") if path.stem != "404"}


def addresses(name: str, *elements: str) -> set[str]:
    """Return what some elements of a page lead to."""
    return set(re.findall(rf"<(?:{'|'.join(elements)})\b[^>]*? (?:href|src)=\"?([^\" >]+)", SITE[name]))


def test_each_page_is_there() -> None:
    assert SITE.keys() == {path.stem for path in DOCS.glob("*.md")}, "run `make docs`"


def test_nothing_is_loaded_from_elsewhere() -> None:
    loaded = {address for name in SITE for address in addresses(name, "img", "link", "script", "iframe")}
    assert {address for address in loaded if address.endswith(".svg")} >= {"demo.svg", "columns.svg"}
    assert [address for address in loaded if re.match(r"[a-z]+:|//", address)] == []


def test_it_can_be_read_without_the_repository() -> None:
    led_to = {address for name in SITE for address in addresses(name, "a")}
    assert "settings.html" in led_to
    assert [address for address in led_to if address.startswith(f"{REPOSITORY}/blob/main/docs/")] == []
