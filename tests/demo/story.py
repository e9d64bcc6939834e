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
from tests.demo.runs import ALONE, LOADED, LOG, PIPELINE, Read, load, loaded, page_by_page, read_alone
from tests.processes import environment_for
from tests.sandbox.moves import Moves

if TYPE_CHECKING:
    from tests.demo.terminal import Terminal
    from tests.sandbox import Sandbox

HELD: Final = dict.fromkeys(("interviewer-1", "interviewer-2", "interviewer-3"), 1200)
MOVES: Final = Moves(("newcomer-first", "deletion", "update-first"), count=5)
LATER: Final = "2025-12-01T09:00:00.000Z"  # than any made-up time
COLUMNS: Final = ("createdAt", "status", "score", "additionalFields_Manual_Score", "_rescued_data", "name")
ODD: Final = "SELECT score, _rescued_data, name FROM candidates\nWHERE _rescued_data IS NOT NULL"
# The name comes last: names in some scripts are wider than their number of characters, or run right to left.
BY_DATE: Final = """\
SELECT createdAt, status, score,
       additionalFields_Manual_Score AS manual_score, name
FROM candidates ORDER BY createdAt LIMIT 5"""
WHAT_NEXT: Final = f"""
7. Your own candidates
   Put this into a file named .env, with a key from API Keys in your dashboard
   and the IDs from your Interviewers' Integrations tabs:

   TAP_INTERVIEWFLOW_API_KEY=...
   TAP_INTERVIEWFLOW_INTERVIEWER_IDS='["..."]'

   $ {{path}}{PIPELINE}

   Your candidates are then in output/candidates.jsonl."""


