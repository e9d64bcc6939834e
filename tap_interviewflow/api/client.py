"""One request to the Fetch API: its address and key, its answer, and what is wrong with it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow import __version__
from tap_interviewflow.api import body as bodies
from tap_interviewflow.api.connection import Connection, said
from tap_interviewflow.api.redact import HIDDEN, Redactor, printable
from tap_interviewflow.api.retry import Clock, RetriableError, Retries, http_date
from tap_interviewflow.records.json import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import urllib3

PATH: Final = "/api/external/fetch/candidates"

_RETRIED: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_MAX_REDIRECTS: Final = 3
_MAX_ERROR_BYTES: Final = 2**16
_MAX_MESSAGE: Final = 200

# Where the words of an error are, in answers of all sorts.
_MESSAGES: Final = ("message", "detail", "details", "error", "errors", "title")
_WORDY: Final = (str, dict, list)
_MAX_DEPTH: Final = 4

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class RefusedError(FatalAPIError):
    """The API has refused a request, and would refuse it again."""

    def __init__(self, message: str, status: int) -> None:
        """Say why, with a status from 400 to 499."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """A good answer.

    Attributes:
        document: The decoded JSON; None for a 204.
        replaced: How many characters in it no warehouse could store, and were replaced.
        has_extreme_numbers: Whether there may be numbers in it that not all readers of JSON can hold.
        status: From 200 to 299.
        date: The API's clock, in UTC.
        sent: The monotonic time just before the try that was answered.
        received: The monotonic time when all of the answer was there.
        size: How many bytes the body has.
    """

    document: Any
    replaced: int
    has_extreme_numbers: bool
    status: int
    date: datetime | None
    sent: float
    received: float
    size: int


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Asks the API, again where that can help. Safe to call from several threads at once."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        clock: Clock | None = None,
        on_response: Callable[[int | None, float], None] | None = None,
        patience: float | None = None,
    ) -> None:
        """Take the settings; nothing is sent yet.

        Args:
            config: ``api_url``, ``api_key``, ``request_timeout``, ``max_parallel_requests`` and ``user_agent``.
            clock: What the waiting goes by.
            on_response: Called for each HTTP exchange, in the thread of its request, with the status (None where no
                answer came) and the seconds that it took.
            patience: Seconds after which a request is given up, if it is not given up for its tries.
        """
        self._url = f"{str(config['api_url']).rstrip('/')}{PATH}"
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "User-Agent": config.get("user_agent") or f"tap-interviewflow/{__version__}",
            "X-API-KEY": config["api_key"],
        }
        self._timeout = float(config["request_timeout"])
        self._max_connections = int(config["max_parallel_requests"])
        self._redactor = Redactor([config["api_key"]])
        self._retries = Retries(clock or Clock(), inf if patience is None else patience)
        self._on_response = on_response
        self._connection: Connection | None = None
        self._connecting = Lock()
        self._is_closed = False

    def fetch(self, body: Mapping[str, Any], what: str, is_wanted: Callable[[], bool] = lambda: True) -> Response:
        """Send a request until it is answered well.

        Args:
            body: The request's JSON.
            what: The Interviewer and the page, for log lines and errors.
            is_wanted: Whether the answer is still of use; asked before each try, and while one is waited for.

        Raises:
            RefusedError: If the API refuses with a status of 4xx.
            FatalAPIError: If all tries have failed, or another one would fail alike.
            AbandonedError: If the answer is not wanted any more.
        """
        content = _encode(body)
        try:
            return self._retries.run(
                lambda seconds: self._try(content, seconds), what, lambda: is_wanted() and not self._is_closed
            )
        except FatalAPIError as error:
            error.args = (self._redactor.clean(f"{what}: {error}"),)
            raise

    def reopen(self) -> None:
        """Take requests, also after a ``close``."""
        self._is_closed = False

    def close(self) -> None:
        """Close the connections; whoever still waits to try again gives up."""
        self._is_closed = True
        with self._connecting:
            if self._connection is not None:
                self._connection.close()

    def _connect(self) -> Connection:
        with self._connecting:
            if self._connection is None:
                self._connection = Connection(self._url, self._headers, self._max_connections)
            return self._connection

    def _try(self, content: bytes, seconds: float) -> Response:
        connection = self._connect()
        limit = min(self._timeout, seconds)
        sent = time.monotonic()
        try:
            answer = self._ask(connection, content, sent + limit)
        except TimeoutError:
            setting = " (request_timeout)" if limit == self._timeout else ""
            message = f"no answer within {round(limit, 1):g} s{setting}"
            raise RetriableError(message) from None
        received = time.monotonic()
        document = Document(None) if answer.status == HTTPStatus.NO_CONTENT else bodies.decode(answer.body)
        return Response(
            *document, answer.status, http_date(answer.headers.get("Date", "")), sent, received, len(answer.body)
        )

    def _ask(self, connection: Connection, content: bytes, deadline: float) -> _Answer:
        url = connection.url
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._exchange(connection, content, deadline, url)
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                self._check(answer)
                return answer
            url = connection.redirected(url, answer.status, location)
        message = "the API redirects in circles"
        raise FatalAPIError(message)

    def _exchange(self, connection: Connection, content: bytes, deadline: float, url: str) -> _Answer:
        started = time.monotonic()
        status = None
        try:
            response = connection.post(content, deadline - started, url)
            status = response.status
            try:
                return _Answer(status, response.headers, _read(response))
            finally:
                response.close()
        finally:
            if self._on_response is not None:
                self._on_response(status, time.monotonic() - started)

    def _check(self, answer: _Answer) -> None:
        """Raise what an answer means that is none of 2xx. Its body may hold anything, and is not shown."""
        status = answer.status
        if _is_good(status):
            return
        if not _is_refusal(status) and (status < HTTPStatus.OK or status >= HTTPStatus.BAD_REQUEST):
            raise RetriableError(
                said(status),
                is_rate_limit=status == HTTPStatus.TOO_MANY_REQUESTS,
                retry_after=answer.headers.get("Retry-After"),
            )
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            why = ": the API does not accept the key; check the setting api_key"
        elif status == HTTPStatus.NOT_FOUND:
            why = ": the API does not know it; check the IDs in interviewer_ids"
        else:
            why = self._own_message(answer.body)
        message = f"{said(status)}{why}"
        raise RefusedError(message, status) if _is_refusal(status) else FatalAPIError(message)

    def _own_message(self, body: bytes) -> str:
        try:
            message = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return ""
        for _ in range(_MAX_DEPTH):
            if isinstance(message, dict):
                message = next((message[name] for name in _MESSAGES if isinstance(message.get(name), _WORDY)), None)
            elif isinstance(message, list):
                message = next(iter(message), None)
        if not isinstance(message, str):
            return ""
        words = printable(self._redactor.clean(message))
        return f": the API says “{words[:_MAX_MESSAGE]}{HIDDEN if len(words) > _MAX_MESSAGE else ''}”"


def _is_good(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _is_refusal(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _RETRIED


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    if _is_good(response.status):
        return bodies.read(response)
    if _is_refusal(response.status):
        with suppress(TimeoutError, RetriableError, FatalAPIError):
            return bodies.read(response, _MAX_ERROR_BYTES)
    return b""
