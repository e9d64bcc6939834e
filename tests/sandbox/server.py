"""The API server: which candidates each Interviewer has, how it responds, and what it was asked."""

from __future__ import annotations

import itertools
import json
import math
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from hashlib import blake2b
from http import HTTPStatus
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from tap_interviewflow.sandbox.candidates import matches
from tap_interviewflow.sandbox.query import PATH, Query, RequestError, parse_query
from tests.sandbox.candidates import CandidateList, to_json
from tests.sandbox.envelopes import Envelope, Framework, Lie, Metadata, PageMetadata, Within, enveloped
from tests.sandbox.faults import ERRORS, FAULTS, Faults, Turn, check_faults, due_fault, listed
from tests.sandbox.moves import Mover
from tests.sandbox.protocol import Listener, Request, response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from tests.sandbox.moves import Moves

Held: TypeAlias = int | Sequence[Mapping[str, Any]] | bytes
PastEnd = Literal[
    "empty", "repeat", "first", "circle", "random", "204", "400", "404", "416", "422", "null", "nolist", "failure"
]
Single = Literal["list", "data", "candidate"]

MOVING_LATENCY = 0.005


@dataclass(eq=False)
class Sandbox:
    """An API on loopback; a context manager.

    All attributes but `interviewers`, `seed` and `odd` may be changed while it runs.

    Attributes:
        interviewers: Of each, how many made-up candidates, or which ones, or a raw body that is sent for page 1.
        key: The API key that is accepted.
        port: The port; 0 takes a free one.
        record: Keep `requests` and `headers`; off for long runs.
        seed: Another number makes up other candidates, and shows other pages where they are chosen at random.
        odd: Every tenth candidate has something odd.
        max_limit: The most candidates on a page, whatever `limit` asks for.
        thin: The share of the pages, in the middle, too, that are short, as if some were filtered out after paging.
        envelope: Where the list is, or a framework, which brings its own page metadata.
        within: The envelope is one level down, under this name.
        single: How the look-up of one candidate is answered; "list" is the envelope with one in it.
        metadata: The page metadata beside the list, in place of the framework's.
        lies: Which of the metadata are wrong, and how.
        past_end: What comes for a page behind the last one: another page, a status, `null` for the list, the
            envelope without it, or a failure with HTTP 200.
        ignore_page: Each page is the first one.
        moves: How the list changes while it is read.
        latency: Seconds before each response. Where the list moves it varies by half, is 5 ms unless given, and the
            response is made at a random moment of it.
        clock: Seconds by which the API's clock is ahead of this machine's; with it each response has a `Date`.
        rate_limit: Requests a second, 429 above; 0 lets none through.
        retry_after: "seconds", "date", none, or a text that is sent as it is.
        retry_after_seconds: How long a 429 says to wait.
        faults: What goes wrong, by Interviewer and page (or interview ID): a status ("400" or "400:its message"), a
            name of `FAULTS`, or a list of these, one for each visit; the last one stays if it is "always:NAME". Or a
            function that chooses one by the body and the number of visits before.
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
    thin: float = 0.0
    envelope: Envelope | Framework = "data.candidates"
    within: Within | None = None
    single: Single = "data"
    metadata: Metadata | None = None
    lies: Lie | Sequence[Lie] = ()
    past_end: PastEnd = "empty"
    ignore_page: bool = False
    moves: Moves | None = None
    latency: float | None = None
    clock: float | None = None
    rate_limit: float | None = None
    retry_after: str | None = "seconds"
    retry_after_seconds: int = 1
    faults: Faults = field(default_factory=dict)
    url: str = field(init=False, default="")
    requests: list[Any] = field(init=False, default_factory=list)
    headers: list[dict[str, str]] = field(init=False, default_factory=list)
    in_flight_peak: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Hold the candidates, and listen to nobody yet.

        Raises:
            ValueError: If there is no such fault, or page behind the last one: the test would test nothing.
            KeyError: If there is no such metadata.
        """
        check_faults(self.faults)
        PageMetadata(1, 1, 0, 0, 0, more=False, asked_limit=1, account=0).spelled(
            self.envelope, self.metadata, listed(self.lies)
        )
        if self.past_end not in get_args(PastEnd):
            raise ValueError(f"no such past_end: {self.past_end}")
        self._lock = threading.RLock()
        self._listener = Listener(self._answer)
        self._lists: dict[str, CandidateList] = {}
        self._raw: dict[str, bytes] = {}
        self._movers: dict[str, Mover] = {}
        self._ordinals = itertools.count(1)
        self._visits: Counter[object] = Counter()
        self._in_flight = 0
        self._allowance, self._allowed_at = math.inf, 0.0  # full at first, whatever the clock says
        for interviewer, held in self.interviewers.items():
            self.replace(interviewer, held)

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

    # The candidates. A change by hand begins a list that moves anew.

    def candidates(self, interviewer: str) -> list[dict[str, Any]]:
        """Return the candidates of this Interviewer, in the API's order."""
        with self._lock:
            held = self._lists[interviewer]
            return [held.candidate(number) for number in held.numbers]

    def present_throughout(self, interviewer: str) -> set[str]:
        """Return the IDs of those that were in the list from the first request to the last response."""
        held = self._lists[interviewer]
        return {held.id_of(number) for number in held.throughout}

    def ever_present(self, interviewer: str) -> set[str]:
        """Return the IDs of those that were in the list at any time."""
        held = self._lists[interviewer]
        return {held.id_of(number) for number in held.ever}

    def replace(self, interviewer: str, held: Held) -> None:
        """Hold other candidates."""
        raw, given = (held, 0) if isinstance(held, bytes) else (None, held)
        with self._lock:
            self._lists[interviewer] = CandidateList(interviewer, given, seed=self.seed, odd=self.odd)
            self._raw.pop(interviewer, None)
            if raw is not None:
                self._raw[interviewer] = raw
            self._movers.pop(interviewer, None)

    def delete(self, interviewer: str, count: int) -> None:
        """Delete the first ones."""
        self._reset(interviewer, self._lists[interviewer].numbers[count:])

    def append(self, interviewer: str, *candidates: Mapping[str, Any]) -> None:
        """Add candidates to the end."""
        held = self._lists[interviewer]
        with self._lock:
            added = range(held.next_number(), held.next_number() + len(candidates))
            for number, candidate in zip(added, candidates, strict=True):
                held.put(number, candidate)
            self._reset(interviewer, [*held.numbers, *added])

    def _reset(self, interviewer: str, numbers: list[int]) -> None:
        with self._lock:
            self._lists[interviewer].reset(numbers)
            self._movers.pop(interviewer, None)

    # From a request to the bytes of its response.

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
            fault = None if too_many else due_fault(self.faults, self._visits, known)
        try:
            before, after = self._waits(ordinal)
            self._wait(before)
            if too_many:
                return iter([self._error(request, 429, "Too many requests")])
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
        try:
            good = self.respond(self._query(request), is_blank=name == "empty")
        except RequestError as error:
            good = self._error(request, *error.args)
        if name == "ok":
            return iter([good])
        if name in ERRORS:
            return iter([self._error(request, int(name), argument or ERRORS[name])])
        complaint = self._complaint(request, "The database is busy")
        pieces = iter(FAULTS[name](Turn(good, argument, complaint, self._enveloped([1, 2, 3]), self._wait)))
        return itertools.chain([next(pieces)], pieces)

    def _query(self, request: Request) -> Query:
        if request.headers.get("x-api-key") != self.key:
            raise RequestError(401, "Unauthorized: X-API-KEY is missing or wrong")
        query = parse_query(request.content)
        if query.interviewer_id not in self._lists:
            raise RequestError(404, "no Interviewer has this interviewerId")
        return query

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
        """Return an error's message, with what a careless API gives away: a tap that logs it has a leak."""
        first = next((held.candidate(held.numbers[0]) for held in self._lists.values() if held.numbers), {})
        given_away = {
            "email": first.get("email", "someone@example.com"),
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

    # The response to a good request.

    def respond(self, query: Query, *, is_blank: bool = False) -> bytes:
        """Return the response to a good request.

        Args:
            query: What it asks for.
            is_blank: Leave the candidates of its page out.

        Raises:
            RequestError: If there is no such candidate or page.
        """
        if query.interview_id is not None:
            return response(200, to_json(self._one(query.interviewer_id, query.interview_id)))
        page = 1 if self.ignore_page else query.page
        if page == 1 and query.interviewer_id in self._raw:
            return response(200, self._raw[query.interviewer_id])
        return response(200, to_json(self._page(query, page, is_blank=is_blank)))

    def _one(self, interviewer: str, interview_id: str) -> object:
        held = self._lists[interviewer]
        for number in held.numbers:
            if held.id_of(number) == interview_id:
                candidate = held.candidate(number)
                if self.single == "list":
                    return self._enveloped([candidate])
                return {"success": True, "data": candidate if self.single == "data" else {"candidate": candidate}}
        raise RequestError(404, "no candidate has this interviewId")

    def _page(self, query: Query, page: int, *, is_blank: bool) -> object:
        limit = min(query.limit, self.max_limit or query.limit)
        seed = f"{self.seed}/{query.interviewer_id}"
        with self._lock:
            held = self._moved(query.interviewer_id, page, limit)
            numbers = held.numbers
            if wanted := query.additional_fields:
                numbers = [number for number in numbers if matches(held.candidate(number), wanted)]
            starts = [*self._starts(len(numbers), limit, seed), len(numbers)]
            pages = len(starts) - 1
            if page > max(pages, 1):
                page = self._page_past_end(page, max(pages, 1), seed)
            shown = numbers[starts[page - 1] : starts[page]] if page <= pages and not is_blank else []
            candidates = [held.candidate(number) for number in shown]
            account = sum(len(other.numbers) for other in self._lists.values())
        stated = PageMetadata(
            page=page,
            limit=limit,
            shown=len(shown),
            total=len(numbers),
            pages=pages,
            more=page < pages,
            asked_limit=query.limit,
            account=account,
        )
        is_past_end = page > max(pages, 1)
        shown_list = None if is_past_end and self.past_end == "null" else candidates
        return self._enveloped(shown_list, stated, listless=is_past_end and self.past_end == "nolist")

    def _enveloped(
        self, candidates: Sequence[object] | None, stated: PageMetadata | None = None, *, listless: bool = False
    ) -> Any:
        beside = stated.spelled(self.envelope, self.metadata, listed(self.lies)) if stated else {}
        return enveloped(self.envelope, self.within, candidates, beside, listless=listless)

    def _moved(self, interviewer: str, page: int, limit: int) -> CandidateList:
        """Return the list as it is at this moment."""
        held = self._lists[interviewer]
        if self.moves is not None and (page > 1 or interviewer in self._movers):
            if interviewer not in self._movers:
                pages = len(self._starts(len(held.numbers), limit, f"{self.seed}/{interviewer}"))
                self._movers[interviewer] = Mover(self.moves, held, pages)
            self._movers[interviewer].before_response()
        return held

    def _starts(self, total: int, limit: int, seed: str) -> Sequence[int]:
        """Return where in the list each page begins."""
        if not self.thin:
            return range(0, total, limit)
        starts: list[int] = []
        start = 0
        while start < total:
            starts.append(start)
            dice = blake2b(f"{seed}/{limit}/{len(starts)}".encode()).digest()
            is_short = limit > 1 and int.from_bytes(dice[:4]) < self.thin * 2**32
            start += 1 + int.from_bytes(dice[4:8]) % (limit - 1) if is_short else limit
        return starts

    def _page_past_end(self, page: int, last: int, seed: str) -> int:
        """Return the page that comes for one behind the last."""
        if self.past_end.isdecimal() or self.past_end == "failure":
            status = int(self.past_end) if self.past_end.isdecimal() else 200
            raise RequestError(status, f"there is no page {page}")
        chosen = int.from_bytes(blake2b(f"{seed}/{page}".encode()).digest()[:8]) % last + 1
        again = {"repeat": last, "first": 1, "circle": (page - 1) % last + 1, "random": chosen}
        return again.get(self.past_end, page)
