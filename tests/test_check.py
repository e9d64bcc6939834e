"""`--test`: whether each Interviewer can be read, without showing anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_interviewflow import tap
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
TWO = "interviewer-2"


def said(run: Run) -> list[str]:
    return [line for line in run.lines("INFO", "WARNING", "ERROR") if line.startswith("Interviewer ")]


def test_each_interviewer_that_is_found_has_a_line(read: Read) -> None:
    with Sandbox({ONE: 250, TWO: 1, "interviewer-3": 0}) as api:
        run = read(api, "--test", page_size=20)
        asked = sorted((body["interviewerId"], body["page"]) for body in api.requests)
    assert said(run) == [
        f"Interviewer {ONE}: found, 20 candidates on the first page",
        f"Interviewer {TWO}: found, 1 candidate on the first page",
        "Interviewer interviewer-3: found, 0 candidates on the first page",
    ]
    assert (run.code, run.out) == (0, "")
    assert asked == [(ONE, 1), (TWO, 1), ("interviewer-3", 1)]


def test_what_is_wrong_with_one_is_said_of_it_and_the_others_are_looked_at(read: Read) -> None:
    names = [f"interviewer-{number}" for number in range(1, 6)]
    with Sandbox(dict.fromkeys(names, 3)) as api:
        api.faults = {(names[1], 1): "always:success-false", (names[2], 1): "always:400", (names[3], 1): "always:null"}
        run = read(api, "--test", interviewer_ids=[*names, "nobody"])
    assert said(run) == [
        f"Interviewer {names[0]}: found, 3 candidates on the first page",
        (
            f"Interviewer {names[1]}, page 1: the API answered 200 but reports a failure: the API says “The database "
            "is busy”"
        ),
        (
            f"Interviewer {names[2]}, page 1: 400 Bad Request: the API says “additionalFields: no custom field has "
            "this name”"
        ),
        (
            f"Interviewer {names[3]}, page 1: the answer is null, not a list of candidates; records_jsonpath can say "
            "where the list is"
        ),
        f"Interviewer {names[4]}: found, 3 candidates on the first page",
        "Interviewer nobody, page 1: 404 Not Found: the API does not know it; check the IDs in interviewer_ids",
    ]
    assert len(run.lines("ERROR")) == 4
    assert (run.code, run.out) == (1, "")


def test_nobody_is_shown(read: Read) -> None:
    with Sandbox({ONE: 30}) as api:
        run = read(api, "--test")
        people = api.candidates(ONE)
    assert run.code == 0
    assert run.out == ""
    assert not [person for person in people if person["id"] in run.err or person["name"] in run.err]
    assert api.key not in run.err


def test_a_wrong_key_is_said_and_nothing_is_said_to_have_failed_where_all_is_well(read: Read) -> None:
    with Sandbox({ONE: 3}) as api:
        good, bad = read(api, "--test"), read(api, "--test", api_key="another")
    assert '"status":"failed"' not in good.err
    assert said(bad) == [
        f"Interviewer {ONE}, page 1: 401 Unauthorized: the API does not accept the key; check the setting api_key"
    ]
    assert bad.code == 1


def test_bad_settings_are_said_before_anything_is_asked(read: Read) -> None:
    with Sandbox({ONE: 3}) as api:
        run = read(api, "--test", page_size=0)
        assert api.requests == []
    assert (run.code, len(run.lines("ERROR"))) == (1, 1)


def test_the_test_mode_for_schemas_reads_none(read: Read) -> None:
    with Sandbox({ONE: 3}) as api:
        run = read(api, "--test=schema")
    assert run.code == 0, run.err
    assert [message["type"] for message in run.messages] == ["SCHEMA"]


# Where nothing answers


def test_it_ends_within_ten_seconds() -> None:
    assert tap.MAX_TEST_SECONDS <= 9


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_however_many_there_are_the_time_is_for_all_of_them(
    read: Read, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(tap, "MAX_TEST_SECONDS", 0.2)
    names = [f"interviewer-{number}" for number in range(20)]
    with Sandbox(dict.fromkeys(names, 3), faults=lambda *_: fault) as api:
        run = read(api, "--test", max_parallel_requests=2)
        assert len(api.requests) <= 4
    assert run.lines("ERROR") == [f"Interviewer {name}, page 1: no good answer within 0.2 s" for name in names]
    assert (run.code, run.out) == (1, "")


def test_an_api_that_does_not_listen_is_said_to(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "MAX_TEST_SECONDS", 0.4)
    api = Sandbox({ONE: 3})
    api.start()
    api.stop()
    run = read(api, "--test")
    (line,) = run.lines("ERROR")
    assert line.startswith(f"Interviewer {ONE}, page 1: the connection failed: ")
    assert run.code == 1
