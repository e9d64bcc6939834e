"""The pipelines of the README, run by Meltano itself (make test-meltano)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.demo.terminal import COLUMNS
from tests.processes import environment_for, said_by
from tests.project.commands import clone, json_lines, published, shell
from tests.project.pages import DOCS, README, REPOSITORY, ROOT, block
from tests.sandbox import Sandbox
from tests.targets.pipelines import assert_arrived
from tests.targets.projects import meltano

if TYPE_CHECKING:
    from collections.abc import Iterator

# Installing the plugins downloads what the tap depends on.
pytestmark = [pytest.mark.meltano, pytest.mark.timeout(300)]

VARIES: Final = re.compile(r" \d[\d,.]*(?= s\b| rows a second| requests\b)")
"""What differs from one demo to the next."""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this project, as a fresh clone would be, with Meltano's plugins installed."""
    folder = tmp_path_factory.mktemp("project")
    clone(folder)
    said_by(meltano(), "install", cwd=folder, env=os.environ | {"MELTANO_HUB_URL": "http://127.0.0.1:9"})
    return folder


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


def test_the_first_commands_of_the_readme_print_what_the_picture_of_the_demo_shows(tmp_path: Path) -> None:
    variables = published(tmp_path / "repository")
    told = shell(block(README, "git clone"), tmp_path, Path(sys.executable).parent, **variables)
    (demo,) = re.findall(r"^A made-up API.*^ +Your candidates are then in [^\n]*", told, re.DOTALL | re.MULTILINE)
    printed = demo.splitlines()
    drawn = re.findall("<text.*</text>", (DOCS / "demo.svg").read_text("utf-8"))
    first, *shown = [unescape(re.sub("<.*?>", "", line)) for line in drawn]
    assert first == "$ make demo"
    assert [VARIES.sub(" #", line) for line in printed if line] == [VARIES.sub(" #", line) for line in shown]
    assert max(map(len, printed)) <= COLUMNS


def test_the_readme_leads_from_a_file_with_the_key_to_a_first_load_and_on_to_incremental_replication(
    hub: str, tmp_path: Path
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
        programs = Path(meltano()).parent
        told = shell(first, folder, programs, **variables)
        assert "Interviewer your-interviewer: 250 read, 250 written, complete" in told
        assert not re.search(r"\[(warning|error) *\] tap-interviewflow", told), told
        assert_arrived(json_lines(*(folder / "interviews" / "output").glob("*.jsonl")), api)
        told = shell(f"cd interviews\n{second}{second.splitlines()[-1]}", folder, programs, **variables)
    assert "Interviewer your-interviewer: 250 read, 250 written, complete" in told
    assert "Interviewer your-interviewer: 250 read, 1 written since" in told


def test_a_run_that_read_not_everything_ends_with_1_and_keeps_its_rows_and_its_state(
    project: Path, tmp_path: Path
) -> None:
    metadata = {"candidates": {"replication-method": "INCREMENTAL", "replication-key": "updatedAt"}}
    held = {"interviewer-1": 250, "interviewer-2": 120}
    with Sandbox(held, metadata="total", faults={("interviewer-1", 2): "always:empty"}) as api:
        settings = {"TAP_INTERVIEWFLOW__METADATA": json.dumps(metadata), "TARGET_JSONL_DESTINATION_PATH": str(tmp_path)}
        variables = environment_for(api, **settings)
        command = (meltano(), "run", "--state-id-suffix=incomplete", "tap-interviewflow", "target-jsonl")
        ended = subprocess.run(command, check=False, cwd=project, env=variables, capture_output=True, encoding="utf-8")
        assert ended.returncode == 1, ended.stderr
        assert "Interviewer interviewer-1: the API states 250 candidates, 150 came" in ended.stderr
        rows = json_lines(tmp_path / "candidates.jsonl")
        assert Counter(row["interviewerId"] for row in rows) == {"interviewer-1": 150, "interviewer-2": 120}
        said_by(*command, cwd=project, env=variables | {"TAP_INTERVIEWFLOW_ALLOW_INCOMPLETE": "true"})
        (name,) = (
            name
            for name in said_by(meltano(), "state", "list", cwd=project, env=variables).split()
            if "incomplete" in name
        )
        state = said_by(meltano(), "--log-level=critical", "state", "get", name, cwd=project, env=variables)
    partitions = json.loads(state)["singer_state"]["bookmarks"]["candidates"]["partitions"]
    assert [each["context"]["interviewerId"] for each in partitions if "replication_key_value" in each] == [
        "interviewer-2"
    ]


@pytest.mark.parametrize("is_in_file", [True, False])
def test_a_filter_keeps_its_numbers_and_with_a_backslash_its_dots(project: Path, *, is_in_file: bool) -> None:
    written = {"Manual Score": 50, "review": "50", r"Level 2\.1": 3}
    variables = environment_for(Sandbox({"interviewer-1": 1}))
    file = project / "meltano.yml"
    before = file.read_text("utf-8")
    if is_in_file:
        document = yaml.safe_load(before)
        document["plugins"]["extractors"][0]["config"] = {"additional_fields": written}
        file.write_text(yaml.safe_dump(document), "utf-8")
    else:
        variables["TAP_INTERVIEWFLOW_ADDITIONAL_FIELDS"] = json.dumps(written)
    try:
        command = (meltano(), "--log-level=critical", "config", "print", "tap-interviewflow")
        taken = json.loads(said_by(*command, cwd=project, env=variables))
    finally:
        file.write_text(before, "utf-8")
    assert taken["additional_fields"] == {"Manual Score": 50, "review": "50", "Level 2.1": 3}
