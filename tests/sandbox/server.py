"""The API itself: what it holds, and what it answers."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import Counter
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from tests.sandbox.account import Account
from tests.sandbox.faults import ERRORS, FAULTS, Turn, due_fault
from tests.sandbox.habits import MOVING_LATENCY
from tests.sandbox.oddities import to_json
from tests.sandbox.protocol import Listener, Request, response
from tests.sandbox.query import PATH, Query, RefusedError, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self


@dataclass(eq=False)
class Sandbox(Account):
    """The API: who is held by which Interviewer, its habits, and what it was asked.

    Attributes:
        requests: The decoded bodies in order of arrival, none where it was no JSON; `headers` go with them.
        in_flight_peak: The most requests that were being answered at once.
    """

    _: KW_ONLY
    key: str = "sandbox-key"
    port: int = 0
    url: str = field(init=False, default="")
    requests: list[Any] = field(init=False, default_factory=list)
    headers: list[dict[str, str]] = field(init=False, default_factory=list)
    in_flight_peak: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Listen for nobody yet."""
        super().__post_init__()
        self._listener = Listener(self._answer)
        self._ordinals = itertools.count(1)
        self._visits: Counter[object] = Counter()
        self._in_flight = 0
        self._allowance, self._allowed_at = math.inf, 0.0  # full at first, whatever the clock says

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
        """Close everything at once, answers that are under way included."""
        self._listener.stop()

    # Its answers.

    def _answer(self, request: Request) -> Iterator[bytes]:
        if request.path != PATH:
            return iter([self._error(request, 404, f"Cannot {request.method} {request.path}")])
        if request.method != "POST":
            return iter([self._error(request, 405, f"{request.method} is not allowed", {"Allow": "POST"})])
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
            too_many = self._is_too_many()
            known = body if isinstance(body, dict) else {}
            fault = None if too_many else due_fault(self.faults, self._visits, ordinal, known)
        try:
            before, after = self._waits(ordinal)
            self._wait(before)
            if too_many:
                return iter([self._error(request, 429, "Too many requests")])
            pieces = self._pieces(request, body, fault)
            self._wait(after)
            return pieces if self.clock is None else itertools.chain([self._dated(next(pieces))], pieces)
        finally:
            # Before the answer goes out: whoever has it whole may ask again at once, and would count twice.
            with self._lock:
                self._in_flight -= 1

    def _dated(self, answer: bytes) -> bytes:
        date = formatdate(time() + (self.clock or 0), usegmt=True)
        return answer.replace(b"\r\n", f"\r\nDate: {date}\r\n".encode(), 1)

    def _waits(self, ordinal: int) -> tuple[float, float]:
        """How long to wait before the answer is taken, and from then on."""
        if self.moves is None:
            return self.latency or 0, 0
        dice = random.Random(f"{self.moves.seed}/{ordinal}")  # noqa: S311 - no secret
        whole = (MOVING_LATENCY if self.latency is None else self.latency) * (0.5 + dice.random())
        before = whole * dice.random()
        return before, whole - before

    def _wait(self, seconds: float | None) -> bool:
        """Wait, for ever if need be, and tell whether the sandbox stops."""
        return seconds != 0 and self._listener.stopping.wait(seconds)

    def _pieces(self, request: Request, body: object, fault: str | None) -> Iterator[bytes]:
        name, _, argument = fault.removeprefix("always:").partition(":") if fault else ("ok", "", "")
        try:
            query = self._query(request, body)
            good = self._good(query._replace(is_blank=True) if name == "empty" else query)
        except RefusedError as refused:
            good = self._error(request, refused.status, str(refused))
        if name == "ok":
            return iter([good])
        if name in ERRORS:
            return iter([self._error(request, int(name), argument or ERRORS[name])])
        complaint, numbers = self._complaint(request, "The database is busy"), self.enveloped([1, 2, 3])
        pieces = iter(FAULTS[name](Turn(good, argument, complaint, numbers, self._wait, self.drip_seconds)))
        return itertools.chain([next(pieces)], pieces)

    def _query(self, request: Request, body: object) -> Query:
        if request.headers.get("x-api-key") != self.key:
            raise RefusedError(401, "Unauthorized: X-API-KEY is missing or wrong")
        query = parse_query(body)
        if query.interviewer not in self._holdings:
            raise RefusedError(404, "no Interviewer has this interviewerId")
        if self.max_limit and query.limit > self.max_limit:
            if self.limit_over == "refuse":
                raise RefusedError(400, f"limit must not be greater than {self.max_limit}")
            query = query._replace(limit=self.max_limit)
        return query._replace(page=1) if self.ignore_page else query

    def _error(self, request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> bytes:
        headers = dict(headers or {})
        if status == HTTPStatus.TOO_MANY_REQUESTS and self.retry_after is not None:
            waits = {
                "seconds": str(self.retry_after_seconds),
                "date": formatdate(time() + self.retry_after_seconds, usegmt=True),
            }
            headers["Retry-After"] = waits.get(self.retry_after, self.retry_after)
        return response(status, to_json({"success": False, **self._complaint(request, message)}), headers)

    def _complaint(self, request: Request, message: str) -> dict[str, object]:
        """What an error says, with what a careless API gives away: whoever logs it has a leak."""
        someone = next((held.candidate(held.numbers[0]) for held in self._holdings.values() if held.numbers), {})
        given_away = {
            "email": someone.get("email", "someone@example.com"),
            "apiKey": request.headers.get("x-api-key"),
        }
        return {"message": message, "request": given_away}

    def _is_too_many(self) -> bool:
        """Whether this request is above the rate; a second's worth may come at once."""
        if self.rate_limit is None:
            return False
        now = monotonic()
        earned = (now - self._allowed_at) * self.rate_limit
        most = max(self.rate_limit, 1) if self.rate_limit else 0
        self._allowance = min(most, self._allowance + earned)
        self._allowed_at = now
        if self._allowance < 1:
            return True
        self._allowance -= 1
        return False
