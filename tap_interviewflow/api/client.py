"""One request to the Fetch API: how it is sent, how its response is read, and why it fails."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from http import HTTPStatus
from http.client import HTTPException
from math import inf
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, LocationParseError, ProxyError

from tap_interviewflow import __version__
from tap_interviewflow.api.envelope import reason_of
from tap_interviewflow.api.redact import Redactor, printable
from tap_interviewflow.api.retry import RetriableError, Retries, http_date
from tap_interviewflow.records import json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    OnResponse = Callable[[int | None, float], None]

API_URL: Final = "https://api.interviewflowai.com"
PATH: Final = "/api/external/fetch/candidates"
MAX_BYTES: Final = 64 * 2**20
MAX_VALUES: Final = 4_000_000  # in a response, with its objects and lists: two bytes become an object of a hundred
MAX_ORIGIN: Final = 300  # characters that are shown; the name of a host has no more than 253
_PROXY: Final = "the proxy of the environment"
_NO_RETRIES: Final = urllib3.Retry(total=False)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_one_at_a_time: Final = Lock()  # decoding takes many times the memory of the body
logging.getLogger("urllib3.connection").addFilter(lambda _: False)  # it quotes what should have been a header


class RefusedError(FatalAPIError):
    """The API refuses a request with a status of 4xx, and would refuse it again."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the status."""
        super().__init__(message)
        self.status = status


class UnreadableError(FatalAPIError):
    """A response with a status of 2xx is too large, or nested too deeply."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response with a status of 2xx."""

    document: Any  # the decoded JSON; an empty list for a 204
    replaced: int  # characters that no warehouse can store
    has_extreme_numbers: bool  # that not all readers of JSON can hold
    date: datetime | None  # the API's clock, in UTC
    sent: float  # the monotonic time just before the try that succeeded
    received: float  # the monotonic time when all of it was there
    size: int  # of the body, unpacked, in bytes


