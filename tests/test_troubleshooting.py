"""`docs/troubleshooting.md` explains each line that the tap can end with or warn with, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
SPANS = re.findall(r"`` (.+?) ``|`([^`]+)`", PAGE)

INTERNAL = {
    "An unhandled error occurred",  # the SDK's, which is left out of the log
    "Tunnel connection failed: ([0-9]{3}",  # what is looked for in another's text
    "tuple[str, tuple[dict[str, Any], ...], str, set[type], Callable[[Sequence[Any]], bool] | None]",
}


def templates() -> Iterator[str]:
    """Give the texts in the code that are prose but neither a docstring nor a description."""
    for module in sorted((ROOT / "tap_interviewflow").rglob("*.py")):
        if module.parent.name == "sandbox":
            continue  # it explains itself
        yield from filter(is_prose, prose_of(ast.parse(module.read_text("utf-8"))))


def prose_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(str(text)):
            yield normal(re.sub(r"%(\.\d)?[sdf]", "…", text))
        case ast.JoinedStr(parts):
            yield normal("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts))
            for part in parts:
                if isinstance(part, ast.FormattedValue):
                    yield from prose_of(part.value)
        case ast.Expr(ast.Constant()) | ast.keyword("title" | "description"):
            pass
        case ast.Dict(keys, values):
            for key, value in zip(keys, values, strict=True):
                is_description = isinstance(key, ast.Constant) and key.value == "description"
                for member in (key, None if is_description else value):
                    yield from prose_of(member) if member else ()
        case _:
            for child in ast.iter_child_nodes(node):
                yield from prose_of(child)


def normal(text: str) -> str:
    """Leave out what only joins a text to others."""
    return re.sub(r"…(\W*…)+", "…", text).strip(" ,;:.…()")


def is_prose(text: str) -> bool:
    """Whether it has words, and not just one."""
    return " " in text and len(re.findall(r"[^\W\d_]{2,}", text)) > 1 and text not in INTERNAL


def stands_in(template: str, text: str) -> bool:
    """Whether a text of the page has a message in it; what differs from case to case may be filled in there."""
    return re.search(".*".join(map(re.escape, template.split("…"))), text) is not None


def test_each_message_of_the_code_is_on_the_page() -> None:
    spans = [normal(first or second) for first, second in SPANS]
    assert [text for text in templates() if not any(stands_in(text, span) for span in spans)] == []


def test_each_line_on_the_page_is_a_message_of_the_code() -> None:
    known = list(templates())
    rows = re.findall(r"^\| (?:`` (.+?) ``|`([^`]+)`)", PAGE, re.MULTILINE)
    assert rows
    lines = [first or second for first, second in rows]
    assert [line for line in lines if not any(stands_in(text, normal(line)) for text in known)] == []
