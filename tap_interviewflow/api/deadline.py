"""A time limit that counts for a whole answer.

The limit of a socket counts for one read: a server that sends a byte now and then, be it of its headers, would never
run into it.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket
    import ssl

_MAX_INTERIM: Final = 20
"""The most announcements, such as 103 Early Hints, that an answer may have before it."""

_BUFFER: Final = 2**16


class DeadlineAdapter(HTTPAdapter):
    """Makes connections that keep to a time limit, and all trust the same certificates."""

    def __init__(self, trusted: ssl.SSLContext | None, max_connections: int) -> None:
        """Take what certificates are checked with; reading them anew costs more than a hundred requests."""
        self._trusted = trusted
        super().__init__(pool_connections=1, pool_maxsize=max_connections)

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @override
    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy.lower().startswith("socks"):  # those have connections of their own
            return super().proxy_manager_for(proxy, **proxy_kwargs)
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._trusted, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    @override
    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, tls = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, tls if self._trusted is None else {"cert_reqs": "CERT_REQUIRED", "ssl_context": self._trusted}


class _Stream(io.RawIOBase):
    """Reads from a socket for as long as the socket's own time limit was when the answer was awaited."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)
        limit = sock.gettimeout()
        self._deadline = None if limit is None else time.monotonic() + limit

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any, /) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    @override
    def fileno(self) -> int:
        return self._raw.fileno()

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """All of a socket that an answer is read from."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Stream(self._socket), _BUFFER)


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        source: Any = _Source(sock)
        super().__init__(source, *args, **kwargs)

    @override
    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        # It passes over a 100 only. Taken for the answer, another announcement would leave the answer itself to the
        # next request on this connection.
        for _ in range(_MAX_INTERIM):
            if not 100 < self.status < 200 or self.status == 101:  # noqa: PLR2004  # 101 ends HTTP, and what follows is not one
                break
            self.headers: Any = None
            super().begin(*args, **kwargs)
        # What was no header would be quoted in a warning of urllib3's.
        self.headers.defects.clear()
        self.headers.set_payload("")


class _Connection(HTTPConnection):
    """Sends head and body of a request in one piece: the API hears of it once, and a system call is saved."""

    response_class = _Answer
    _pieces: list[Any] | None = None

    @override
    def send(self, data: Any) -> None:
        if self._pieces is None:
            super().send(data)
        else:
            self._pieces.append(data)

    @override
    def request(self, *args: Any, **kwargs: Any) -> None:
        pieces: list[Any] = []
        self._pieces = pieces
        try:
            super().request(*args, **kwargs)
        finally:
            self._pieces = None
        self.send(b"".join(pieces))


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # ty: ignore[invalid-assignment]


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection  # ty: ignore[invalid-assignment]


_POOLS: Final = {"http": _Pool, "https": _SecurePool}