class Client:
    """Sends requests to the API, again where that can help. Safe to call from several threads at once.

    Attributes:
        redact: Hides the key and e-mail addresses in text.
    """

    def __init__(
        self, config: Mapping[str, Any], *, on_response: OnResponse = lambda *_: None, patience: float = inf
    ) -> None:
        """Prepare requests; nothing is sent yet.

        Args:
            config: ``api_url``, ``api_key``, ``request_timeout``, ``max_parallel_requests`` and ``user_agent``.
            on_response: Called for each HTTP exchange, in the thread of its request, with the status (None where no
                response came) and its seconds.
            patience: Seconds after which a request is given up, whatever tries are left.

        Raises:
            FatalAPIError: If the environment names a proxy or certificates that can't be used.
        """
        api = str(config["api_url"]).rstrip("/").removesuffix(PATH)
        request = requests.Request("POST", f"{api}{PATH}").prepare()
        self._origin, self._target = _origin(str(request.url)), request.path_url
        self._pool = _pool(request, config["max_parallel_requests"])
        self._peer = self._pool.proxy or self._pool
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "User-Agent": config.get("user_agent") or f"tap-interviewflow/{__version__}",
            "X-API-KEY": config["api_key"],
        }
        self._settings = "interviewer_ids" if api == API_URL else "interviewer_ids, and api_url"
        self._timeout = config["request_timeout"]
        self._connect_timeout = self._timeout if patience == inf else min(self._timeout, 3)
        self.redact = Redactor([config["api_key"]]).clean
        self._retries = Retries(patience)
        self._on_response = on_response
        self._is_closed = False

    def fetch(self, body: Mapping[str, Any], where: str, is_wanted: Callable[[], bool] = lambda: True) -> Response:
        """Send a request until it succeeds.

        Args:
            body: The request's JSON.
            where: The Interviewer and the page, for log lines and errors.
            is_wanted: Whether the response is still wanted; asked before each try, and while waiting for the next.

        Raises:
            RefusedError: If the API refuses with a status of 4xx.
            UnreadableError: If the response can't be used, and another one would be like it.
            FatalAPIError: If all tries have failed, or another one would fail alike.
            AbandonedError: If the response is not wanted any more.
        """
        content = _encode(body)
        try:
            return self._retries.run(partial(self._try, content), where, lambda: is_wanted() and not self._is_closed)
        except FatalAPIError as error:
            error.args = (self.redact(f"{where}: {error}"),)
            raise

    def reopen(self) -> None:
        """Accept requests, also after a ``close``."""
        self._is_closed = False

    def close(self) -> None:
        """Accept no more requests, and abandon those that wait for another try."""
        self._is_closed = True

    def _try(self, content: bytes, seconds: float) -> Response:
        limit, sent, target = min(self._timeout, seconds), time.monotonic(), self._target
        fault: Exception = FatalAPIError("the API redirects in circles")
        try:
            for _ in range(4):
                response, body = self._exchange(target, content, sent + limit)
                if not (location := response.get_redirect_location()):
                    return self._response(response, body, sent)
                target = _redirected(f"{self._origin}{target}", response.status, location, self.redact)
        except (HTTPError, OSError) as error:
            fault = self._fault(error, limit, sent)
        raise fault  # out here it does not keep the library's error, and with that the key, alive

    def _exchange(self, target: str, content: bytes, deadline: float) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        started, status = time.monotonic(), None
        left = max(deadline - started, 0.001)
        # urllib3 allows the limit of connecting to each address of the host.
        timeout = urllib3.Timeout(connect=min(left, self._connect_timeout) / self._addresses, total=left)
        options = {"retries": _NO_RETRIES, "redirect": False, "timeout": timeout, "preload_content": False}
        try:
            with self._pool.urlopen("POST", target, content, self._headers, **options) as response:
                status = response.status
                return response, _read(response, deadline)
        finally:
            self._on_response(status, time.monotonic() - started)

    @cached_property
    def _addresses(self) -> int:
        with suppress(OSError, UnicodeError):  # the request itself says what is wrong with the host
            return len(socket.getaddrinfo(self._peer.host, self._peer.port, type=socket.SOCK_STREAM)) or 1
        return 1

    def _response(self, response: urllib3.BaseHTTPResponse, body: bytes, sent: float) -> Response:
        """Decode a good response, or raise what another one means."""
        status, headers, received = response.status, response.headers, time.monotonic()
        match status // 100:
            case 2:
                body = b"[]" if status == HTTPStatus.NO_CONTENT else body
                document = decode(body)
                return Response(*document, http_date(headers.get("Date", "")), sent, received, len(body))
            case 3:
                raise FatalAPIError(_named(status))
            case 4 if status not in {408, 425, 429}:
                raise RefusedError(f"{_named(status)}{self._advice(status, body)}", status)
        is_rate_limit = status == HTTPStatus.TOO_MANY_REQUESTS
        raise RetriableError(_named(status), is_rate_limit=is_rate_limit, retry_after=headers.get("Retry-After"))

    def _advice(self, status: int, body: bytes) -> str:
        if status == HTTPStatus.UNAUTHORIZED:
            return ": the API does not accept the key; check the setting api_key"
        if status == HTTPStatus.NOT_FOUND:
            return f": the API does not know it; check the IDs in {self._settings}"
        reason = ""
        with suppress(ValueError, RecursionError):  # not JSON
            reason = reason_of(msgspec.json.decode(body), self.redact)
        shown = f": the API says “{reason}”" if reason else ""
        if status == HTTPStatus.FORBIDDEN:
            return f"{shown or ': the API refuses the key'}; check the setting api_key and the key's permissions"
        is_page_size = status in {400, 422} and re.search(r"\blimit\b", reason, re.IGNORECASE)
        return f"{shown}; set page_size to what the API allows" if is_page_size else shown

    def _fault(self, error: Exception, limit: float, sent: float) -> Exception:
        """Name the reason why no whole response came; the libraries' own texts quote the request or the response."""
        root: BaseException = error
        while cause := root.__cause__ or next((each for each in root.args if isinstance(each, Exception)), None):
            root = cause
        if isinstance(root, TimeoutError):
            setting = " (request_timeout)" if limit == self._timeout else ""
            return RetriableError(f"no response within {round(time.monotonic() - sent, 1):g} s{setting}")
        if isinstance(root, ssl.SSLCertVerificationError):
            return FatalAPIError(f"the TLS certificate can't be verified: {root.verify_message}")
        if refused := re.search(r"Tunnel connection failed: ([0-9]{3})", str(root)):
            kind = FatalAPIError if refused[1] < "500" else RetriableError
            return kind(f"{_PROXY} refuses to connect: {_named(int(refused[1]))}")
        reason = getattr(root, "strerror", None) or type(root).__name__
        if isinstance(root, socket.gaierror | LocationParseError):
            reason = f"the host {self._peer.host} is not found"
        elif isinstance(root, HTTPException) or isinstance(error, InvalidHeader | DecodeError):
            reason = "no whole and valid response came"
        what = f"{_PROXY} does not connect" if isinstance(error, ProxyError) else "the connection failed"
        return RetriableError(f"{what}: {reason}")


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or its address, is this machine."""
    with suppress(ValueError):  # it is no address
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _pool(request: requests.PreparedRequest, max_connections: int) -> Any:  # noqa: ANN401  # urllib3's, or for SOCKS
    """Make a pool of connections, through the proxy and with the certificates that the environment names."""
    url = str(request.url)
    proxies = {} if is_loopback(urlsplit(url).hostname or "") else get_environ_proxies(url)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    context = urllib3.util.create_urllib3_context()
    adapter = HTTPAdapter(pool_maxsize=max_connections)
    try:
        if url.startswith("https:"):
            context.load_verify_locations(**{"capath" if Path(bundle).is_dir() else "cafile": bundle})
        # To load the authorities takes as long as fifty requests: connections share them, but for those of a proxy.
        adapter.init_poolmanager(1, max_connections, ssl_context=context)
        return adapter.get_connection_with_tls_context(request, bundle if select_proxy(url, proxies) else True, proxies)
    except (requests.RequestException, HTTPError):
        raise FatalAPIError(f"{_PROXY} is of a kind that is not supported (SOCKS needs the package PySocks)") from None
    except OSError:  # TLS's own errors are such
        raise FatalAPIError("REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates") from None


def decode(body: bytes) -> json.Document:
    """Decode JSON.

    Raises:
        RetriableError: If it is not valid JSON.
        UnreadableError: If it is too large, holds too much, or is nested too deeply.
    """
    if len(body) > MAX_BYTES:
        raise UnreadableError(f"the response is larger than {MAX_BYTES // 2**20} MiB; set a smaller page_size")
    if len(body) > 2**20 and sum(map(body.count, (b"{", b"[", b","))) > MAX_VALUES:
        raise UnreadableError(f"the response holds more than {MAX_VALUES:,} values; set a smaller page_size")
    try:
        with _one_at_a_time:
            return json.decode(body)
    except json.NotJSONError:
        raise RetriableError("the response is not usable: the body is not valid JSON") from None
    except RecursionError:
        raise UnreadableError("the response is nested too deeply to be read") from None


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Read as much of a body as is of use, unpacked: a good one, or the reason of a refusal as far as it comes."""
    limit = {2: MAX_BYTES, 4: 2**16}.get(response.status // 100, -1)
    pieces, size = [], 0
    ignored = () if limit == MAX_BYTES else (HTTPError, TimeoutError)
    with suppress(*ignored):
        # Unlike read, read1 returns what has come: a body that comes drop by drop meets the deadline.
        while size <= limit and (piece := response.read1(2**17)):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > deadline:
                raise TimeoutError
            if response.length_remaining == 0 and "Content-Encoding" not in response.headers:
                break  # to read that nothing is left costs a fiftieth of the request
    return b"".join(pieces)


def _redirected(url: str, status: int, location: str, redact: Callable[[str], str]) -> str:
    """Return the path and query that a redirect leads to; whatever libraries make of an odd address, the host stays."""
    there, origin = "", "an invalid address"
    with suppress(ValueError):
        there = urljoin(url, location)
        origin = _origin(there)
    why = "the key and the candidates stay with api_url; set api_url if the API has moved"
    if origin == _origin(url):
        if status in {307, 308}:
            parts = urlsplit(there)
            return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        why = "it would turn the POST into a GET"
    shown = printable(redact(origin)) if len(origin) <= MAX_ORIGIN else "a very long address"
    raise FatalAPIError(f"the API redirects to {shown} ({status}), which is refused: {why}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or {'https': 443, 'http': 80}.get(parts.scheme)}"


def _named(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else str(status)
