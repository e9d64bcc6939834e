"""What the tap is loaded into: how each target is run, and how its table is read back without it."""

from __future__ import annotations

import csv
import json
import re
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests

from tests.runs import config_for, write
from tests.targets.environments import environment
from tests.targets.pipelines import Ended, Row, names_of, pipe, restored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from tap_interviewflow.sandbox import Sandbox
    from tests.targets.pipelines import Key


@dataclass
class Warehouse:
    """A target and its table.

    Attributes:
        folder: Where its files are.
        settings: The target's settings, over those that it needs in any case.
        tap_settings: What the tap has to be told for this target.
        appends: Whether each run adds all of its rows again.
        deletes: Whether it has a setting to delete what is gone.
        replaces: Whether each run writes the table anew.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    tap_settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    environment: ClassVar[str]
    executable: ClassVar[str]
    appends: ClassVar[bool] = False
    deletes: ClassVar[bool] = False
    replaces: ClassVar[bool] = False

    def config(self) -> dict[str, Any]:
        """Give the target's settings."""
        return self.settings

    def command(self) -> list[str]:
        """Give the target's command line."""
        return [
            str(environment(self.environment) / self.executable),
            "--config",
            write(self.folder / "target.json", self.config()),
        ]

    def surroundings(self) -> dict[str, str]:
        """Give what the target needs in its environment."""
        return {}

    def load(self, api: Sandbox, *, stop_when: Callable[[], bool] | None = None, **settings: Any) -> Ended:
        """Run the tap into the target."""
        config = config_for(api, **{**self.tap_settings, **settings})
        tap = ["--config", write(self.folder / "tap.json", config)]
        return pipe(tap, self.command(), self.folder / "log.txt", self.surroundings(), stop_when=stop_when)

    def rows(self) -> list[Row]:
        """Read the table back, objects and arrays parsed."""
        raise NotImplementedError

    def candidates(self, api: Sandbox) -> dict[Key, Row]:
        """Give the candidates that the table holds, in a form that can be compared."""
        return restored(self.rows(), names_of(api))


class JsonLines(Warehouse):
    """A file that each run appends to."""

    environment = executable = "target-jsonl"
    appends = True

    def config(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "do_timestamp_file": False} | self.settings

    def rows(self) -> list[Row]:
        return json_lines((self.folder / "candidates.jsonl").read_text("utf-8"))


class Csv(Warehouse):
    """A file that each run writes anew; everything in it is text."""

    # What is not flattened would arrive as Python writes it, which no other program reads.
    tap_settings = MappingProxyType({"flattening_enabled": True, "flattening_max_depth": 1})

    environment = executable = "target-csv"
    replaces = True

    def config(self) -> dict[str, Any]:
        return {"output_path": str(self.folder)} | self.settings

    def rows(self) -> list[Row]:
        with (self.folder / "candidates.csv").open(encoding="utf-8", newline="") as file:
            return [{name: self._parsed(name, cell) for name, cell in row.items()} for row in csv.DictReader(file)]

    @staticmethod
    def _parsed(name: str, cell: str) -> Any:
        if not cell:
            return None
        return json.loads(cell) if name in _NUMBERS or cell[0] in "[{" else cell


_NUMBERS = {"durationSeconds", "score", "trustScore"}


class DuckDb(Warehouse):
    """A database in a file."""

    environment = executable = "target-duckdb"

    def config(self) -> dict[str, Any]:
        return {"path": str(self.folder / "warehouse.db"), "default_target_schema": "main"} | self.settings

    def rows(self) -> list[Row]:
        # By what wrote it: other versions may not know the file's format.
        python = environment(self.environment) / "python"
        return json_lines(output_of(str(python), "-c", _READ_DUCKDB, str(self.folder / "warehouse.db"), "candidates"))


class NewerDuckDb(DuckDb):
    """The same target with a DuckDB that it does not get on with."""

    environment = "target-duckdb with a newer DuckDB"


_READ_DUCKDB = """\
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1]).execute("select * from " + sys.argv[2])
for row in rows.fetchall():
    cells = {name: (kind, cell) for (name, kind, *_), cell in zip(rows.description, row)}
    parsed = {name: json.loads(cell) if cell and kind == "JSON" else cell for name, (kind, cell) in cells.items()}
    print(json.dumps(parsed, default=str))
"""


class Postgres(Warehouse):
    """A table of a PostgreSQL server."""

    environment = executable = "target-postgres"
    deletes = True

    def __init__(self, folder: Path, server: PostgresServer, **settings: Any) -> None:
        super().__init__(folder, settings)
        self._server = server

    def config(self) -> dict[str, Any]:
        return {
            "sqlalchemy_url": self._server.url("postgresql+psycopg"),
            "default_target_schema": "public",
        } | self.settings

    def rows(self) -> list[Row]:
        return json_lines(self._server.ask("select to_jsonb(candidates) from candidates"))


