"""Odd names of fields, and custom fields as columns, in real targets, read back by value (make test-targets)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.sql import SQLSink

from tests.sandbox import Sandbox
from tests.targets.bigquery import BigQuery
from tests.targets.pipelines import comparable
from tests.targets.postgres import Postgres, empty_postgres
from tests.targets.warehouses import Csv, DuckDb, JsonLines, MeltanoLabsDuckDb, Snowflake, Sqlite, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.targets.pipelines import Row
    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

COLUMNS = [
    *("a" * 63, "ö" * 31 + "x", "Länge", "First Name", "created_at", "updatedAt", "trailing", "in the end "),
    " leading",
    *('"quoted"', "it's", "%(x)s", "%s", "select", "order", "table", "user", "group by", "null", "a.b", "c-d", "1st"),
    *("back\\slash", "semi;colon", "Łódź", "__proto__", "{braces}", "$1"),
]
RESCUED = [
    *("b" * 64, "c" * 70, "d" * 63 + "e", "d" * 63 + "f", "ü" * 32, "Lönge", "Ключ", "xmin", "ctid", "tableoid"),
    *("first_name", "trailing ", "_sdc_deleted_at", "c_d", "", " "),
]
REFUSED: dict[type[Warehouse], set[str]] = {
    BigQuery: {name for name in COLUMNS if {*name} & {*'!"$()*,./;?@[\\]^`{}~'}},  # by BigQuery's own rule
    DuckDb: {'"quoted"'},
    MeltanoLabsDuckDb: {'"quoted"'},
    Snowflake: {"it's", "%(x)s", "%s"},  # by the emulator, the last two perhaps by the target
}
"""Names that a warehouse or a target refuses although the contract makes columns of them."""


KINDS = [JsonLines, Csv, Postgres, DuckDb, MeltanoLabsDuckDb, Sqlite, Snowflake, BigQuery]
each_kind = pytest.mark.parametrize("warehouse", KINDS, indirect=True)


def spelled(name: str) -> str:
    """Spell a column as the SDK's SQL targets do: others keep its name, or change it in another way."""
    return SQLSink.conform_name(None, name).strip("_")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]


def by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in ({spelled(name): value for name, value in row.items()} for row in rows)}


@each_kind
def test_every_value_arrives_whatever_the_name_of_its_field(warehouse: Warehouse) -> None:
    columns = [name for name in COLUMNS if name not in REFUSED.get(type(warehouse), ())]
    people = [
        {"id": f"{number}", **{name: f"{name!r} of {number}" for name in (*columns, *RESCUED)}} for number in range(2)
    ]
    with Sandbox({"interviewer-1": people}) as api:
        for _ in range(2):
            warehouse.load(api)
    rows = by_id(warehouse.rows())
    assert len(warehouse.rows()) == len(people) * (2 if warehouse.appends else 1)
    for person in people:
        row = rows[person["id"]]
        assert {name: row[spelled(name)] for name in columns} == {name: person[name] for name in columns}
        assert row["rescued_data"] == {name: person[name] for name in RESCUED}


@each_kind
def test_custom_fields_arrive_in_columns_of_their_own(warehouse: Warehouse) -> None:
    people: list[Row] = [
        {"id": "1", "additionalFields": {"Manual Score": 72.5, "isSynced": True, "City": "Łódź", "Ключ": "a"}},
        {"id": "2", "additionalFields": {"Manual Score": "N/A", "isSynced": False, "City": None}},
        {"id": "3", "additionalFields": None},
        {"id": "4", "additionalFields": {"Manual Score": 8}},
    ]
    columns: dict[str, list[Any]] = {
        "additionalFields_Manual_Score": [72.5, None, None, 8],
        "additionalFields_isSynced": [True, False, None, None],
        "additionalFields_City": ["Łódź", None, None, None],
        "additionalFields": [person["additionalFields"] for person in people],
    }
    with Sandbox({"interviewer-1": people}) as api:
        warehouse.load(api, custom_field_columns=True)
    rows = by_id(warehouse.rows())
    for name, values in columns.items():
        if isinstance(warehouse, Csv) and name != "additionalFields":  # everything in it is text
            values = [None if value is None else str(value) for value in values]  # noqa: PLW2901
        assert [comparable(rows[person["id"]][spelled(name)]) for person in people] == values, name


def test_the_postgres_target_makes_the_types_that_the_page_names(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server)
    with Sandbox({"interviewer-1": [{"id": "1", "createdAt": "2026-01-31T10:00:00+05:30", "skills": ["a"]}]}) as api:
        table.load(api)
    types = 'pg_typeof(skills), pg_typeof("customQuestions"), pg_typeof("createdAt"), "createdAt"'
    answer = postgres_server.ask(f"select {types} from candidates")  # noqa: S608  # our own names
    assert answer.strip() == "text[]|jsonb|timestamp without time zone|2026-01-31 04:30:00"
