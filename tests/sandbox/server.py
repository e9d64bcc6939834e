"""The API server: what goes wrong with its responses, and what it was asked."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_interviewflow.sandbox.query import PATH, RequestError, parse_query
from tests.sandbox.candidates import to_json
from tests.sandbox.faults import ERRORS, FAULTS, Faults, Turn, check_faults, due_fault
from tests.sandbox.pages import Account
from tests.sandbox.protocol import Request, attend, response
from tests.wire import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

MOVING_LATENCY = 0.005


@dataclass(eq=False)
class Sandbox(Account):
    """An API on loopback; a context manager. Its attributes may be changed while it runs.

    Attributes:
        key: The API key that is accepted.
        port: The port; 0 takes a free one.
        record: Keep `requests` and `headers`; off for long runs.
        latency: Seconds before each response. Where the list moves it varies by half, is 5 ms unless given, and the
            response is made at a random moment of it.
        clock: Seconds by which the API's clock is ahead of this machine's; with it each response has a `Date`.
        retry_after_seconds: How long a 429 says to wait.
        faults: What goes wrong, by Interviewer and page (or interview ID): a status ("400" or "400:its message"), a
            name of `FAULTS`, or a list of these, one for each visit; the last one stays if it is "always:NAME". Or a
            function that chooses one by the body and the number of visits before.
        requests: The decoded bodies in order of arrival, none where it was no JSON; `headers` go with them.
        in_flight_peak: The most requests that were being answered at once.
    """

    _: KW_ONLY
    key: str = "sandbox-key"
    port: int = 0
    record: bool = True
    latency: float | None = None
    clock: float | None = None
    retry_after_seconds: int = 1
    faults: Faults = field(default_factory=dict)
    url: str = field(init=False, default="")
    requests: list[Any] = field(init=False, default_factory=list)
    headers: list[dict[str, str]] = field(init=False, default_factory=list)
    in_flight_peak: int = field(init=False, default=0)

    @override
    def __post_init__(self) -> None:
        """Listen to nobody yet.

        Raises:
            ValueError: If there is no such fault: the test would test nothing.
        """
        super().__post_init__()
        check_faults(self.faults)
        self._listener = Listener(lambda connection: attend(connection, self._answer))
        self._ordinals = itertools.count(1)
        self._visits: Counter[object] = Counter()
        self._in_flight = 0

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Listen on loopback; after a stop on the same port again."""
        self.port = self._listener.start(self.port)
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Close everything at once, responses that are under way included."""
        self._listener.stop()

    def _answer(self, request: Request) -> Iterator[bytes]:
        if request.path != PATH:
            return iter([self._error(request, 404, f"Cannot {request.method} {request.path}")])
        body: Any = None
        with suppress(ValueError, RecursionError):
            body = json.loads(request.content)
        with self._lock:
            ordinal = next(self._ordinals)
            if self.record:
                self.requests.append(body)
                self.headers.append(request.headers)
            self._in_flight += 1
            self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
            known = body if isinstance(body, dict) else {}
            fault = due_fault(self.faults, self._visits, known)
        try:
            before, after = self._waits(ordinal)
            self._wait(before)
            pieces = self._pieces(request, fault)
            self._wait(after)
            return pieces if self.clock is None else itertools.chain([self._dated(next(pieces))], pieces)
        finally:
            # Before the response goes out: a client that has it whole may send the next request, and would count twice.
            with self._lock:
                self._in_flight -= 1

    def _dated(self, head: bytes) -> bytes:
        date = formatdate(time() + (self.clock or 0), usegmt=True)
        return head.replace(b"\r\n", f"\r\nDate: {date}\r\n".encode(), 1)

    def _waits(self, ordinal: int) -> tuple[float, float]:
        """Return the seconds before the response is made, and from then on."""
        if self.moves is None:
            return self.latency or 0, 0
        dice = random.Random(f"{self.moves.seed}/{ordinal}")  # noqa: S311 - no secret
        whole = (MOVING_LATENCY if self.latency is None else self.latency) * (0.5 + dice.random())
        before = whole * dice.random()
        return before, whole - before

    def _wait(self, seconds: float | None) -> bool:
        """Wait, without a limit for none, and return whether the sandbox stops."""
        return seconds != 0 and self._listener.stopping.wait(seconds)

    def _pieces(self, request: Request, fault: str | None) -> Iterator[bytes]:
        name, _, argument = fault.removeprefix("always:").partition(":") if fault else ("ok", "", "")
        if request.headers.get("x-api-key") != self.key:
            return iter([self._error(request, 401, "Unauthorized: X-API-KEY is missing or wrong")])
        try:
            good = self.respond(parse_query(request.content), is_blank=name == "empty")
        except RequestError as error:
            good = self._error(request, *error.args)
        if name == "ok":
            return iter([good])
        if name in ERRORS:
            return iter([self._error(request, int(name), argument or ERRORS[name])])
        complaint = self._complaint(request, "The database is busy")
        pieces = iter(FAULTS[name](Turn(good, argument, complaint, self._wait)))
        return itertools.chain([next(pieces)], pieces)

    def _error(self, request: Request, status: int, message: str) -> bytes:
        headers = {"Retry-After": str(self.retry_after_seconds)} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        return response(status, to_json({"success": False, **self._complaint(request, message)}), headers)

    def _complaint(self, request: Request, message: str) -> dict[str, object]:
        """Return an error's message, with what a careless API gives away: a tap that logs it has a leak."""
        first = next((held.candidate(held.numbers[0]) for held in self._lists.values() if held.numbers), {})
        given_away = {
            "email": first.get("email", "someone@example.com"),
            "apiKey": request.headers.get("x-api-key"),
        }
        return {"message": message, "request": given_away}
