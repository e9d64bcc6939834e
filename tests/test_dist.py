"""What is published, before it is: `make test-dist` builds it and tries it in a fresh environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
import venv
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from tap_interviewflow import __version__

# Installing downloads what the tap depends on.
pytestmark = [pytest.mark.dist, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
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
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")


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


def test_the_quick_start_of_the_readme_works_with_the_wheel_alone(tmp_path: Path) -> None:
    blocks = re.findall(r"^```\w*\n(.+?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (quick_start,) = (block for block in blocks if "pip install tap-interviewflow\ntap-interviewflow-sandbox" in block)
    venv.create(tmp_path / "venv", with_pip=True)
    foreign = ("TAP_INTERVIEWFLOW_", "PYTHON", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env |= {"PATH": f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{env['PATH']}", "no_proxy": "127.0.0.1"}
    command = ("bash", "-euc", f"{quick_start}\nkill $!")
    ended = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=env | {"PIP_FIND_LINKS": str(DIST)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    (written,) = tmp_path.glob("*.jsonl")
    messages = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    read = Counter(message["record"]["interviewerId"] for message in messages if message["type"] == "RECORD")
    assert read == {"interviewer-1": 50, "interviewer-2": 50}
