"""Asking the sandbox as a client would."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from tests.sandbox import PATH, Sandbox

ONE = "interviewer-1"
TWO = "interviewer-2"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def candidates(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["data"]["candidates"]
        return found


def send(
    api: Sandbox,
    content: bytes,
    *,
    key: str | None = "sandbox-key",
    path: str = PATH,
    method: str = "POST",
) -> Reply:
    headers = {"Content-Type": "application/json", **({"X-API-KEY": key} if key is not None else {})}
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=5)) as connection:
        connection.request(method, path, content, headers)
        with connection.getresponse() as response:
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())


def ask(api: Sandbox, interviewer: object = ONE, **body: object) -> Reply:
    return send(api, json.dumps({"interviewerId": interviewer, **body}).encode())


def request(interviewer: str = ONE) -> bytes:
    body = json.dumps({"interviewerId": interviewer})
    head = f"POST {PATH} HTTP/1.1\r\nX-API-KEY: sandbox-key\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def assert_silent(api: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", api.port), timeout=0.05) as client:
        client.sendall(request())
        with pytest.raises(TimeoutError):
            client.recv(1)


def plain(number: int, **fields: object) -> dict[str, Any]:
    return {"id": f"id-{number}", "additionalFields": fields}
