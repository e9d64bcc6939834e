"""Running programs to their end, in an environment that leads to a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.sandbox import Sandbox

FOREIGN: Final = ("AIRFLOW", "DBT_", "DUCKDB_", "MELTANO", "POSTGRES_", "TAP_INTERVIEWFLOW_", "TARGET_")
"""What the variables of a developer's own projects begin with."""


def environment_for(api: Sandbox, *programs: Path, **variables: str) -> dict[str, str]:
    """Return an environment in which the tap reads a sandbox, and Meltano asks nobody.

    Args:
        api: The sandbox.
        programs: Folders of executables, before all others.
        variables: Further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "MELTANO_CLI_LOG_FORMAT": "uncolored",
        "MELTANO_HUB_URL": "http://127.0.0.1:9",
        "PATH": os.pathsep.join((*map(str, programs), kept["PATH"])),
        "TAP_INTERVIEWFLOW_API_KEY": api.key,
        "TAP_INTERVIEWFLOW_API_URL": api.url,
        "TAP_INTERVIEWFLOW_INTERVIEWER_IDS": json.dumps(list(api.interviewers)),
        "no_proxy": "127.0.0.1",
    }
    return kept | own | variables


def said_by(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program that has to end with 0, and return its output."""
    ended = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
