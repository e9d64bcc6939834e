"""Rows are deleted only after a complete read: PostgreSQL, hard delete, and reads that are not complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import Sandbox
from tests.targets.postgres import empty_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 600, "interviewer-2": 400}
SETTINGS: dict[str, Any] = {"emit_activate_version_messages": True}


def test_rows_go_only_when_everything_was_read_and_they_were_not_in_it(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=True)
    with Sandbox(HELD) as api:
        assert table.load(api, **SETTINGS).tap == 0
        assert len(table.rows()) == 1000

        api.faults = {("interviewer-1", 4): "always:403"}
        failed = table.load(api, **SETTINGS)
        assert failed.tap != 0
        assert failed.target == 0, failed.said
        assert len(table.rows()) == 1000

        api.faults = {}
        api.delete("interviewer-1", 350)
        api.delete("interviewer-2", 250)
        assert table.load(api, **SETTINGS).tap == 0
        assert set(table.candidates(api)) == {(name, held["id"]) for name in HELD for held in api.candidates(name)}
        assert len(table.rows()) == 400

        filtered = table.load(api, additional_fields={"Manual Score": 50}, **SETTINGS)
        assert filtered.tap == 0, filtered.said
        assert len(table.rows()) == 400

        single = table.load(api, interview_ids=[api.candidates("interviewer-2")[0]["id"]], **SETTINGS)
        assert single.tap == 0, single.said
        assert len(table.rows()) == 400


def test_a_run_that_is_stopped_deletes_nothing(postgres_server: PostgresServer, tmp_path: Path) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=True)
    with Sandbox(HELD) as api:
        table.load(api, **SETTINGS)
        api.delete("interviewer-1", 500)
        api.faults = {("interviewer-2", 2): "hang"}
        api.requests.clear()
        stopped = table.load(api, stop_when=lambda: any(map(hangs, api.requests)), **SETTINGS)
    assert stopped.tap != 0
    assert len(table.rows()) == 1000


def hangs(asked: dict[str, object]) -> bool:
    return (asked["interviewerId"], asked["page"]) == ("interviewer-2", 2)


def test_a_soft_delete_marks_the_rows_that_are_gone(postgres_server: PostgresServer, tmp_path: Path) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=False)
    with Sandbox(HELD) as api:
        table.load(api, **SETTINGS)
        gone = {candidate["id"] for candidate in api.candidates("interviewer-1")[:350]}
        api.delete("interviewer-1", 350)
        assert table.load(api, **SETTINGS).tap == 0
    rows = table.rows()
    assert len(rows) == 1000
    assert {row["id"] for row in rows if row["_sdc_deleted_at"]} == gone
