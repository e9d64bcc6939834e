"""The Airflow example, run as it stands by Airflow, with Meltano (make test-examples)."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import environment
from tests.examples.projects import EXAMPLES, follow
from tests.processes import said_by
from tests.sandbox import Sandbox
from tests.targets.pipelines import assert_arrived
from tests.targets.projects import Project, meltano
from tests.targets.warehouses import wait_for_port

if TYPE_CHECKING:
    from tests.targets.pipelines import Row

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

KEY = "a-key-that-must-not-be-seen"
SLOTS = 8


class Airflow:
    """Airflow with a home of its own, the example for its DAGs, and the sandbox behind the connection."""

    def __init__(self, folder: Path, api: Sandbox) -> None:
        self.home = folder / "airflow"
        self.project = Project(folder, api)
        self.project.write("")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        extra = {"interviewer_ids": list(api.interviewers)}
        variables = self.project.environment(
            environment("airflow"),
            AIRFLOW_CONN_INTERVIEWFLOW=json.dumps(
                {"conn_type": "http", "host": api.url, "password": api.key, "extra": extra}
            ),
            AIRFLOW_HOME=str(self.home),
            AIRFLOW__API_AUTH__JWT_SECRET="a secret between the parts of Airflow, " * 2,
            AIRFLOW__API__HOST="127.0.0.1",
            AIRFLOW__API__PORT=str(self._port),
            AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
            AIRFLOW__CORE__DAGS_FOLDER=str(EXAMPLES / "airflow"),
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{self._port}/execution/",
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__PARALLELISM="8",
            AIRFLOW__SCHEDULER__USAGE_DATA_COLLECTION_ENABLED="False",
            AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False",  # else there is a second run in the first minutes of an hour
            MELTANO_PROJECT=str(folder),
            RETRY_DELAY="0",
        )
        # The tap gets its settings from the connection alone.
        self._environment = {name: value for name, value in variables.items() if not name.startswith("TAP_")}
        self.run("db", "migrate")
        self.run("pools", "set", "interviewflow", str(SLOTS), "Requests at once")

    def run(self, *arguments: str) -> str:
        """Run one of Airflow's commands, and return what it said."""
        return said_by("airflow", *arguments, env=self._environment)

    def run_by_the_scheduler(self) -> str:
        """Run the DAG by the scheduler and the server that its tasks ask, and return the state of the run."""
        self.run("dags", "reserialize")
        self.run("dags", "trigger", "load_candidates")
        with (self.home / "said.txt").open("wb") as said, ExitStack() as stack:
            for command in (["airflow", "api-server"], ["airflow", "scheduler", "--skip-serve-logs"]):
                process = subprocess.Popen(
                    command, env=self._environment, stdout=said, stderr=said, start_new_session=True
                )
                stack.callback(process.wait)
                # With those that it has started; asked to end, Airflow sometimes takes more than a minute.
                stack.callback(os.killpg, process.pid, signal.SIGKILL)
                wait_for_port(self._port)  # a task that finds no server has failed
            while True:  # pytest's timeout ends it
                (run,) = self._rows("select state from dag_run")
                if run["state"] in {"success", "failed"}:
                    return str(run["state"])
                time.sleep(0.25)

    def loads(self) -> dict[str, tuple[str, int]]:
        """Return the state and the number of tries of each Interviewer's task."""
        tasks = self._rows("select rendered_map_index, state, try_number from task_instance where task_id = 'load'")
        return {task["rendered_map_index"]: (task["state"], task["try_number"]) for task in tasks}

    def files_with(self, text: str) -> list[Path]:
        """Name the files that hold a text: logs, and the database with its rendered fields and XComs."""
        return [path for path in self.home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]

    def _rows(self, query: str) -> list[Row]:
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query)]


def test_an_interviewer_that_fails_is_tried_again_and_the_others_are_not(tmp_path: Path) -> None:
    people = {"interviewer-1": 40, "interviewer-2": 30, "interviewer 'three'": 20}
    # A key that is refused is not tried again by the tap itself.
    with Sandbox(people, key=KEY, faults={("interviewer-2", 1): "403"}) as api:
        airflow = Airflow(tmp_path, api)
        airflow.run("dags", "test", "load_candidates")
        assert airflow.loads() == {
            "interviewer-1": ("success", 1),
            "interviewer-2": ("success", 2),
            "interviewer 'three'": ("success", 1),
        }
        assert_arrived(airflow.project.rows(), api)
    kept = airflow.project.shell("meltano state list").splitlines()
    assert {f"candidates-{interviewer}" for interviewer in people} <= set(kept)


def test_an_incomplete_read_is_tried_again_and_fails_with_all_that_came_loaded(tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 40}, key=KEY, metadata="too-high") as api:
        airflow = Airflow(tmp_path, api)
        with pytest.raises(AssertionError, match="40 read, 40 written, incomplete"):
            airflow.run("dags", "test", "load_candidates")
        assert airflow.loads() == {"interviewer-1": ("failed", 3)}
        assert len(airflow.project.rows()) == 3 * 40  # target-jsonl appends


def test_its_page_leads_from_a_clone_to_a_load(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    programs = (Path(meltano()).parent, environment("airflow"))
    home = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    said = follow("airflow", "(cd ../.. && meltano install)", clone, *programs, **home)
    assert "Interviewer interviewer-1: 1,200 read, 1,200 written, complete" in said, said
    assert len((clone / "output" / "candidates.jsonl").read_text("utf-8").splitlines()) == 1200


def test_the_key_is_in_no_log_database_or_list_of_processes(tmp_path: Path) -> None:
    listed: list[str] = []

    def list_processes(*_: object) -> None:
        listed.append(said_by("ps", "-axww", "-o", "args="))

    with Sandbox({"interviewer-1": 40}, key=KEY, faults=list_processes) as api:
        airflow = Airflow(tmp_path, api)
        said = airflow.run("dags", "test", "load_candidates")
    assert "40 read, 40 written, complete" in said, said
    assert KEY not in said
    assert airflow.files_with("interviewer-1")
    assert airflow.files_with(KEY) == []
    assert "tap-interviewflow" in "".join(listed)
    assert KEY not in "".join(listed)


def test_no_more_requests_are_sent_at_a_time_than_the_pool_has_slots(tmp_path: Path) -> None:
    people = {f"interviewer-{number}": 1000 for number in range(1, 5)}
    with Sandbox(people, key=KEY, latency=2) as api:
        airflow = Airflow(tmp_path, api)
        assert airflow.run_by_the_scheduler() == "success"
        assert {state for state, _ in airflow.loads().values()} == {"success"}
        assert len(airflow.project.rows()) == 4000
    assert 4 < api.in_flight_peak <= SLOTS
    assert airflow.files_with(KEY) == []
