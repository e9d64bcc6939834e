"""The API of the tests does what it says: else a test of the tap would test nothing."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any

from tap_interviewflow.sandbox.query import RequestError
from tap_interviewflow.sandbox.server import SandboxServer
from tests.sandbox import PATH, Sandbox

ONE = "interviewer-1"


def ask(api: Sandbox, sent: bytes) -> tuple[int, Any]:
    """Return the status and the document that come."""
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)) as connection:
        connection.request("POST", PATH, sent, {"X-API-KEY": api.key})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_it_answers_as_the_one_that_users_start() -> None:
    bodies: list[dict[str, Any]] = [{"page": page} for page in (1, 3, 4)]
    bodies += [{"interviewId": "2011ffb0-408b-4d77-8ef9-68575fbc4f7a"}, {"interviewId": "none"}, {"page": "1"}]
    bodies += [{"additionalFields": {"City": "Berlin", "Manual Score": 50}}]
    shipped = SandboxServer({ONE: 25}, key="sandbox-key", port=0)
    with shipped, Sandbox({ONE: 25}, metadata="total") as api:
        for body in bodies:
            sent = json.dumps({"interviewerId": ONE, "page": 1, "limit": 10, **body}).encode()
            status, found = ask(api, sent)
            try:
                expected = 200, shipped.respond(PATH, api.key, sent)
            except RequestError as error:
                expected = error.args[0], {"success": False, "message": error.args[1]}
            found.pop("request", None)  # what a careless API gives away
            assert (status, found) == expected
