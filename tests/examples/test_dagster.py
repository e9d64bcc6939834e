"""The Dagster example as it stands, run by Dagster's daemon, with the dbt example behind it (make test-examples)."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.environments import environment
from tests.examples.projects import EXAMPLES, DbtProject
from tests.processes import said_by
from tests.sandbox import Sandbox
from tests.targets.warehouses import output_of

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 40, "interviewer-2": 30, "interviewer-3": 20}
EXAMPLE = EXAMPLES / "dagster"
# The last of the models is made and its run is over; or a run, a sensor or the code has failed.
END = re.compile(r"candidates_by_week.*RUN_SUCCESS|RUN_FAILURE|dagster\.(code_server|daemon)\S* - \S*ERROR", re.DOTALL)


def prepared(folder: Path, api: Sandbox) -> tuple[DbtProject, dict[str, str]]:
    """Make what the example needs, and return the project that it loads, and the environment for its programs."""
    home = folder / "home"
    home.mkdir()
    shutil.copy(EXAMPLE / "dagster.yaml", home)
    project = DbtProject(folder / "project", api)
    variables = project.environment(
        environment("dagster"),
        DAGSTER_HOME=str(home),
        INTERVIEWERS=json.dumps(list(api.interviewers)),
        MELTANO_PROJECT=str(project.folder),
        RETRY_DELAY="0",
    )
    # As `dagster dev` does by itself: it writes the manifest.
    said_by("dbt", "--quiet", "parse", cwd=project.folder / "transform", env=variables)
    return project, variables


def test_each_listed_interviewer_is_loaded_one_at_a_time_and_dbt_follows(tmp_path: Path) -> None:
    # A key that is refused is not tried again by the tap itself.
    with Sandbox(HELD, faults={("interviewer-3", 1): "403"}) as api:
        project, variables = prepared(tmp_path, api)
        log = follow(variables, tmp_path / "daemon.log")
        script = Path(__file__).parent / "ask_dagster.py"
        ended = json.loads(output_of("python", str(script), str(EXAMPLE), env=variables))
    assert "Interviewer interviewer-1: 40 read, 40 written, complete" in log
    assert ended["partitions"] == ended["scheduled"] == list(HELD)
    assert ended["loaded"] == {
        name: {"dagster/partition_row_count": count, "verdict": "complete"} for name, count in HELD.items()
    }
    assert ended["tried again"] == ["interviewer-3"]
    assert set(ended["runs"]) == {"SUCCESS"}
    # Both wait for the one pool of one place, so no load began before the one before it had ended.
    assert ended["at a time"] == [1, 1]
    turns = [name for name, _ in itertools.groupby(request["interviewerId"] for request in api.requests)]
    assert len(turns) <= len(HELD) + 1
    mart = project.table("analytics.candidates_by_week")
    assert sum(row["candidates"] for row in mart) == sum(HELD.values())


def test_an_incomplete_read_is_tried_again_and_fails_with_its_verdict(tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 40}, metadata="too-high") as api:
        _, variables = prepared(tmp_path, api)
        told = output_of("python", "-c", _LOAD, str(EXAMPLE), env=variables)
    assert json.loads(told.splitlines()[-1]) == [3, {"dagster/partition_row_count": 40, "verdict": "incomplete"}]


_LOAD = """\
import json, sys
import dagster
sys.path.insert(0, sys.argv[1])
import definitions
with dagster.DagsterInstance.get() as instance:
    instance.add_dynamic_partitions("interviewers", ["interviewer-1"])
    run = dagster.materialize(
        [definitions.candidates], partition_key="interviewer-1", instance=instance, raise_on_error=False
    )
    tries = sum(event.is_step_start or event.is_step_restarted for event in run.all_events)
    (failed,) = [event.step_failure_data for event in run.all_events if event.is_step_failure]
    print(json.dumps([tries, {name: value.value for name, value in failed.user_failure_data.metadata.items()}]))
"""
"""Load one Interviewer, and print the number of tries and what the failure says."""


def follow(variables: dict[str, str], log: Path) -> str:
    """Run the daemon until the models are made, or something has failed; return what it said."""
    daemon = ["dagster-daemon", "run", "-f", str(EXAMPLE / "definitions.py")]
    home = variables["DAGSTER_HOME"]
    with (
        log.open("wb") as said,
        subprocess.Popen(
            daemon, cwd=home, env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        ) as process,
    ):
        try:
            told = ""
            while not END.search(told):
                told = log.read_text("utf-8", "replace")
                assert process.poll() is None, told
                time.sleep(0.5)
        finally:
            process.terminate()
    return told
