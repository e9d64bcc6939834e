"""What the tap is loaded into: how each target is run, and how its table is read back without it."""

from __future__ import annotations

import csv
import json
import socket
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from tests.environments import environment
from tests.runs import config_for, write
from tests.targets.pipelines import Ended, Row, pipe

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.sandbox import Sandbox


@dataclass
class Warehouse:
    """A target and its table.

    Attributes:
        folder: Where its files are.
        settings: The target's settings, over those that it needs in any case.
        tap_settings: What the tap has to be told for this target.
        environment: The name of the environment that it is run in.
        program: An executable of that environment, or a script beside this module.
        appends: Whether each run adds all of its rows again.
        deletes: Whether it has a setting to delete what is gone.
        replaces: Whether each run writes the table anew.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    tap_settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    environment: ClassVar[str]
    program: ClassVar[str]
    appends: ClassVar[bool] = False
    deletes: ClassVar[bool] = False
    replaces: ClassVar[bool] = False

    def config(self) -> dict[str, Any]:
        """Return the target's settings."""
        return self.settings

    def command(self) -> list[str]:
        """Return the target's command line."""
        executables = environment(self.environment)
        program = [executables / self.program]
        if self.program.endswith(".py"):
            program = [executables / "python", Path(__file__).parent / self.program]
        return [*map(str, program), "--config", write(self.folder / "target.json", self.config())]

    def surroundings(self) -> dict[str, str]:
        """Return what the target needs in its environment."""
        return {}

    def pipe(self, api: Sandbox, **settings: Any) -> Ended:
        """Run the tap into the target."""
        config = config_for(api, **{**self.tap_settings, **settings})
        tap = ["--config", write(self.folder / "tap.json", config)]
        return pipe(tap, self.command(), self.folder / "log.txt", self.surroundings())

    def load(self, api: Sandbox, **settings: Any) -> str:
        """Run the tap into the target, to the end of both without a failure, and return what they said."""
        ended = self.pipe(api, **settings)
        if settings.get("emit_activate_version_messages"):
            time.sleep(1)  # a version is a whole second: two runs in one would have the same, and delete nothing
        assert (ended.tap, ended.target) == (0, 0), ended.said
        return ended.said

    def rows(self) -> list[Row]:
        """Read the table back, objects and arrays parsed."""
        raise NotImplementedError


class JsonLines(Warehouse):
    """A file that each run appends to."""

    environment = program = "target-jsonl"
    appends = True

    def config(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "do_timestamp_file": False} | self.settings

    def rows(self) -> list[Row]:
        return json_lines((self.folder / "candidates.jsonl").read_text("utf-8"))


FLATTENED: Final = MappingProxyType({"flattening_enabled": True, "flattening_max_depth": 1})
"""Objects and arrays as JSON text, for targets that can't write them so themselves."""

_JSON_IN_TEXT: Final = {
    *("durationseconds", "score", "trustscore"),
    *("_rescued_data", "additionalfields", "customquestions", "metadata", "report", "skills"),
}
"""The sandbox's fields that are not text, in lower case."""


def parsed(row: Row) -> Row:
    """Parse the JSON that columns of text hold; what is none stays as it is."""
    row = dict(row)
    for name, cell in row.items():
        if isinstance(cell, str) and name.casefold() in _JSON_IN_TEXT:
            with suppress(ValueError):
                row[name] = json.loads(cell)
    return row


class Csv(Warehouse):
    """A file that each run writes anew; everything in it is text."""

    # What is not flattened would arrive as Python writes it, which no other program reads.
    tap_settings = FLATTENED

    environment = program = "target-csv"
    replaces = True

    def config(self) -> dict[str, Any]:
        return {"output_path": str(self.folder)} | self.settings

    def rows(self) -> list[Row]:
        with self._file().open(encoding="utf-8", newline="") as file:
            return [
                parsed({name: cell or None for name, cell in row.items()})
                for row in csv.DictReader(file, restkey="beyond the header")
            ]

    def _file(self) -> Path:
        return self.folder / "candidates.csv"


