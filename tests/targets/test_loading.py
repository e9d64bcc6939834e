"""The tap piped into real targets, and their tables compared with what the API holds (make test-targets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox import Sandbox
from tests.targets.bigquery import BigQuery
from tests.targets.pipelines import assert_arrived
from tests.targets.postgres import DatamillPostgres, PipelinewisePostgres, Postgres, empty_postgres
from tests.targets.warehouses import Csv, DuckDb, JsonLines, MeltanoLabsDuckDb, SingerCsv, Snowflake, Sqlite

if TYPE_CHECKING:
    from pathlib import Path

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
        warehouse.load(api)
        assert_arrived(warehouse.rows(), api)


@each_kind
def test_fields_that_first_come_on_page_3_arrive(warehouse: Warehouse) -> None:
    late = {"metadata", "resumeUrl", "trustScore"}
    with Sandbox({"interviewer-1": 230, "interviewer-2": 25}, odd=True) as api:
        candidates = api.candidates("interviewer-1")
        without = [{name: value for name, value in row.items() if name not in late} for row in candidates[:200]]
        api.replace("interviewer-1", [*without, *(row | NEW for row in candidates[200:])])
        warehouse.load(api)
        assert_arrived(warehouse.rows(), api)
        assert len(warehouse.rows()) == 255


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
        warehouse.load(api)
        assert_arrived(warehouse.rows(), api)
        assert (repeated, len(warehouse.rows())) == ((310, 466) if warehouse.appends else (155, 156))


@each_kind
def test_what_is_gone_is_deleted_by_the_targets_that_obey(warehouse: Warehouse) -> None:
    if warehouse.deletes:
        warehouse.settings["hard_delete"] = True
    with Sandbox(HELD) as api:
        warehouse.load(api, emit_activate_version_messages=True)
        api.delete("interviewer-1", 100)
        warehouse.load(api, emit_activate_version_messages=True)
    left = 55 if warehouse.deletes or warehouse.replaces else 155
    assert len(warehouse.rows()) == left + 55 * warehouse.appends


@pytest.mark.parametrize("hard", [True, False], ids=["hard", "soft"])
def test_rows_are_deleted_or_marked_only_after_a_read_of_everything(
    postgres_server: PostgresServer, tmp_path: Path, *, hard: bool
) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=hard)
    settings: Row = {"emit_activate_version_messages": True, "page_size": 50}

    def left() -> set[str]:
        return {row["id"] for row in table.rows() if not row["_sdc_deleted_at"]}

    with Sandbox(HELD) as api:
        table.load(api, **settings)
        everybody = left()
        gone = {candidate["id"] for candidate in api.candidates("interviewer-1")[:100]}
        api.delete("interviewer-1", 100)
        table.load(api, additional_fields={"Manual Score": 50}, **settings)
        assert left() == everybody
        api.faults = {("interviewer-2", 1): "always:403"}
        ended = table.pipe(api, **settings)
        assert (ended.tap, ended.target) == (1, 0), ended.said
        assert left() == everybody
        api.faults = {}
        table.load(api, **settings)
        assert left() == everybody - gone
        assert len(table.rows()) == (55 if hard else 155)
