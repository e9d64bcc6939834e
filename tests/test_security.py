"""What a run keeps on disk, and who may read it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import fsspec.implementations.local  # type: ignore[import-untyped]
import pytest

from tests.batch_files import batch_config, files_of
from tests.runs import config_for, run_here, run_process, write
from tests.sandbox import Sandbox
from tests.test_faults import CATALOG

if TYPE_CHECKING:
    from tests.conftest import Read

ROOT = Path(__file__).parent.parent


def everything_in(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*"))]


def test_a_run_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {name: tmp_path / name for name in ("given", "work", "home", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    homes = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_STATE_HOME"), str(folders["home"]))
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folders["temporary"]))
    monkeypatch.chdir(folders["work"])
    with Sandbox({"interviewer-1": 30}, odd=True) as api:
        arguments = ["--config", write(folders["given"] / "config.json", config_for(api, page_size=7))]
        before = everything_in(*folders.values())
        environment = {**homes, **temporary, "PYTHONPATH": str(ROOT)}
        assert run_process(*arguments, environment=environment).code == 0
        monkeypatch.setattr(tempfile, "tempdir", str(folders["temporary"]))
        for more in ("--discover", "--test"):
            assert run_here(*arguments, more, environment=environment).code == 0
    assert everything_in(*folders.values()) == before


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")


@posix
def test_a_batch_file_is_its_owners_alone_in_the_temporary_folder_until_it_is_whole(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, seen = tmp_path / "temporary", []
    temporary.mkdir()

    def move(source: str, target: str) -> None:
        seen.append((Path(source).parent, stat.S_IMODE(Path(source).stat().st_mode)))
        shutil.move(source, target)

    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(fsspec.implementations.local, "shutil", SimpleNamespace(move=move))
    with Sandbox({"interviewer-1": 30}) as api:
        run = read(api, catalog=CATALOG, batch_config=batch_config(tmp_path / "data", batch_size=10))
    assert len(files_of(run)) == 3
    assert seen == [(temporary, 0o600)] * 3
    assert not list(temporary.iterdir())


@posix
@pytest.mark.parametrize(("umask", "compression"), [(0o077, "gzip"), (0o077, "none"), (0o022, "gzip")])
def test_batch_files_have_the_rights_that_the_umask_leaves(
    read: Read, tmp_path: Path, umask: int, compression: str
) -> None:
    root = tmp_path / "data" / "candidates"
    settings: dict[str, Any] = {"batch_config": batch_config(root, compression, batch_size=10)}
    known = fsspec.implementations.local.get_umask  # which it asks for only once in a process
    before = os.umask(umask)
    known.cache_clear()
    try:
        with Sandbox({"interviewer-1": 30}) as api:
            assert read(api, catalog=CATALOG, **settings).code == 0
    finally:
        os.umask(before)
        known.cache_clear()
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()} == {0o666 & ~umask}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, root.parent)} == {0o777 & ~umask}
