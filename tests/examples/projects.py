"""The Meltano project of the dbt example, in which the plugins are those of the tests' environments."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from tests.environments import ROOT
from tests.project.commands import published, shell
from tests.project.pages import block
from tests.targets.projects import Project, meltano

if TYPE_CHECKING:
    from tests.sandbox import Sandbox

EXAMPLES = ROOT / "examples"


def follow(example: str, beginning: str, folder: Path, *programs: Path, **variables: str) -> str:
    """Do what the page of an example says in one block, in a clone of this project; give what was said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        script = block(EXAMPLES / example / "README.md", beginning).replace("8765", str(free.getsockname()[1]))
    variables |= published(folder) | {"MELTANO_CLI_LOG_FORMAT": "uncolored"}
    path = Path(os.pathsep.join(map(str, programs)))
    return shell(script, folder / "examples" / example, path, **variables)


class DbtProject(Project):
    """A copy of the example, as after `meltano install`."""

    def __init__(self, folder: Path, api: Sandbox) -> None:
        super().__init__(folder, api, meltano())
        made = shutil.ignore_patterns(".*", "logs", "output", "plugins", "target")
        shutil.copytree(EXAMPLES / "dbt", folder, ignore=made, dirs_exist_ok=True)
        file = folder / "meltano.yml"
        file.write_text(self._with_executables(file.read_text("utf-8")), "utf-8")
        (folder / "output").mkdir()

    @override
    def environment(self) -> dict[str, str]:
        """Leave out what a developer has set for a dbt or a warehouse of their own."""
        foreign = ("DBT_", "DUCKDB_", "POSTGRES_")
        return {name: value for name, value in super().environment().items() if not name.startswith(foreign)}
