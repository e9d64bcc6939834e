from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox import Moves, Sandbox
from tests.sandbox.client import ONE, TWO, ask, plain


def moving(held: Any = 30, **moves: Any) -> Sandbox:
    interviewers = held if isinstance(held, dict) else {ONE: held}
    return Sandbox(interviewers, metadata="total", latency=0, moves=Moves(**moves))


def ids(candidates: list[dict[str, Any]]) -> list[str]:
    return [candidate["id"] for candidate in candidates]


def read(api: Sandbox, limit: int = 5, pages: int = 7, interviewer: str = ONE) -> list[list[str]]:
    """Read one page after the other."""
    return [ids(ask(api, interviewer, page=page, limit=limit).candidates) for page in range(1, pages + 1)]


# What moves


@pytest.mark.parametrize(("kind", "place"), [("newcomer-first", 0), ("newcomer-last", -1)])
def test_newcomers_come_first_or_last(kind: Any, place: int) -> None:
    with moving(kinds=[kind], count=1) as api:
        before = api.candidates(ONE)
        read(api)
        after = api.candidates(ONE)
        newcomer = after.pop(place)
    assert after == before
    assert newcomer["id"] not in ids(before)
    assert newcomer["interviewedAt"] is newcomer["durationSeconds"] is None
    assert newcomer["createdAt"] == newcomer["updatedAt"] > max(person["updatedAt"] for person in before)
    assert api.present_throughout(ONE) == ids(before)
    assert api.ever_present(ONE) == [*ids(before), newcomer["id"]]


def test_somebody_is_deleted() -> None:
    with moving(kinds=["deletion"], count=1) as api:
        before = ids(api.candidates(ONE))
        read(api)
        after = ids(api.candidates(ONE))
    assert len(after) == 29
    assert after == [id_ for id_ in before if id_ in after]
    assert api.present_throughout(ONE) == after
    assert api.ever_present(ONE) == before


@pytest.mark.parametrize(("kind", "place"), [("update-first", 0), ("update-last", -1)])
def test_who_is_updated_comes_first_or_last_and_stays_the_same(kind: Any, place: int) -> None:
    with moving(kinds=[kind], count=1) as api:
        before = api.candidates(ONE)
        read(api)
        after = api.candidates(ONE)
    updated = after.pop(place)
    (was,) = [person for person in before if person["id"] == updated["id"]]
    assert after == [person for person in before if person is not was]
    assert updated["updatedAt"] > was["updatedAt"]
    assert updated == {**was, "updatedAt": updated["updatedAt"]}
    assert api.present_throughout(ONE) == api.ever_present(ONE) == ids(before)


def test_each_update_is_later_than_the_one_before() -> None:
    with moving(kinds=["update-last"], count=12) as api:
        read(api)
        times = [person["updatedAt"] for person in api.candidates(ONE)]
    assert times[-3:] == sorted(times[-3:])
    assert len(set(times)) == 30


def test_those_who_rank_equally_come_in_another_order_in_each_answer() -> None:
    with moving(kinds=["shuffle-ties"]) as api:
        people = ids(api.candidates(ONE))
        read(api)
        orders = [ids(ask(api, limit=30).candidates) for _ in range(3)]
        assert ids(api.candidates(ONE)) == people == api.present_throughout(ONE)
    assert len({tuple(order) for order in [people, *orders]}) == 4
    for order in orders:
        assert [set(order[start : start + 7]) for start in range(0, 30, 7)] == [
            set(people[start : start + 7]) for start in range(0, 30, 7)
        ]


def test_given_candidates_move_too() -> None:
    given = [plain(1), plain(2) | {"updatedAt": "2024-05-06T07:08:09.000Z"}]
    with moving({ONE: given}, kinds=["update-first", "newcomer-last"], count=20) as api:
        read(api, limit=1)
        after = {person["id"]: person for person in api.candidates(ONE)}
    assert after["id-1"] == given[0]
    assert after["id-2"]["updatedAt"] > "2025"
    assert len(after) > 2


def test_nobody_is_left_to_delete_in_the_end() -> None:
    with moving(3, kinds=["deletion", "update-first"], count=50) as api:
        read(api)
        assert api.candidates(ONE) == []
        assert api.present_throughout(ONE) == []


def test_words_and_filters_follow_the_list() -> None:
    with moving({ONE: [plain(n, Score=n) for n in range(20)]}, kinds=["deletion"], count=8) as api:
        totals = [ask(api, page=page, limit=5, additionalFields={"Score": 10}) for page in (1, 2, 3, 4, 5)]
        said = [reply.json["data"]["total"] for reply in totals]
        left = [person for person in api.candidates(ONE) if person["additionalFields"]["Score"] >= 10]
    assert said[0] == 10
    assert said == sorted(said, reverse=True)
    assert said[-1] == len(left) < 10


def test_a_look_up_shows_who_it_is_now_and_moves_nothing() -> None:
    with moving(kinds=["update-first"], count=6) as api:
        read(api)
        people = api.candidates(ONE)
        assert [ask(api, interviewId=id_).json["data"] for id_ in ids(people)] == people
        assert api.candidates(ONE) == people


# When it moves


def test_nothing_moves_before_the_second_page_is_asked_for() -> None:
    with moving(kinds=["newcomer-first"], count=100) as api:
        before = api.candidates(ONE)
        assert [ask(api, limit=5).json["data"]["total"] for _ in range(3)] == [30] * 3
        assert api.candidates(ONE) == before
        assert ask(api, page=2, limit=5).json["data"]["total"] > 30


