"""The body of an answer: read, unpacked and decoded within bounds of bytes, time and memory."""

from __future__ import annotations

import zlib
from threading import Lock
from typing import TYPE_CHECKING, Final

from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tap_interviewflow.api.retry import RetriableError
from tap_interviewflow.records import json

if TYPE_CHECKING:
    import urllib3

MAX_BYTES: Final = 64 * 2**20
"""The largest body that is read: as it comes, and unpacked."""

MAX_MEMORY: Final = 330 * 2**20
"""What decoding a body may take, by the measures below, so that the process stays under 400 MiB whatever it holds."""

# Bytes of memory, the most that was measured where JSON's slower way had to be taken.
_PER_VALUE: Final = 115  # a number with a fraction
_PER_LIST: Final = 190
_PER_OBJECT: Final = 370
_IN_OBJECT: Final = 5  # members that it has room for
_PER_MEMBER: Final = 170
_BYTES: Final = 2  # the body itself, and the lines that are made of it
_PER_CONTROL: Final = 2 * len(r"\u0001")  # as it is written, and buffered
_CONTROLS: Final = bytes({*range(32)} - {*b"\t\n\r"})
_ASTRAL: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4", rb"\ud", rb"\uD")
"""What comes in characters beyond U+FFFF, of which one makes all of its text four bytes wide."""

_CHUNK: Final = 2**20
_MIN_WEIGHED: Final = 2**20
_MIN_QUEUED: Final = 4 * 2**20
_MAX_MEMBERS: Final = 16
_GZIP: Final = b"\x1f\x8b"
_OTHER_CODINGS: Final = {"br", "compress", "deflate", "x-compress", "zstd"}

_one_at_a_time: Final = Lock()


def read(response: urllib3.BaseHTTPResponse, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a body, and unpack it where it is compressed.

    Raises:
        TimeoutError: If the time of the request ends before.
        RetriableError: If it is broken.
        FatalAPIError: If it is larger than ``max_bytes``, or compressed in a way that was not asked for.
    """
    length = response.length_remaining
    pieces = []
    size = 0
    try:
        while size <= max_bytes and (length is None or length <= max_bytes):
            piece = response.read(_CHUNK if length is None else max(length, 1))
            pieces.append(piece)
            size += len(piece)
            if not piece or size == length:
                return _unpack(b"".join(pieces), response.headers.get("Content-Encoding", ""), max_bytes)
    except ReadTimeoutError:
        raise TimeoutError from None
    except (HTTPError, OSError, ValueError):  # the last where the size of a chunk is not a number
        message = "the connection broke in the middle of the answer"
        raise RetriableError(message) from None
    raise _too_large(max_bytes)


def decode(body: bytes) -> json.Document:
    """Decode a body, a large one while no other is.

    Raises:
        RetriableError: If it is not valid JSON.
        FatalAPIError: If it holds too much, or is nested too deeply.
    """
    _weigh(body)
    try:
        if len(body) < _MIN_QUEUED:
            return json.decode(body)
        with _one_at_a_time:
            return json.decode(body)
    except json.NotJSONError as error:
        message = f"the answer is not usable: {error}"
        raise RetriableError(message) from None
    except RecursionError:
        message = "the answer is nested too deeply to be read"
        raise FatalAPIError(message) from None


def _weigh(body: bytes) -> None:
    """Refuse what would decode to more than there may be room for; a few bytes can become a large object."""
    if len(body) < _MIN_WEIGHED:
        return
    commas, colons, lists, objects = map(body.count, (b",", b":", b"[", b"{"))
    values = commas + lists + objects
    width = 4 if any(mark in body for mark in _ASTRAL) else 1 if body.isascii() and rb"\u" not in body else 2
    copies = 3 if rb"\u0000" in body else 2
    controls = len(body) - len(body.translate(None, _CONTROLS))
    memory = (
        len(body) * (_BYTES + width * copies)
        + controls * _PER_CONTROL
        + values * _PER_VALUE
        + lists * _PER_LIST
        + objects * _PER_OBJECT
        + max(0, colons - objects * _IN_OBJECT) * _PER_MEMBER
    )
    if memory > MAX_MEMORY:
        size = f"{len(body) / 2**20:.0f} MiB, some {values:,} values"
        message = f"the answer holds too much to decode at once ({size}); set a smaller page_size"
        raise FatalAPIError(message)


def _unpack(body: bytes, encoding: str, max_bytes: int) -> bytes:
    codings = [coding for coding in encoding.lower().replace(" ", "").split(",") if coding not in {"", "identity"}]
    if len(codings) > 1:
        message = "the answer is compressed more than once, which was not asked for"
        raise FatalAPIError(message)
    if set(codings) & _OTHER_CODINGS:
        message = f"the answer is compressed with {codings[0]}, which was not asked for"
        raise FatalAPIError(message)
    return _gunzip(body, max_bytes) if set(codings) & {"gzip", "x-gzip"} else body


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    pieces = []
    size = 0
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            piece = member.decompress(body, max_bytes + 1 - size)
        except zlib.error:
            break
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not member.eof:
            break
        body = member.unused_data
        if not body.startswith(_GZIP):
            return b"".join(pieces)
    message = "the answer's compression is broken"
    raise RetriableError(message)


def _too_large(max_bytes: int) -> FatalAPIError:
    return FatalAPIError(f"the answer is larger than {max_bytes // 2**20} MiB; set a smaller page_size")
