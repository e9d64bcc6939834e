"""The Airflow example, run as it stands by Airflow, with Meltano (make test-examples)."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import ROOT, environment
from tests.examples.projects import follow
from tests.processes import said_by
from tests.sandbox import Sandbox
from tests.targets.pipelines import differences, held, names_of, restored
from tests.targets.projects import Project, meltano

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.targets.pipelines import Row

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "examples" / "airflow"
KEY = "a-key-that-must-not-be-seen"
SLOTS = 8


class Airflow:
    """Airflow with a home of its own, the example for its DAGs, and the sandbox behind the connection."""

    def __init__(self, folder: Path, api: Sandbox) -> None:
        self.home = folder / "airflow"
        self.project = Project(folder, api, meltano())
        self.project.write("")
        (folder / "output").mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._programs = environment("airflow")
        extra = {"interviewer_ids": list(api.interviewers)}
        connection = {"conn_type": "http", "host": api.url, "password": api.key, "extra": extra}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TAP_"))}
        self._environment = kept | {
            "AIRFLOW_CONN_INTERVIEWFLOW": json.dumps(connection),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API_AUTH__JWT_SECRET": "a secret between the parts of Airflow, " * 2,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLE),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self._port}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__SCHEDULER__USAGE_DATA_COLLECTION_ENABLED": "False",
            "MELTANO": meltano(),
            "MELTANO_CLI_LOG_FORMAT": "uncolored",
            "MELTANO_HUB_URL": "http://127.0.0.1:9",
            "MELTANO_PROJECT": str(folder),
            "RETRY_DELAY": "0",
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "no_proxy": "127.0.0.1",
        }
        self.run("db", "migrate")
        self.run("pools", "set", "interviewflow", str(SLOTS), "Requests at once")

    def run(self, *arguments: str) -> str:
        """Run one of Airflow's commands, and give what it said."""
        return said_by(str(self._programs / "airflow"), *arguments, env=self._environment)

    @contextmanager
    def standing(self) -> Generator[None]:
        """Have the scheduler run, and the server that its tasks ask."""
        with (self.home / "said.txt").open("wb") as said, ExitStack() as stack:
            for command in (["api-server"], ["scheduler", "--skip-serve-logs"]):
                process = subprocess.Popen(
                    [str(self._programs / "airflow"), *command],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                stack.callback(process.wait, timeout=60)
                stack.callback(os.killpg, process.pid, signal.SIGTERM)  # with those that it has started
                eventually(self._listens)  # a task that finds no server has failed
            yield

    def _listens(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            return True
        return False

    def state(self) -> str:
        """Return the state of the one run of the DAG."""
        (run,) = self._rows("select state from dag_run")
        return str(run["state"])

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


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so: long, for a machine that has other work."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.25)
    pytest.fail("waited in vain")


@contextmanager
def processes_while(api: Sandbox) -> Generator[set[str]]:
    """Look at the list of processes while the API is being asked."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        known = 0
        while not over.wait(0.05):
            if len(api.requests) > known:
                known = len(api.requests)
                listing = ["ps", "-axww", "-o", "args="]
                seen.update(subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines())

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        over.set()
        watch.join()


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
        assert differences(restored(airflow.project.rows(), names_of(api)), held(api)) == {}
    kept = airflow.project.shell("meltano state list").splitlines()
    assert {f"candidates-{interviewer}" for interviewer in people} <= set(kept)


def test_an_incomplete_read_is_tried_again_and_fails_with_all_that_came_loaded(tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 40}, key=KEY, metadata="total", wrong="total-too-high") as api:
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
    with Sandbox({"interviewer-1": 40}, key=KEY, latency=1) as api:
        airflow = Airflow(tmp_path, api)
        with processes_while(api) as seen:
            said = airflow.run("dags", "test", "load_candidates")
    assert "40 read, 40 written, complete" in said, said
    assert KEY not in said
    assert airflow.files_with("interviewer-1")
    assert airflow.files_with(KEY) == []
    assert any("tap-interviewflow" in line for line in seen)
    assert not any(KEY in line for line in seen)


def test_no_more_requests_are_sent_at_a_time_than_the_pool_has_slots(tmp_path: Path) -> None:
    people = {f"interviewer-{number}": 1000 for number in range(1, 5)}
    with Sandbox(people, key=KEY, latency=2) as api:
        airflow = Airflow(tmp_path, api)
        airflow.run("dags", "reserialize")
        airflow.run("dags", "trigger", "load_candidates")
        with airflow.standing():
            eventually(lambda: airflow.state() in {"success", "failed"})
        assert airflow.state() == "success"
        assert {state for state, _ in airflow.loads().values()} == {"success"}
        assert len(airflow.project.rows()) == 4000
    assert 4 < api.in_flight_peak <= SLOTS
    assert airflow.files_with(KEY) == []
