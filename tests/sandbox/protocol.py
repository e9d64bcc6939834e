"""HTTP as bytes: requests in, answers out, and the connections that carry them."""

from __future__ import annotations

import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

MAX_LINE = 1 << 16


class Request(NamedTuple):
    """What came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


def read_request(stream: BinaryIO) -> Request | None:
    """Read the next request; none when the client has left or speaks something else."""
    words = stream.readline(MAX_LINE).decode("latin-1").split()
    if len(words) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline(MAX_LINE).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "0")
    content = stream.read(int(length)) if length.isdigit() else b""
    return Request(words[0], words[1], headers, content)


def response(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Encode a response as it goes over the wire."""
    if status == HTTPStatus.NO_CONTENT:
        return f"HTTP/1.1 204 {HTTPStatus(status).phrase}\r\n\r\n".encode()
    standing = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(content))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**standing, **(headers or {})}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def attend(connection: socket.socket, answer: Callable[[Request], Iterable[bytes]]) -> None:
    """Answer the requests of a connection, each in pieces.

    Where making a piece raises `ConnectionResetError` the connection is reset, at any other `OSError` it is closed.
    """
    try:
        with connection.makefile("rb") as stream:
            while request := read_request(stream):
                for piece in answer(request):
                    connection.sendall(piece)
                if request.headers.get("connection", "").lower() == "close":
                    break
    except ConnectionResetError:
        # To linger for no time sends RST instead of FIN; Windows packs the two numbers shorter.
        now = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
