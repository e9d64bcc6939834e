"""What can go wrong with a response."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from tests.sandbox.candidates import to_json
from tests.sandbox.protocol import response

if TYPE_CHECKING:
    from collections import Counter

FaultChooser: TypeAlias = Callable[[Mapping[str, object], int], str | None]
Faults: TypeAlias = Mapping[tuple[str, int | str], str | Sequence[str]] | FaultChooser


class Turn(NamedTuple):
    """What a fault has at hand."""

    good: bytes
    argument: str
    complaint: dict[str, object]
    wait: Callable[[float | None], bool]  # true once the sandbox stops

    @property
    def content(self) -> bytes:
        """The body of the good response."""
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
        if turn.wait(0.1):
            raise ConnectionAbortedError
        yield bytes([byte])


def _chunked(turn: Turn) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    size = len(turn.content) // 3 + 1
    for start in range(0, len(turn.content), size):
        chunk = turn.content[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def _unsuccessful_list(turn: Turn) -> list[bytes]:
    content = json.loads(turn.content)
    listed = content if isinstance(content, dict) else {"data": content}
    return [response(200, to_json({**listed, "success": False, **turn.complaint}))]


def _zipped(content: bytes) -> list[bytes]:
    return [response(200, content, {"Content-Encoding": "gzip"})]


ERRORS = {str(status.value): status.phrase for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
ERRORS["400"] = "additionalFields: no custom field has this name"
FAULTS: dict[str, Callable[[Turn], Iterable[bytes]]] = {
    "ok": lambda turn: [turn.good],
    "empty": lambda turn: [turn.good],  # made without candidates
    "204": lambda _: [response(204, b"")],
    "cut-json": lambda turn: [response(200, turn.content[: len(turn.content) // 2])],
    "success-false": lambda turn: [response(200, to_json({"success": False, **turn.complaint}))],
    "success-false-list": _unsuccessful_list,
    "error-object": lambda turn: [response(200, to_json({"error": {"code": "busy", **turn.complaint}}))],
    "gzip": lambda turn: _zipped(gzip.compress(turn.content)),
    "bad-gzip": lambda turn: _zipped(gzip.compress(turn.content)[:10] + b"\xff" * 32),
    "redirect": lambda turn: [response(307, b"", {"Location": turn.argument})],
    "body": lambda turn: [response(200, turn.argument.encode())],
    "reset": _reset,
    "reset-body": _reset_body,
    "short-body": _short_body,
    "drip": _drip,
    "hang": _hang,
    "chunked": _chunked,
    "sleep": _sleep,
}


def listed(names: str | Sequence[str]) -> Sequence[str]:
    """Return the names, also where there is only one."""
    return [names] if isinstance(names, str) else names


def check_faults(faults: Faults) -> None:
    """Refuse a fault that does not exist: it would be a test that tests nothing.

    Raises:
        ValueError: If there is one.
    """
    planned = faults.values() if isinstance(faults, Mapping) else ()
    for name in itertools.chain.from_iterable(map(listed, planned)):
        fault, _, argument = name.removeprefix("always:").partition(":")
        if fault not in FAULTS and fault not in ERRORS:
            raise ValueError(f"no such fault: {name}")
        if fault == "sleep" and not re.fullmatch(r"\d+(\.\d+)?", argument):
            raise ValueError(f"the fault sleep needs seconds, such as sleep:0.5, not {name}")


def due_fault(faults: Faults, visits: Counter[object], body: Mapping[str, object]) -> str | None:
    """Return the fault that this request meets, and count its visit."""
    interviewer = body.get("interviewerId")
    asked = ((interviewer, body.get("interviewId")), (interviewer, body.get("page", 1)))
    if not isinstance(faults, Mapping):
        visits[asked] += 1
        return faults(body, visits[asked])
    for key, planned in faults.items():
        if key in asked:
            names, visit = listed(planned), visits[key]
            visits[key] += 1
            if visit < len(names):
                return names[visit]
            if names and names[-1].startswith("always:"):
                return names[-1]
    return None
