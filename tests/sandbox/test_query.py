from __future__ import annotations

import itertools
import json

import pytest

from tests.sandbox import Sandbox
from tests.sandbox.client import ONE, ask, send


def test_a_page_has_twenty_candidates_and_is_the_first_one_unless_asked_otherwise() -> None:
    with Sandbox({ONE: 45}) as api:
        assert ask(api).candidates == api.candidates(ONE)[:20]


@pytest.mark.parametrize("key", [None, "", "other"])
def test_a_missing_or_wrong_key_is_unauthorized(key: str | None) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, b'{"interviewerId": "interviewer-1"}', key=key)
        assert reply.status == 401
        assert "X-API-KEY" in reply.json["message"]


def test_the_key_can_be_chosen() -> None:
    with Sandbox({ONE: 1}, key="chosen") as api:
        assert send(api, b'{"interviewerId": "interviewer-1"}', key="chosen").status == 200
        assert ask(api).status == 401


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(content: bytes) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, content)
        assert (reply.status, reply.json["message"]) == (400, "the body must be a JSON object")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(["page", "limit"], [0, -1, 1.5, "1", True, None, []]),
        *itertools.product(["additionalFields"], [[], "x", None, {"a": None}, {"a": []}, {"a": {}}]),
        ("interviewId", 5),
        ("interviewerId", 5),
        ("interviewerId", None),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(name: str, value: object) -> None:
    with Sandbox({ONE: 1}) as api:
        reply = send(api, json.dumps({"interviewerId": ONE, name: value}).encode())
        assert reply.status == 400
        assert reply.json["message"].startswith(name)


def test_an_unknown_interviewer_is_not_found() -> None:
    with Sandbox({ONE: 1}) as api:
        assert ask(api, "nobody").status == 404


def test_other_paths_and_methods_are_refused_and_not_recorded() -> None:
    with Sandbox({ONE: 1}) as api:
        assert send(api, b"{}", path="/").status == 404
        refused = send(api, b"", method="GET")
        assert (refused.status, refused.headers["allow"]) == (405, "POST")
        assert api.requests == []


def test_an_error_gives_away_what_a_log_must_not_show() -> None:
    with Sandbox({ONE: 1}, faults={1: "400"}) as api:
        reply = ask(api)
        assert "additionalFields" in reply.json["message"]
        assert reply.json["request"] == {"email": api.candidates(ONE)[0]["email"], "apiKey": "sandbox-key"}
