"""Running the tap into a target, and comparing what came out with what the API holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_interviewflow.records.schema import ID, INTERVIEWER, RESCUED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.sandbox import Sandbox

Row = dict[str, Any]
Key = tuple[str, str]


class Ended(NamedTuple):
    """A pipeline that has ended: the exit codes of both, and all that they said."""

    tap: int
    target: int
    said: str


def pipe(
    tap: Sequence[str],
    target: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    *,
    stop_when: Callable[[], bool] | None = None,
) -> Ended:
    """Run the tap into a target, each in a process of its own.

    Args:
        tap: The tap's arguments.
        target: The target's command line.
        log: A file for all that they say.
        environment: What they need in it.
        stop_when: The tap is stopped, by SIGTERM, as soon as this is true.
    """
    command = [sys.executable, "-m", "tap_interviewflow", *tap]
    surroundings = {**os.environ, "no_proxy": "127.0.0.1", **environment}
    with (
        log.open("w+b") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=surroundings) as source,
        subprocess.Popen(
            target, stdin=source.stdout, stdout=said, stderr=said, env=surroundings, cwd=log.parent
        ) as sink,
    ):
        assert source.stdout
        source.stdout.close()  # the target has it: only so does the tap see it go away
        while stop_when and source.poll() is None:
            if stop_when():
                source.terminate()
                break
            time.sleep(0.05)
        ended = Ended(source.wait(), sink.wait(), "")
    return ended._replace(said=log.read_text("utf-8", errors="replace"))


def held(api: Sandbox) -> dict[Key, Row]:
    """Return what the API holds, by key, in a form that can be compared."""
    return _by_key(
        {INTERVIEWER: interviewer, **candidate}
        for interviewer in api.interviewers
        for candidate in api.candidates(interviewer)
    )


def restored(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[Key, Row]:
    """Turn rows back into what the API sent: a column each, and the rescued data put back where it came from.

    Args:
        rows: Rows, objects in them parsed; a later one replaces an earlier one with its key.
        names: The names of the API, since some targets fold the case of a column's.
    """
    originals = {name.casefold(): name for name in (*names, RESCUED)}
    unfolded = [
        {originals.get(name.casefold(), name): value for name, value in row.items() if not _is_targets_own(name)}
        for row in rows
    ]
    return _by_key(_put_back(row) for row in unfolded)


def differences(found: Mapping[Key, Row], wanted: Mapping[Key, Row]) -> dict[Any, Any]:
    """Name what differs, as found and as wanted: nothing in the best case."""
    nothing: Row = {}
    return {
        (*key, name): (found.get(key, nothing).get(name), wanted.get(key, nothing).get(name))
        for key in found.keys() | wanted.keys()
        for name in found.get(key, nothing).keys() | wanted.get(key, nothing).keys()
        if found.get(key, nothing).get(name) != wanted.get(key, nothing).get(name)
    }


def names_of(api: Sandbox) -> set[str]:
    """Return the names of all fields that the API has sent."""
    return {INTERVIEWER, *(name for held_by in api.interviewers for row in api.candidates(held_by) for name in row)}


def _put_back(row: Row) -> Row:
    rescued = row.pop(RESCUED, None)
    return row | (rescued if isinstance(rescued, dict) else {RESCUED: rescued})


def _is_targets_own(name: str) -> bool:
    return name.casefold().startswith("_sdc_")


def _by_key(rows: Iterable[Row]) -> dict[Key, Row]:
    return {
        # An empty column does not tell a null from a field that was not sent.
        (row[INTERVIEWER], row[ID]): {name: comparable(value) for name, value in row.items() if value is not None}
        for row in rows
    }


def _is_text_by_now(value: int | Decimal) -> bool:
    return abs(value) >= 2**64 if isinstance(value, int) else abs(float(value)) == float("inf")


def comparable(value: Any) -> Any:
    """Take from a value what no warehouse keeps: the spelling of numbers and times, the digits beyond a double's."""
    match value:
        case dict():
            return {comparable(name): comparable(member) for name, member in value.items()}
        case list():
            return [comparable(member) for member in value]
        case int() | Decimal() if _is_text_by_now(value):
            return str(value)
        case Decimal():
            return float(value)
        case str():
            return _moment(re.sub("[\x00\ud800-\udfff]", "\ufffd", value))
        case _:
            return value


def _moment(text: str) -> datetime | str:
    try:
        moment = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", text) else None
    except ValueError:
        return text
    if moment is None:
        return text
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
