"""BATCH files: the lines that RECORD messages would hold, in files that a target loads at once."""

from __future__ import annotations

import re
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from uuid import uuid4

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._batch import SDKBatchMessage

from tap_interviewflow.writer import json_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from singer_sdk.helpers._batch import BatchConfig, StorageTarget

GZIP_LEVEL: Final = 2
"""By measurement, with 100,000 candidates of the sandbox, 93.3 MB of lines. Seconds of processor time and MB by level:
1: 0.45, 15.2; 2: 0.43, 14.6; 3: 0.49, 14.2; 4: 0.67, 13.4; 5: 0.77, 12.6; 6, which is the usual one: 0.91, 12.1."""


class _File:
    """A file that gets its final name when it is whole.

    On a disk it is written to the same folder: fsspec would write it to the temporary folder, which may be on another
    disk. Elsewhere, such as in S3, fsspec shows a file only once it is committed.
    """

    def __init__(self, url: str, params: dict[str, Any], *, is_compressed: bool) -> None:
        self.url = url
        self.count = 0
        system, path = url_to_fs(url, **params)
        self._path = Path(path) if isinstance(system, LocalFileSystem) else None
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._part = self._path.with_name(f"{self._path.name}.part")
        self._file: Any = self._part.open("wb") if self._path else system.open(path, "wb", autocommit=False)
        gzip_format = 16 + zlib.MAX_WBITS
        self._packer = zlib.compressobj(GZIP_LEVEL, wbits=gzip_format) if is_compressed else None

    def add(self, rows: Sequence[bytes]) -> None:
        self.count += len(rows)
        lines = b"".join(rows)
        self._file.write(self._packer.compress(lines) if self._packer else lines)

    def finish(self) -> None:
        if self._packer:
            self._file.write(self._packer.flush())
        self._file.close()
        if self._path:
            self._part.replace(self._path)
        else:
            self._file.commit()

    def discard(self) -> None:
        with suppress(Exception):  # the error that led here is the one to tell
            self._file.close()
        if self._path:
            self._part.unlink(missing_ok=True)
        else:
            self._file.discard()


class BatchWriter:
    """Writes the lines of each stream to files, and a BATCH message for each that is whole."""

    gathers = True

    def __init__(self, tap_name: str, config: BatchConfig, write_message: Callable[[SDKBatchMessage], None]) -> None:
        """Start with no file; their names begin with the tap's."""
        self._tap_name = tap_name
        self._config = config
        self._write_message = write_message
        self._run = uuid4()
        self._number = 0
        self._files: dict[str, _File] = {}

    def encode(self, _stream: str, records: Sequence[dict[str, Any]]) -> bytes:
        """Return a line for each record."""
        return json_lines(records)

    def add(self, stream: str, lines: bytes) -> None:
        """Write whole lines of a stream, a record each."""
        rows = lines.splitlines(keepends=True)
        while rows:
            room = self._config.batch_size - (self._files[stream].count if stream in self._files else 0)
            part, rows = rows[:room], rows[room:]
            self._write(stream, part)
            if len(part) == room:
                self._finish(stream)

    def flush(self) -> None:
        """Finish the file of each stream."""
        for stream in [*self._files]:
            self._finish(stream)

    def close(self) -> None:
        """Discard what is not finished."""
        for file in self._files.values():
            file.discard()

    def _write(self, stream: str, rows: Sequence[bytes]) -> None:
        with _naming_the_setting():
            if stream not in self._files:
                self._files[stream] = self._open(stream)
            self._files[stream].add(rows)

    def _open(self, stream: str) -> _File:
        storage, is_compressed = self._config.storage, self._config.encoding.compression == "gzip"
        self._number += 1
        suffix = ".json.gz" if is_compressed else ".json"
        name = f"{storage.prefix or ''}{self._tap_name}--{stream}-{self._run}-{self._number}{suffix}"
        return _File(_address(storage, name), storage.params, is_compressed=is_compressed)

    def _finish(self, stream: str) -> None:
        file = self._files[stream]
        with _naming_the_setting():
            file.finish()
        del self._files[stream]
        self._write_message(SDKBatchMessage(stream=stream, encoding=self._config.encoding, manifest=[file.url]))


@contextmanager
def _naming_the_setting() -> Generator[None]:
    try:
        yield
    except Exception as error:  # whatever the libraries of storages raise
        message = f"batch_config can't be used: {type(error).__name__}: {error}"
        raise ConfigurationError(message) from error


def _address(storage: StorageTarget, name: str) -> str:
    """Return the address by which a target of the SDK opens a file: it takes one as it is, and decodes nothing.

    The SDK makes one of a path with all that is encoded that a URL has to encode, and could not open it itself.
    """
    url = str(storage.get_url(name))
    return url if re.match(r"[A-Za-z][A-Za-z0-9+]+:[/:]", storage.root) else unquote(url)