def empty_postgres(folder: Path, server: PostgresServer, **settings: Any) -> Postgres:
    """Start afresh, since all tests share a server."""
    server.ask("drop table if exists candidates")
    return Postgres(folder, server, **settings)


class PostgresServer:
    """A PostgreSQL server of its own, with no port: it listens on a socket in its folder."""

    def __enter__(self) -> Self:
        python = environment("postgresql") / "python"
        script = Path(__file__).parent / "serve_postgres.py"
        self._folder = tempfile.TemporaryDirectory(prefix="postgres-")
        self._process = subprocess.Popen(
            [str(python), str(script), self._folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self._place = json.loads(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)  # the end of its input is its sign to stop
        self._folder.cleanup()

    def url(self, scheme: str = "postgresql") -> str:
        return f"{scheme}://postgres:@/postgres?host={self._place['folder']}"

    def ask(self, query: str) -> str:
        """Give the answer to a query as psql prints it."""
        return output_of(self._place["psql"], self.url(), "--quiet", "--no-align", "--tuples-only", "--command", query)


class Snowflake(Warehouse):
    """A table of Snowflake's emulator, which keeps a database in a file."""

    environment = executable = "target-snowflake"
    deletes = True

    def config(self) -> dict[str, Any]:
        place = {"database": "RAW", "default_target_schema": "INTERVIEWS", "warehouse": "LOADING"}
        return {"account": "sandbox", "user": "sandbox", "password": "sandbox"} | place | self.settings

    def command(self) -> list[str]:
        _, *rest = super().command()
        script = Path(__file__).parent / "load_snowflake.py"
        return [str(environment(self.environment) / "python"), str(script), *rest, str(self.folder)]

    def rows(self) -> list[Row]:
        python = environment(self.environment) / "python"
        database = str(self.folder / "RAW.db")
        return json_lines(output_of(str(python), "-c", _READ_DUCKDB, database, "INTERVIEWS.CANDIDATES"))


class BigQuery(Warehouse):
    """A table of BigQuery's emulator."""

    environment = executable = "target-bigquery"

    def __init__(self, folder: Path, server: BigQueryServer, **settings: Any) -> None:
        super().__init__(folder, settings)
        self._server = server
        # One for each test, since all of them share a server.
        self.dataset = re.sub(r"\W", "_", folder.name)

    def config(self) -> dict[str, Any]:
        standing = {"project": "sandbox", "dataset": self.dataset, "method": "batch_job"}
        return standing | {"denormalized": True, "upsert": True} | self.settings

    def command(self) -> list[str]:
        _, *rest = super().command()
        script = Path(__file__).parent / "load_bigquery.py"
        return [str(environment(self.environment) / "python"), str(script), *rest]

    def surroundings(self) -> dict[str, str]:
        return {"BIGQUERY_EMULATOR_HOST": self._server.url}

    def rows(self) -> list[Row]:
        place = self.config()
        table = f"`{place['project']}.{place['dataset']}.candidates`"
        answer = self._server.ask(f"select * from {table}")  # noqa: S608  # a name of our own
        fields = answer["schema"]["fields"]
        return [
            {field["name"]: _bigquery_value(field, cell["v"]) for field, cell in zip(fields, row["f"], strict=True)}
            for row in answer["rows"]
        ]


def _bigquery_value(field: Mapping[str, str], value: Any) -> Any:
    """Parse a value of BigQuery's API, in which everything is text."""
    match field["type"], value:
        case _, None:
            return None
        case _, list():
            members = [member["v"] for member in value]
            return list(map(json.loads, members)) if field["name"] == "customQuestions" else members
        case "TIMESTAMP", _:
            return str(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(value)))
        case "JSON" | "FLOAT" | "INTEGER" | "BOOLEAN", _:
            return json.loads(value)
        case _:
            return value


class BigQueryServer:
    """An emulator of BigQuery."""

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [
            str(environment("bqemulator") / "python"),
            str(Path(__file__).parent / "serve_bigquery.py"),
            str(port),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)

    def ask(self, query: str) -> dict[str, Any]:
        """Give the answer to a query."""
        asked = {"query": query, "useLegacySql": False, "maxResults": 10_000}
        answer = requests.post(f"{self.url}/bigquery/v2/projects/sandbox/queries", json=asked, timeout=60)
        parsed: dict[str, Any] = answer.json()
        return parsed


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


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