class SingerCsv(Csv):
    """Another such target: a new file for each run, with the fields of the first record for its header."""

    environment = "singer-io target-csv"
    program = "load_singer_csv.py"

    def config(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "disable_collection": True} | self.settings

    def pipe(self, api: Sandbox, **settings: Any) -> Ended:
        # Two files of the same second would be one.
        for file in self.folder.glob("candidates-*.csv"):
            file.unlink()
        return super().pipe(api, **settings)

    def _file(self) -> Path:
        (file,) = self.folder.glob("candidates-*.csv")
        return file


class Sqlite(Warehouse):
    """A database in a file, by the SDK's own means: columns for what it can flatten, JSON text for the rest."""

    environment = "SDK"
    program = "load_sqlite.py"

    def config(self) -> dict[str, Any]:
        # As MeltanoLabs' target-sqlite and Automattic's target-parquet do without being asked.
        flattened = {"flattening_enabled": True, "flattening_max_depth": 10}
        return {"path": str(self.folder / "warehouse.sqlite")} | flattened | self.settings

    def rows(self) -> list[Row]:
        with closing(sqlite3.connect(self.folder / "warehouse.sqlite")) as database:
            database.row_factory = sqlite3.Row
            return [parsed(dict(row)) for row in database.execute("select * from candidates")]


class DuckDb(Warehouse):
    """A database in a file."""

    environment = program = "target-duckdb"

    def config(self) -> dict[str, Any]:
        return {"path": str(self.folder / "warehouse.db"), "default_target_schema": "main"} | self.settings

    def rows(self) -> list[Row]:
        return read_duckdb(self.environment, self.folder / "warehouse.db", "candidates")


class MeltanoLabsDuckDb(DuckDb):
    """The target as MeltanoLabs carries it on, with the same DuckDB."""

    environment = "MeltanoLabs target-duckdb"


_READ_DUCKDB: Final = """\
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1]).execute("select * from " + sys.argv[2])
for row in rows.fetchall():
    cells = {name: (kind, cell) for (name, kind, *_), cell in zip(rows.description, row)}
    parsed = {name: json.loads(cell) if cell and kind == "JSON" else cell for name, (kind, cell) in cells.items()}
    print(json.dumps(parsed, default=str))
"""


def read_duckdb(environment_name: str, file: Path, table: str) -> list[Row]:
    """Read a table by the DuckDB that wrote it: other versions may not know the file's format."""
    python = environment(environment_name) / "python"
    return json_lines(output_of(str(python), "-c", _READ_DUCKDB, str(file), table))


class Snowflake(Warehouse):
    """A table of Snowflake's emulator, which keeps a database in a file."""

    environment = "target-snowflake"
    program = "load_snowflake.py"
    deletes = True

    def config(self) -> dict[str, Any]:
        place = {"database": "RAW", "default_target_schema": "INTERVIEWS", "warehouse": "LOADING"}
        return {"account": "sandbox", "user": "sandbox", "password": "sandbox"} | place | self.settings

    def command(self) -> list[str]:
        return [*super().command(), str(self.folder)]

    def rows(self) -> list[Row]:
        return read_duckdb(self.environment, self.folder / "RAW.db", "INTERVIEWS.CANDIDATES")


@contextmanager
def listening(*command: str | Path) -> Generator[int]:
    """Run a server that takes its port as the last argument, and yield the port once the server listens there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [*map(str, command), str(port)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for_port(port)
            yield port
        finally:
            server.terminate()


def wait_for_port(port: int) -> None:
    """Wait until a server listens there."""
    for _ in range(600):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port}")


def json_lines(text: str) -> list[Row]:
    """Parse a text with one JSON object on each line."""
    return [json.loads(line) for line in text.split("\n") if line]


def output_of(*command: str, env: Mapping[str, str] | None = None) -> str:
    ended = subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return ended.stdout.decode()
