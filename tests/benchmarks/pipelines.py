"""Contenders of whole pipelines: from the API into a database, or through Meltano."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks.contenders import DLT, Contender, Job, batches_in, plain_tap, script, this_tap
from tests.environments import environment
from tests.targets.postgres import Postgres
from tests.targets.projects import Project, meltano
from tests.targets.warehouses import DuckDb, JsonLines, output_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.api import Api
    from tests.targets.postgres import PostgresServer
    from tests.targets.warehouses import Warehouse

    Source = Callable[[Api, Path], list[str]]

_COUNT: Final = "select count(*) || ' ' || count(distinct id) from {}"
_LOADED: Final = "interviews.candidates"


def _in_batches(api: Api, directory: Path) -> list[str]:
    return this_tap(api, directory, **batches_in(directory))


def _into(
    name: str,
    tap: Source,
    target: Callable[[Path], Warehouse],
    arrived: Callable[[Path], str] | None = None,
    files: str = "",
) -> Contender:
    def job(api: Api, directory: Path) -> Job:
        return Job([tap(api, directory), target(directory).command()])

    return Contender(name, job, files, arrived, environments=(target(Path()).environment,))


def into_duckdb() -> list[Contender]:
    """Load into a database in a file."""

    def count(environment_name: str, file: str, table: str) -> Callable[[Path], str]:
        query = _COUNT.format(table)
        program = (
            f"import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(held.execute({query!r}).fetchall()[0][0])"
        )

        def counted(directory: Path) -> str:
            python = environment(environment_name) / "python"
            return output_of(str(python), "-c", program, str(directory / file))

        return counted

    ours = count(DuckDb.environment, "warehouse.db", "candidates")
    return [
        _into("this tap | target-duckdb", this_tap, DuckDb, ours),
        _into("plain SDK tap | target-duckdb", plain_tap, DuckDb, ours),
        Contender(
            "dlt",
            script("dlt_rest_api.py", DLT, "duckdb"),
            arrived=count(DLT, "warehouse.duckdb", _LOADED),
            environments=(DLT,),
        ),
    ]


def into_postgres(server: PostgresServer) -> list[Contender]:
    """Load into a PostgreSQL server, whose own processor time is nobody's."""

    def count(table: str) -> Callable[[Path], str]:
        def counted(_: Path) -> str:
            counts = server.ask(_COUNT.format(table))
            quietly = "set client_min_messages to warning"
            server.ask(f"{quietly}; drop table if exists candidates; drop schema if exists interviews cascade")
            return counts

        return counted

    def target(directory: Path) -> Warehouse:
        return Postgres(directory, server)

    def copying(directory: Path) -> Warehouse:
        return Postgres(directory, server, use_copy=True)

    load = script("dlt_rest_api.py", DLT, "postgres", server.folder)
    return [
        _into("this tap | target-postgres", this_tap, target, count("candidates")),
        _into("this tap, BATCH | target-postgres", _in_batches, target, count("candidates")),
        _into("this tap | target-postgres, use_copy", this_tap, copying, count("candidates")),
        _into("this tap, BATCH | target-postgres, use_copy", _in_batches, copying, count("candidates")),
        _into("plain SDK tap | target-postgres", plain_tap, target, count("candidates")),
        Contender("dlt", load, arrived=count(_LOADED), environments=(DLT,)),
    ]


def with_meltano() -> list[Contender]:
    """Write JSON lines, with Meltano and without it."""

    def job(api: Api, directory: Path) -> Job:
        project = Project(directory, api, meltano())  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
        project.write("")
        (directory / "output").mkdir()
        added = {name: value for name, value in project.environment().items() if name.startswith(("MELTANO", "TAP_"))}
        return Job([[meltano(), "run", "tap-interviewflow", "target-jsonl"]], added)

    piped = _into("this tap | target-jsonl", this_tap, JsonLines, files="candidates.jsonl")
    return [
        Contender(
            "meltano run tap-interviewflow target-jsonl",
            job,
            "output/candidates.jsonl",
            environments=(JsonLines.environment,),
        ),
        piped,
    ]
