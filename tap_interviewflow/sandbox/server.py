"""The API itself: what it holds, and what it answers."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tap_interviewflow.sandbox.candidates import to_json
from tap_interviewflow.sandbox.envelopes import Envelope, Metadata, enveloped, metadata_of
from tap_interviewflow.sandbox.faults import ERRORS, FAULTS, Faults, Turn, check_names, listed
from tap_interviewflow.sandbox.holding import Holding
from tap_interviewflow.sandbox.protocol import Listener, Request, response
from tap_interviewflow.sandbox.query import PATH, Query, RefusedError, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

Held: TypeAlias = int | Sequence[Mapping[str, Any]] | bytes


@dataclass(eq=False)
class Sandbox:
    """The API: who is held by which Interviewer, its habits, and what it was asked.

    Every habit but `seed` and `odd` may be changed while it runs.

    Attributes:
        record: Keep what was asked in `requests` and `headers`; off for long runs.
        odd: Every tenth candidate holds something odd.
        limit_over: What becomes of a `limit` above `max_limit`.
        single: How the look-up of one candidate is answered; "list" is the envelope with one in it.
        rate_limit: Requests a second, 429 above; 0 lets nobody through.
        retry_after: "seconds", "date", none, or a text that is sent as it is.
        faults: What goes wrong, by the ordinal of the request (from 1) or by Interviewer and page (or
            interview ID): a status ("400" or "400:its message"), a name of `FAULTS`, or a list of these, one for
            each visit; the last one stays if it is "always:NAME".
        requests: The decoded bodies in order of arrival, none where it was no JSON; `headers` go with them.
        in_flight_peak: The most requests that were being answered at once.
    """

    interviewers: Mapping[str, Held]
    _: KW_ONLY
    key: str = "sandbox-key"
    port: int = 0
    record: bool = True
    seed: int = 0
    odd: bool = False
    max_limit: int | None = None
    limit_over: Literal["clamp", "refuse"] = "clamp"
    envelope: Envelope = "data.candidates"
    single: Literal["list", "data", "candidate"] = "data"
    metadata: Metadata | None = None
    past_end: Literal["empty", "repeat", "404"] = "empty"
    ignore_page: bool = False
    latency: float = 0.0
    rate_limit: float | None = None
    retry_after: str | None = "seconds"
    retry_after_seconds: int = 1
    faults: Faults = field(default_factory=dict)
    drip_seconds: float = 1.0
    url: str = field(init=False, default="")
    requests: list[Any] = field(init=False, default_factory=list)
    headers: list[dict[str, str]] = field(init=False, default_factory=list)
    in_flight_peak: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Take in who is held."""
        check_names(self.faults)
        self._holdings: dict[str, Holding] = {}
        for interviewer, held in self.interviewers.items():
            self.replace(interviewer, held)
        self._lock = threading.Lock()
        self._listener = Listener(self._answer)
        self._ordinals = itertools.count(1)
        self._visits: Counter[object] = Counter()
        self._in_flight = 0
        self._allowance, self._allowed_at = math.inf, 0.0  # full at first, whatever the clock says

    # What is held.

    def candidates(self, interviewer: str) -> list[dict[str, Any]]:
        """What this Interviewer holds, in the API's order."""
        holding = self._holdings[interviewer]
        return [holding.candidate(place) for place in range(len(holding.kept))]

    def replace(self, interviewer: str, held: Held) -> None:
        """Hold others: so many made-up ones, these, or a raw body that is sent for page 1."""
        if isinstance(held, bytes):
            self._keep(interviewer, (), held)
        else:
            self._keep(interviewer, range(held) if isinstance(held, int) else tuple(held))

    def delete(self, interviewer: str, count: int) -> None:
        """Drop the first ones."""
        self._keep(interviewer, self._holdings[interviewer].kept[count:])

    def append(self, interviewer: str, *candidates: Mapping[str, Any]) -> None:
        """Add to the end."""
        self._keep(interviewer, (*self._holdings[interviewer].kept, *candidates))

    def _keep(self, interviewer: str, kept: Sequence[int | Mapping[str, Any]], raw: bytes | None = None) -> None:
        self._holdings[interviewer] = Holding(kept, raw, interviewer, seed=self.seed, odd=self.odd)

    def preencode(self, limit: int) -> None:
        """Have every page of this size ready, so that a benchmark does not measure their making."""
        limit = min(limit, self.max_limit or limit)
        for interviewer, holding in self._holdings.items():
            for page in range(1, len(holding.kept) // limit + 3):
                with suppress(RefusedError):
                    self._good(Query(interviewer, page, limit, {}, None))

    # Its life.

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
            fault = None if too_many else self._due(ordinal, body if isinstance(body, dict) else {})
        try:
            if self.latency:
                self._listener.stopping.wait(self.latency)
            if too_many:
                return iter([self._error(request, 429, "Too many requests")])
            good = self._plain(request, body)
            if not fault:
                return iter([good])
            pieces = self._faulty(fault, request, good)
            return itertools.chain([next(pieces)], pieces)
        finally:
            # Before the answer goes out: whoever has it whole may ask again at once, and would count twice.
            with self._lock:
                self._in_flight -= 1

    def _plain(self, request: Request, body: object) -> bytes:
        try:
            return self._good(self._query(request, body))
        except RefusedError as refused:
            return self._error(request, refused.status, str(refused))

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

    def _good(self, query: Query) -> bytes:
        holding = self._holdings[query.interviewer]
        if holding.raw is not None and query.page == 1:
            return response(200, holding.raw)
        asked = (query.page, query.limit, to_json(query.fields), query.interview_id)
        key = (asked, self.envelope, self.single, self.metadata, self.past_end)
        answer = holding.answers.get(key)
        if answer is None:
            answer = holding.answers[key] = response(200, to_json(self._content(holding, query)))
        return answer

    def _content(self, holding: Holding, query: Query) -> object:
        if query.interview_id is not None:
            place = holding.place_of(query.interview_id)
            if place is None:
                raise RefusedError(404, "no candidate has this interviewId")
            candidate = holding.candidate(place)
            if self.single == "list":
                return self._enveloped([candidate])
            return {"data": candidate if self.single == "data" else {"candidate": candidate}}
        places = holding.matching(query.fields)
        pages = -(-len(places) // query.limit)
        page = query.page
        if page > max(pages, 1) and self.past_end == "404":
            raise RefusedError(404, f"there is no page {page}")
        if self.past_end == "repeat":
            page = min(page, max(pages, 1))
        shown = places[(page - 1) * query.limit : page * query.limit]
        said = metadata_of(self.metadata, page=page, limit=query.limit, total=len(places), pages=pages)
        return self._enveloped([holding.candidate(place) for place in shown], said)

    def _enveloped(self, candidates: Sequence[object], said: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        return enveloped(self.envelope, candidates, said)

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
        someone = next((holding.candidate(0) for holding in self._holdings.values() if holding.kept), {})
        given_away = {
            "email": someone.get("email", "someone@example.com"),
            "apiKey": request.headers.get("x-api-key"),
        }
        return {"message": message, "request": given_away}

    # Its faults.

    def _faulty(self, fault: str, request: Request, good: bytes) -> Iterator[bytes]:
        name, _, argument = fault.removeprefix("always:").partition(":")
        if name in ERRORS:
            return iter([self._error(request, int(name), argument or ERRORS[name])])
        complaint = self._complaint(request, "The database is busy")
        turn = Turn(good, argument, complaint, self._enveloped, self._listener.stopping.wait, self.drip_seconds)
        return iter(FAULTS[name](turn))

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

    def _due(self, ordinal: int, body: Mapping[str, object]) -> str | None:
        interviewer = body.get("interviewerId")
        asked = (ordinal, (interviewer, body.get("interviewId")), (interviewer, body.get("page", 1)))
        for key, faults in self.faults.items():
            if key in asked:
                names, visit = listed(faults), self._visits[key]
                self._visits[key] += 1
                if visit < len(names):
                    return names[visit]
                if names and names[-1].startswith("always:"):
                    return names[-1]
        return None
