"""Contenders of whole pipelines: from the API into a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.benchmarks.contenders import DLT, Contender, batches_in, plain_tap, script, this_tap
from tests.environments import environment
from tests.targets.postgres import Postgres
from tests.targets.warehouses import DuckDb, output_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.api import Api
    from tests.benchmarks.contenders import Job
    from tests.targets.postgres import PostgresServer
    from tests.targets.warehouses import Warehouse

_COUNT: Final = "select count(*) || ' ' || count(distinct id) from {}"
_COUNT_DUCKDB: Final = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()[0][0])"
_LOADED: Final = "interviews.candidates"


def _in_batches(api: Api, directory: Path) -> list[str]:
    return this_tap(api, directory, **batches_in(directory))


def _into(
    name: str,
    tap: Callable[[Api, Path], list[str]],
    target: Callable[[Path], Warehouse],
    arrived: Callable[[Path], str],
) -> Contender:
    def job(api: Api, directory: Path) -> Job:
        return [tap(api, directory), target(directory).command()]

    return Contender(name, job, arrived=arrived)


def _dlt(arrived: Callable[[Path], str], *arguments: str) -> Contender:
    return Contender("dlt", script("dlt_rest_api.py", DLT, *arguments), arrived=arrived)


def into_duckdb() -> list[Contender]:
    """Load into a database in a file."""

    def count(environment_name: str, file: str, table: str) -> Callable[[Path], str]:
        python = str(environment(environment_name) / "python")
        return lambda directory: output_of(python, "-c", _COUNT_DUCKDB, str(directory / file), _COUNT.format(table))

    ours = count(DuckDb.environment, "warehouse.db", "candidates")
    return [
        _into("this tap | target-duckdb", this_tap, DuckDb, ours),
        _into("plain SDK tap | target-duckdb", plain_tap, DuckDb, ours),
        _dlt(count(DLT, "warehouse.duckdb", _LOADED), "duckdb"),
    ]


def into_postgres(server: PostgresServer) -> list[Contender]:
    """Load into a PostgreSQL server, whose own processor time is nobody's."""

    def counted(_: Path, table: str = "candidates") -> str:
        counts = server.ask(_COUNT.format(table))
        quietly = "set client_min_messages to warning"
        server.ask(f"{quietly}; drop table if exists candidates; drop schema if exists interviews cascade")
        return counts

    def target(directory: Path) -> Warehouse:
        return Postgres(directory, server)

    def copying(directory: Path) -> Warehouse:
        return Postgres(directory, server, use_copy=True)

    return [
        _into("this tap | target-postgres", this_tap, target, counted),
        _into("this tap, BATCH | target-postgres", _in_batches, target, counted),
        _into("this tap | target-postgres, use_copy", this_tap, copying, counted),
        _into("this tap, BATCH | target-postgres, use_copy", _in_batches, copying, counted),
        _into("plain SDK tap | target-postgres", plain_tap, target, counted),
        _dlt(lambda directory: counted(directory, _LOADED), "postgres", server.folder),
    ]
