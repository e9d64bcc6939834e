from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox import Sandbox
from tests.targets.bigquery import BigQuery, BigQueryServer, serving_bigquery
from tests.targets.postgres import Postgres, PostgresServer, empty_postgres, serving_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.targets.warehouses import Warehouse


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with serving_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[BigQueryServer]:
    with serving_bigquery() as server:
        yield server


@pytest.fixture
def api() -> Iterator[Sandbox]:
    """Ordinary and odd candidates."""
    with Sandbox({"interviewer-1": 130, "interviewer-2": 25}, odd=True) as sandbox:
        yield sandbox


@pytest.fixture
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """An empty table of the kind that the test names."""
    kind: type[Warehouse] = request.param
    if issubclass(kind, Postgres):
        return empty_postgres(tmp_path, request.getfixturevalue("postgres_server"), kind)
    if issubclass(kind, BigQuery):
        return kind(tmp_path, request.getfixturevalue("bigquery_server"))
    return kind(tmp_path)