def test_moves_are_spread_over_as_many_answers_as_there_are_pages_and_then_the_list_stands() -> None:
    with moving(100, kinds=["newcomer-last"], count=20) as api:
        totals = [ask(api, page=page, limit=10).json["data"]["total"] for page in range(1, 21)]
    steps = [after - before for before, after in itertools.pairwise(totals)]
    assert sum(steps) == 20
    assert steps[10:] == [0] * 9
    assert all(1 <= sum(steps[at : at + 2]) <= 6 for at in range(0, 10, 2))


def test_a_list_can_move_without_end() -> None:
    with moving(100, kinds=["newcomer-last"], count=20, endless=True) as api:
        totals = [ask(api, page=2, limit=10).json["data"]["total"] for _ in range(40)]
    assert totals[-1] - 100 in range(78, 83)
    assert totals[-1] > totals[-4] > totals[-8]


@pytest.mark.parametrize("kinds", [["deletion"], ["shuffle-ties"]])
def test_a_list_moves_as_often_as_is_wanted_and_not_at_all_for_nothing(kinds: Any) -> None:
    with moving(kinds=kinds, count=0, endless=True) as api:
        read(api)
        assert len(api.candidates(ONE)) == 30


def test_each_interviewer_has_moves_of_its_own() -> None:
    with moving({ONE: 30, TWO: 30}, kinds=["deletion"], count=3) as api:
        read(api)
        assert (len(api.candidates(ONE)), len(api.candidates(TWO))) == (27, 30)
        read(api, interviewer=TWO)
        assert len(api.candidates(TWO)) == 27
        everybody = {name: api.ever_present(name) for name in (ONE, TWO)}
        left = [[everybody[name].index(id_) for id_ in api.present_throughout(name)] for name in (ONE, TWO)]
    assert left[0] != left[1]


def test_the_same_answers_in_the_same_order_move_the_list_in_the_same_way() -> None:
    kinds = ["newcomer-first", "newcomer-last", "deletion", "update-first", "update-last", "shuffle-ties"]
    reads = []
    for seed in (1, 1, 2):
        with moving(kinds=kinds, count=12, seed=seed) as api:
            reads.append((read(api), api.candidates(ONE), api.present_throughout(ONE)))
    assert reads[0] == reads[1]
    assert reads[0] != reads[2]


def test_a_change_by_hand_begins_anew() -> None:
    with moving(kinds=["deletion"], count=3) as api:
        first = read(api)
        api.replace(ONE, 30)
        assert len(api.present_throughout(ONE)) == 30
        assert read(api) == first
        api.append(ONE, plain(1))
        assert api.present_throughout(ONE) == api.ever_present(ONE) == ids(api.candidates(ONE))


def test_a_list_that_stands_still_was_always_the_same() -> None:
    with Sandbox({ONE: 7}) as api:
        read(api)
        assert api.present_throughout(ONE) == api.ever_present(ONE) == ids(api.candidates(ONE))


def test_the_pages_of_a_list_that_moves_are_not_made_beforehand() -> None:
    with moving(kinds=["deletion"], count=30) as api:
        api.preencode(5)
        assert ask(api, limit=5).json["data"]["total"] == 30


# Answers that overtake each other


def test_answers_are_taken_at_a_random_moment_and_overtake_each_other() -> None:
    api = moving(100, kinds=["newcomer-last"], count=100, endless=True)
    api.latency = 0.1
    with api, ThreadPoolExecutor(16) as clients:
        replies = list(clients.map(lambda page: ask(api, page=page, limit=5), range(2, 18)))
    totals = [reply.json["data"]["total"] for reply in replies]
    assert len(set(totals)) > 8
    assert totals != sorted(totals)


@pytest.mark.parametrize(("latency", "usual"), [(2.0, 2.0), (None, 0.005)])
def test_an_answer_shows_the_list_at_some_moment_of_a_wait_that_varies_by_half(
    monkeypatch: pytest.MonkeyPatch, latency: float | None, usual: float
) -> None:
    waits: list[float] = []
    taken: list[int] = []

    def wait(api: Sandbox, seconds: float) -> bool:
        waits.append(seconds)
        taken.append(len(api.candidates(ONE)))
        return False

    monkeypatch.setattr(Sandbox, "_wait", wait)
    with moving(40, kinds=["newcomer-last"], count=40) as api:
        api.latency = latency
        totals = [ask(api, page=page, limit=2).json["data"]["total"] for page in range(2, 22)]
    before, after = waits[::2], waits[1::2]
    whole = [(first + then) / usual for first, then in zip(before, after, strict=True)]
    shares = [first / (first + then) for first, then in zip(before, after, strict=True)]
    assert taken == [length for was, now in itertools.pairwise([40, *totals]) for length in (was, now)]
    assert all(0.5 <= time <= 1.5 for time in whole)
    for varied in (shares, [time - 0.5 for time in whole]):
        assert min(varied) < 0.2
        assert max(varied) > 0.8


@pytest.mark.parametrize("kind", ["newcomer-first", "deletion", "update-first", "update-last", "shuffle-ties"])
def test_a_reader_of_page_after_page_loses_somebody(kind: Any) -> None:
    lost = 0
    for seed in range(2):
        with moving(60, kinds=[kind], count=6, seed=seed) as api:
            seen = {id_ for page in read(api, pages=14) for id_ in page}
            assert seen <= set(api.ever_present(ONE))
            lost += len(set(api.present_throughout(ONE)) - seen)
    # Somebody who comes first pushes others onto the next page: they come twice, and nobody is lost.
    assert (lost > 0) == (kind != "newcomer-first")


def test_a_kind_of_move_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such move: earthquake"):
        moving(kinds=["earthquake"])
