"""BATCH: files in the place of RECORD lines, to disk and to S3 (make test-targets)."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

from tests.batch_files import batch_config
from tests.environments import environment
from tests.runs import config_for, write
from tests.sandbox import Sandbox
from tests.targets.pipelines import assert_arrived
from tests.targets.postgres import empty_postgres
from tests.targets.warehouses import json_lines, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 130, "interviewer-2": 25}


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_a_target_that_takes_batches_loads_them_from_disk(
    postgres_server: PostgresServer, tmp_path: Path, *, odd: bool
) -> None:
    table = empty_postgres(tmp_path, postgres_server)
    with Sandbox(HELD, odd=odd) as api:
        assert "4 batch manifests" in table.load(api, batch_config=batch_config(tmp_path.as_uri(), batch_size=50))
        assert_arrived(table.rows(), api)


@pytest.fixture
def s3() -> Iterator[str]:
    """Serve an S3-compatible store with a bucket in it."""
    with listening(environment("moto") / "moto_server", "--port") as port:
        store = f"http://127.0.0.1:{port}"
        assert requests.put(f"{store}/lake", timeout=10).ok
        yield store


def test_batches_go_to_an_s3_compatible_store(s3: str, tmp_path: Path) -> None:
    with Sandbox(HELD, odd=True) as api:
        config = write(
            tmp_path / "config.json", config_for(api, batch_config=batch_config("s3://lake/interviews", batch_size=50))
        )
        ended = subprocess.run(
            [str(environment("tap with S3") / "tap-interviewflow"), "--config", config],
            check=False,
            env=os.environ
            | {
                "AWS_ACCESS_KEY_ID": "sandbox",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": s3,
                "AWS_SECRET_ACCESS_KEY": "sandbox",
            },
            capture_output=True,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        manifests = [json.loads(line).get("manifest", []) for line in ended.stdout.splitlines()]
        files = [file for manifest in manifests for file in manifest]
        assert len(files) == 4
        contents = [requests.get(re.sub("^s3:/", s3, file), timeout=10).content for file in files]
        assert_arrived([row for content in contents for row in json_lines(gzip.decompress(content).decode())], api)
