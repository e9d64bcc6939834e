"""The Meltano project of the dbt example, in which the plugins are those of the tests' environments."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from typing_extensions import override

from tests.environments import ROOT
from tests.targets.projects import Project, meltano

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox import Sandbox

EXAMPLES = ROOT / "examples"


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
