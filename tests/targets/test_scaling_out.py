"""What may run side by side into one table, and what may not: the rules of `docs/scale.md`, on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.sandbox import Sandbox
from tests.targets.pipelines import assert_arrived
from tests.targets.postgres import Postgres, empty_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 1500, "interviewer-2": 1000, "interviewer-3": 500}
GROUPS = (["interviewer-1"], ["interviewer-2", "interviewer-3"])


def test_two_groups_of_interviewers_are_loaded_at_once_into_one_table(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server)
    with Sandbox(HELD, latency=0.05) as api:
        table.load(api, interviewer_ids=["interviewer-3"])  # makes the table

        def load(number: int) -> str:
            folder = tmp_path / str(number)
            folder.mkdir()
            return Postgres(folder, postgres_server).load(api, interviewer_ids=GROUPS[number])

        api.requests.clear()
        with ThreadPoolExecutor() as pool:
            list(pool.map(load, range(len(GROUPS))))
        asked = [str(request["interviewerId"]) for request in api.requests]
        assert asked != sorted(asked), "they ran side by side"
        assert len(table.rows()) == 3000
        assert_arrived(table.rows(), api)


def test_deletes_belong_into_a_run_that_has_all_interviewers_of_the_table(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=True)
    with Sandbox(dict.fromkeys(HELD, 20)) as api:
        table.load(api)
        table.load(api, interviewer_ids=GROUPS[0], emit_activate_version_messages=True)
        # To the target, what is not of this run is gone: that is why the page warns of it.
        assert {row["interviewerId"] for row in table.rows()} == {"interviewer-1"}
