"""BATCH: files in the place of RECORD lines, to disk and to S3 (make test-targets)."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import socket
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest
import requests

from tests.environments import environment
from tests.runs import config_for, write
from tests.sandbox import Sandbox
from tests.targets.pipelines import differences, held, names_of, restored
from tests.targets.postgres import empty_postgres
from tests.targets.warehouses import FLATTENED, json_lines, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Read
    from tests.runs import Run
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


def test_a_masked_address_arrives_masked(postgres_server: PostgresServer, tmp_path: Path) -> None:
    table = empty_postgres(tmp_path, postgres_server)
    with Sandbox(HELD, odd=True) as api:
        ended = table.load(api, stream_maps={"candidates": {"email": "md5(email)"}}, **batches_at(tmp_path.as_uri()))
        assert (ended.tap, ended.target) == (0, 0), ended.said
        assert "4 batch manifests" in ended.said
        masked = {key: row | {"email": _md5(row["email"])} for key, row in held(api).items()}
        assert differences(table.candidates(api), masked) == {}
        assert "@example.com" not in postgres_server.ask("select to_jsonb(candidates) from candidates")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stream_maps": {"candidates": {"email": "md5(email)", "name": "__NULL__", "stage": "status.upper()"}}},
        {"stream_maps": {"candidates": {"__filter__": "status != 'draft'"}}},
        {"stream_maps": {"candidates": {"id": "id", "interviewerId": "interviewerId", "__else__": None}}},
        FLATTENED,
    ],
    ids=["plain", "mapped", "filtered", "everything else left out", "flattened"],
)
def test_files_hold_what_record_lines_would(read: Read, tmp_path: Path, settings: dict[str, Any]) -> None:
    with Sandbox(HELD, odd=True) as api:
        lines = read(api, **settings)
        files = read(api, **settings, **batches_at(tmp_path.as_uri()))
    assert (lines.code, files.code) == (0, 0), lines.err + files.err
    assert lines.records
    assert _columns(_in_files(files)) == _columns(lines.records)


def test_files_hold_nothing_that_was_deselected(read: Read, tmp_path: Path) -> None:
    with Sandbox(HELD, odd=True) as api:
        catalog = json.loads(read(api, "--discover").out)
        (stream,) = catalog["streams"]
        for place in (["properties", "email"], ["properties", "metadata", "properties", "phone"]):
            stream["metadata"].append({"breadcrumb": place, "metadata": {"selected": False}})
        files = read(api, catalog=catalog, **batches_at(tmp_path.as_uri()))
        assert files.code == 0, files.err
        rows = _in_files(files)
        assert len(rows) == 155
        assert all("email" not in row for row in rows)
        assert all(row["metadata"].keys() == {"externalId"} for row in rows)
        assert _columns(rows) == _columns(read(api, catalog=catalog).records)


def _in_files(run: Run) -> list[Row]:
    files = [Path(url2pathname(urlparse(file).path)) for batch in run.of("BATCH") for file in batch["manifest"]]
    return [
        json.loads(line, parse_float=Decimal)
        for file in files
        for line in gzip.decompress(file.read_bytes()).decode().splitlines()
    ]


def _columns(rows: list[Row]) -> list[list[tuple[str, Any]]]:
    """Return rows for a comparison in which the order of the columns counts."""
    return [list(row.items()) for row in rows]


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
