"""The API of the tests does what it says: else a test of the tap would test nothing."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any, get_args

import pytest

from tap_interviewflow.sandbox.query import RequestError
from tap_interviewflow.sandbox.server import SandboxServer
from tests.sandbox import PATH, Move, Moves, Sandbox

ONE = "interviewer-1"


def ask(api: Sandbox, page: int = 1, timeout: float = 10, **body: object) -> tuple[int, Any]:
    """Return the status and the document that come."""
    sent = json.dumps({"interviewerId": ONE, "page": page, "limit": 10, **body})
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=timeout)) as connection:
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
            status, found = ask(api, **body)
            try:
                expected = 200, shipped.respond(PATH, api.key, sent)
            except RequestError as error:
                expected = error.args[0], {"success": False, "message": error.args[1]}
            found.pop("request", None)  # what a careless API gives away
            assert (status, found) == expected


def test_the_fault_hang_sends_nothing_until_the_client_gives_up() -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): ["hang"]}) as api:
        with pytest.raises(TimeoutError):
            ask(api, timeout=0.1)
        assert ask(api)[0] == 200


@pytest.mark.parametrize("kind", get_args(Move))
def test_a_loop_over_the_pages_of_a_list_that_moves_loses_candidates(kind: Move) -> None:
    with Sandbox({ONE: 200}, moves=Moves([kind], count=20)) as api:
        before = {candidate["id"] for candidate in api.candidates(ONE)}
        pages = (ask(api, page)[1]["data"]["candidates"] for page in range(1, 25))
        came = {candidate["id"] for listed in pages for candidate in listed}
        assert came <= api.ever_present(ONE)
        assert api.present_throughout(ONE) <= before <= api.ever_present(ONE)
        assert (api.present_throughout(ONE) < before) == (kind == "deletion")
        assert (before < api.ever_present(ONE)) == kind.startswith("newcomer")
        rows = api.candidates(ONE)
        newest = max(rows, key=lambda row: str(row["updatedAt"]))
        assert kind == "deletion" or newest == rows[0 if kind.endswith("first") else -1]
        assert bool(api.present_throughout(ONE) - came) != kind.startswith("newcomer")  # who come, push no one out
