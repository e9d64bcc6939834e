"""The tap piped into real targets, and their tables compared with what the API holds (make test-targets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox import Sandbox
from tests.targets.bigquery import BigQuery
from tests.targets.pipelines import differences
from tests.targets.postgres import DatamillPostgres, PipelinewisePostgres, Postgres, empty_postgres
from tests.targets.warehouses import (
    Csv,
    DuckDb,
    JsonLines,
    MeltanoLabsDuckDb,
    NewerDuckDb,
    SingerCsv,
    Snowflake,
    Sqlite,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.bigquery import BigQueryServer
    from tests.targets.pipelines import Row
    from tests.targets.postgres import PostgresServer
    from tests.targets.warehouses import Warehouse

# Making an environment downloads what a target depends on.
pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 130, "interviewer-2": 25}
NEW: Row = {
    "languageRubric": {"Deutsch": {"level": "B2", "of": [1, 2.5, None, "a\nb"]}, "with space": True},
    "name": 'Zoë "Zo" \\ Novák,\nsecond line,\r\n\tthird [line]',
    "skills": ["one\ntwo", 'three "3"', "back\\slash"],
    "visibility": "public",
}

KINDS: tuple[type[Warehouse], ...] = (
    *(JsonLines, Csv, SingerCsv, Postgres, PipelinewisePostgres, DatamillPostgres),
    *(MeltanoLabsDuckDb, DuckDb, Sqlite, Snowflake, BigQuery),
)


each_kind = pytest.mark.parametrize("warehouse", KINDS, indirect=True)


@each_kind
@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_every_value_of_every_candidate_arrives(warehouse: Warehouse, *, odd: bool) -> None:
    with Sandbox(HELD, odd=odd) as api:
        ended = warehouse.load(api)
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert differences(warehouse.candidates(api), warehouse.wanted(api)) == {}


@each_kind
def test_fields_that_first_come_on_page_3_arrive(warehouse: Warehouse) -> None:
    late = {"metadata", "resumeUrl", "trustScore"}
    with Sandbox({"interviewer-1": 230, "interviewer-2": 25}, odd=True) as api:
        candidates = api.candidates("interviewer-1")
        without = [{name: value for name, value in row.items() if name not in late} for row in candidates[:200]]
        api.replace("interviewer-1", [*without, *(row | NEW for row in candidates[200:])])
        ended = warehouse.load(api)
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert differences(warehouse.candidates(api), warehouse.wanted(api)) == {}
        assert len(warehouse.rows()) == 255
        columns = {name.casefold() for name in warehouse.rows()[0]}
        assert columns >= {"additionalfields", "metadata", "_rescued_data"}


@each_kind
def test_later_runs_change_what_changed_and_add_what_is_new(warehouse: Warehouse) -> None:
    with Sandbox(HELD) as api:
        warehouse.load(api)
        warehouse.load(api)
        repeated = len(warehouse.rows())
        first, *others = api.candidates("interviewer-1")
        changed = first | {"status": "hired", "additionalFields": {"Manual Score": 100}, "trustScore": None}
        api.replace("interviewer-1", [changed, *others])
        api.append("interviewer-1", first | {"id": "a-new-interview", "name": "Zoë Novák"})
        ended = warehouse.load(api)
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert differences(warehouse.candidates(api), warehouse.wanted(api)) == {}
        assert (repeated, len(warehouse.rows())) == ((310, 466) if warehouse.appends else (155, 156))


@each_kind
def test_what_is_gone_is_deleted_by_the_targets_that_obey(warehouse: Warehouse) -> None:
    if warehouse.deletes:
        warehouse.settings["hard_delete"] = True
    with Sandbox(HELD) as api:
        warehouse.load(api, emit_activate_version_messages=True)
        api.delete("interviewer-1", 100)
        ended = warehouse.load(api, emit_activate_version_messages=True)
    assert (ended.tap, ended.target) == (0, 0), ended.said
    left = 55 if warehouse.deletes or warehouse.replaces else 155
    assert len(warehouse.rows()) == left + 55 * warehouse.appends


@pytest.mark.parametrize(("kind", "arriving"), [(DuckDb, 155), (NewerDuckDb, 151), (MeltanoLabsDuckDb, 155)])
def test_jwills_target_takes_the_first_row_of_each_batch_for_a_header_with_a_newer_duckdb(
    kind: type[DuckDb], arriving: int, tmp_path: Path
) -> None:
    warehouse = kind(tmp_path, {"batch_size_rows": 50})
    without_empty_cells = dict.fromkeys(("_rescued_data", "interviewedAt", "durationSeconds"), "__NULL__")
    with Sandbox(HELD) as api:
        ended = warehouse.load(api, stream_maps={"candidates": without_empty_cells})
    assert (ended.tap, ended.target) == (0, 0), ended.said
    assert len(warehouse.rows()) == arriving  # four batches


def test_datamills_target_makes_no_column_of_an_object_that_is_not_flattened(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server, DatamillPostgres)
    with Sandbox(HELD) as api:
        ended = table.load(api, flattening_enabled=False)
    assert (ended.tap, ended.target) == (0, 0), ended.said
    open_columns = {"additionalfields", "customquestions", "metadata", "report", "_rescued_data"}
    assert all(row.keys().isdisjoint(open_columns) for row in table.rows())


def test_bigquerys_target_fails_aloud_at_an_integer_past_64_bits_inside_an_object(
    bigquery_server: BigQueryServer, tmp_path: Path
) -> None:
    with Sandbox({"interviewer-1": [{"id": "1", "metadata": {"number": 2**64 + 1}}]}) as api:
        ended = BigQuery(tmp_path, bigquery_server).load(api)
    assert ended.target != 0
    assert "Integer exceeds 64-bit range" in ended.said
