"""BATCH: files in the place of RECORD lines, to disk and to S3 (make test-targets)."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_interviewflow.sandbox import Sandbox
from tests.runs import config_for, write
from tests.targets.environments import environment
from tests.targets.pipelines import differences, held, names_of, restored
from tests.targets.postgres import empty_postgres
from tests.targets.warehouses import json_lines, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.targets.pipelines import Row
    from tests.targets.postgres import PostgresServer

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 130, "interviewer-2": 25}


def batches_at(root: str) -> dict[str, Any]:
    encoding = {"format": "jsonl", "compression": "gzip"}
    return {"batch_config": {"encoding": encoding, "storage": {"root": root}, "batch_size": 50}}


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_a_target_that_takes_batches_loads_them_from_disk(
    postgres_server: PostgresServer, tmp_path: Path, *, odd: bool
) -> None:
    table = empty_postgres(tmp_path, postgres_server)
    with Sandbox(HELD, odd=odd) as api:
        ended = table.load(api, **batches_at(tmp_path.as_uri()))
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert "4 batch manifests" in ended.said
        assert differences(table.candidates(api), held(api)) == {}


def test_rows_that_came_in_batches_are_not_deleted_by_a_version_that_they_do_not_carry(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    table = empty_postgres(tmp_path, postgres_server, hard_delete=True)
    with Sandbox(HELD) as api:
        ended = table.load(api, emit_activate_version_messages=True, **batches_at(tmp_path.as_uri()))
    assert (ended.tap, ended.target) == (0, 0), ended.said
    assert len(table.rows()) == 155


@pytest.fixture
def s3() -> Iterator[str]:
    """Serve an S3-compatible store with a bucket in it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(environment("moto") / "moto_server"), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_for_port(port)
        store = f"http://127.0.0.1:{port}"
        assert requests.put(f"{store}/lake", timeout=10).ok
        yield store
        server.terminate()


def test_batches_go_to_an_s3_compatible_store(s3: str, tmp_path: Path) -> None:
    with Sandbox(HELD, odd=True) as api:
        config = write(tmp_path / "config.json", config_for(api, **batches_at("s3://lake/interviews")))
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
        rows = [row for file in files for row in _read(s3, file)]
        assert differences(restored(rows, names_of(api)), held(api)) == {}


def _read(store: str, file: str) -> list[Row]:
    answer = requests.get(re.sub("^s3:/", store, file), timeout=10)
    return json_lines(gzip.decompress(answer.content).decode())
