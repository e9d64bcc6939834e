"""What a run keeps on disk, and who may read it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.batch_files import batch_config, files_of, records_by_stream
from tests.runs import Run, config_for, start, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG

if TYPE_CHECKING:
    from tests.conftest import Read

ROOT = Path(__file__).parent.parent.parent


def test_a_run_leaves_no_file_behind(tmp_path: Path) -> None:
    names = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR", "TEMP", "TMP")
    environment = dict.fromkeys(names, str(tmp_path)) | {"PYTHONPATH": str(ROOT)}
    with Sandbox({"interviewer-1": 30}, odd=True) as api:
        config = write(tmp_path / "config.json", config_for(api, page_size=7))
        for arguments in ([], ["--test"]):  # the first discovers, too
            process = start("--config", config, *arguments, environment=environment, cwd=tmp_path)
            process.communicate()
            assert process.returncode == 0
    assert list(tmp_path.rglob("*")) == [tmp_path / "config.json"]


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")


@posix
@pytest.mark.parametrize("umask", [0o077, 0o022])
def test_batch_files_have_the_permissions_that_the_umask_leaves(read: Read, tmp_path: Path, umask: int) -> None:
    root = tmp_path / "data" / "candidates"
    before = os.umask(umask)
    try:
        with Sandbox({"interviewer-1": 30}) as api:
            assert read(api, catalog=CATALOG, batch_config=batch_config(root, batch_size=10)).code == 0
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()} == {0o666 & ~umask}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, root.parent)} == {0o777 & ~umask}


def test_a_run_that_fails_leaves_only_whole_batch_files(read: Read, tmp_path: Path) -> None:
    with Sandbox({"interviewer-1": 30}, faults={("interviewer-1", 3): "always:401"}) as api:
        run = read(api, catalog=CATALOG, page_size=10, batch_config=batch_config(tmp_path / "data", batch_size=15))
    assert run.code == 1
    assert {*(tmp_path / "data").iterdir()} == {*files_of(run)}
    assert len(records_by_stream(run)["candidates"]) == 20


def test_a_run_that_is_killed_leaves_no_batch_file_that_looks_whole(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Sandbox({"interviewer-1": 30}, faults={("interviewer-1", 2): "always:hang"}) as api:
        settings = config_for(api, page_size=10, batch_config=batch_config(folder))
        process = start("--config", write(tmp_path / "config.json", settings))
        while not folder.exists() or not list(folder.iterdir()):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.communicate()
    (file,) = folder.iterdir()
    assert file.suffix == ".part"


@posix
def test_a_batch_file_that_can_not_be_finished_is_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Sandbox({"interviewer-1": 30}) as api:
        config = write(tmp_path / "config.json", config_for(api, batch_config=batch_config(folder)))
        # No file may be larger than a kilobyte; what is compressed is written at the end.
        command = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-m", "tap_interviewflow"]
        ended = subprocess.run([*command, "--config", config], check=False, capture_output=True)
    run = Run(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
    assert run.code == 1
    assert [line.partition(": ")[0] for line in run.lines("ERROR")] == ["batch_config can't be used"]
    assert (run.of("BATCH"), run.verdicts, list(folder.iterdir())) == ([], {}, [])
