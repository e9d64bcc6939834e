"""One request to the Fetch API: its address, key, retries and errors."""

from __future__ import annotations

import re
import sys
import time
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec
import requests
import urllib3
from singer_sdk import RESTStream
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.streams.rest import PageContext

from tap_interviewflow.connection import LimitedAdapter
from tap_interviewflow.retries import Retries
from tap_interviewflow.values import NotJSONError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

_T = TypeVar("_T")

MOST_BYTES: Final = 64 * 2**20
"""The largest body that is read, decompressed."""

_CHUNK: Final = 2**20
_MOST_BYTES_OF_ERROR: Final = 2**16
_MOST_LETTERS_OF_ERROR: Final = 200
_MOST_LETTERS_OF_HOST: Final = 100
_MOST_REDIRECTS: Final = 3
_NO_CERTIFICATES: Final = "there are no certificates where REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE points to"
_EMAIL: Final = re.compile(r"[^\s\"'<>]+@[^\s\"'<>]+")
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class NotFoundError(FatalAPIError):
    """The API knows no such Interviewer, interview or page."""


class InterviewFlowStream(RESTStream[int]):
    """A stream of the Fetch API.

    Contexts are ``{"interviewerId": …}``, with an ``interviewId`` besides for a look-up; page tokens are page
    numbers from 1.
    """

    path = "/api/external/fetch/candidates"
    http_method = "POST"
    _is_closed = False

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"]).rstrip("/")

    @property
    @override
    def timeout(self) -> int:
        return int(self.config["request_timeout"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Accept": "application/json"}

    @cached_property
    def _authenticator(self) -> APIKeyAuthenticator:
        return APIKeyAuthenticator(key="X-API-KEY", value=self.config["api_key"], location="header")

    @property
    @override
    def authenticator(self) -> APIKeyAuthenticator:
        return self._authenticator

    @cached_property
    def retries(self) -> Retries:
        """What all requests of the stream share in waiting."""
        return Retries()

    @override
    def get_http_request(self, *, page: PageContext[int]) -> HTTPRequest:
        request = super().get_http_request(page=page)
        body: dict[str, Any] = dict(page.stream_context or {})
        if page.next_page_token is not None:
            body |= {"page": page.next_page_token, "limit": self.config["page_size"]}
            if filters := self.config.get("additional_fields"):
                body["additionalFields"] = filters
        request.data = body
        return request

    def fetch(
        self,
        context: Context,
        page: int | None,
        read: Callable[[bytes], _T],
        *,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> _T:
        """Ask the API once, trying again where that can help. Safe to call from several threads at once.

        Args:
            context: The Interviewer, and for a look-up the interview.
            page: The number of the page; None for a look-up.
            read: Makes something of the body; it raises ``NotJSONError`` for what is none, and ``RecursionError``
                for what is nested without an end.
            is_wanted: Whether the answer is still of use; asked before each try.

        Returns:
            What ``read`` made of the body.

        Raises:
            NotFoundError: If the API answers 404.
            FatalAPIError: If the API refuses, or all tries have failed. It carries no body and no key.
            AbandonedError: If the answer is not wanted any more.
        """
        what = _describe(context, page)
        prepared = self._prepare(context, page)

        def attempt() -> _T:
            try:
                return read(self._send(prepared))
            except NotJSONError as error:
                message = f"the answer is not usable: {error}"
                raise RetriableAPIError(message) from None
            except RecursionError:
                message = "the answer is nested too deeply to be read"
                raise FatalAPIError(message) from None

        try:
            return self.retries.run(attempt, what, lambda: is_wanted() and not self._is_closed)
        except FatalAPIError as error:
            raise type(error)(f"{what}: {error}") from None

    def _prepare(self, context: Context, page: int | None) -> requests.PreparedRequest:
        request = self.get_http_request(page=PageContext(stream_context=context, next_page_token=page))
        prepared = self._template.copy()
        prepared.prepare_body(_encode(request.data), None)
        return prepared

    @cached_property
    def _template(self) -> requests.PreparedRequest:
        # Only the body differs between requests: the rest is prepared once.
        page = PageContext[int](stream_context=None, next_page_token=None)
        request = self.get_http_request(page=page)
        try:
            return self.build_prepared_request(method=request.method, url=request.url, headers=request.headers)
        except requests.RequestException:
            message = "api_url is no address that can be asked"
            raise FatalAPIError(message) from None

    @cached_property
    def _connection(self) -> tuple[LimitedAdapter, dict[str, Any]]:
        # The proxies and the CA bundle of the environment, which a session would look up each time, count as usual.
        settings = self.requests_session.merge_environment_settings(self.url_base, {}, None, None, None)
        in_flight = self.config["max_parallel_requests"]
        adapter = LimitedAdapter(pool_connections=1, pool_maxsize=in_flight)
        return adapter, {name: settings[name] for name in ("proxies", "verify", "cert")}

    def close(self) -> None:
        """Close the connections; whoever still waits to try again gives up."""
        self._is_closed = True
        adapter, _ = self._connection
        adapter.close()

    def _send(self, prepared: requests.PreparedRequest) -> bytes:
        deadline = time.monotonic() + self.timeout
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._exchange(prepared, deadline - time.monotonic())
            try:
                if response.is_redirect:
                    prepared = self._redirected(prepared, response)
                    continue
                self.validate_response(response)
                return self._read(response)
            finally:
                response.close()
        message = "the API redirects in circles"
        raise FatalAPIError(message)

    def _exchange(self, prepared: requests.PreparedRequest, seconds: float) -> requests.Response:
        adapter, settings = self._connection
        limit: Any = urllib3.Timeout(total=max(seconds, 0.001))  # the adapter takes one, and does not say so
        try:
            return adapter.send(prepared, stream=True, timeout=limit, **settings)
        except requests.Timeout:
            message = f"no answer within {self.timeout} s (request_timeout)"
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                message = "the API's TLS certificate can't be verified; REQUESTS_CA_BUNDLE can name another CA"
                raise FatalAPIError(message) from None
            if "[X509" in str(error):
                raise FatalAPIError(_NO_CERTIFICATES) from None
            message = f"the TLS connection failed: {_cause(error)}"
        except requests.exceptions.ProxyError as error:
            message = f"the proxy of the environment (HTTPS_PROXY) does not connect: {_cause(error)}"
        except (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema):
            message = "the proxy of the environment (HTTPS_PROXY) is of no kind that can be used"
            raise FatalAPIError(message) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            message = f"the connection failed: {_cause(error)}"
        except OSError:  # requests' own are caught above
            raise FatalAPIError(_NO_CERTIFICATES) from None
        raise RetriableAPIError(message) from None

    def _redirected(self, prepared: requests.PreparedRequest, response: requests.Response) -> requests.PreparedRequest:
        api = str(prepared.url)
        try:
            url = urljoin(api, response.headers["Location"])
            origin = _origin(url)
        except ValueError:
            url, origin = "", "an address that is none"
        keeps_method = response.status_code in {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}
        if keeps_method and origin == _origin(api):
            redirected = prepared.copy()
            # Put together anew: whatever the libraries below make of an odd address, it is at this origin.
            redirected.url = urlunsplit((*urlsplit(api)[:2], *urlsplit(url)[2:4], ""))
            return redirected
        message = (
            f"the API redirects to {_printable(origin)[:_MOST_LETTERS_OF_HOST]} ({response.status_code}), which is "
            "refused: the key and the candidates stay with api_url; set api_url if the API has moved"
        )
        raise FatalAPIError(message)

    def _read(self, response: requests.Response) -> bytes:
        chunks = []
        size = 0
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > MOST_BYTES:
                    message = f"the answer is larger than {MOST_BYTES // 2**20} MiB; set a smaller page_size"
                    raise FatalAPIError(message)
        except urllib3.exceptions.ReadTimeoutError:
            message = f"the answer took longer than {self.timeout} s (request_timeout)"
        except urllib3.exceptions.DecodeError:
            message = "the answer's compression is broken"
        except (urllib3.exceptions.HTTPError, OSError, ValueError):  # the last where the size of a chunk is no number
            message = "the connection broke in the middle of the answer"
        else:
            return b"".join(chunks)
        raise RetriableAPIError(message) from None

    @override
    def validate_response(self, response: requests.Response) -> None:
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        message = self.response_error_message(response)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RetriableAPIError(message, response)
        if status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(message)
        raise FatalAPIError(message)

    @override
    def response_error_message(self, response: requests.Response) -> str:
        """Say what an error answer means, without its body: it may hold anything."""
        status = response.status_code
        said = f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else str(status)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return f"{said}: the API does not accept the key; check the setting api_key"
        if status == HTTPStatus.NOT_FOUND:
            return f"{said}: the API does not know it; check the IDs in interviewer_ids"
        if (
            HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
            and status != HTTPStatus.TOO_MANY_REQUESTS
        ):
            return f"{said}{self._own_message(response)}"
        return said

    def _own_message(self, response: requests.Response) -> str:
        try:
            body = msgspec.json.decode(response.raw.read(_MOST_BYTES_OF_ERROR, decode_content=True))
        except (ValueError, RecursionError, urllib3.exceptions.HTTPError, OSError):
            return ""
        message = body
        for name in ("error", "message", "detail"):
            if isinstance(message, dict) and name in message:
                message = message[name] if not isinstance(message[name], bool) else message
        if not isinstance(message, str):
            return ""
        message = _EMAIL.sub("…", " ".join(_printable(message.replace(self.config["api_key"], "…")).split()))
        if len(message) > _MOST_LETTERS_OF_ERROR:
            message = f"{message[:_MOST_LETTERS_OF_ERROR]}…"
        return f": the API says “{message}”"


def _describe(context: Context, page: int | None) -> str:
    of = f"Interviewer {context['interviewerId']}"
    return f"{of}, page {page}" if page is not None else f"{of}, interview {context['interviewId']}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _printable(text: str) -> str:
    """Keep what a stranger says from steering the terminal that shows it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cause(error: BaseException) -> str:
    """Name the root of a connection error; its own text would quote the whole request."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        error = cause
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
