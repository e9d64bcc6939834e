"""The pipelines of the README, run by Meltano itself (make test-meltano)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.demo.story import VARIES
from tests.demo.terminal import lines_of
from tests.processes import said_by
from tests.project.commands import clone, json_lines, published, shell
from tests.project.pages import DOCS, README, REPOSITORY, ROOT, block
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

# Installing the plugins downloads what the tap depends on.
pytestmark = [pytest.mark.meltano, pytest.mark.timeout(300)]

PIPELINE = ("tap-interviewflow", "target-jsonl")


class Ended(NamedTuple):
    """What is left of a command."""

    code: int
    output: str


class Project(NamedTuple):
    """A copy of this project, as a fresh clone would be, with Meltano's plugins installed."""

    folder: Path
    meltano: str

    def run(self, *arguments: str, **settings: str) -> Ended:
        """Run Meltano with these settings in the environment, and with none from the outside."""
        foreign = ("MELTANO", "TAP_INTERVIEWFLOW_", "TARGET_JSONL_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        ended = subprocess.run(
            [self.meltano, "--log-format=uncolored", *arguments],
            check=False,
            cwd=self.folder,
            # Away from this machine's index nothing may be needed, Meltano Hub least of all.
            env=env | {"MELTANO_HUB_URL": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        return Ended(ended.returncode, ended.stdout)


@pytest.fixture(scope="session")
def meltano() -> str:
    found = os.environ.get("MELTANO") or shutil.which("meltano")
    return found or pytest.fail("no Meltano: run `make test-meltano`, or name the executable in MELTANO")


@pytest.fixture(scope="session")
def project(meltano: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    clone(folder)
    project = Project(folder, meltano)
    ended = project.run("install")
    assert ended.code == 0, ended.output
    return project


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox(interviewers={"interviewer-1": 250, "interviewer-2": 120}) as sandbox:
        yield sandbox


@pytest.fixture
def settings(api: Sandbox, tmp_path: Path) -> dict[str, str]:
    return {
        "TAP_INTERVIEWFLOW_API_KEY": api.key,
        "TAP_INTERVIEWFLOW_API_URL": api.url,
        "TAP_INTERVIEWFLOW_INTERVIEWER_IDS": '["interviewer-1", "interviewer-2"]',
        "TARGET_JSONL_DESTINATION_PATH": str(tmp_path),
    }


def rows(folder: Path) -> list[dict[str, Any]]:
    return json_lines(folder / "candidates.jsonl")


class Hub(BaseHTTPRequestHandler):
    """What stands for the repository and for Meltano Hub, which tests do not reach."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = f"http://{self.headers['Host']}"
        (loader,) = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
        variants = {"andyh1203": {"ref": f"{address}/target-jsonl"}}
        served: dict[str, Any] = {
            "/plugin.yaml": yaml.safe_load((ROOT / "plugin.yaml").read_text("utf-8")),
            "/target-jsonl": loader | {"variant": "andyh1203"},
            "/meltano/api/v1/plugins/loaders/index": {
                "target-jsonl": {"default_variant": "andyh1203", "logo_url": "", "variants": variants}
            },
        }
        found = self.path in served
        body = json.dumps(served.get(self.path, {})).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Log nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    """The address of what stands for the Hub."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_readme_leads_from_a_file_with_the_key_to_a_first_load_and_on_to_incremental_replication(
    meltano: str, hub: str, tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / ".env").write_text(block(README, "TAP_INTERVIEWFLOW_API_KEY=your-key"), "utf-8")
    first = block(README, "meltano init interviews").replace(f"{REPOSITORY}/raw/main", hub)
    assert f"{hub}/plugin.yaml" in first
    second = block(DOCS / "incremental.md", "meltano config set tap-interviewflow _metadata")
    with Sandbox({"your-interviewer": 250, "your-other-interviewer": 120}, key="your-key") as api:
        variables = published(tmp_path / "repository")
        variables |= {"MELTANO_HUB_URL": hub, "TAP_INTERVIEWFLOW_API_URL": api.url}
        told = shell(first, folder, Path(meltano).parent, **variables)
        assert "Interviewer your-interviewer: 250 read, 250 written, complete" in told
        (written,) = (folder / "interviews" / "output").glob("*.jsonl")
        loaded = Counter(row["interviewerId"] for row in json_lines(written))
        assert loaded == {"your-interviewer": 250, "your-other-interviewer": 120}
        told = shell(f"cd interviews\n{second}{second.splitlines()[-1]}", folder, Path(meltano).parent, **variables)
    assert "Interviewer your-interviewer: 250 read, 250 written, complete" in told
    assert "Interviewer your-interviewer: 250 read, 1 written since" in told


def test_the_first_commands_of_the_readme_show_the_demo(tmp_path: Path) -> None:
    told = shell(
        block(README, "git clone"), tmp_path, Path(sys.executable).parent, **published(tmp_path / "repository")
    )
    assert "3,600 loaded, all that the API holds" in told


@pytest.mark.parametrize("command", [("run", *PIPELINE), ("el", *PIPELINE, "--state-id=demo")], ids=" ".join)
def test_a_pipeline_writes_every_candidate_of_every_interviewer(
    command: tuple[str, ...], project: Project, api: Sandbox, settings: dict[str, str], tmp_path: Path
) -> None:
    ended = project.run(*command, **settings)
    assert ended.code == 0, ended.output
    written = rows(tmp_path)
    assert Counter(row["interviewerId"] for row in written) == {"interviewer-1": 250, "interviewer-2": 120}
    held = [candidate["id"] for interviewer in api.interviewers for candidate in api.candidates(interviewer)]
    assert sorted(row["id"] for row in written) == sorted(held)
    assert not re.search(r"\[(warning|error) *\] tap-interviewflow", ended.output), ended.output
    assert api.key not in ended.output


def test_a_wrong_key_fails_the_pipeline_and_says_so_without_showing_it(
    project: Project, settings: dict[str, str]
) -> None:
    ended = project.run("run", *PIPELINE, **settings | {"TAP_INTERVIEWFLOW_API_KEY": "a-wrong-key"})
    assert ended.code != 0
    assert "api_key" in ended.output
    assert "Traceback" not in ended.output
    assert "a-wrong-key" not in ended.output


@pytest.mark.parametrize("command", [("run", *PIPELINE), ("el", *PIPELINE)], ids=lambda command: command[0])
def test_a_run_that_read_not_everything_ends_with_1_and_keeps_its_rows_and_its_state(
    command: tuple[str, ...], project: Project, settings: dict[str, str], tmp_path: Path
) -> None:
    metadata = {"candidates": {"replication-method": "INCREMENTAL", "replication-key": "updatedAt"}}
    settings |= {"TAP_INTERVIEWFLOW__METADATA": json.dumps(metadata)}
    state_id = f"incomplete-{command[0]}"
    options = ["--state-id-suffix=incomplete"] if command[0] == "run" else [f"--state-id={state_id}"]
    held = {"interviewer-1": 250, "interviewer-2": 120}
    with Sandbox(held, metadata="total", faults={("interviewer-1", 2): "always:empty"}) as api:
        settings["TAP_INTERVIEWFLOW_API_URL"] = api.url
        ended = project.run(*command, *options, **settings)
        assert ended.code == 1, ended.output
        assert "Interviewer interviewer-1: the API states 250 candidates, 150 came" in ended.output
        assert Counter(row["interviewerId"] for row in rows(tmp_path)) == {"interviewer-1": 150, "interviewer-2": 120}
        allowed = project.run(*command, *options, **settings, TAP_INTERVIEWFLOW_ALLOW_INCOMPLETE="true")
        assert allowed.code == 0, allowed.output
    (kept,) = [
        line for line in project.run("state", "list").output.split() if line.endswith(state_id.removesuffix("-run"))
    ]
    state = json.loads(project.run("--log-level=critical", "state", "get", kept).output)
    bookmarks = state["singer_state"]["bookmarks"]["candidates"]["partitions"]
    assert [each["context"]["interviewerId"] for each in bookmarks if "replication_key_value" in each] == [
        "interviewer-2"
    ]


def test_a_custom_field_filter_from_the_environment_keeps_its_numbers(
    project: Project, api: Sandbox, settings: dict[str, str], tmp_path: Path
) -> None:
    wanted = {"Manual Score": 50, "City": "Berlin"}
    settings["TAP_INTERVIEWFLOW_ADDITIONAL_FIELDS"] = json.dumps(wanted)
    ended = project.run("run", *PIPELINE, **settings)
    assert ended.code == 0, ended.output
    assert api.requests
    assert all(request["additionalFields"] == wanted for request in api.requests)
    fields = [row["additionalFields"] for row in rows(tmp_path)]
    assert fields
    assert all(field["Manual Score"] >= 50 and field["City"] == "Berlin" for field in fields)


def test_a_custom_field_with_a_dot_in_its_name_reaches_the_tap_if_it_is_escaped(project: Project) -> None:
    wanted = {r"Level 2\.1": 3, "Manual Score": 50}
    arguments = ("--log-level=critical", "config", "print", "tap-interviewflow")
    ended = project.run(*arguments, TAP_INTERVIEWFLOW_ADDITIONAL_FIELDS=json.dumps(wanted))
    assert json.loads(ended.output)["additional_fields"] == {"Level 2.1": 3, "Manual Score": 50}


def test_a_second_run_with_a_replication_key_writes_only_what_is_new(
    project: Project, api: Sandbox, settings: dict[str, str], tmp_path: Path
) -> None:
    metadata = {"candidates": {"replication-method": "INCREMENTAL", "replication-key": "updatedAt"}}
    settings["TAP_INTERVIEWFLOW__METADATA"] = json.dumps(metadata)
    command = ("run", "--state-id-suffix=incremental", *PIPELINE)
    assert project.run(*command, **settings).code == 0
    first = rows(tmp_path)
    assert len(first) == 370
    newest = max(row["updatedAt"] for row in first if row["interviewerId"] == "interviewer-1")
    people = api.candidates("interviewer-1")
    changed = people[7]
    changed |= {"status": "hired", "updatedAt": newest.replace("Z", "9Z")}
    api.replace("interviewer-1", people)
    assert project.run(*command, **settings).code == 0
    assert changed["id"] in [row["id"] for row in rows(tmp_path)[370:]]
    assert len(rows(tmp_path)) <= 370 + 3  # the changed one, and the ones that the bookmarks were taken from


def test_a_custom_field_filter_in_meltano_yml_keeps_its_numbers(
    project: Project, api: Sandbox, settings: dict[str, str]
) -> None:
    file = project.folder / "meltano.yml"
    before = file.read_text("utf-8")
    filters = '\n    config:\n      additional_fields:\n        Manual Score: 50\n        review: "50"\n'
    file.write_text(
        before.replace("\n    executable: tap-interviewflow\n", f"\n    executable: tap-interviewflow{filters}"),
        "utf-8",
    )
    try:
        assert project.run("run", *PIPELINE, **settings).code == 0
    finally:
        file.write_text(before, "utf-8")
    assert api.requests[0]["additionalFields"] == {"Manual Score": 50, "review": "50"}


def test_the_demo_prints_with_meltano_what_its_picture_shows(project: Project, tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    tap = ".meltano/extractors/tap-interviewflow/venv/bin/tap-interviewflow"
    command = (sys.executable, "-X", "utf8", "-m", "tests.demo", project.meltano, tap, str(picture))
    said_by(*command, cwd=project.folder)
    path = project.meltano.removesuffix("meltano")
    made, kept = (lines_of(file.read_text("utf-8")) for file in (picture, ROOT / "docs" / "demo.svg"))
    made = [line.replace(path, ".venv-meltano/bin/") for line in made]
    assert [VARIES.sub(" #", line) for line in made] == [VARIES.sub(" #", line) for line in kept]
