"""The Meltano project of the dbt example, in which the plugins are those of the tests' environments."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.environments import ROOT
from tests.project.commands import published, shell
from tests.project.pages import block
from tests.targets.projects import Project
from tests.targets.warehouses import read_duckdb

if TYPE_CHECKING:
    from tests.sandbox import Sandbox
    from tests.targets.pipelines import Row

EXAMPLES = ROOT / "examples"


def follow(example: str, beginning: str, folder: Path, *programs: Path, **variables: str) -> str:
    """Do what the page of an example says in one block, in a clone of this project; return what was said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        script = block(EXAMPLES / example / "README.md", beginning).replace("8765", str(free.getsockname()[1]))
    variables |= published(folder) | {"MELTANO_CLI_LOG_FORMAT": "uncolored"}
    path = Path(os.pathsep.join(map(str, programs)))
    return shell(script, folder / "examples" / example, path, **variables)


class DbtProject(Project):
    """A copy of the example, as after `meltano install`."""

    def __init__(self, folder: Path, api: Sandbox) -> None:
        super().__init__(folder, api)
        made = shutil.ignore_patterns(".*", "logs", "output", "plugins", "target")
        shutil.copytree(EXAMPLES / "dbt", folder, ignore=made, dirs_exist_ok=True)
        file = folder / "meltano.yml"
        file.write_text(self._with_executables(file.read_text("utf-8")), "utf-8")
        self.warehouse = folder / "output" / "warehouse.db"

    def table(self, name: str) -> list[Row]:
        """Read a table of the DuckDB in which everything is."""
        return read_duckdb("target-duckdb", self.warehouse, name)
