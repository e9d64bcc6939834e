"""PostgreSQL: a server, and the targets that load into it."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environments import environment
from tests.targets.warehouses import FLATTENED, Warehouse, json_lines, output_of, parsed

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.targets.pipelines import Row


class Postgres(Warehouse):
    """A table of a PostgreSQL server."""

    environment = program = "target-postgres"
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


class PipelinewisePostgres(Postgres):
    """The same, by pipelinewise's target, which can't delete what is gone."""

    environment = "pipelinewise-target-postgres"
    deletes = False

    def config(self) -> dict[str, Any]:
        place = {"host": self._server.folder, "port": 5432, "dbname": "postgres", "default_target_schema": "public"}
        return place | {"user": "postgres", "password": "any"} | self.settings

    def rows(self) -> list[Row]:
        """Read the table back, without what this target puts in the place of control characters, such as `\\n`."""
        return [
            {name: _unescaped(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
            for row in super().rows()
        ]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(?:[bfnrt]|u00[01][0-9a-f])", lambda escape: str(json.loads(f'"{escape[0]}"')), text)


class DatamillPostgres(Postgres):
    """The same, by datamill's target, which makes columns and tables of what a schema declares."""

    # An open object and an open array declare nothing, and would come to nothing.
    tap_settings = FLATTENED

    environment = "singer-target-postgres"

    def config(self) -> dict[str, Any]:
        place = {"postgres_host": self._server.folder, "postgres_username": "postgres", "postgres_database": "postgres"}
        return place | {"disable_collection": True} | self.settings

    def rows(self) -> list[Row]:
        return list(map(parsed, super().rows()))


def empty_postgres(folder: Path, server: PostgresServer, kind: type[Postgres] = Postgres, **settings: Any) -> Postgres:
    """Start afresh, since all tests share a server."""
    server.ask("drop table if exists candidates")
    return kind(folder, server, **settings)


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server with no port: it listens on a socket in its folder."""

    folder: str
    psql: str

    def url(self, scheme: str = "postgresql") -> str:
        return f"{scheme}://postgres:@/postgres?host={self.folder}"

    def ask(self, query: str) -> str:
        """Return the answer to a query as psql prints it."""
        return output_of(self.psql, self.url(), "--quiet", "--no-align", "--tuples-only", "--command", query)


@contextmanager
def serving_postgres() -> Generator[PostgresServer]:
    """Run a PostgreSQL server."""
    program = (environment("postgresql") / "python", Path(__file__).parent / "serve_postgres.py")
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        command = [*map(str, program), folder]
        # The end of its input is its sign to stop.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            yield PostgresServer(**json.loads(process.stdout.readline()))
