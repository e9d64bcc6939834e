from __future__ import annotations

import json
import re

from tests.sandbox import Sandbox
from tests.sandbox.client import ONE, TWO, ask
from tests.sandbox.oddities import ODDITIES


def test_candidates_depend_on_seed_interviewer_and_place_only() -> None:
    api = Sandbox({ONE: 3})
    assert api.candidates(ONE) == Sandbox({TWO: 9, ONE: 300}).candidates(ONE)[:3]
    assert api.candidates(ONE) != Sandbox({ONE: 3}, seed=1).candidates(ONE)
    assert api.candidates(ONE)[0]["id"] == "2011ffb0-408b-4d77-8ef9-68575fbc4f7a"


def test_candidates_are_plain_and_look_real() -> None:
    candidates = Sandbox({ONE: 2000}).candidates(ONE)
    assert len({candidate["id"] for candidate in candidates}) == 2000
    assert {frozenset(candidate) for candidate in candidates} == {frozenset(candidates[0])}
    assert {candidate["status"] for candidate in candidates} == {
        "draft", "shortlisted", "interviewed", "hired", "rejected"
    }  # fmt: skip
    time_ = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    for candidate in candidates:
        assert candidate["email"].endswith("@example.com")
        assert candidate["resumeUrl"].startswith("https://example.com/")
        assert candidate["metadata"]["phone"].startswith("+1-202-555-01")
        assert time_.fullmatch(candidate["createdAt"])
        assert time_.fullmatch(candidate["updatedAt"])
        assert candidate["createdAt"] <= candidate["updatedAt"]
        assert candidate["interviewedAt"] is None or time_.fullmatch(candidate["interviewedAt"])
        assert set(candidate["additionalFields"]) <= {"Manual Score", "isSynced", "City"}
    synced = {str(candidate["additionalFields"].get("isSynced")) for candidate in candidates}
    assert synced == {"True", "False", "true", "None"}
    assert 800 < len(json.dumps(candidates, ensure_ascii=False).encode()) / 2000 < 950


def test_every_tenth_candidate_may_hold_something_odd() -> None:
    count = 10 * len(ODDITIES)
    normal = Sandbox({ONE: count}).candidates(ONE)
    odd = Sandbox({ONE: count}, odd=True).candidates(ONE)
    differing = [place for place in range(count) if normal[place] != odd[place]]
    assert differing == list(range(9, count, 10))
    with Sandbox({ONE: count}, odd=True) as api:
        content = ask(api, limit=1000).content
    for token in (
        b'"score":0.1234567890123456789,',
        b'"score":1E+400,',
        b'"durationSeconds":18446744073709551617',
        rb"Nul\u0000 Byte",
        rb"Half a pair \ud83d",
        b'"":"a field without a name"',
        b'"createdAt":"yesterday"',
    ):
        assert token in content
