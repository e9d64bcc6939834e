"""Each recipe of the documentation, as it stands on its page, run by Meltano (make test-targets)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.targets.bigquery import BigQuery
from tests.targets.pipelines import assert_arrived
from tests.targets.postgres import Postgres, empty_postgres
from tests.targets.projects import Project, Recipe
from tests.targets.warehouses import Csv, MeltanoLabsDuckDb, Snowflake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox import Sandbox
    from tests.targets.bigquery import BigQueryServer
    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]


@pytest.fixture
def project(tmp_path: Path, api: Sandbox) -> Project:
    return Project(tmp_path, api)


def test_postgresql(project: Project, api: Sandbox, postgres_server: PostgresServer) -> None:
    table: Postgres = empty_postgres(project.folder, postgres_server)
    url = postgres_server.url("postgresql+psycopg")
    project.run(Recipe.of("PostgreSQL"), POSTGRES_URL=url)
    assert_arrived(table.rows(), api)
    api.delete("interviewer-1", 50)
    project.run(Recipe.of("PostgreSQL"), POSTGRES_URL=url)
    rows = list(table.rows())
    assert_arrived([row for row in rows if not row["_sdc_deleted_at"]], api)
    assert len(rows) == 155


def test_duckdb(project: Project, api: Sandbox) -> None:
    project.run(Recipe.of("DuckDB"))
    assert_arrived(MeltanoLabsDuckDb(project.folder / "output").rows(), api)


def test_csv(project: Project, api: Sandbox) -> None:
    project.run(Recipe.of("CSV"))
    assert_arrived(Csv(project.folder / "output").rows(), api)


def test_bigquery(project: Project, api: Sandbox, bigquery_server: BigQueryServer) -> None:
    project.run(Recipe.of("BigQuery"), BIGQUERY_EMULATOR_HOST=bigquery_server.url)
    table = BigQuery(project.folder, bigquery_server, project="your-project", dataset="interviews")
    assert_arrived(table.rows(), api)


def test_snowflake(project: Project, api: Sandbox) -> None:
    account = dict.fromkeys(("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_PASSWORD"), "sandbox")
    project.run(Recipe.of("Snowflake"), **account)
    assert_arrived(Snowflake(project.folder).rows(), api)


def test_personal_data(project: Project, api: Sandbox) -> None:
    project.run(Recipe.of("Leave out, mask or hash"), HASH_SALT="a-salt")
    rows = project.rows()
    assert len(rows) == 155
    told = json.dumps(rows, ensure_ascii=False)
    for candidate in (candidate for name in api.interviewers for candidate in api.candidates(name)):
        for personal in (candidate["name"].split()[0], candidate["email"], candidate["metadata"]["phone"]):
            assert personal not in told
    first = api.candidates("interviewer-1")[0]
    assert rows[0]["email"] == hashlib.sha256(f"a-salt{first['email']}".encode()).hexdigest()
    assert {row["status"] for row in rows} == {"***", "draft", "shortlisted", "interviewed"}


def test_one_custom_field(project: Project, api: Sandbox) -> None:
    first = api.candidates("interviewer-2")[0]
    others: list[Any] = [
        {},
        {"Manual Score": "ask Grace"},
        {"Manual Score": None, "City": "北京"},
        {"Manual Score": 66.5},
        None,
    ]
    added = [first | {"id": f"interview-{place}", "additionalFields": value} for place, value in enumerate(others)]
    api.append("interviewer-2", *added)
    project.run(Recipe.of("One custom field as a column"))
    rows = project.rows()
    plain = {row["id"]: row.get("additionalFields") or {} for row in rows}
    assert all(row["city"] == plain[row["id"]].get("City") for row in rows)
    wanted = [None, None, None, 66.5, None]
    assert [row["manual_score"] for row in rows[-5:]] == wanted
    assert all(row["manual_score"] == plain[row["id"]].get("Manual Score") for row in rows[:-5])


def test_a_schedule(project: Project, api: Sandbox) -> None:
    project.run(Recipe.of("A schedule"))
    assert_arrived(project.rows(), api)


def test_one_interview(project: Project, api: Sandbox) -> None:
    wanted = api.candidates("interviewer-2")[7]["id"]
    project.run(Recipe.of("One interview, when it is ready"), INTERVIEW_ID=wanted)
    assert [row["id"] for row in project.rows()] == [wanted]


def test_sandbox_and_production(project: Project, api: Sandbox) -> None:
    recipe = Recipe.of("Sandbox and production")
    none = dict.fromkeys((f"TAP_INTERVIEWFLOW_{name}" for name in ("API_KEY", "API_URL", "INTERVIEWER_IDS")), "")
    project.run(recipe._replace(yaml=recipe.yaml.replace("http://127.0.0.1:8080", api.url)), **none)
    assert {row["interviewerId"] for row in project.rows()} == {"interviewer-1"}


def test_state_in_the_cloud(project: Project) -> None:
    recipe = Recipe.of("State in the cloud")
    bucket = project.folder / "bucket"
    project.run(recipe._replace(yaml=recipe.yaml.replace("s3://your-bucket", bucket.as_uri())))
    (state,) = bucket.rglob("state.json")
    assert "candidates" in state.read_text("utf-8")
