"""Singer messages on standard output, in whole lines."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from singer_sdk.singerlib import Message
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from typing_extensions import override

from tap_interviewflow.shutdown import Shutdown

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_BUFFER: Final = 2**18


class _Line(msgspec.Struct, gc=False):
    type: str
    stream: str
    record: Any
    version: int | msgspec.UnsetType
    time_extracted: str


_encoder: Final = msgspec.json.Encoder(enc_hook=str, decimal_format="number")


def record_lines(stream: str, records: Sequence[Any], version: int | None, time_extracted: datetime) -> bytes:
    """Encode a RECORD message for each record, a line each; ``version`` is None if the stream has none."""
    extracted = time_extracted.isoformat()
    version_or_unset = msgspec.UNSET if version is None else version
    return _encoder.encode_lines([_Line("RECORD", stream, record, version_or_unset, extracted) for record in records])


def json_lines(records: Sequence[Any]) -> bytes:
    """Encode records without a message around them, a line each."""
    return _encoder.encode_lines(records)


class SingerWriter(GenericSingerWriter[bytes, Message]):
    """Writes to standard output: lines through a buffer, messages at once."""

    def __init__(self) -> None:
        """Start with an empty buffer."""
        super().__init__()
        self._buffer = bytearray()

    @override
    def serialize_message(self, message: Message) -> bytes:
        return _encoder.encode(message.to_dict()) + b"\n"

    @override
    def write_message(self, message: Message) -> None:
        self.write_lines(self.format_message(message))
        self.flush()

    def write_lines(self, lines: bytes) -> None:
        """Buffer whole lines, and write them if the buffer is large."""
        self._buffer += lines
        if len(self._buffer) >= _MAX_BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write the whole buffer; block until it is read.

        Raises:
            BrokenPipeError: If the target is gone.
            OSError: If standard output can't be written.
        """
        if sys.stdout is None:  # the file descriptor 1 may then be another file, such as a connection
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
        is_replaced = sys.stdout is not sys.__stdout__  # by a test, or by a program that embeds the tap
        if is_replaced:
            sys.stdout.write(self._buffer.decode())
            sys.stdout.flush()
            self._buffer.clear()
        else:
            self._write(sys.stdout.fileno())

    def _write(self, number: int) -> None:
        """Write without Python's own buffer: it would keep what can't be written, and fail again at exit."""
        written, end, was_ending = 0, len(self._buffer), Shutdown.is_process_ending
        try:
            with memoryview(self._buffer) as lines:
                while written < end:
                    try:
                        written += os.write(number, lines[written:end])
                    except BlockingIOError:  # the parent process made the pipe non-blocking
                        select.select((), (number,), ())
                    if Shutdown.is_process_ending and not was_ending:
                        # A slow target gets a whole line and the last STATE in time. The next run reads the rest again.
                        end = self._buffer.find(b"\n", max(written - 1, 0)) + 1
            del self._buffer[end:]
        except OSError as error:
            partial = written - self._buffer.rfind(b"\n", 0, written) - 1  # bytes of an incomplete line
            if partial and stat.S_ISREG(os.fstat(number).st_mode):  # the disk is full: cut off the incomplete line
                os.ftruncate(number, os.lseek(number, 0, os.SEEK_CUR) - partial)
                written -= partial
            # On Windows, a closed pipe is an invalid argument.
            is_gone = isinstance(error, ConnectionError) or (os.name == "nt" and error.errno == errno.EINVAL)
            raise OSError(errno.EPIPE if is_gone else error.errno, error.strerror, "standard output") from None
        finally:
            del self._buffer[:written]


@dataclass(frozen=True)
class RecordOutput:
    """RECORD messages on standard output."""

    writer: SingerWriter
    version: int | None
    gathers = False  # whether lines reach the target with ``flush`` only

    def encode(self, stream: str, records: Sequence[dict[str, Any]]) -> bytes:
        """Return a RECORD message for each record."""
        return record_lines(stream, records, self.version, datetime.now(UTC))

    def add(self, _stream: str, lines: bytes) -> None:
        """Write whole lines."""
        self.writer.write_lines(lines)

    def flush(self) -> None:
        """Write what is buffered."""
        self.writer.flush()
