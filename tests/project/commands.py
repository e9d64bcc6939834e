"""The commands of a page, run as a reader would run them: in a shell, in an empty folder.

Where a line needs the repository, it gets a clone of this one, since git takes the one for the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

from tests.processes import said_by
from tests.project.pages import REPOSITORY, ROOT

if TYPE_CHECKING:
    from pathlib import Path

GIT: Final = shutil.which("git") or "git"
BASH: Final = shutil.which("bash") or "bash"

_OUTSIDE: Final = dict(os.environ)
"""With the proxies, which the tests themselves do without: what is installed may be behind one."""

_FOREIGN: Final = ("MELTANO", "PIPX", "PYTHON", "TAP_INTERVIEWFLOW_", "TARGET_", "VIRTUAL_ENV")


def clone(folder: Path) -> None:
    """Copy this project as it is, without what no clone has."""
    listing = (GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # not if it was deleted a moment ago
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def published(folder: Path) -> dict[str, str]:
    """Commit a clone of this project as it is, and return the variables that make git take it for the published one."""
    clone(folder)
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    init, commit = ("init", "--quiet", "--initial-branch=main"), ("commit", "--quiet", "--message=as it is")
    for command in (init, ("add", "."), (*author, *commit)):
        subprocess.run((GIT, *command), check=True, cwd=folder)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }


def shell(script: str, folder: Path, executables: Path, **variables: str) -> str:
    """Run a script with these executables, and return its output; what it has started is stopped at its end."""
    env = {name: value for name, value in _OUTSIDE.items() if not name.startswith(_FOREIGN)}
    own = {
        # Nothing is asked of Meltano Hub.
        "MELTANO_HUB_URL": "http://127.0.0.1:9",
        "PATH": os.pathsep.join((str(folder / "bin"), str(executables), env["PATH"])),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_HOME": str(folder / "pipx"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    command = (BASH, "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) || true' EXIT\n{script}")
    return said_by(*command, cwd=folder, env=env | own | variables)


def json_lines(*files: Path) -> list[dict[str, Any]]:
    """Read files of JSON lines."""
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
