"""A server on loopback that sends whatever a test wants, well-formed or not."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterable

    Answer = Callable[[bytes], Iterable[bytes]]


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None, *, is_proxy: bool = False) -> Generator[str]:
    """Answer each request on a connection of its own; ``answer`` makes the pieces of a response from a request's bytes.

    As a proxy it gets the request for a tunnel, too, in which it speaks TLS.

    Yields:
        The origin.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def attend(connection: socket.socket) -> None:
        with suppress(OSError):
            if is_proxy:
                answer(read_request(connection))
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                for piece in answer(read_request(connection)):
                    if stopping.is_set():
                        return
                    connection.sendall(piece)

    def listen() -> None:
        while True:
            connection, _ = listener.accept()
            if stopping.is_set():
                connection.close()
                return
            threading.Thread(target=attend, args=(connection,), daemon=True).start()

    doorman = threading.Thread(target=listen, daemon=True)
    doorman.start()
    port = listener.getsockname()[1]
    try:
        yield f"{'https' if tls is not None and not is_proxy else 'http'}://127.0.0.1:{port}"
    finally:
        stopping.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        doorman.join()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    """Read a request with its body."""
    request = b""
    while True:
        head, separator, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if separator and len(body) >= int(length[1] if length else 0):
            return request
        piece = connection.recv(2**16)
        if not piece:
            raise ConnectionAbortedError
        request += piece


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Make a response of a body."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return head.encode("latin-1") + body