@dataclass(frozen=True)
class Story:
    """What is shown. It ends where something is not as it should be.

    Attributes:
        terminal: Where it is shown.
        api: The made-up API.
        meltano: Where Meltano is.
        tap: Where the tap is.
    """

    terminal: Terminal
    api: Sandbox
    meltano: str
    tap: str

    def tell(self) -> None:
        """Show everything."""
        say = self.terminal.say
        total = sum(HELD.values())
        say(f"A made-up API on this machine: {len(HELD)} Interviewers, {total:,} candidates, no account.")
        self._change("interviewer-2", 7, score="N/A")
        say("\n1. Read everything")
        self.read_everything()
        say("\n2. Read what is new: one candidate was hired, another one has applied")
        self.read_what_is_new()
        say("\n3. Lose no odd value: one score is not a number")
        self.find_what_is_odd()
        say("\n4. Lose no candidate while lists move: additions, deletions and updates")
        self.read_what_moves()
        say("\n5. Say so where a read is not proved: the API states more than it lists")
        self.read_what_is_incomplete()
        say("\n6. What was loaded, by date, with custom fields as columns")
        self.show_what_was_loaded()
        say(WHAT_NEXT.format(path=self.meltano.removesuffix("meltano")))

    def read_everything(self) -> None:
        """Load all candidates; then have the tap read them once more, by itself."""
        start = time.monotonic()
        self._load()
        seconds = time.monotonic() - start
        rows = loaded()
        must({row["id"] for row in rows} == self._held(), "What was loaded is not what the API holds.")
        self.terminal.say(f"   {len(rows):,} loaded, all that the API holds, in {seconds:.1f} s with Meltano.\n")
        start = time.monotonic()
        read = self._read()
        seconds = time.monotonic() - start
        must(read.ids == self._held(), "What the tap read is not what the API holds.")
        (reading,) = re.findall(r'"metric":"sync_duration","value":([\d.e-]+)', read.log)
        speed = len(read.ids) / float(reading)
        self.terminal.say(f"   The tap by itself: {seconds:.1f} s with its start; it reads {speed:,.0f} rows a second.")

    def read_what_is_new(self) -> None:
        """Change one candidate, add another one, and load again."""
        applied = made_up("interviewer-1", 1200, seed=self.api.seed) | {"createdAt": LATER, "updatedAt": LATER}
        self.api.append("interviewer-1", applied)
        hired = self._change("interviewer-1", 7, status="hired", updatedAt=LATER)
        before = len(loaded())
        self._load()
        rows, new = loaded(), {hired["id"], applied["id"]}
        came = {row["id"] for row in rows[before:]}
        # In this order, the last one of each Interviewer is the newest.
        newest = {row["interviewerId"]: row["id"] for row in sorted(rows[:before], key=lambda row: row["updatedAt"])}
        must(came == new | {*newest.values()}, "What was loaded is not what is new.")
        self.terminal.say(
            f"   {len(came)} of {len(self._held()):,} loaded: these {len(new)}, and each Interviewer's newest again."
        )

    def find_what_is_odd(self) -> None:
        """Ask for what had no place in its column."""
        (warning, *_) = re.findall(r"[\d,]+ of [\d,]+ values of score .*", LOG.read_text("utf-8"))
        self.terminal.quote(f"In the log: {warning}")
        found = self._query(ODD)
        must([row[:2] for row in found] == [(None, '{"score": "N/A"}')], "The odd value is not there.")

    def read_what_moves(self) -> None:
        """Read lists that change from response to response, with a loop over the pages and with the tap."""
        lists = {interviewer: self.api.candidates(interviewer) for interviewer in HELD}
        self.api.moves = MOVES
        sent = len(self.api.requests)
        came = page_by_page(self.api)
        sent = len(self.api.requests) - sent
        there = self._there_throughout()
        self.terminal.say(f"   {len(there):,} candidates are there from the first request to the last response.")
        self.terminal.say(f"   A loop over the pages loses {len(there - came)} of them, with {sent} requests.\n")
        for interviewer, people in lists.items():
            self.api.replace(interviewer, people)
        sent = len(self.api.requests)
        read = self._read()
        sent = len(self.api.requests) - sent
        must(self._there_throughout() == there, "The lists did not move as before.")
        lost = len(there - read.ids)
        self.terminal.say(f"   The tap loses {lost} of them: it reads again until two passes agree, {sent} requests.")
        must(not lost, "The tap lost a candidate.")
        self.api.moves = None

    def read_what_is_incomplete(self) -> None:
        """Read a list whose total counts what it does not hold."""
        self.api.metadata = "too-high"
        read = self._read(1, TAP_INTERVIEWFLOW_INTERVIEWER_IDS='["interviewer-3"]')
        self.api.metadata = "total"
        (verdict,) = re.findall(r"Interviewer \S+: .* read, .*incomplete: .*", read.log)
        self.terminal.quote(verdict)
        self.terminal.say(
            f"   It ends with {read.code}, so that a scheduler runs it again. All that came is written,\n"
            "   no bookmark moves, and nothing is deleted."
        )

    def show_what_was_loaded(self) -> None:
        """Show the first rows by their date."""
        dates = [row[0] for row in self._query(BY_DATE)]
        must(dates == sorted(dates), "The rows are not in order.")
        self.terminal.say(f"\n   All rows are in {LOADED.as_posix()}, with Meltano's log beside them.")

    def _load(self) -> None:
        """Run the pipeline, and show what the tap says of each Interviewer."""
        self.terminal.say(f"   $ {PIPELINE}")
        with LOG.open("a", encoding="utf-8") as log:
            for line in load(self.meltano, self._environment()):
                log.write(line)
                if verdict := re.search(r"Interviewer .* read, .* written.*", line):
                    self.terminal.quote(verdict[0])

    def _read(self, code: int = 0, **variables: str) -> Read:
        """Run the tap by itself, to the exit code that it should have."""
        self.terminal.say(f"   $ {ALONE}")
        read = read_alone(self.tap, self._environment() | variables)
        must(read.code == code, f"The tap ended with {read.code}: {read.log.splitlines()[-1]}")
        return read

    def _environment(self) -> dict[str, str]:
        return environment_for(self.api, TAP_INTERVIEWFLOW_CUSTOM_FIELD_COLUMNS="true")

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        """Show a query on what was loaded, and what it finds."""
        values = [[json.dumps(v) if isinstance(v := row[name], dict) else v for name in COLUMNS] for row in loaded()]
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute(f"CREATE TABLE candidates ({', '.join(COLUMNS)})")
            database.executemany("INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?)", values)
            cursor = database.execute(query)
            names, found = [name for name, *_ in cursor.description], cursor.fetchall()
        self.terminal.say("\n" + "\n".join(f"   {line}" for line in query.splitlines()) + "\n")
        self.terminal.show(tuple(names), *found)
        return found

    def _change(self, interviewer: str, number: int, **changes: str) -> dict[str, Any]:
        people = self.api.candidates(interviewer)
        people[number] |= changes
        self.api.replace(interviewer, people)
        return people[number]

    def _held(self) -> set[str]:
        return {person["id"] for interviewer in HELD for person in self.api.candidates(interviewer)}

    def _there_throughout(self) -> set[str]:
        return {one for interviewer in HELD for one in self.api.present_throughout(interviewer)}


def must(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as it is meant
    """Stop unless it is so."""
    if not is_so:
        sys.exit(otherwise)
