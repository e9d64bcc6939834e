"""Races as bars: one picture that can be read on light and on dark pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.results import Race

_WIDTH = 940
_NAMES = 330
_BARS = 440
_LINE = 26
_HEAD = 58

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" \
aria-label="Seconds that each contender takes; shorter is better">
<style>
  text {{ font: 14px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }}
  .title {{ font-weight: 600; font-size: 16px; }}
  .quiet {{ fill: #59636e; font-size: 13px; }}
  .peer {{ fill: #afb8c1; }}
  .ours {{ fill: #1f883d; }}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #f0f6fc; }}
    .quiet {{ fill: #9198a1; }}
    .peer {{ fill: #656c76; }}
    .ours {{ fill: #3fb950; }}
  }}
</style>
{shapes}
</svg>
"""


def draw(*races: Race) -> str:
    """Draw races below each other, as SVG."""
    shapes: list[str] = []
    top = 0
    for race in races:
        shapes += _bars(race, top)
        top += _HEAD + _LINE * len(race.results) + _LINE
    return _FRAME.format(width=_WIDTH, height=top, shapes="\n".join(shapes))


def _bars(race: Race, top: int) -> list[str]:
    longest = max(result.seconds for result in race.results)
    beside = f" (times as fast as: {escape(race.beside)})" if race.beside else ""
    shapes = [
        f'<text class="title" x="10" y="{top + 26}">{escape(race.title)}</text>',
        f'<text class="quiet" x="10" y="{top + 46}">seconds, shorter is better{beside}</text>',
    ]
    for place, result in enumerate(race.results):
        y = top + _HEAD + place * _LINE
        kind = "ours" if result.name.startswith("this tap") else "peer"
        length = max(2, round(_BARS * result.seconds / longest))
        times = race.times(result)
        label = f"{result.seconds:.1f} s" + (f" ({times:.1f}×)" if times is not None else "")  # noqa: RUF001
        shapes += [
            f'<text x="{_NAMES}" y="{y + 15}" text-anchor="end">{escape(result.name)}</text>',
            f'<rect class="{kind}" x="{_NAMES + 10}" y="{y + 2}" width="{length}" height="{_LINE - 8}" rx="3"/>',
            f'<text class="quiet" x="{_NAMES + length + 18}" y="{y + 15}">{label}</text>',
        ]
    return shapes
