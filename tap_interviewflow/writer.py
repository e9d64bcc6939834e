"""Writing Singer messages: encoded by a compiled encoder, buffered, and in whole lines whatever happens."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from singer_sdk.singerlib import Message, RecordMessage
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from typing_extensions import override

from tap_interviewflow.output import Output, OutputError, TargetGoneError, output_error, output_of
from tap_interviewflow.shutdown import Shutdown

if sys.platform == "linux":
    pass

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_BUFFER: Final = 2**18
_NAP: Final = 0.005
"""Seconds until a pipe that takes a short line, and says so, is asked again whether it takes a long one."""


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
        records: The records.
        version: The version of the stream, where it has one.
        time_extracted: When the page was read, in UTC.

    Returns:
        Whole lines.
    """
    extracted = time_extracted.isoformat()
    stamp = msgspec.UNSET if version is None else version
    return _encoder.encode_lines([_Line("RECORD", stream, record, stamp, extracted) for record in records])


def json_lines(records: Sequence[Any]) -> bytes:
    """Encode records by themselves, a line each."""
    return _encoder.encode_lines(records)


class SingerWriter(GenericSingerWriter[bytes, Message]):
    """Writes to standard output, in large pieces that end with a line.

    A write that blocks can't be broken off in good order. So a pipe is given only what it takes at once, and a signal
    is obeyed in between. Only a line that is longer than that may be cut: if its target stops reading in the middle of
    it, and a signal comes then. That is the whole pipe on Linux, and ``PIPE_BUF`` for a socket and elsewhere.

    Windows can't say what a pipe takes: a write blocks there until the target reads, and Ctrl-C is obeyed after it.
    """

    def __init__(self, shutdown: Shutdown | None = None) -> None:
        """Start with an empty buffer.

        Args:
            shutdown: What is to be obeyed while a target is waited for.
        """
        super().__init__()
        self.shutdown = shutdown or Shutdown()
        self._buffer = bytearray()
        self._begun = 0  # bytes of the first line in the buffer that are written already
        self._output: Output | None = None
        self._failure: OutputError | None = None

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
        """Buffer whole lines, and write what has gathered if it is much.

        Raises:
            OutputError: If standard output takes no more.
        """
        self._buffer += lines
        if len(self._buffer) >= _MAX_BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write everything.

        Raises:
            Interrupted: If the run was asked to stop, and the target has not taken everything in its last time.
            OutputError: If standard output takes no more.
        """
        if self._failure is None and self._buffer:
            try:
                self._write()
            except OutputError as error:
                self._failure = error
            except OSError as error:
                self._failure = output_error(error)
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        if sys.stdout is None:  # then number 1 may be anything that was opened since, such as a connection
            message = "there is no standard output"
            raise OutputError(message)
        if sys.__stdout__ is None or sys.stdout is not sys.__stdout__:
            self._write_to_stand_in()
            return
        output = self._output = self._output or output_of(sys.__stdout__.fileno())
        try:
            while self._buffer:
                self._write_some(output)
        except OSError:
            output.cut(self._begun)
            raise

    def _write_some(self, output: Output) -> None:
        room = output.room()
        end = self._buffer.rfind(b"\n", 0, room) + 1
        if not end and (self._begun or room >= output.capacity):
            end = room
        try:
            count = output.write(self._buffer[:end]) if end else 0
        except BlockingIOError:  # whoever started the tap has made its output non-blocking
            count = 0
        if count:
            line = self._buffer.rfind(b"\n", 0, count) + 1
            self._begun = count - line if line else count + self._begun
            del self._buffer[:count]
        elif self.shutdown.has_no_time_left():
            self.shutdown.raise_if_requested()
            message = "the target does not read any more"
            raise TargetGoneError(message)
        elif room:
            time.sleep(_NAP)

    def _write_to_stand_in(self) -> None:
        """Write to what a test, or a program that embeds the tap, has put in the place of standard output."""
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:
            sys.stdout.write(self._buffer.decode())
        else:
            buffer.write(self._buffer)
        sys.stdout.flush()
        self._buffer.clear()
