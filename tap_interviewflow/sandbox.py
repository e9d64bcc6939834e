"""A made-up API on loopback that speaks the documented request, so that nobody needs an account to try."""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeAlias, get_args

from tap_interviewflow.sandbox_candidates import Holding, to_json

if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO, Self

PATH = "/api/external/fetch/candidates"
USUAL_LIMIT = 20
_LONGEST_LINE = 1 << 16

Held: TypeAlias = int | Sequence[Mapping[str, Any]] | bytes
Faults: TypeAlias = Mapping[int | tuple[str, int | str], str | Sequence[str]]
Envelope = Literal[
    "data.candidates", "data", "body", "candidates", "interviews", "results", "items",
    "data.results", "data.items", "data.interviews", "payload.rows",
]  # fmt: skip
Metadata = Literal["total", "totalPages", "hasMore", "pagination", "lies"]


class RefusedError(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, message: str) -> None:
        """Say what is wrong with it."""
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """What came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


class Query(NamedTuple):
    """What a request asks for, once it is known to be a good one."""

    interviewer: str
    page: int
    limit: int
    fields: dict[str, object]
    interview_id: str | None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_filter(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(want, str | int | float) for want in value.values())


# Each field of the body: its name, what stands in for it, what it has to be, and that in words.
_BODY: tuple[tuple[str, object, Callable[[object], bool], str], ...] = (
    ("interviewerId", None, lambda value: isinstance(value, str), "must be a string and is required"),
    ("page", 1, _is_count, "must be a whole number from 1"),
    ("limit", USUAL_LIMIT, _is_count, "must be a whole number from 1"),
    ("additionalFields", {}, _is_filter, "must be an object of strings, numbers and booleans"),
    ("interviewId", None, lambda value: value is None or isinstance(value, str), "must be a string"),
)


@dataclass(eq=False)
class Sandbox:
    """The API: who is held by which Interviewer, its habits, and what it was asked.

    Every habit but `seed` and `odd` may be changed while it runs.

    Attributes:
        record: Keep what was asked in `requests` and `headers`; off for long runs.
        odd: Every tenth candidate holds something odd.
        limit_over: What becomes of a `limit` above `max_limit`.
        single: How the look-up of one candidate is answered; "list" is the envelope with one in it.
        rate_limit: Requests a second, 429 above.
        retry_after: "seconds", "date", none, or a text that is sent as it is.
        faults: What goes wrong, by the ordinal of the request (from 1) or by Interviewer and page (or
            interview ID): a status, a name of `FAULTS`, or a list of these, one for each visit; the last one
            stays if it is "always:NAME".
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
        """Take in who is held; a fault that does not exist would otherwise be a test that tests nothing."""
        for name in itertools.chain.from_iterable(map(_listed, self.faults.values())):
            fault, _, _ = name.removeprefix("always:").partition(":")
            if fault not in FAULTS and fault not in _ERRORS:
                msg = f"no such fault: {name}"
                raise ValueError(msg)
        self._holdings: dict[str, Holding] = {}
        for interviewer, held in self.interviewers.items():
            self.replace(interviewer, held)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: dict[threading.Thread, socket.socket] = {}
        self._ordinals = itertools.count(1)
        self._visits: Counter[object] = Counter()
        self._in_flight = 0
        self._allowance, self._allowed_at = 0.0, 0.0

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
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping.clear()
        self._doorman = threading.Thread(target=self._listen, name="sandbox", daemon=True)
        self._doorman.start()

    def stop(self) -> None:
        """Close everything at once, answers that are under way included."""
        self._stopping.set()
        with suppress(OSError):  # only a last visitor wakes the doorman on every platform
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._doorman.join()
        self._listener.close()
        with self._lock:
            threads = dict(self._threads)
        for thread, connection in threads.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=1)

    def _listen(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._attend, args=(connection,), daemon=True)
            with self._lock:
                self._threads[thread] = connection
            thread.start()

    def _attend(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with connection.makefile("rb") as stream:
                    while request := _read(stream):
                        for piece in self._answer(request):
                            connection.sendall(piece)
                        if request.headers.get("connection", "").lower() == "close":
                            break
            except ConnectionResetError:
                # To linger for no time sends RST instead of FIN; Windows packs the two numbers shorter.
                now = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        with self._lock:
            del self._threads[threading.current_thread()]

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
                self._stopping.wait(self.latency)
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
        if not isinstance(body, dict):
            raise RefusedError(400, "the body must be a JSON object")
        values: dict[str, Any] = {}
        for name, usual, fits, must in _BODY:
            values[name] = body.get(name, usual)
            if not fits(values[name]):
                raise RefusedError(400, f"{name} {must}")
        interviewer, page, limit, fields, interview_id = values.values()
        if interviewer not in self._holdings:
            raise RefusedError(404, "no Interviewer has this interviewerId")
        if self.max_limit and limit > self.max_limit:
            if self.limit_over == "refuse":
                raise RefusedError(400, f"limit must not be greater than {self.max_limit}")
            limit = self.max_limit
        return Query(interviewer, 1 if self.ignore_page else page, limit, fields, interview_id)

    def _good(self, query: Query) -> bytes:
        holding = self._holdings[query.interviewer]
        if holding.raw is not None and query.page == 1:
            return _message(200, holding.raw)
        asked = (query.page, query.limit, to_json(query.fields), query.interview_id)
        key = (asked, self.envelope, self.single, self.metadata, self.past_end)
        answer = holding.answers.get(key)
        if answer is None:
            answer = holding.answers[key] = _message(200, to_json(self._content(holding, query)))
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
        said = _said(self.metadata, page=page, limit=query.limit, total=len(places), pages=pages)
        return self._enveloped([holding.candidate(place) for place in shown], said)

    def _enveloped(self, candidates: Sequence[object], said: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        if self.envelope == "body":
            return candidates
        *outer, name = self.envelope.split(".")
        inner: dict[str, object] = {name: candidates, **(said or {})}
        return {"success": True, outer[0]: inner} if outer else {"success": True, **inner}

    def _error(self, request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> bytes:
        headers = dict(headers or {})
        if status == HTTPStatus.TOO_MANY_REQUESTS and self.retry_after is not None:
            waits = {
                "seconds": str(self.retry_after_seconds),
                "date": formatdate(time.time() + self.retry_after_seconds, usegmt=True),
            }
            headers["Retry-After"] = waits.get(self.retry_after, self.retry_after)
        return _message(status, to_json({"success": False, **self._complaint(request, message)}), headers)

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
        if name in _ERRORS:
            return iter([self._error(request, int(name), _ERRORS[name])])
        complaint = self._complaint(request, "The database is busy")
        turn = Turn(good, argument, complaint, self._enveloped, self._stopping.wait, self.drip_seconds)
        return iter(FAULTS[name](turn))

    def _is_too_many(self) -> bool:
        """Whether this request is above the rate; a second's worth may come at once."""
        if self.rate_limit is None:
            return False
        now = time.monotonic()
        earned = (now - self._allowed_at) * self.rate_limit
        self._allowance = min(max(self.rate_limit, 1), self._allowance + earned)
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
                names, visit = _listed(faults), self._visits[key]
                self._visits[key] += 1
                if visit < len(names):
                    return names[visit]
                if names and names[-1].startswith("always:"):
                    return names[-1]
        return None


class Turn(NamedTuple):
    """What a fault has at hand."""

    good: bytes
    argument: str
    complaint: dict[str, object]
    enveloped: Callable[[Sequence[object]], object]
    wait: Callable[[float | None], bool]  # true once the sandbox stops
    drip_seconds: float

    @property
    def content(self) -> bytes:
        """The body of the good answer."""
        return self.good.partition(b"\r\n\r\n")[2]


def _reset(_: Turn) -> NoReturn:
    raise ConnectionResetError


def _reset_body(turn: Turn) -> Iterator[bytes]:
    yield turn.good[: -len(turn.content) // 2]
    raise ConnectionResetError


def _short_body(turn: Turn) -> Iterator[bytes]:
    yield turn.good[: -len(turn.content) // 2]
    raise ConnectionAbortedError


def _hang(turn: Turn) -> NoReturn:
    turn.wait(None)
    raise ConnectionAbortedError


def _sleep(turn: Turn) -> Iterator[bytes]:
    turn.wait(float(turn.argument))
    yield turn.good


def _drip(turn: Turn) -> Iterator[bytes]:
    yield turn.good.removesuffix(turn.content)
    for byte in turn.content:
        if turn.wait(turn.drip_seconds):
            raise ConnectionAbortedError
        yield bytes([byte])


def _chunked(turn: Turn) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    size = len(turn.content) // 3 + 1
    for start in range(0, len(turn.content), size):
        chunk = turn.content[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def _huge(turn: Turn) -> Iterator[bytes]:
    before, after = b'{"success":true,"data":{"candidates":[]},"padding":"', b'"}'
    left = int(turn.argument) - len(before) - len(after)
    yield _message(200, before, {"Content-Length": turn.argument})
    while left > 0:
        yield b"x" * min(left, 1 << 16)
        left -= 1 << 16
    yield after


def _unsuccessful_list(turn: Turn) -> list[bytes]:
    content = json.loads(turn.content)
    listed = content if isinstance(content, dict) else {"data": content}
    return [_message(200, to_json({**listed, "success": False, **turn.complaint}))]


def _zipped(content: bytes) -> list[bytes]:
    return [_message(200, content, {"Content-Encoding": "gzip"})]


_ERRORS = {str(status.value): status.phrase for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
_ERRORS["400"] = "additionalFields: no custom field has this name"
FAULTS: dict[str, Callable[[Turn], Iterable[bytes]]] = {
    "ok": lambda turn: [turn.good],
    "refuse-html": lambda _: [_message(200, b"<h1>Back soon</h1>", {"Content-Type": "text/html"})],
    "empty-body": lambda _: [_message(200, b"")],
    "null": lambda _: [_message(200, b"null")],
    "cut-json": lambda turn: [_message(200, turn.content[: len(turn.content) // 2])],
    "success-false": lambda turn: [_message(200, to_json({"success": False, **turn.complaint}))],
    "success-false-list": _unsuccessful_list,
    "error-object": lambda turn: [_message(200, to_json({"error": {"code": "busy", **turn.complaint}}))],
    "non-objects": lambda turn: [_message(200, to_json(turn.enveloped([1, 2, 3])))],
    "gzip": lambda turn: _zipped(gzip.compress(turn.content)),
    "bad-gzip": lambda turn: _zipped(gzip.compress(turn.content)[:10] + b"\xff" * 32),
    "redirect": lambda turn: [_message(307, b"", {"Location": turn.argument})],
    "body": lambda turn: [_message(200, turn.argument.encode())],
    "reset": _reset,
    "reset-body": _reset_body,
    "short-body": _short_body,
    "drip": _drip,
    "hang": _hang,
    "chunked": _chunked,
    "huge": _huge,
    "sleep": _sleep,
}


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _said(kind: Metadata | None, *, page: int, limit: int, total: int, pages: int) -> dict[str, object]:
    """What stands beside the list about how much there is."""
    more = page < pages
    said: dict[Metadata | None, dict[str, object]] = {
        "total": {"total": total},
        "totalPages": {"totalPages": pages},
        "hasMore": {"hasMore": more},
        "pagination": {
            "pagination": {
                "page": page,
                "limit": limit,
                "total": total,
                "totalPages": pages,
                "hasNextPage": more,
            }
        },
        "lies": {"hasMore": True, "total": total + 1000},
    }
    return said.get(kind, {})


def _message(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    standing = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(content))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**standing, **(headers or {})}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def _read(stream: BinaryIO) -> Request | None:
    """The next request, or none when the client has left or speaks something else."""
    words = stream.readline(_LONGEST_LINE).decode("latin-1").split()
    if len(words) != 3:  # noqa: PLR2004 - method, path, version
        return None
    headers: dict[str, str] = {}
    while line := stream.readline(_LONGEST_LINE).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "0")
    content = stream.read(int(length)) if length.isdigit() else b""
    return Request(words[0], words[1], headers, content)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="tap-interviewflow-sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--interviewers", type=int, default=3, metavar="N", help="interviewer-1 and so on")
    parser.add_argument("--candidates", type=int, default=1200, metavar="N", help="of each Interviewer")
    parser.add_argument("--key", default=Sandbox.key, help="the X-API-KEY to accept (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number makes up other people")
    parser.add_argument("--odd", action="store_true", help="give every tenth candidate something odd")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument("--rate-limit", type=float, metavar="N", help="requests a second, 429 above")
    parser.add_argument("--max-limit", type=int, metavar="N", help="the most candidates on a page")
    parser.add_argument("--metadata", choices=get_args(Metadata), help="what the answer says beside the list")
    parser.add_argument("--warm", type=int, metavar="LIMIT", help="encode all pages of this limit beforehand")
    asked = vars(parser.parse_args(argv))
    names = [f"interviewer-{number}" for number in range(1, asked.pop("interviewers") + 1)]
    count, warm = asked.pop("candidates"), asked.pop("warm")
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ending.set())
    with Sandbox(dict.fromkeys(names, count), record=False, **asked) as api:
        if warm:
            api.preencode(warm)
        sys.stdout.write(f"{api.url} {','.join(names)}\n")
        sys.stdout.flush()
        while not ending.wait(0.2):  # Windows hears no Ctrl-C during a wait without an end
            pass


if __name__ == "__main__":
    main()
