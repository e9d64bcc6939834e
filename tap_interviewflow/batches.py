"""BATCH files: the records that RECORD lines would hold, in files that a target loads at once."""

from __future__ import annotations

import gzip
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import SDKBatchMessage

from tap_interviewflow.writer import json_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.helpers._batch import BatchConfig

GZIP_LEVEL: Final = 1
"""Costs a third of what the usual level costs, for files that are a tenth larger."""


class BatchWriter:
    """Gathers the records of each stream, and writes a file and a BATCH message whenever there are enough."""

    def __init__(self, tap_name: str, config: BatchConfig, write_message: Callable[[SDKBatchMessage], None]) -> None:
        """Start with no file.

        Args:
            tap_name: What the files are named by.
            config: The setting ``batch_config``.
            write_message: Where BATCH messages go.
        """
        self._tap_name = tap_name
        self._config = config
        self._write_message = write_message
        self._waiting: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._run = uuid4()
        self._files = 0

    def add(self, stream: str, records: Sequence[dict[str, Any]]) -> None:
        """Take records of a stream, as they are to be loaded."""
        waiting = self._waiting[stream]
        waiting += records
        size = self._config.batch_size
        while len(waiting) >= size:
            self._write(stream, waiting[:size])
            del waiting[:size]

    def flush(self) -> None:
        """Write what is left."""
        for stream, waiting in self._waiting.items():
            if waiting:
                self._write(stream, waiting)
        self._waiting.clear()

    def _write(self, stream: str, records: Sequence[dict[str, Any]]) -> None:
        if self._config.encoding.format == "jsonl":
            manifests = [[self._write_lines(stream, records)]]
        else:
            # The format's own encoder, as the SDK finds it.
            manifests = list(Batcher(self._tap_name, stream, self._config).get_batches(iter(records)))
        for manifest in manifests:
            self._write_message(SDKBatchMessage(stream=stream, encoding=self._config.encoding, manifest=manifest))

    def _write_lines(self, stream: str, records: Sequence[dict[str, Any]]) -> str:
        """Write a file of lines. The SDK's own encoder takes ten times as long, and always compresses."""
        storage = self._config.storage
        is_compressed = self._config.encoding.compression == "gzip"
        self._files += 1
        suffix = ".json.gz" if is_compressed else ".json"
        name = f"{storage.prefix or ''}{self._tap_name}--{stream}-{self._run}-{self._files}{suffix}"
        lines = json_lines(records)
        with storage.open(name, "wb") as file:
            file.write(gzip.compress(lines, GZIP_LEVEL) if is_compressed else lines)
        return str(storage.get_url(name))
