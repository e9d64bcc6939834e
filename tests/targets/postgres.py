"""PostgreSQL: a server, and the targets that load into it."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environments import environment
from tests.targets.warehouses import FLATTENED, Warehouse, json_lines, output_of, parsed

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tests.sandbox import Sandbox
    from tests.targets.pipelines import Key, Row


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

    def wanted(self, api: Sandbox) -> dict[Key, Row]:
        """Return the candidates with control characters as it writes them: a backslash and `n` for a break."""
        columns = {name.casefold() for row in self.rows() for name in row}
        return {
            key: {
                name: _escaped(value) if isinstance(value, str) and name.casefold() in columns else value
                for name, value in row.items()
            }
            for key, row in super().wanted(api).items()
        }


def _escaped(text: str) -> str:
    return re.sub(r"[\x00-\x1f]", lambda control: json.dumps(control[0])[1:-1], text)


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


class PostgresServer:
    """A PostgreSQL server of its own, with no port: it listens on a socket in its folder."""

    def __enter__(self) -> Self:
        python = environment("postgresql") / "python"
        script = Path(__file__).parent / "serve_postgres.py"
        self._temporary = tempfile.TemporaryDirectory(prefix="postgres-")
        self._process = subprocess.Popen(
            [str(python), str(script), self._temporary.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        place = json.loads(self._process.stdout.readline())
        self.folder, self._psql = place["folder"], place["psql"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)  # the end of its input is its sign to stop
        self._temporary.cleanup()

    def url(self, scheme: str = "postgresql") -> str:
        return f"{scheme}://postgres:@/postgres?host={self.folder}"

    def ask(self, query: str) -> str:
        """Return the answer to a query as psql prints it."""
        return output_of(self._psql, self.url(), "--quiet", "--no-align", "--tuples-only", "--command", query)
