"""The modules know of each other what `docs/architecture.md` says, and it names them all."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tap_interviewflow"
MODULES = {path.stem for path in PACKAGE.glob("[!_]*.py")}


def imports(module: str) -> set[str]:
    """What a module needs at run time, by full names."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def siblings(module: str) -> set[str]:
    """The modules of the tap that a module needs at run time."""
    return {name.split(".")[1] for name in imports(module) if name.startswith("tap_interviewflow.")} & MODULES


@pytest.mark.parametrize("name", ["architecture.md", "way-of-the-data.svg"])
def test_the_page_and_the_picture_name_the_modules_that_there_are(name: str) -> None:
    named = set(re.findall(r"\b(\w+)\.py\b", (ROOT / "docs" / name).read_text("utf-8")))
    assert named <= MODULES
    assert name.endswith(".svg") or named == MODULES


def test_no_module_needs_itself_by_a_detour() -> None:
    TopologicalSorter({module: siblings(module) for module in MODULES}).prepare()


def test_what_fits_values_knows_neither_requests_nor_streams() -> None:
    for module in ("schema", "records", "columns", "values", "compiled"):
        foreign = {name.split(".")[0] for name in imports(module)} & {"requests", "urllib3"}
        assert not foreign, module
        assert not any(name.startswith("singer_sdk.") and ".exceptions" not in name for name in imports(module)), module


def test_the_sandbox_knows_nothing_of_the_tap() -> None:
    for path in (PACKAGE / "sandbox").glob("*.py"):
        ours = {name for name in imports(f"sandbox/{path.stem}") if name.startswith("tap_interviewflow.")}
        foreign = {name for name in ours if not name.startswith("tap_interviewflow.sandbox")}
        assert foreign <= {"tap_interviewflow.__version__"}, path
