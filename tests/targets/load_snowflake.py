"""Run the Snowflake target on an emulator in the same process; in its own environment."""

import gzip
import re
import sys
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlparse

cursor: Any = import_module("fakesnow.cursor").FakeSnowflakeCursor
execute = cursor.execute
STAGE = r"'@~/target-snowflake/([^']+?)/?'"


stages: dict[str, list[str]] = {}


def execute_with_stage(self: Any, command: str, params: Any = None, *rest: object, **options: object) -> object:
    """Stand for the user's stage and for formats of files, which the emulator does not have."""
    stage = re.search(STAGE, command)
    if stage and command.startswith("put"):
        with gzip.open(unquote(urlparse(params["file_uri"]).path), "rt", encoding="utf-8") as file:
            stages.setdefault(stage[1], []).extend(file)
    elif stage and command.startswith("merge"):
        return merge(self, command, stages.pop(stage[1]))
    elif not re.match(r"remove '@~|(create or replace|drop) file format", command):
        return execute(self, command, params, *rest, **options)
    return execute(self, "select 1")


def merge(self: Any, command: str, lines: list[str]) -> object:
    """Merge in two steps, since the emulator's MERGE takes no path into a JSON value."""
    parts = re.fullmatch(r"(?s)merge into (\S+)\.\S+ d using \((select .*)\) s on .*", command)
    assert parts
    schema, select = parts.groups()
    execute(self, f"use schema {schema}")  # the emulator wants one even where every name is in full
    self._duck_conn.execute(f"create or replace table {schema}.stage (n bigint, v json)")
    self._duck_conn.executemany(f"insert into {schema}.stage values (?, ?)", list(enumerate(lines)))  # noqa: S608
    staged = re.sub(rf"{STAGE}\s*\(file_format => \S+\)", f"{schema}.stage", select)
    staged = staged.replace("$1:", "v:").replace("SEQ8()", "n")
    execute(self, f"create or replace table {schema}.staged as {staged}")
    return execute(self, command.replace(f"({select})", f"{schema}.staged"))


cursor.execute = execute_with_stage
folder = sys.argv.pop()
with import_module("fakesnow").patch(db_path=folder):
    import_module("target_snowflake.target").TargetSnowflake.cli()
