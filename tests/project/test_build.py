"""What a release is built from, and what the container is made of: all of it is pinned by its hash."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.project.commands import BASH

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LISTS = sorted((ROOT / "pins").glob("*.txt"))


def pins(path: Path) -> dict[str, str]:
    """The lines of a list, by the names of what they pin."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    return {re.split(r"[^\w.-]", line)[0]: line for line in re.sub(r"\\\n\s*", "", text).splitlines()}


BUILD = pins(ROOT / "pins" / "build.txt")
CONTAINER = pins(ROOT / "pins" / "tap-interviewflow.txt")
WANTED = sorted({*PYPROJECT["build-system"]["requires"], *PYPROJECT["dependency-groups"]["build"]})
RELEASE: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))["jobs"]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_everything_is_pinned_to_one_version_by_its_hashes(path: Path) -> None:
    lines = pins(path).values()
    assert lines
    pinned = r"[\w.-]+==[\w.]+( ; [^-]+?)?( ?--hash=sha256:[0-9a-f]{64})+"
    assert [line for line in lines if not re.fullmatch(pinned, line)] == []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_pins_name_no_place_to_install_from(path: Path) -> None:
    assert not re.search(r"://|--(index|extra|find|trusted)", path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("wanted", "pinned"),
    [(each, BUILD) for each in WANTED] + [(each, CONTAINER) for each in PYPROJECT["project"]["dependencies"]],
)
def test_what_is_wanted_is_pinned_to_a_version_that_is_allowed(wanted: str, pinned: dict[str, str]) -> None:
    requirement = Requirement(wanted)
    (pin,) = Requirement(pinned[requirement.name].partition(" --hash")[0]).specifier
    assert requirement.specifier.contains(pin.version)


def test_the_base_image_is_named_by_its_digest_which_an_update_rule_moves() -> None:
    named = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert set(named[1:]) == {"base"}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", named[0])
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    assert "/" in [update["directory"] for update in updates if update["package-ecosystem"] == "docker"]


@pytest.mark.parametrize("on_main", [True, False])
def test_a_release_is_made_from_a_commit_on_main_only(tmp_path: Path, on_main: bool) -> None:  # noqa: FBT001
    steps = RELEASE["check"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    (check,) = (step["run"] for step in steps if step.get("name") == "Is the tagged commit on main?")
    author = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(command: str) -> int:
        return subprocess.run(
            [BASH, "-e", "-c", command], check=False, cwd=tmp_path, env=os.environ | author
        ).returncode

    assert run("git init --quiet --initial-branch=main . && git commit --quiet --allow-empty --message=one") == 0
    assert run("git update-ref refs/remotes/origin/main main && git switch --quiet --create=other") == 0
    if not on_main:
        assert run("git commit --quiet --allow-empty --message=two") == 0
    assert (run(f"git tag v1 && {check}") == 0) is on_main


def test_a_release_is_built_by_the_pinned_tools_and_by_nothing_else() -> None:
    assert [step["run"] for step in RELEASE["build"]["steps"] if "run" in step] == ["make dist"]
    assert not [step for step in RELEASE["build"]["steps"] if "cache" in step.get("with", {})]


def test_only_what_was_checked_and_built_is_published() -> None:
    assert RELEASE["publish"]["needs"] == ["check", "build"]
    assert RELEASE["announce"]["needs"] == "publish"
    uploads = [name for name, job in RELEASE.items() if "actions/upload-artifact@" in str(job)]
    assert uploads == ["build"]


def test_a_release_is_published_with_attestations_and_without_a_stored_password() -> None:
    assert "secrets." not in str(RELEASE)
    assert RELEASE["publish"]["permissions"] == {"attestations": "write", "id-token": "write"}
    attested, published = (
        next(step["with"] for step in RELEASE["publish"]["steps"] if step.get("uses", "").startswith(f"{action}@"))
        for action in ("actions/attest", "pypa/gh-action-pypi-publish")
    )
    assert attested == {"subject-path": "dist/*"}
    assert published == {"attestations": True}
