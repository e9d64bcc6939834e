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


class Listener:
    """Accepts connections on loopback, each in a thread of its own.

    Attributes:
        stopping: Set once it stops.
    """

    def __init__(self, attend: Callable[[socket.socket], None]) -> None:
        """Listen to nobody yet; ``attend`` serves a connection, which is closed when it returns or fails."""
        self.stopping = threading.Event()
        self._attend = attend
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, socket.socket] = {}

    def start(self, port: int = 0) -> int:
        """Listen, and return the port: a free one for 0."""
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._port = int(self._listener.getsockname()[1])
        self.stopping.clear()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self._port

    def stop(self) -> None:
        """Close everything at once, responses that are under way included."""
        self.stopping.set()
        with suppress(OSError):  # only a last connection ends the wait for one on every platform
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        self._accepting.join()
        self._listener.close()
        with self._lock:
            threads = dict(self._threads)
        for thread, connection in threads.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=1)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._threads[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._attend(connection)
        with self._lock:
            del self._threads[threading.current_thread()]


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None, *, is_proxy: bool = False) -> Generator[str]:
    """Answer each request on a connection of its own; ``answer`` makes the pieces of a response from a request's bytes.

    As a proxy it gets the request for a tunnel, too, in which it speaks TLS.

    Yields:
        The origin.
    """

    def attend(connection: socket.socket) -> None:
        if is_proxy:
            answer(read_request(connection))
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with connection if tls is None else tls.wrap_socket(connection, server_side=True) as stream:
            for piece in answer(read_request(stream)):
                if listener.stopping.is_set():
                    return
                stream.sendall(piece)

    listener = Listener(attend)
    port = listener.start()
    try:
        yield f"{'https' if tls is not None and not is_proxy else 'http'}://127.0.0.1:{port}"
    finally:
        listener.stop()


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
