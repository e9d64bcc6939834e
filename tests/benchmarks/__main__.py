"""Measure the tap beside its peers: ``python -m tests.benchmarks [PART ...]`` (make bench).

It fails where a contender does not deliver every candidate, never because of a figure: those depend on the machine.
All of it takes a quarter of an hour on two cores, when what it runs is installed.
"""

# ruff: noqa: T201 - what it prints is what it is for

from __future__ import annotations

import argparse
import sys
import time
from typing import Final

from tests.benchmarks import report, results
from tests.benchmarks.races import PARTS
from tests.benchmarks.results import FILE, Part
from tests.environments import REQUIREMENTS, environment

_QUICK: Final = 20


def main() -> None:
    """Run all parts, or those that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all of them)")
    parser.add_argument("--quick", action="store_true", help="few candidates, in one round: to see that it works")
    parser.add_argument("--write", action="store_true", help=f"into docs/{FILE.name}, and the page and picture of it")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if asked.quick and asked.write:
        parser.error("what was measured quickly is not to be kept")
    measured = {}
    for name in asked.parts or PARTS:
        run, environments = PARTS[name]
        for needed in environments:
            environment(needed)
        start = time.monotonic()
        # When it begins, and what else the machine does then: before it has work from here.
        measured[name] = Part([], installed={needed: ", ".join(REQUIREMENTS[needed]) for needed in environments})
        measured[name].races.extend(run(_QUICK if asked.quick else 1))
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        if asked.write:  # what follows may fail
            results.save({name: measured[name]})
            report.main()
    print(report.page(measured))


if __name__ == "__main__":
    main()
