"""The dbt example, run by Meltano as it stands, on DuckDB and on PostgreSQL (make test-examples)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.environments import environment
from tests.examples.projects import DbtProject, follow
from tests.targets.projects import meltano
from tests.targets.warehouses import json_lines, output_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox import Sandbox
    from tests.targets.pipelines import Row
    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]


@dataclass
class Warehouse:
    """Where the example loads into, and how.

    Attributes:
        command: Loads, and builds the models.
        variables: What the command needs in its environment.
        table: Reads a table by its name.
    """

    command: str
    variables: dict[str, str]
    table: Callable[[str], list[Row]]


@pytest.fixture
def project(tmp_path: Path, api: Sandbox) -> DbtProject:
    return DbtProject(tmp_path, api)


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, project: DbtProject) -> Warehouse:
    command = f"meltano run tap-interviewflow target-{request.param} dbt-{request.param}:build"
    if request.param == "duckdb":
        return Warehouse(command, {}, project.table)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.url("postgresql+psycopg")
    variables = {"TARGET_POSTGRES_SQLALCHEMY_URL": url, "POSTGRES_HOST": server.folder}
    return Warehouse(command, variables, lambda name: json_lines(server.ask(f"select to_jsonb(t) from {name} as t")))  # noqa: S608 - a test's own name


def test_two_runs_give_one_row_a_candidate_and_a_history_of_who_moved(
    project: DbtProject, api: Sandbox, warehouse: Warehouse
) -> None:
    said = project.shell(warehouse.command, **warehouse.variables)
    assert re.search(r"Done\. PASS=\d+ WARN=1 ERROR=0", said), said  # something odd was rescued
    assert_as_held(api, warehouse)
    before = {key: row["status"] for key, row in _held(api).items()}
    people = api.candidates("interviewer-1")
    for place in (3, 7):
        people[place] |= {"status": "withdrawn", "additionalFields": {"Notice period": "it's 6 weeks", "City": "Oslo"}}
    api.replace("interviewer-1", people)

    project.shell(warehouse.command.replace(" run ", " run --refresh-catalog "), **warehouse.variables)
    assert_as_held(api, warehouse)
    noticed = [row["custom_notice_period"] for row in warehouse.table("analytics.stg_interviewflow__candidates")]
    assert Counter(noticed) == {None: 153, "it's 6 weeks": 2}
    history: dict[str, list[Row]] = {}
    for version in sorted(warehouse.table("analytics.candidate_status_history"), key=lambda row: row["dbt_valid_from"]):
        history.setdefault(version["candidate_key"], []).append(version)
    moved = {f"interviewer-1/{people[place]['id']}" for place in (3, 7)}
    assert {key: [version["status"] for version in versions] for key, versions in history.items()} == {
        key: [status, "withdrawn"] if key in moved else [status] for key, status in before.items()
    }
    for versions in history.values():
        assert versions[-1]["dbt_valid_to"] is None
        assert [version["dbt_valid_to"] for version in versions[:-1]] == [row["dbt_valid_from"] for row in versions[1:]]


def test_its_page_leads_from_a_clone_to_a_warehouse(tmp_path: Path) -> None:
    said = follow("dbt", "meltano install", tmp_path, Path(meltano()).parent)
    assert re.search(r"Done\. PASS=\d+ WARN=0 ERROR=0", said), said


def test_a_source_that_was_not_loaded_for_long_is_not_fresh(project: DbtProject) -> None:
    project.shell("meltano run tap-interviewflow target-duckdb dbt-duckdb:freshness")
    output_of(str(environment("target-duckdb") / "python"), "-c", _TWO_DAYS_AGO, str(project.warehouse))
    with pytest.raises(AssertionError, match=r"ERROR STALE freshness of interviewflow\.candidates"):
        project.shell("meltano run dbt-duckdb:freshness")


_TWO_DAYS_AGO = """\
import duckdb, sys
with duckdb.connect(sys.argv[1]) as warehouse:
    warehouse.execute("update interviewflow.candidates set _sdc_extracted_at = _sdc_extracted_at - interval 2 day")
"""


def assert_as_held(api: Sandbox, warehouse: Warehouse) -> None:
    """Compare the staging model and the mart with what the API holds."""
    people = _held(api)
    staged = {row["candidate_key"]: row for row in warehouse.table("analytics.stg_interviewflow__candidates")}
    assert staged.keys() == people.keys()
    for key, person in people.items():
        row, fields = staged[key], person["additionalFields"] or {}
        assert row["status"] == person["status"]
        assert _moment(row["created_at"]) == _moment(person["createdAt"])
        assert row["score"] == _number(person["score"])
        assert row["duration_seconds"] == _number(person["durationSeconds"])
        assert row["custom_city"] == (fields.get("City") if fields else None)
        assert row["custom_manual_score"] == (fields.get("Manual Score") if fields else None)
    wanted = Counter(
        (person["jobId"], person["status"], _week(_moment(person["createdAt"]))) for person in people.values()
    )
    mart = warehouse.table("analytics.candidates_by_week")
    assert {(row["interviewer_id"], row["stage"], row["week"]): row["candidates"] for row in mart} == wanted


def _held(api: Sandbox) -> dict[str, Row]:
    return {f"{name}/{person['id']}": person for name in api.interviewers for person in api.candidates(name)}


def _number(value: Any) -> Any:
    """A number as a double holds it; "N/A" is none, and 1E+400 none that a warehouse has."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return None if number == float("inf") else pytest.approx(number)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _week(moment: datetime | None) -> str | None:
    return (moment.date() - timedelta(days=moment.weekday())).isoformat() if moment else None
