"""Running the tap into a target, and comparing what came out with what the API holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_interviewflow.records.schema import ID, INTERVIEWER, RESCUED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.sandbox import Sandbox

Row = dict[str, Any]
Key = tuple[str, str]


class Ended(NamedTuple):
    """A pipeline that has ended: the exit codes of both, and all that they said."""

    tap: int
    target: int
    said: str


def pipe(tap: Sequence[str], target: Sequence[str], log: Path, environment: Mapping[str, str]) -> Ended:
    """Run the tap into a target, each in a process of its own.

    Args:
        tap: The tap's arguments.
        target: The target's command line.
        log: A file for all that they say.
        environment: What they need in it.
    """
    command = [sys.executable, "-m", "tap_interviewflow", *tap]
    env = {**os.environ, "no_proxy": "127.0.0.1", **environment}
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=env) as source,
        subprocess.Popen(target, stdin=source.stdout, stdout=said, stderr=said, env=env, cwd=log.parent) as sink,
    ):
        assert source.stdout
        source.stdout.close()  # the target has it: only so does the tap see it go away
        codes = source.wait(), sink.wait()
    return Ended(*codes, log.read_text("utf-8", errors="replace"))


def assert_arrived(rows: Iterable[Row], api: Sandbox, *interviewers: str) -> None:
    """Compare rows with what the API holds, value by value.

    Args:
        rows: Rows, objects in them parsed; a later one replaces an earlier one with its key.
        api: The API.
        interviewers: Whose candidates there should be, if not all.
    """
    held = [
        {INTERVIEWER: interviewer, **candidate}
        for interviewer in interviewers or api.interviewers
        for candidate in api.candidates(interviewer)
    ]
    found, wanted = _by_key(_restored(rows, {name for row in held for name in row})), _by_key(held)
    assert found.keys() == wanted.keys()
    assert {key: row for key, row in found.items() if row != wanted[key]} == {
        key: row for key, row in wanted.items() if row != found[key]
    }


def _restored(rows: Iterable[Row], names: Iterable[str]) -> list[Row]:
    """Turn rows back into what the API sent: a column each, and the rescued data put back where it came from.

    Args:
        rows: The rows.
        names: The names of the API, since some targets fold the case of a column's.
    """
    originals = {name.casefold(): name for name in (*names, RESCUED)}
    return [
        _put_back(
            {
                originals.get(name.casefold(), name): value
                for name, value in row.items()
                if not name.casefold().startswith("_sdc_")  # the target's own
            }
        )
        for row in rows
    ]


def _put_back(row: Row) -> Row:
    rescued = row.pop(RESCUED, None)
    return row | (rescued if isinstance(rescued, dict) else {RESCUED: rescued})


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
