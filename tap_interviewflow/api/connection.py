"""The way to the API: found once, by what the environment says, and why it fails."""

from __future__ import annotations

import os
import re
import ssl
from http import HTTPStatus
from http.client import HTTPException, RemoteDisconnected
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError
from urllib3.util import create_urllib3_context

from tap_interviewflow.api.deadline import DeadlineAdapter
from tap_interviewflow.api.redact import printable
from tap_interviewflow.api.retry import RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MAX_ORIGIN: Final = 100
_NO_RETRIES: Final = urllib3.Retry(total=False)
_TUNNEL_FAILED: Final = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CERTIFICATE_FAULTS: Final = {
    **dict.fromkeys((2, 18, 19, 20, 21), "its certificate authority is not known here; REQUESTS_CA_BUNDLE can name it"),
    9: "it is not valid yet; is the clock of this machine right?",
    10: "it has expired",
    **dict.fromkeys((62, 64), "it is for another host; check api_url"),
}
"""By OpenSSL's numbers."""


class Connection:
    """The way to one address: through the environment's proxy, trusting the environment's authorities.

    A session of ``requests`` finds it anew for each request. No cookie is kept, no .netrc read, no redirect followed.
    """

    def __init__(self, url: str, headers: Mapping[str, str], max_connections: int) -> None:
        """Find the way; nothing is sent yet.

        Raises:
            FatalAPIError: If there is none: a bad address, proxy or CA bundle.
        """
        try:
            self._prepared = requests.Request("POST", url, headers=dict(headers)).prepare()
        except requests.RequestException:
            message = "api_url is not an address that can be asked"
            raise FatalAPIError(message) from None
        del self._prepared.headers["Content-Length"]  # each body has its own
        self._headers = dict(self._prepared.headers)
        self.url = str(self._prepared.url)
        with requests.Session() as session:
            settings = session.merge_environment_settings(self.url, {}, None, None, None)
        self._proxies = settings["proxies"]
        self._proxy = _proxy_name(self.url, self._proxies)
        trusted = _trusted(settings["verify"]) if self.url.startswith("https:") else None
        self._adapter = DeadlineAdapter(trusted, max_connections)
        try:
            self._pool: Any = self._adapter.get_connection_with_tls_context(
                self._prepared, settings["verify"], proxies=self._proxies
            )
        except (requests.RequestException, HTTPError, ValueError) as error:
            lacking = (
                "; SOCKS needs the package PySocks" if isinstance(error, requests.exceptions.InvalidSchema) else ""
            )
            message = f"{self._proxy} is of a kind that is not supported{lacking}"
            raise FatalAPIError(message) from None
        self._target = self._adapter.request_url(self._prepared, self._proxies)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._adapter.close()

    def post(self, body: bytes, seconds: float, url: str) -> urllib3.BaseHTTPResponse:
        """Send a request and read the head of its answer.

        Args:
            body: What to send.
            seconds: What sending it and the whole answer may take; reading on raises ``ReadTimeoutError``.
            url: The connection's own address, or another one of its origin.

        Raises:
            TimeoutError: If it takes longer.
            RetriableError: If there is no answer, but there may be one the next time.
            FatalAPIError: If there can't be one.
        """
        target = self._target
        if url != self.url:
            prepared = self._prepared.copy()
            prepared.url = url
            target = self._adapter.request_url(prepared, self._proxies)
        try:
            response: urllib3.BaseHTTPResponse = self._pool.urlopen(
                "POST",
                target,
                body=body,
                headers=self._headers,
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=urllib3.Timeout(total=max(seconds, 0.001)),
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            fault = self._fault(error)
        else:
            return response
        raise fault  # out here it does not keep the library's error, and with that a connection and the key, alive

    def redirected(self, url: str, status: int, location: str) -> str:
        """Give the address that an answer sends to.

        Raises:
            FatalAPIError: If it is at another origin, or a POST would not be one there.
        """
        try:
            there = urljoin(url, location)
            origin = _origin(there)
        except ValueError:
            there, origin = "", "an invalid address"
        keeps_method = status in {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}
        if keeps_method and origin == _origin(url):
            # Put together anew: whatever the libraries below make of an odd address, it is at this origin.
            return urlunsplit((*urlsplit(url)[:2], *urlsplit(there)[2:4], ""))
        shown = printable(origin) if len(origin) <= _MAX_ORIGIN else "a very long address"
        message = (
            f"the API redirects to {shown} ({status}), which is refused: the key and the candidates stay with api_url; "
            "set api_url if the API has moved"
        )
        raise FatalAPIError(message)

    def _fault(self, error: Exception) -> Exception:
        causes = list(_causes(error))
        for cause in causes:
            if found := _TUNNEL_FAILED.search(str(cause)):
                status = int(found[1])
                message = f"{self._proxy} refuses to connect: {said(status)}"
                return (RetriableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else FatalAPIError)(message)
        certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
        if certificate is not None:
            whose = "the API" if not isinstance(error, ProxyError) else self._proxy
            reason = _CERTIFICATE_FAULTS.get(certificate.verify_code, certificate.verify_message)
            return FatalAPIError(f"the TLS certificate of {whose} can't be verified: {reason}")
        if isinstance(error, ProxyError):
            return RetriableError(f"{self._proxy} does not connect: {_reason(causes)}")
        if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(error, NewConnectionError):
            return TimeoutError()
        kind = "TLS connection" if isinstance(error, urllib3.exceptions.SSLError) else "connection"
        return RetriableError(f"the {kind} failed: {_reason(causes)}")


def said(status: int) -> str:
    """Give a status in words that are not the API's own."""
    return f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else str(status)


def _proxy_name(url: str, proxies: Mapping[str, str]) -> str:
    used = next(({f"{kind}_proxy": proxies[kind]} for kind in (urlsplit(url).scheme, "all") if kind in proxies), {})
    names = [name for name, value in os.environ.items() if used.get(name.lower()) == value]
    return f"the proxy of the environment ({max(names)})" if names else "the proxy of this machine"


def _trusted(verify: str | bool | None) -> ssl.SSLContext:  # noqa: FBT001  # as requests has it
    context = create_urllib3_context()
    path = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    try:
        context.load_verify_locations(**{"capath" if Path(path).is_dir() else "cafile": path})
    except OSError:  # TLS's own errors are such
        name = next((name for name in _CA_VARIABLES if os.environ.get(name)), "requests")
        message = f"there are no certificates where {name} points to"
        raise FatalAPIError(message) from None
    return context


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        wrapped = next((argument for argument in error.args if isinstance(argument, BaseException)), None)
        error = error.__cause__ or error.__context__ or wrapped


def _reason(causes: Iterable[BaseException]) -> str:
    """Name the root of a failure; its own text would quote the whole request, or what was no answer."""
    name = "unknown"
    for cause in causes:
        if isinstance(cause, RemoteDisconnected):
            return "it was closed without an answer"
        if isinstance(cause, (HTTPException, urllib3.exceptions.InvalidHeader)):
            return "the answer is not valid HTTP"
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.replace("_", " ").lower()
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        name = type(cause).__name__
    return name
