"""Reading back the files that BATCH messages name."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from singer_sdk.helpers._batch import StorageTarget

if TYPE_CHECKING:
    from tests.runs import Run


def batch_config(folder: object, compression: str | None = "gzip", **more: Any) -> dict[str, Any]:
    """Settings that write files into a folder."""
    return {"encoding": {"format": "jsonl", "compression": compression}, "storage": {"root": str(folder)}} | more


def files_of(run: Run) -> list[Path]:
    """The files, in the order of their messages."""
    return [
        Path(url2pathname(urlparse(url).path)) for message in run.of("BATCH") for url in message["manifest"]
    ]  # fmt: skip


def records_in(file: Path) -> list[dict[str, Any]]:
    """The records in a file, every digit kept."""
    return _records(file.read_bytes(), is_compressed=file.suffix == ".gz")


def _content(url: str) -> bytes:
    if url.startswith("memory:"):  # which the SDK can't open
        system, path = url_to_fs(url)
        content: bytes = system.cat_file(path)
        return content
    folder, name = StorageTarget.split_url(url)
    with StorageTarget.from_url(folder).open(name) as file:
        return file.read()  # type: ignore[no-any-return]


def _records(content: bytes, *, is_compressed: bool) -> list[dict[str, Any]]:
    if is_compressed:
        content = gzip.decompress(content)
    return [json.loads(line, parse_float=Decimal) for line in content.decode().split("\n")[:-1]]


def records_by_stream(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The records of a run by stream, whether they came as lines or in files, found there as a target finds them."""
    records: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in run.messages:
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
        elif message["type"] == "BATCH":
            for url in message["manifest"]:
                is_compressed = message["encoding"].get("compression") == "gzip"
                records[message["stream"]] += _records(_content(url), is_compressed=is_compressed)
    return dict(records)
