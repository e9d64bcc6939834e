"""HTTP as bytes: requests in, answers out, and the connections that carry them."""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import suppress
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
    """The next request, or none when the client has left or speaks something else."""
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
    """An answer as it goes over the wire."""
    if status == HTTPStatus.NO_CONTENT:
        return f"HTTP/1.1 204 {HTTPStatus(status).phrase}\r\n\r\n".encode()
    standing = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(content))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**standing, **(headers or {})}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


class Listener:
    """Listens on loopback, with a thread for each connection.

    An answer comes in pieces. Where making one raises `ConnectionResetError` the connection is reset, at any other
    `OSError` it is closed.
    """

    def __init__(self, answer: Callable[[Request], Iterable[bytes]]) -> None:
        """Listen for nobody yet."""
        self.stopping = threading.Event()
        self._answer = answer
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, socket.socket] = {}

    def start(self, port: int) -> int:
        """Listen, and give the port: a free one for 0."""
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._port = int(self._listener.getsockname()[1])
        self.stopping.clear()
        self._doorman = threading.Thread(target=self._listen, name="sandbox", daemon=True)
        self._doorman.start()
        return self._port

    def stop(self) -> None:
        """Close everything at once, answers that are under way included."""
        self.stopping.set()
        with suppress(OSError):  # only a last visitor wakes the doorman on every platform
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        self._doorman.join()
        self._listener.close()
        with self._lock:
            threads = dict(self._threads)
        for thread, connection in threads.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=1)

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._attend, args=(connection,), daemon=True)
            with self._lock:
                self._threads[thread] = connection
            thread.start()

    def _attend(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with connection.makefile("rb") as stream:
                    while request := read_request(stream):
                        for piece in self._answer(request):
                            connection.sendall(piece)
                        if request.headers.get("connection", "").lower() == "close":
                            break
            except ConnectionResetError:
                # To linger for no time sends RST instead of FIN; Windows packs the two numbers shorter.
                now = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        with self._lock:
            del self._threads[threading.current_thread()]
