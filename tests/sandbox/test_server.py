"""The API of the tests does what it says: else a test of the tap would test nothing."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any, get_args

import pytest

from tap_interviewflow.sandbox.query import RequestError
from tap_interviewflow.sandbox.server import SandboxServer
from tests.sandbox import PATH, Move, Moves, Sandbox, WrongMetadata

ONE, TWO = "interviewer-1", "interviewer-2"


def ask(api: Sandbox, page: int = 1, interviewer: str = ONE, **body: object) -> Any:
    """Return what came: the status with the body, or the kind of failure."""
    sent = json.dumps({"interviewerId": interviewer, "page": page, "limit": 10, **body})
    with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=0.3)) as connection:
        try:
            connection.request("POST", PATH, sent, {"X-API-KEY": api.key})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__


def read(api: Sandbox) -> list[str]:
    """Return the IDs that a loop over the pages finds."""
    ids: list[str] = []
    for page in range(1, 100):
        listed = json.loads(ask(api, page)[1])["data"]["candidates"]
        if not listed:
            break
        ids += [candidate["id"] for candidate in listed]
    return ids


def test_it_answers_as_the_one_that_users_start() -> None:
    bodies: list[dict[str, Any]] = [{"page": page} for page in (1, 3, 4)]
    bodies += [{"interviewId": "2011ffb0-408b-4d77-8ef9-68575fbc4f7a"}, {"interviewId": "none"}, {"page": "1"}]
    bodies += [{"additionalFields": {"City": "Berlin", "Manual Score": 50}}]
    shipped = SandboxServer({ONE: 25}, key="sandbox-key", port=0)
    with shipped, Sandbox({ONE: 25}, metadata="total") as api:
        for body in bodies:
            status, content = ask(api, **body)
            sent = json.dumps({"interviewerId": ONE, "page": 1, "limit": 10, **body}).encode()
            found = json.loads(content)
            try:
                expected = 200, shipped.respond(PATH, api.key, sent)
            except RequestError as error:
                expected = error.args[0], {"success": False, "message": error.args[1]}
            found.pop("request", None)  # what a careless API gives away
            assert (status, found) == expected


@pytest.mark.parametrize("wrong", get_args(WrongMetadata))
def test_metadata_that_are_to_be_wrong_are_wrong(wrong: WrongMetadata) -> None:
    other = Sandbox({ONE: 145, TWO: 1}, metadata="pagination", max_limit=5, wrong=wrong)
    with other, Sandbox({ONE: 145, TWO: 1}, metadata="pagination", max_limit=5) as right:
        assert [ask(other, page) for page in (1, 2, 15, 29)] != [ask(right, page) for page in (1, 2, 15, 29)]


def test_a_thin_list_has_short_pages_in_the_middle_and_loses_no_candidate() -> None:
    with Sandbox({ONE: 100}, thin=0.5) as api:
        assert read(api) == [candidate["id"] for candidate in api.candidates(ONE)]
        assert min(ask(api, page)[1].count(b'"email"') for page in range(1, 11)) < 10


@pytest.mark.parametrize("kind", get_args(Move))
def test_a_loop_over_the_pages_of_a_list_that_moves_loses_candidates(kind: Move) -> None:
    with Sandbox({ONE: 200}, moves=Moves([kind], count=20)) as api:
        before = {candidate["id"] for candidate in api.candidates(ONE)}
        came = set(read(api))
        assert came <= api.ever_present(ONE)
        assert api.present_throughout(ONE) <= before <= api.ever_present(ONE)
        assert (api.present_throughout(ONE) < before) == (kind == "deletion")
        assert (before < api.ever_present(ONE)) == kind.startswith("newcomer")
        rows = api.candidates(ONE)
        newest = max(rows, key=lambda row: str(row["updatedAt"]))
        assert kind == "deletion" or newest == rows[0 if kind.endswith("first") else -1]
        assert bool(api.present_throughout(ONE) - came) != kind.startswith("newcomer")  # who come, push no one out
