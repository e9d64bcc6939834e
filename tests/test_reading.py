from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_interviewflow.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read


def test_every_candidate_of_every_interviewer_arrives_once_and_in_order(read: Read) -> None:
    with Sandbox({"interviewer-1": 250, "interviewer-2": 30}) as api:
        run = read(api, page_size=50)
        expected = [(name, held["id"]) for name in api.interviewers for held in api.candidates(name)]
    assert run.code == 0
    assert [(record["interviewerId"], record["id"]) for record in run.records] == expected


def test_a_repeated_interviewer_is_read_once(read: Read) -> None:
    with Sandbox({"interviewer-1": 3}) as api:
        run = read(api, interviewer_ids=["interviewer-1", "interviewer-1"])
    assert len(run.ids) == 3


@pytest.mark.parametrize(
    "envelope", ["data.candidates", "data", "body", "candidates", "interviews", "results", "items"]
)
def test_the_list_is_found_in_every_known_shape(read: Read, envelope: str) -> None:
    with Sandbox({"interviewer-1": 5}, envelope=envelope) as api:  # type: ignore[arg-type]
        assert len(read(api, page_size=2).ids) == 5
