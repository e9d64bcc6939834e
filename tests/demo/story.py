"""What the demo shows, step by step. Each number in it comes from the run."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.sandbox.candidates import made_up
from tests.demo.runs import ALONE, LOADED, LOG, PIPELINE, loaded, page_by_page, read_alone, settings
from tests.sandbox.moves import Moves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.demo.terminal import Terminal
    from tests.sandbox import Sandbox

HELD: Final = dict.fromkeys(("interviewer-1", "interviewer-2", "interviewer-3"), 1200)
MOVES: Final = Moves(("newcomer-first", "deletion", "update-first"), count=5)
LATER: Final = "2025-12-01T09:00:00.000Z"  # than any made-up time
QUERY: Final = "SELECT score, _rescued_data, name FROM candidates WHERE _rescued_data IS NOT NULL"
# The name comes last: names in some scripts are wider than their number of characters, or run right to left.
SHOWN: Final = ("interviewerId", "createdAt", "status", "score", "name")
VARIES: Final = re.compile(r" \d[\d,.]*(?= s\b| rows a second| requests in all)")
"""What differs from run to run."""
WHAT_NEXT: Final = f"""
6. Your own candidates
   Put this into a file named .env, with a key from API Keys in your dashboard and the IDs from your
   Interviewers' Integrations tabs:

   TAP_INTERVIEWFLOW_API_KEY=...
   TAP_INTERVIEWFLOW_INTERVIEWER_IDS='["..."]'

   $ {{path}}{PIPELINE}

   Your candidates are then in output/candidates.jsonl. README.md says how to load only what is new."""


@dataclass(frozen=True)
class Story:
    """What is shown. It ends where something is not as it should be.

    Attributes:
        terminal: Where it is shown.
        api: The made-up API.
        load: Runs the pipeline with these variables, and gives the lines of its log as they come.
        meltano: Where Meltano is.
        tap: The command that runs the tap by itself.
    """

    terminal: Terminal
    api: Sandbox
    load: Callable[[Mapping[str, str]], Iterator[str]]
    meltano: str
    tap: Sequence[str]

    def tell(self) -> None:
        """Show everything."""
        say = self.terminal.say
        total = sum(HELD.values())
        say(f"A made-up API on this machine: {len(HELD)} Interviewers with {total:,} candidates. No account is needed.")
        self._change("interviewer-2", 7, score="N/A")
        say("\n1. Read everything")
        self.read_everything()
        say("\n2. Read what is new: one candidate was hired meanwhile, another one has applied")
        self.read_what_is_new()
        say("\n3. Lose no odd value: one score is not a number")
        self.find_what_is_odd()
        say("\n4. Lose nobody while the lists move: newcomers, deletions and updates between the answers")
        self.read_what_moves()
        say("\n5. What was loaded: the first of each Interviewer")
        self.show_what_was_loaded()
        say(WHAT_NEXT.format(path=self.meltano.removesuffix("meltano")))

    def read_everything(self) -> None:
        """Load all candidates; then have the tap read them once more, by itself."""
        start = time.monotonic()
        self._load()
        seconds = time.monotonic() - start
        rows = loaded()
        must({row["id"] for row in rows} == self._held(), "What was loaded is not what the API holds.")
        self.terminal.say(
            f"   {len(rows):,} candidates loaded, all that the API holds, in {seconds:.1f} s with Meltano.\n"
        )
        self.terminal.say(f"   $ {ALONE}")
        start = time.monotonic()
        ids, log = read_alone(self.tap, settings(self.api))
        seconds = time.monotonic() - start
        must(ids == self._held(), "What the tap read is not what the API holds.")
        (reading,) = re.findall(r'"metric":"sync_duration","value":([\d.e-]+)', log)
        speed = len(ids) / float(reading)
        self.terminal.say(
            f"   The tap by itself takes {seconds:.1f} s with its start; while it reads, {speed:,.0f} rows a second."
        )

    def read_what_is_new(self) -> None:
        """Change one candidate, add another one, and load again."""
        applied = made_up("interviewer-1", 1200, seed=self.api.seed) | {"createdAt": LATER, "updatedAt": LATER}
        self.api.append("interviewer-1", applied)
        hired = self._change("interviewer-1", 7, status="hired", updatedAt=LATER)
        before = len(loaded())
        self._load()
        rows, new = loaded(), {hired["id"], applied["id"]}
        came = {row["id"] for row in rows[before:]}
        newest = {max(each, key=lambda row: row["updatedAt"])["id"] for each in by_interviewer(rows[:before])}
        must(came == new | newest, "What was loaded is not what is new.")
        self.terminal.say(
            f"   {len(came)} of {len(self._held()):,} loaded: these {len(new)},"
            " and again the newest of each Interviewer: several can share a time."
        )

    def find_what_is_odd(self) -> None:
        """Ask for what had no place in its column."""
        (warning, *_) = re.findall(r"[\d,]+ of [\d,]+ values of score .*", LOG.read_text("utf-8"))
        self.terminal.say(f"   In the log: {warning}\n\n   {QUERY}\n")
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE TABLE candidates (score, _rescued_data, name)")
            values = [(row["score"], row["_rescued_data"], row["name"]) for row in loaded()]
            text = [(score, rescued and json.dumps(rescued), name) for score, rescued, name in values]
            database.executemany("INSERT INTO candidates VALUES (?, ?, ?)", text)
            found = database.execute(QUERY).fetchall()
        self.terminal.show(("score", "_rescued_data", "name"), *found)
        must([row[:2] for row in found] == [(None, '{"score": "N/A"}')], "The odd value is not there.")

    def read_what_moves(self) -> None:
        """Read lists that change from answer to answer, with a loop over the pages and with the tap."""
        lists = {interviewer: self.api.candidates(interviewer) for interviewer in HELD}
        self.api.moves = MOVES
        asked = len(self.api.requests)
        came = page_by_page(self.api)
        asked = len(self.api.requests) - asked
        there = self._there_throughout()
        self.terminal.say(f"   {len(there):,} candidates are there from the first request to the last answer.")
        self.terminal.say(f"   A loop over the pages loses {len(there - came)} of them, with {asked} requests.\n")
        for interviewer, people in lists.items():
            self.api.replace(interviewer, people)
        self.terminal.say(f"   $ {ALONE}")
        asked = len(self.api.requests)
        came, _ = read_alone(self.tap, settings(self.api))
        asked = len(self.api.requests) - asked
        must(self._there_throughout() == there, "The lists did not move as before.")
        lost = len(there - came)
        self.terminal.say(
            f"   The tap loses {lost} of them: it asks again for what may have moved, {asked} requests in all."
        )
        must(not lost, "The tap lost somebody.")

    def show_what_was_loaded(self) -> None:
        """Show the first rows of each Interviewer."""
        first = [row for rows in by_interviewer(loaded()[: sum(HELD.values())]) for row in rows[:2]]
        self.terminal.show(SHOWN, *(tuple(row[column] for column in SHOWN) for row in first))
        self.terminal.say(f"\n   All rows are in {LOADED.as_posix()}, and what Meltano said in {LOG.as_posix()}.")

    def _load(self) -> None:
        """Run the pipeline, and show what the tap says of each Interviewer."""
        self.terminal.say(f"   $ {PIPELINE}")
        with LOG.open("a", encoding="utf-8") as log:
            for line in self.load(settings(self.api)):
                log.write(line)
                if verdict := re.search(r"Interviewer .* read, .* written.*", line):
                    self.terminal.say(f"   {verdict[0]}")

    def _change(self, interviewer: str, number: int, **changes: str) -> dict[str, Any]:
        people = self.api.candidates(interviewer)
        people[number] |= changes
        self.api.replace(interviewer, people)
        return people[number]

    def _held(self) -> set[str]:
        return {person["id"] for interviewer in HELD for person in self.api.candidates(interviewer)}

    def _there_throughout(self) -> set[str]:
        return {one for interviewer in HELD for one in self.api.present_throughout(interviewer)}


def by_interviewer(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows of each Interviewer."""
    return [[row for row in rows if row["interviewerId"] == interviewer] for interviewer in HELD]


def must(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as it is meant
    """Stop unless it is so."""
    if not is_so:
        sys.exit(otherwise)
