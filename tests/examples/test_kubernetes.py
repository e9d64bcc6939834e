"""The Kubernetes example: valid, careful, and each job run as its manifest says (make test-examples)."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.environments import ROOT, environment
from tests.processes import said_by
from tests.sandbox import Sandbox
from tests.targets.pipelines import assert_arrived
from tests.targets.projects import meltano
from tests.targets.warehouses import json_lines

if TYPE_CHECKING:
    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "examples" / "kubernetes" / "interviews.yaml"
OBJECTS = list(yaml.safe_load_all(EXAMPLE.read_text("utf-8")))
(SETTINGS,) = (each["data"]["meltano.yml"] for each in OBJECTS if each["kind"] == "ConfigMap")
JOBS = {
    each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in OBJECTS if each["kind"] == "CronJob"
}
POD = JOBS["engineering"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_takes_it(version: str) -> None:
    program = str(environment("kubernetes-validate") / "kubernetes-validate")
    told = said_by(program, "--strict", "--kubernetes-version", version, str(EXAMPLE))
    assert told.count(" passed ") == len(OBJECTS)


def test_the_two_groups_differ_in_their_names_minutes_and_interviewers_alone() -> None:
    def without_its_own(group: str) -> Any:
        job = copy.deepcopy(JOBS[group])
        minute, hours = job["spec"]["schedule"].split(maxsplit=1)
        assert minute.isdigit()
        job["spec"]["schedule"] = hours
        return json.loads(json.dumps(job).replace(group, "the-group"))

    assert JOBS.keys() == {"engineering", "sales"}
    assert without_its_own("engineering") == without_its_own("sales")
    assert JOBS["engineering"]["spec"]["schedule"] != JOBS["sales"]["spec"]["schedule"]


def test_no_two_runs_of_a_group_overlap_or_last_for_ever() -> None:
    spec = JOBS["engineering"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert 0 < spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 4 * 3600
    assert POD["restartPolicy"] == "Never"
    assert POD["terminationGracePeriodSeconds"] > 5  # what the tap may take


def test_a_pod_may_do_nothing_that_it_does_not_need() -> None:
    (container,) = POD["containers"]
    security = POD["securityContext"]
    assert POD["automountServiceAccountToken"] is False
    assert security["runAsNonRoot"] is True
    assert f"\nUSER {security['runAsUser']}:{security['runAsGroup']}\n" in (ROOT / "Dockerfile").read_text("utf-8")
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]


def test_each_job_loads_its_own_group_and_keeps_its_own_state(tmp_path: Path, postgres_server: PostgresServer) -> None:
    # What the image has.
    programs = (Path(meltano()).parent, Path(sys.executable).parent, environment("target-postgres"))
    people = {f"{group}-{number}": 20 for group in JOBS for number in (1, 2)}
    with Sandbox(people | {"in-no-group": 20}, odd=True) as api:
        secret = {"api-key": api.key, "postgres-url": postgres_server.url("postgresql+psycopg")}
        in_place_of_the_cluster = {
            "HOME": str(tmp_path),
            "MELTANO_HUB_URL": "http://127.0.0.1:9",
            "MELTANO_STATE_BACKEND_URI": (tmp_path / "state").as_uri(),
            "PATH": os.pathsep.join(map(str, (*programs, os.environ["PATH"]))),
            "TAP_INTERVIEWFLOW_API_URL": api.url,
            "no_proxy": "127.0.0.1",
        }
        for group, job in JOBS.items():
            (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
            project = tmp_path / group
            project.mkdir()
            (project / "meltano.yml").write_text(SETTINGS, "utf-8")
            variables = {
                each["name"]: each.get("value") or secret[each["valueFrom"]["secretKeyRef"]["key"]]
                for each in container["env"]
            }
            told = said_by(*container["command"], cwd=project, env=variables | in_place_of_the_cluster)
            assert not any(value in told for value in secret.values())
        rows = json_lines(postgres_server.ask("select to_jsonb(candidates) from interviews.candidates"))
        assert_arrived(rows, api, *people)
    assert {path.parent.name for path in (tmp_path / "state").rglob("state.json")} == {
        f"interviews-{group}" for group in JOBS
    }
