"""Connections whose time limit counts for a whole answer.

The limit of a socket counts for one read: a server that sends a byte now and then, be it of its headers,
would never run into it.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import socket

# It quotes what it could not parse of an answer's headers, over many lines.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class LimitedAdapter(HTTPAdapter):
    """Sends just what it is given, over connections that keep to a time limit.

    It knows no cookies, no credentials from a .netrc, and follows no redirects.
    """

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @override
    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):  # those have connections of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _LimitedStream(io.RawIOBase):
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


class _LimitedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_LimitedStream(sock), 2**16)


class _Connection(HTTPConnection):
    response_class = _LimitedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _LimitedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # ty: ignore[invalid-assignment]


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection  # ty: ignore[invalid-assignment]


_POOLS: Final = {"http": _Pool, "https": _SecurePool}
