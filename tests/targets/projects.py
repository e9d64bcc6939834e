"""Meltano projects like this one, in which the plugins are those of the tests' environments."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.environments import REQUIREMENTS, ROOT, environment
from tests.processes import environment_for, said_by
from tests.project.pages import blocks, section
from tests.targets.warehouses import JsonLines

if TYPE_CHECKING:
    from tests.sandbox import Sandbox
    from tests.targets.pipelines import Row


class Recipe(NamedTuple):
    """What stands under one heading of the pages: what goes into `meltano.yml`, and the command."""

    yaml: str
    command: str

    @classmethod
    def of(cls, heading: str) -> Recipe:
        found = dict(blocks(section(heading)))
        return cls(found.get("yaml", ""), found["sh"].strip())


class Project:
    """A Meltano project like this one, in which the plugins are those of the tests' environments."""

    def __init__(self, folder: Path, api: Sandbox) -> None:
        self.folder, self.api = folder, api
        (folder / "output").mkdir(parents=True)

    def run(self, recipe: Recipe, **variables: str) -> str:
        """Run a recipe as its reader would; a variable that is empty is not set."""
        self.write(recipe.yaml)
        told = self.shell(recipe.command, **variables)
        assert self.api.key not in told
        return told

    def write(self, yaml: str) -> None:
        """Write a `meltano.yml` like this project's, with more in it."""
        base = (ROOT / "meltano.yml").read_text("utf-8")
        if yaml.startswith("environments:"):
            base = base.replace("environments:\n- name: dev\n", "").replace("default_environment: dev\n", "")
        if yaml.startswith("plugins:"):  # two of them can't be in one file
            (self.folder / "recipe.meltano.yml").write_text(self._with_executables(yaml), "utf-8")
            base += "include_paths:\n- recipe.meltano.yml\n"
        else:
            base += yaml
        (self.folder / "meltano.yml").write_text(self._with_executables(base), "utf-8")

    def shell(self, command: str, **variables: str) -> str:
        """Run a command line, and return what was said."""
        env = {name: value for name, value in self.environment(**variables).items() if value}
        return said_by("/bin/sh", "-c", command, cwd=self.folder, env=env)

    def rows(self) -> list[Row]:
        """Read what target-jsonl has written, and take it away."""
        rows = JsonLines(self.folder / "output").rows()
        (self.folder / "output" / "candidates.jsonl").unlink()
        return rows

    def _with_executables(self, yaml: str) -> str:
        """Put the tests' environments in the place of those that Meltano would make of the same requirements."""

        def local(match: re.Match[str]) -> str:
            requirements, name = match["requirements"].split(), match["name"]
            if name == "tap-interviewflow":
                return f"executable: {Path(sys.executable).parent / name}"
            own_first = ({name: REQUIREMENTS.get(name, ())} | REQUIREMENTS).items()
            chosen = next(each for each, wanted in own_first if set(requirements) <= set(wanted))
            return f"executable: {self._executable(name, environment(chosen))}"

        return re.sub(r"pip_url: (?P<requirements>.+)\n +executable: (?P<name>\S+)", local, yaml)

    def _executable(self, name: str, programs: Path) -> Path:
        stand_in = Path(__file__).parent / f"{name.replace('target-', 'load_')}.py"
        if not stand_in.is_file():
            return programs / name
        script = self.folder / name
        # In the emulator of Snowflake the folder of its files comes last.
        rest = '"$@"' + (f" {self.folder}" if name == "target-snowflake" else "")
        script.write_text(f"#!/bin/sh\nexec {programs / 'python'} {stand_in} {rest}\n")
        script.chmod(0o755)
        return script

    def environment(self, *programs: Path, **variables: str) -> dict[str, str]:
        """Return what stands in the environment of its commands."""
        return environment_for(self.api, *programs, Path(meltano()).parent, **variables)


def meltano() -> str:
    """Return the path of Meltano's executable."""
    found = os.environ.get("MELTANO") or shutil.which("meltano")
    return found or pytest.fail("no Meltano: run the tests by `make`, or name the executable in MELTANO")
