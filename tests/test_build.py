"""What a release is built by: tools that are pinned by their hashes, twice, on a machine where nothing else runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TEXT = (ROOT / ".github" / "build-requirements.txt").read_text("utf-8")
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
PINS = {re.split(r"[^\w.-]", line)[0]: line for line in LINES}
WANTED = sorted({*PYPROJECT["build-system"]["requires"], *PYPROJECT["dependency-groups"]["build"]})
RELEASE: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))["jobs"]


@pytest.mark.parametrize("name", PINS)
def test_each_tool_is_pinned_to_one_version_by_its_hashes(name: str) -> None:
    assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^-]+?)?( ?--hash=sha256:[0-9a-f]{64})+", PINS[name])


def test_the_pins_name_no_place_to_install_from() -> None:
    assert not re.search(r"://|--(index|extra|find|trusted)", TEXT)


@pytest.mark.parametrize("wanted", WANTED)
def test_what_builds_is_pinned_to_a_version_that_is_wanted(wanted: str) -> None:
    requirement = Requirement(wanted)
    (pin,) = Requirement(PINS[requirement.name].partition(" --hash")[0]).specifier
    assert requirement.specifier.contains(pin.version)


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
