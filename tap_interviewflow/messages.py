"""Writing Singer messages: encoded by a compiled encoder, buffered, and in whole lines whatever happens."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from singer_sdk.singerlib import Message, RecordMessage
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

from tap_interviewflow import output
from tap_interviewflow.interruption import Interruption

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUFFER: Final = 2**18
_MOST_CHUNKS: Final = 4
"""How many buffers may wait for a slow target before the reading waits too."""

_PATIENCE: Final = 0.2
"""Seconds between looks at whether the run is to stop."""


class OutputError(Exception):
    """Standard output takes no more."""


class TargetGoneError(OutputError):
    """The other end of the pipe was closed."""


class _Line(msgspec.Struct, gc=False):
    type: str
    stream: str
    record: Any
    version: int | msgspec.UnsetType
    time_extracted: str


def _as_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=_as_json, decimal_format="number")


def record_lines(stream: str, records: Sequence[Any], version: int | None, time_extracted: datetime) -> bytes:
    """Encode the RECORD messages of a page.

    Args:
        stream: The name of the stream.
        records: Dicts, or objects that ``msgspec`` encodes as such.
        version: The version of the stream, where it has one.
        time_extracted: When the page was read, in UTC.

    Returns:
        Whole lines.
    """
    extracted = time_extracted.isoformat()
    stamp = msgspec.UNSET if version is None else version
    return _encoder.encode_lines([_Line("RECORD", stream, record, stamp, extracted) for record in records])


class PageWriter(GenericSingerWriter[bytes, Message]):
    """Writes to standard output in large pieces, in a thread of its own.

    A write to a pipe blocks for as long as the target takes, and must not be broken off in the middle of a
    line. So one thread does nothing but write, and the others can still obey a signal while it waits.

    RECORD messages are buffered. All others, and ``end_page``, send the buffer on its way.
    """

    def __init__(self, interruption: Interruption | None = None) -> None:
        """Start with an empty buffer.

        Args:
            interruption: What is to be obeyed while a target is waited for.
        """
        super().__init__()
        self.interruption = interruption or Interruption()
        self._buffer = bytearray()
        self._chunks: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._failure: OSError | None = None
        self._thread: threading.Thread | None = None

    @override
    def serialize_message(self, message: Message) -> bytes:
        members = message.to_dict()
        if isinstance(message, RecordMessage) and message.time_extracted:
            members["time_extracted"] = message.time_extracted.isoformat()
        return _encoder.encode(members) + b"\n"

    @override
    def write_message(self, message: Message) -> None:
        self.write_lines(self.format_message(message))
        if not isinstance(message, RecordMessage):
            self.flush()

    def write_lines(self, lines: bytes) -> None:
        """Write whole lines.

        Raises:
            OutputError: If standard output takes no more.
        """
        self._buffer += lines
        if len(self._buffer) >= _BUFFER:
            self.end_page()

    def end_page(self) -> None:
        """Send the buffer on its way, so that a slow API does not look like a hung tap."""
        if not self._buffer:
            return
        if sys.stdout is None:  # then number 1 may be anything that was opened since, such as a connection
            message = "there is no standard output"
            raise OutputError(message)
        chunk = bytes(self._buffer)
        if sys.stdout is not sys.__stdout__:
            self._buffer.clear()
            _write_to_stand_in(chunk)
            return
        self._wait_for_chunks(_MOST_CHUNKS)
        self._buffer.clear()
        self._start()
        with self._changed:
            self._chunks.append(chunk)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written.

        Raises:
            OutputError: If standard output takes no more.
        """
        self.end_page()
        self._wait_for_chunks(1)

    def _wait_for_chunks(self, fewer_than: int) -> None:
        while True:
            with self._changed:
                if self._failure is not None:
                    raise _output_error(self._failure)
                if len(self._chunks) < fewer_than:
                    return
                self._changed.wait(_PATIENCE)
            self.interruption.check()
            if self.interruption.has_no_time_left():
                message = "the target takes no more"
                raise TargetGoneError(message)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._chunks:
                    self._changed.wait()
                chunk = self._chunks[0]
            try:
                output.write(chunk)
            except OSError as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._chunks.popleft()
                self._changed.notify_all()


def _write_to_stand_in(chunk: bytes) -> None:
    """Write to what a test, or a program that embeds the tap, has put in the place of standard output."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(chunk.decode())
    else:
        buffer.write(chunk)
    sys.stdout.flush()


def _output_error(error: OSError) -> OutputError:
    # Windows calls it an invalid argument.
    if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
        return TargetGoneError("the target has closed the pipe")
    return OutputError(f"standard output can't be written: {error.strerror}")
