"""The page and the picture of what the results file holds: ``python -m tests.benchmarks.report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.benchmarks.picture import draw
from tests.benchmarks.results import FILE, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.benchmarks.results import Part, Race

PAGE: Final = FILE.with_suffix(".md")
PICTURE: Final = FILE.with_suffix(".svg")
ORDER: Final = ("lines", "batch", "latency", "many", "end-to-end", "losses")
DRAWN: Final = ("lines", "latency", "end-to-end")

_HEAD: Final = """\
# Benchmark

![The races as bars](benchmark.svg)

To repeat it: `make bench`, or one part, such as `python -m tests.benchmarks lines`. What counts is the ratios within
one table: the seconds are those of the machine. [benchmark.json](benchmark.json) has each run.

Everybody reads the same made-up candidates of about 0.9 kB from the [sandbox](../tests/sandbox), which
runs in a process of its own and has encoded all pages beforehand, 100 candidates to a page. Each contender was
checked to deliver every candidate, once, before it was timed. Processor time is that of all of a contender's processes;
memory is the most of each of them, added up.
The *plain SDK tap* is what the SDK's template makes of this API
([plain_tap.py](../tests/benchmarks/plain_tap.py)); the *floor* fetches, decodes and encodes, and does nothing else.
"""


def page(parts: Mapping[str, Part]) -> str:
    """Make the page of all parts."""
    return "\n".join([_HEAD, *(text for name in ORDER if name in parts for text in _part(name, parts[name]))])


def _part(name: str, part: Part) -> Iterator[str]:
    load = "" if part.load is None else f", load {part.load} before"
    versions = [f"{package}=={version}" for package, version in part.versions.items()]
    told = ", ".join([*versions, *part.installed.values()])
    for race in part.races:
        yield _section(race)
    yield f"`{name}`, {part.date}: {part.machine}{load}; {told}.\n"


def _section(race: Race) -> str:
    columns = {
        "": [result.name.replace("|", r"\|") for result in race.results],
        "seconds": [f"{result.seconds:.2f}" for result in race.results],
        f"times {race.beside}": [_shown(race.times(result), "{:.1f}") for result in race.results],
        "over waiting alone": [_shown(race.over(result), "{:+.0%}") for result in race.results],
        "processor seconds": [f"{result.cpu:.2f}" for result in race.results],
        "peak MiB": [f"{result.peak:.0f}" for result in race.results],
        "rows": [_shown(result.rows, "{:,}") for result in race.results],
        "lost": [_shown(result.lost, "{:,}") for result in race.results],
    }
    told = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [list(told), ["---", *["--:"] * (len(told) - 1)], *zip(*told.values(), strict=True)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"## {race.title}\n\n{race.how}\n\n{table}\n"


def _shown(figure: float | None, form: str) -> str:
    return "" if figure is None else form.format(figure)


def picture(parts: Mapping[str, Part]) -> str:
    """Draw the races that say the most."""
    return draw(*(race for name in DRAWN if name in parts for race in parts[name].races))


def main() -> None:
    """Write both."""
    parts = load()
    PAGE.write_text(page(parts), encoding="utf-8")
    PICTURE.write_text(picture(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
