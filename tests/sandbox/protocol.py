"""HTTP as bytes: requests in, answers out, and the connections that carry them."""

from __future__ import annotations

import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from tests.wire import read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Request(NamedTuple):
    """What came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


def parsed(request: bytes) -> Request:
    """Take a request apart."""
    head, _, content = request.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ")
    headers = (each.partition(":") for each in lines)
    return Request(method, path, {name.lower(): value.strip() for name, _, value in headers}, content)


def response(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Encode a response as it goes over the wire."""
    if status == HTTPStatus.NO_CONTENT:
        return f"HTTP/1.1 204 {HTTPStatus(status).phrase}\r\n\r\n".encode()
    standing = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(content))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**standing, **(headers or {})}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def attend(connection: socket.socket, answer: Callable[[Request], Iterable[bytes]]) -> None:
    """Answer the requests of a connection, each in pieces, until the client leaves.

    Where making a piece raises `ConnectionResetError` the connection is reset, at any other `OSError` it is closed.
    """
    try:
        while True:
            for piece in answer(parsed(read_request(connection))):
                connection.sendall(piece)
    except ConnectionResetError:
        # To linger for no time sends RST instead of FIN; Windows packs the two numbers shorter.
        now = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
