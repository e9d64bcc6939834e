from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from singer_sdk import Stream
from singer_sdk.plugin_base import PluginBase

import tap_interviewflow
from tap_interviewflow.api.pagination import CandidatesPaginator
from tap_interviewflow.cli import OneLineCommand
from tap_interviewflow.state import BookmarkedStream
from tap_interviewflow.streams import Candidates
from tap_interviewflow.tap import TapInterviewFlow
from tap_interviewflow.writer import SingerWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = Path(tap_interviewflow.__file__).parent
PYPROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]

# What is called differently when it is imported.
IMPORTED_AS = {"python-dotenv": "dotenv"}


def test_the_version_is_said_once() -> None:
    assert version("tap-interviewflow") == tap_interviewflow.__version__
    assert PROJECT["dynamic"] == ["version"]


def test_both_commands_are_installed() -> None:
    ours = [each for each in entry_points(group="console_scripts") if each.value.startswith("tap_interviewflow.")]
    assert {each.name for each in ours} == {"tap-interviewflow", "tap-interviewflow-sandbox"}
    assert all(callable(each.load()) for each in ours)


def imported() -> set[str]:
    """The packages that are imported, but for those of Python and our own."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"tap_interviewflow"}


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    declared = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert {IMPORTED_AS.get(name, name).replace("-", "_") for name in declared} == imported()


def test_what_is_checked_before_a_commit_is_checked_by_the_versions_of_make_lint() -> None:
    hooks = yaml.safe_load((PACKAGE.parent / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    tools = [tool for hook in hooks for tool in hook["additional_dependencies"]]
    assert tools
    assert set(tools) <= set(map(str, PYPROJECT["dependency-groups"]["lint"]))


# Private members of the SDK that are overridden or used, and their parameters; what has none is not called. Where one
# is overridden, the code says why.
PRIVATE: dict[str, tuple[type, list[str] | None]] = {
    "_check_max_record_limit": (Stream, ["self", "current_record_index"]),
    "_finalize_state": (Stream, ["self", "state"]),
    "_generate_record_messages": (Stream, ["self", "record"]),
    "_stream_version": (Stream, None),
    "_sync_batches": (Stream, ["self", "batch_config", "context"]),
    "_sync_records": (Stream, ["self", "context", "write_messages"]),
    "_tap": (Stream, None),
    "_write_activate_version_message": (Stream, ["self", "full_table_version"]),
    "_write_starting_replication_value": (Stream, ["self", "context"]),
    "_write_state_message": (Stream, ["self"]),
    "_config": (PluginBase, None),
    "_env_var_config": (PluginBase, ["cls"]),
    "_env_var_prefix": (PluginBase, None),
    "_setup_signal_handlers": (PluginBase, ["self"]),
    "_validate_config": (PluginBase, ["self", "raise_errors"]),
}


@pytest.mark.parametrize("name", [name for name, (_, expected) in PRIVATE.items() if expected])
def test_a_private_member_of_the_sdk_looks_as_it_did(name: str) -> None:
    owner, expected = PRIVATE[name]
    member: Any = vars(owner)[name]
    member = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
    assert list(inspect.signature(member).parameters) == expected


def private(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith("_") and not name.startswith("__") and name != "_abc_impl"}


def attributes(cls: type, *contexts: type[ast.expr_context]) -> set[str]:
    """What the methods of a class read, or set."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, contexts)}


def of_the_sdk(cls: type) -> set[str]:
    """The private members that a class has from the SDK."""
    bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("singer_sdk")]
    return private(name for base in bases for name in vars(base).keys() | attributes(base, ast.Store))


OURS = [TapInterviewFlow, BookmarkedStream, Candidates, SingerWriter, OneLineCommand, CandidatesPaginator]


def test_every_private_member_that_is_overridden_or_used_is_held_still() -> None:
    own = {cls: vars(cls).keys() | attributes(cls, ast.Store) for cls in OURS}
    overridden = {name for cls in OURS for name in private(vars(cls)) & of_the_sdk(cls)}
    used = {name for cls in OURS for name in attributes(cls, ast.Load) & of_the_sdk(cls) - own[cls]}
    assert overridden | used == PRIVATE.keys()


def test_activate_version_is_asked_for_where_it_is_expected() -> None:
    # It is held back until the last record is out; were it written elsewhere, it would come too early again.
    assert "self._write_activate_version_message" in inspect.getsource(Stream.sync)
    assert "_write_activate_version_message" not in inspect.getsource(Stream._sync_records)
