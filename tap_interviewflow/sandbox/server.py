"""The API server: the documented request, answered with made-up candidates."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_interviewflow.sandbox.candidates import made_up, matches
from tap_interviewflow.sandbox.query import PATH, Query, RequestError, parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SandboxServer(ThreadingHTTPServer):
    """An API server on loopback.

    Args:
        interviewers: How many candidates each Interviewer has, by its ID.
        key: The API key that is accepted.
        port: The port; 0 takes a free one.

    Raises:
        OSError: If the port is taken.
        OverflowError: If there is no such port.
    """

    allow_reuse_address = os.name == "posix"  # on Windows two servers would share a port
    request_queue_size = 128

    def __init__(self, interviewers: Mapping[str, int], *, key: str, port: int) -> None:
        """Listen; `serve_forever` answers."""
        self.interviewers, self.key = interviewers, key
        super().__init__(("127.0.0.1", port), Handler)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client may leave at any time
            super().handle_error(request, client_address)

    def respond(self, path: str, key: str | None, content: bytes) -> dict[str, Any]:
        """Return the body of the response to a good request, or raise a `RequestError`."""
        if path != PATH:
            raise RequestError(404, f"Cannot POST {path}")
        if key != self.key:
            raise RequestError(401, "Unauthorized: X-API-KEY is missing or wrong")
        query = parse_query(content)
        if query.interviewer_id not in self.interviewers:
            raise RequestError(404, "no Interviewer has this interviewerId")
        return {"success": True, "data": self._one(query) if query.interview_id else self._page(query)}

    def _one(self, query: Query) -> dict[str, Any]:
        for index in range(self.interviewers[query.interviewer_id]):
            candidate = made_up(query.interviewer_id, index)
            if candidate["id"] == query.interview_id:
                return candidate
        raise RequestError(404, "no candidate has this interviewId")

    def _page(self, query: Query) -> dict[str, Any]:
        interviewer, wanted = query.interviewer_id, query.additional_fields
        indices: Sequence[int] = range(self.interviewers[interviewer])
        if wanted:
            indices = [index for index in indices if matches(made_up(interviewer, index), wanted)]
        start = (query.page - 1) * query.limit
        shown = indices[start : start + query.limit]
        return {"candidates": [made_up(interviewer, index) for index in shown], "total": len(indices)}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SandboxServer  # ty: ignore[incompatible-mutable-override] # the one that makes it
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits until its headers are acknowledged

    def do_POST(self) -> None:
        """Answer a request."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status, body = 200, self.server.respond(self.path, self.headers.get("X-API-KEY"), content)
        except RequestError as error:
            status, message = error.args
            body = {"success": False, "message": message}
        encoded = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal is the tap's."""
