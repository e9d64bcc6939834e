"""Serve BigQuery's API on a port of loopback; run in the environment that has the emulator in it.

The emulator lacks three things of the service that the target counts on, and gets them here.
"""

import gzip
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

engine = import_module("bqemulator.storage.engine").DuckDBEngine
translator = import_module("bqemulator.sql.translator").SQLTranslator
upload: Any = import_module("bqemulator.api.routes.upload")
translate, run_load = translator.translate, upload._run_load


def translate_merge(self: object, sql: str, **options: object) -> object:
    """Take a column's name with the table's before it in a MERGE, which DuckDB does not."""
    return translate(self, re.sub(r"((?:UPDATE SET|,) )target\.(`[^`]+` = source\.)", r"\1\2", sql), **options)


def run_load_of_gzip(*, media_path: str, **options: object) -> object:
    """Load a compressed file."""
    file = Path(media_path)
    if (content := file.read_bytes()).startswith(b"\x1f\x8b"):
        file.write_bytes(gzip.decompress(content))
    return run_load(media_path=media_path, **options)


upload._run_load = run_load_of_gzip
translator.translate = translate_merge
# Places on Earth, which no candidate has: for them DuckDB would download an extension.
engine._load_spatial = lambda _: None
import_module("bqemulator.cli").main(["start", "--rest-port", sys.argv[1], "--grpc-port", "0"])
