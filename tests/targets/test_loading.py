"""The tap piped into real targets, and their tables compared with what the API holds (make test-targets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_interviewflow.sandbox import Sandbox
from tests.targets.pipelines import differences, held
from tests.targets.warehouses import BigQuery, Csv, DuckDb, JsonLines, NewerDuckDb, Snowflake, empty_postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.targets.warehouses import BigQueryServer, Warehouse

# Making an environment downloads what a target depends on.
pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 130, "interviewer-2": 25}


@pytest.fixture(params=["jsonl", "csv", "postgres", "duckdb", "snowflake", "bigquery"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    make: dict[str, Callable[[], Warehouse]] = {
        "jsonl": lambda: JsonLines(tmp_path),
        "csv": lambda: Csv(tmp_path),
        "bigquery": lambda: BigQuery(tmp_path, request.getfixturevalue("bigquery_server")),
        "snowflake": lambda: Snowflake(tmp_path),
        "duckdb": lambda: DuckDb(tmp_path),
        "postgres": lambda: empty_postgres(tmp_path, request.getfixturevalue("postgres_server")),
    }
    return make[request.param]()


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_every_value_of_every_candidate_arrives(warehouse: Warehouse, *, odd: bool) -> None:
    with Sandbox(HELD, odd=odd) as api:
        ended = warehouse.load(api)
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert differences(warehouse.candidates(api), held(api)) == {}


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
        assert differences(warehouse.candidates(api), held(api)) == {}
        assert (repeated, len(warehouse.rows())) == ((310, 466) if warehouse.appends else (155, 156))


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


@pytest.mark.parametrize(("kind", "arriving"), [(DuckDb, 155), (NewerDuckDb, 151)])
def test_a_newer_duckdb_takes_the_first_row_of_each_batch_for_a_header(
    kind: type[DuckDb], arriving: int, tmp_path: Path
) -> None:
    warehouse = kind(tmp_path, {"batch_size_rows": 50})
    without_empty_cells = dict.fromkeys(("_rescued_data", "interviewedAt", "durationSeconds"), "__NULL__")
    with Sandbox(HELD) as api:
        ended = warehouse.load(api, stream_maps={"candidates": without_empty_cells})
    assert (ended.tap, ended.target) == (0, 0), ended.said
    assert len(warehouse.rows()) == arriving  # four batches


def test_bigquerys_target_fails_aloud_at_an_integer_past_64_bits_inside_an_object(
    bigquery_server: BigQueryServer, tmp_path: Path
) -> None:
    with Sandbox({"interviewer-1": [{"id": "1", "metadata": {"number": 2**64 + 1}}]}) as api:
        ended = BigQuery(tmp_path, bigquery_server).load(api)
    assert ended.target != 0
    assert "Integer exceeds 64-bit range" in ended.said
