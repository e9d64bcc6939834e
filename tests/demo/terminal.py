"""A terminal that remembers what it was told, and can be drawn."""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import os
import re
import sys
import textwrap
from dataclasses import dataclass, field
from html import escape
from typing import Final

COLUMNS: Final = 80
_ADVANCE, _LINE, _EDGE, _BAR = 8.43, 20, 20, 36
# How a line looks, by how it begins: in a real terminal, and in the picture.
_TONES: Final = (
    (re.compile(r"\d\. "), "1", "head"),
    (re.compile(r" *(?:\$|SELECT|FROM|WHERE) |   {8}\S"), "36", "typed"),
    (re.compile(r" *(?:Interviewer interviewer-\d:|--)| +In the log:|     \S"), "2", "quiet"),
)
_PICTURE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" \
aria-label="What {command} prints">
<style>
  .screen {{ fill: #0d1117; stroke: #3d444d; }}
  text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d1d7e0; \
white-space: pre; }}
  .head {{ fill: #ffffff; font-weight: 600; }}
  .typed {{ fill: #76e3ea; }}
  .quiet {{ fill: #9198a1; }}
</style>
<rect class="screen" x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" rx="8"/>
<circle cx="20" cy="20" r="6" fill="#ff5f57"/><circle cx="40" cy="20" r="6" fill="#febc2e"/>\
<circle cx="60" cy="20" r="6" fill="#28c840"/>
{lines}
</svg>
"""


@dataclass(slots=True)
class Terminal:
    """A terminal.

    Attributes:
        lines: What it was told.
    """

    lines: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """Print at once, in colours where somebody looks."""
        in_colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        for line in text.split("\n"):
            self.lines.append(line)
            code = _tone(line)[0] if in_colours else ""
            print(f"\033[{code}m{line}\033[0m" if code else line, flush=True)

    def quote(self, line: str) -> None:
        """Print a line of a log, which can be longer than the terminal is wide."""
        self.say("\n".join(textwrap.wrap(line, COLUMNS, initial_indent="   ", subsequent_indent="     ")))

    def show(self, *rows: tuple[object, ...]) -> None:
        """Print rows under their heading, as columns."""
        cells = [["NULL" if cell is None else str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in [cells[0], ["-" * width for width in widths], *cells[1:]]:
            padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.say("   " + "  ".join([*padded[:-1], row[-1]]))

    def draw(self, command: str) -> str:
        """Draw it as SVG, below the command that all of it comes of; nothing in it has to be loaded."""
        rows = [f"$ {command}", "", *self.lines]
        width, height = round(COLUMNS * _ADVANCE) + 2 * _EDGE, _BAR + _LINE * len(rows) + _EDGE
        return _PICTURE.format(
            width=width,
            height=height,
            inner_width=width - 1,
            inner_height=height - 1,
            command=escape(command),
            lines="\n".join(_drawn(row, _BAR + _LINE * place) for place, row in enumerate(rows, 1) if row),
        )


def _drawn(row: str, y: int) -> str:
    # Columns stay straight whatever font there is. The last one is as wide as it is: some scripts have wider letters.
    columns = row if row.isascii() else row[: row.rfind("  ") + 2 if "  " in row else 0]
    last = row[len(columns) :]
    parts = [f'<tspan textLength="{len(columns) * _ADVANCE:.1f}">{escape(columns)}</tspan>'] if columns else []
    parts += [f'<tspan x="{_EDGE + len(columns) * _ADVANCE:.1f}">{escape(last)}</tspan>'] if last else []
    tone = _tone(row)[1]
    kind = f' class="{tone}"' if tone else ""
    return f'<text x="{_EDGE}" y="{y}"{kind} xml:space="preserve">{"".join(parts)}</text>'


def _tone(line: str) -> tuple[str, str]:
    return next(((code, name) for pattern, code, name in _TONES if pattern.match(line)), ("", ""))
