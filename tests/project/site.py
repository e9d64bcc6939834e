"""What makes a site of the pages (make docs), as hooks of MkDocs: the environment that it runs in has no tap in it."""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import Match

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
OUTSIDE = re.compile(r"(?<=\]\()\.\./([^)#]+)(#[^)]*)?(?=\))")


def on_config(config: Any) -> None:
    """Lead from the foot of each page to the repository: a link of the theme's own would ask GitHub for its stars."""
    config.copyright = f'<a href="{REPOSITORY}">{REPOSITORY.removeprefix("https://")}</a>'


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Begin with the README, and lead to the repository where a link leaves the pages."""
    if page.file.src_uri == "index.md":
        readme = (ROOT / "README.md").read_text("utf-8")
        for kind in ("blob", "raw"):
            readme = readme.replace(f"{REPOSITORY}/{kind}/main/docs/", "")
        return f"{readme.replace('<details>', '<details markdown>')}\n#{markdown}"
    return OUTSIDE.sub(_in_repository, markdown)


def _in_repository(link: Match[str]) -> str:
    path, anchor = link[1], link[2] or ""
    if path == "README.md":  # the first page of the site begins with it
        return f"index.md{anchor}"
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return posixpath.join(REPOSITORY, kind, "main", path) + anchor
