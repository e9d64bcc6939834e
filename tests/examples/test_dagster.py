"""The Dagster example, run as it stands, with Meltano (make test-examples)."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tap_interviewflow.sandbox import Sandbox
from tests.environments import ROOT, environment
from tests.targets.pipelines import differences, held, names_of, restored
from tests.targets.projects import Project, meltano

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 40, "interviewer-2": 30, "interviewer-3": 20, "interviewer-4": 10}
EXAMPLE = ROOT / "examples" / "dagster" / "interviews.py"

# In one process, which is what Dagster has for tests; its own executor starts one for each task.
RUN = """
import importlib.util, json, sys
from dagster import in_process_executor
spec = importlib.util.spec_from_file_location("interviews", sys.argv[1])
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)
result = example.load_candidates.execute_in_process(raise_on_error=False)
tried = [event.step_key for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
print(json.dumps({"success": result.success, "tried again": tried}))
"""


def test_an_interviewer_that_fails_is_tried_again_and_the_others_are_not(tmp_path: Path) -> None:
    # A key that is refused is not tried again by the tap itself.
    with Sandbox(HELD, faults={("interviewer-3", 1): "403"}) as api:
        project = Project(tmp_path, api, meltano())
        project.write("")
        (tmp_path / "output").mkdir()
        told = subprocess.run(
            [str(environment("dagster") / "python"), "-c", RUN, str(EXAMPLE)],
            check=True,
            env=project.environment()
            | {
                "DAGSTER_HOME": "",
                "INTERVIEWERS": json.dumps(list(HELD)),
                "MELTANO_PROJECT": str(tmp_path),
                "RETRY_DELAY": "0",
            },
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.splitlines()[-1]
        assert json.loads(told) == {"success": True, "tried again": ["load[interviewer_3]"]}
        assert differences(restored(project.rows(), names_of(api)), held(api)) == {}
    state = project.shell("meltano state list").split()
    assert set(HELD) <= set(state)
