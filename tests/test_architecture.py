"""The modules know of each other what `docs/architecture.md` says, and it names them all."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tap_interviewflow"
SANDBOX = "sandbox"
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): path
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
}
"""By their names as in `api/client`."""

LAYERS = ["tap", "streams", "reader", "lookups", "fetcher", "api", "records"]
"""From the top; each knows those below it only."""

ROOMS = dict.fromkeys(("state", "batches", "deletes", "report"), "streams")
"""Modules that are in the room of another one."""


@cache
def imports(path: Path) -> frozenset[str]:
    """What a module imports anywhere, be it in a function or for types only, by full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they lead"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def known(module: str) -> set[str]:
    """The modules of the tap that a module knows."""
    names = {name.partition(".")[2].replace(".", "/") for name in imports(MODULES[module]) if _is_ours(name)}
    return names & MODULES.keys()


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE.name


def layer(module: str) -> int | None:
    """How far down a module is."""
    room = ROOMS.get(module, module.partition("/")[0])
    return LAYERS.index(room) if room in LAYERS else None


def test_the_page_names_the_modules_that_there_are() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {name.removesuffix(".py") for name in re.findall(r"`([\w/]+\.py)`", page)}
    assert named == {module for module in MODULES if not module.startswith(SANDBOX)}


def test_the_picture_names_modules_that_there_are() -> None:
    picture = (ROOT / "docs" / "way-of-the-data.svg").read_text("utf-8")
    named = set(re.findall(r"([\w/]+)\.py\b", picture))
    assert named
    assert named <= {*MODULES, *(module.rpartition("/")[2] for module in MODULES)}


def test_no_module_knows_itself_by_a_detour() -> None:
    TopologicalSorter({module: known(module) for module in MODULES}).prepare()


def test_each_layer_knows_none_above_it_and_what_is_beside_them_neither_the_tap_nor_its_stream() -> None:
    for module in MODULES.keys() - {"__main__"}:
        above = {"tap", "streams"} if (own := layer(module)) is None else set(LAYERS[:own])
        assert not {other.partition("/")[0] for other in known(module)} & above, module


def test_records_know_neither_http_nor_streams() -> None:
    for module in (module for module in MODULES if module.startswith("records/")):
        names = imports(MODULES[module])
        assert not {name.partition(".")[0] for name in names} & {"requests", "urllib3", "http"}, module
        assert not [name for name in names if name.startswith("singer_sdk") and "exceptions" not in name], module
        assert all(other.startswith("records/") for other in known(module)), module


def test_the_api_knows_no_stream() -> None:
    for module in ("reader", "fetcher", *(module for module in MODULES if module.startswith("api/"))):
        names = imports(MODULES[module])
        assert not {"singer_sdk.Stream", "singer_sdk.Tap", "singer_sdk.streams"} & names, module


def test_the_sandbox_knows_nothing_of_the_tap() -> None:
    ours = {name for path in (PACKAGE / SANDBOX).glob("*.py") for name in imports(path) if _is_ours(name)}
    beyond = {name for name in ours if not name.startswith(f"{PACKAGE.name}.{SANDBOX}")}
    assert beyond <= {PACKAGE.name, f"{PACKAGE.name}.__version__"}
    assert not [name for path in (PACKAGE / SANDBOX).glob("*.py") for name in imports(path) if "singer_sdk" in name]
