"""The Kubernetes example: valid, careful, and each job run as its manifest says (make test-examples)."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.environments import ROOT, environment
from tests.processes import said_by
from tests.sandbox import Sandbox
from tests.targets.pipelines import differences, held, names_of, restored
from tests.targets.postgres import PostgresServer
from tests.targets.projects import meltano
from tests.targets.warehouses import json_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "examples" / "kubernetes" / "interviews.yaml"
OBJECTS = list(yaml.safe_load_all(EXAMPLE.read_text("utf-8")))
JOBS = {
    each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in OBJECTS if each["kind"] == "CronJob"
}
GROUPS = ("engineering", "sales")
SECONDS_TO_STOP = 5


def pod(group: str) -> dict[str, Any]:
    spec: dict[str, Any] = JOBS[group]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def container(group: str) -> dict[str, Any]:
    (only,) = pod(group)["containers"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_takes_it(version: str) -> None:
    program = str(environment("kubernetes-validate") / "kubernetes-validate")
    told = said_by(program, "--strict", "--kubernetes-version", version, str(EXAMPLE))
    assert told.count(" passed ") == len(OBJECTS)


def test_there_is_a_job_for_each_of_two_groups_and_no_secret() -> None:
    assert tuple(sorted(JOBS)) == GROUPS
    assert sorted(each["kind"] for each in OBJECTS) == ["ConfigMap", "CronJob", "CronJob", "ServiceAccount"]


@pytest.mark.parametrize("group", GROUPS)
def test_no_two_runs_of_a_group_overlap_or_last_for_ever(group: str) -> None:
    spec = JOBS[group]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert 0 < spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 4 * 3600
    assert pod(group)["restartPolicy"] == "Never"
    assert pod(group)["terminationGracePeriodSeconds"] > SECONDS_TO_STOP


@pytest.mark.parametrize("group", GROUPS)
def test_a_pod_may_do_nothing_that_it_does_not_need(group: str) -> None:
    assert pod(group)["automountServiceAccountToken"] is False
    of_pod, of_container = pod(group)["securityContext"], container(group)["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    (line,) = (line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if line.startswith("USER"))
    assert line == f"USER {of_pod['runAsUser']}:{of_pod['runAsGroup']}"
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container(group)["resources"]["limits"]) == {"memory"}
    assert set(container(group)["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_secret_comes_from_the_secret(group: str) -> None:
    secret = {each["name"] for each in container(group)["env"] if "secretKeyRef" in each.get("valueFrom", {})}
    assert secret == {"TAP_INTERVIEWFLOW_API_KEY", "TARGET_POSTGRES_SQLALCHEMY_URL"}


def test_the_groups_differ_in_their_names_minutes_and_interviewers_alone() -> None:
    def without_its_own(group: str) -> Any:
        job = copy.deepcopy(JOBS[group])
        minute, hours = job["spec"]["schedule"].split(maxsplit=1)
        assert minute.isdigit()
        job["spec"]["schedule"] = hours
        return json.loads(json.dumps(job).replace(group, "the-group"))

    assert without_its_own("engineering") == without_its_own("sales")
    assert JOBS["engineering"]["spec"]["schedule"] != JOBS["sales"]["spec"]["schedule"]


def surroundings(group: str, secret: Mapping[str, str]) -> dict[str, str]:
    """What the container has in its environment."""
    return {
        each["name"]: each.get("value") or secret[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in container(group)["env"]
    }


def programs(folder: Path) -> str:
    """The programs of the image, as one folder of links to them."""
    folder.mkdir()
    for program in (
        Path(meltano()),
        Path(sys.executable).parent / "tap-interviewflow",
        environment("target-postgres") / "target-postgres",
    ):
        (folder / program.name).symlink_to(program)
    return str(folder)


def test_each_job_loads_its_own_group_and_keeps_its_own_state(tmp_path: Path) -> None:
    people = {f"{group}-{number}": 20 for group in GROUPS for number in (1, 2)} | {"in-no-group": 20}
    path = f"{programs(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    with PostgresServer() as server, Sandbox(people, odd=True) as api:
        secret = {"api-key": api.key, "postgres-url": server.url("postgresql+psycopg")}
        for group in GROUPS:
            project = tmp_path / group
            project.mkdir()
            settings = next(each for each in OBJECTS if each["kind"] == "ConfigMap")["data"]["meltano.yml"]
            (project / "meltano.yml").write_text(settings, "utf-8")
            in_place_of_the_bucket = {"MELTANO_STATE_BACKEND_URI": (tmp_path / "state").as_uri()}
            ended = subprocess.run(
                container(group)["command"],
                check=False,
                cwd=project,
                env=surroundings(group, secret)
                | in_place_of_the_bucket
                | {
                    "HOME": str(tmp_path),
                    "MELTANO_HUB_URL": "http://127.0.0.1:9",
                    "PATH": path,
                    "no_proxy": "127.0.0.1",
                }
                | {"TAP_INTERVIEWFLOW_API_URL": api.url},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert ended.returncode == 0, ended.stdout
            assert not any(value in ended.stdout for value in secret.values())
        rows = json_lines(server.ask("select to_jsonb(candidates) from interviews.candidates"))
        wanted = {key: row for key, row in held(api).items() if key[0] != "in-no-group"}
        assert differences(restored(rows, names_of(api)), wanted) == {}
    assert {path.parent.name for path in (tmp_path / "state").rglob("state.json")} == {
        f"interviews-{group}" for group in GROUPS
    }
