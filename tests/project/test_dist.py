"""What is published, before it is: `make test-dist` builds it and tries it in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import venv
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import Metadata

from tap_interviewflow import __version__
from tests.project.commands import json_lines, published, shell
from tests.project.pages import DOCS, README, ROOT, block

if TYPE_CHECKING:
    from pathlib import Path

# Installing downloads what the tap depends on.
pytestmark = [pytest.mark.dist, pytest.mark.timeout(300)]

DIST = ROOT / "dist"
HELD = {"interviewer-1": 50, "interviewer-2": 50}
NAME = f"tap_interviewflow-{__version__}"


def names_in_source() -> set[str]:
    with tarfile.open(DIST / f"{NAME}.tar.gz") as source:
        return {name.removeprefix(f"{NAME}/") for name in source.getnames()}


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    with zipfile.ZipFile(DIST / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tap_interviewflow").rglob("*.py")}
    described = {f"{NAME}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    licence = f"{NAME}.dist-info/licenses/LICENSE"
    assert names == modules | described | {"tap_interviewflow/py.typed", licence}


def test_the_source_distribution_holds_all_that_is_under_version_control() -> None:
    listing = ("git", "ls-files", "-z")
    listed = subprocess.run(listing, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout.decode()
    kept = {name for name in listed.split("\0") if name}
    assert kept - names_in_source() <= {".ci/run", ".gitattributes"}


def test_the_index_takes_the_description() -> None:
    with zipfile.ZipFile(DIST / f"{NAME}-py3-none-any.whl") as wheel:
        metadata = Metadata.from_email(wheel.read(f"{NAME}.dist-info/METADATA"), validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == README.read_text("utf-8")


def test_anybody_gets_the_same_bytes_from_the_source_distribution(tmp_path: Path) -> None:
    # In another folder, by another user with other habits, at another time.
    with tarfile.open(DIST / f"{NAME}.tar.gz") as source:
        source.extractall(tmp_path, filter="data")
        (moment,) = {file.mtime for file in source}
    foreign = {"SOURCE_DATE_EPOCH": str(moment), "TZ": "Asia/Kathmandu", "LC_ALL": "C", "HOME": str(tmp_path)}
    command = (os.environ["BUILDER"], "-m", "build", "--no-isolation", "--outdir", tmp_path / "again", tmp_path / NAME)
    subprocess.run(command, check=True, env=os.environ | foreign, umask=0o077, stdout=subprocess.DEVNULL)
    for built in DIST.iterdir():
        assert (tmp_path / "again" / built.name).read_bytes() == built.read_bytes(), built.name


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What has git take a clone of this project for the published repository."""
    return published(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def installers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executables of pipx and uv."""
    folder = tmp_path_factory.mktemp("installers")
    venv.create(folder, with_pip=True)
    command = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "pipx", "uv")
    subprocess.run(command, check=True)
    return folder / "bin"


INSTALLATION, SANDBOX = block(README, "pipx install git+"), block(README, "tap-interviewflow-sandbox")
ONCE_RELEASED = "pipx install tap-interviewflow"


@pytest.mark.parametrize("installation", [INSTALLATION, ONCE_RELEASED], ids=["as it is", "after the first release"])
def test_the_readme_leads_from_nothing_to_a_first_read(
    installation: str, tmp_path: Path, repository: dict[str, str], installers: Path
) -> None:
    assert f"After the first release (not yet): `{ONCE_RELEASED}`" in README.read_text("utf-8")
    variables = (
        repository if installation == INSTALLATION else dict.fromkeys(("PIP_FIND_LINKS", "UV_FIND_LINKS"), str(DIST))
    )
    told = shell(f"{installation}\n{SANDBOX}", tmp_path, installers, **variables)
    assert f"tap-interviewflow {__version__}" in told
    (wanted,) = re.findall(r"One of the last lines of the log is `(.+?)`", README.read_text("utf-8"))
    verdict = [line for line in told.splitlines() if "METRIC" not in line and "written" in line][-1]
    assert wanted in verdict
    records = [line["record"] for line in json_lines(*tmp_path.glob("*.singer.jsonl")) if line["type"] == "RECORD"]
    assert Counter(record["interviewerId"] for record in records) == HELD


def test_the_tap_runs_without_being_installed(tmp_path: Path, repository: dict[str, str], installers: Path) -> None:
    (command,) = re.findall(r"`(uvx .+?)`", README.read_text("utf-8"))
    assert "--discover" in shell(command, tmp_path, installers, **repository)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repository: dict[str, str], installers: Path) -> Path:
    """The executables of the tap and of the target of the README."""
    folder = tmp_path_factory.mktemp("installed")
    assert "After `pipx install target-jsonl`." in README.read_text("utf-8")
    shell(f"{INSTALLATION}\npipx install target-jsonl", folder, installers, **repository)
    return folder / "bin"


SERVED = SANDBOX.partition("tap-interviewflow --config")[0]
"""The lines that start the sandbox and lead to it."""


def test_the_pipe_of_the_readme_loads_and_fails_as_the_tap_does(tmp_path: Path, installed: Path) -> None:
    pipe = block(README, "set -o pipefail; tap-interviewflow")
    shell(f"{SERVED}\n{pipe}", tmp_path, installed)
    assert Counter(row["interviewerId"] for row in json_lines(*tmp_path.glob("candidates*.jsonl"))) == HELD
    with pytest.raises(AssertionError, match="api_key"):
        shell(f"{SERVED}\nset +eo pipefail\nexport TAP_INTERVIEWFLOW_API_KEY=wrong\n{pipe}exit $?", tmp_path, installed)


def test_a_pipe_with_a_state_continues_where_the_last_one_ended(tmp_path: Path, installed: Path) -> None:
    pipe = block(DOCS / "incremental.md", "set -o pipefail\ntap-interviewflow")
    again = "".join(pipe.splitlines(keepends=True)[-2:])
    assert "--state" in again
    shell(f"{SERVED}\n{pipe}\nsleep 1\n{again}", tmp_path, installed)
    files = sorted(tmp_path.glob("candidates-*.jsonl"))
    first, second = (json_lines(file) for file in files)
    assert Counter(row["interviewerId"] for row in first) == HELD
    newest = {name: max(row["updatedAt"] for row in first if row["interviewerId"] == name) for name in HELD}
    assert {row["interviewerId"]: row["updatedAt"] for row in second} == newest
    (state,) = json_lines(tmp_path / "state.json")
    partitions = state["bookmarks"]["candidates"]["partitions"]
    assert [partition["replication_key_value"] for partition in partitions] == [*newest.values()]
