"""Where the end is: proven, not believed."""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import FatalAPIError

from tests.scripted import ONE, Answers, ScriptedRead

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 10


def page(first: int, length: int = SIZE, **said: Any) -> dict[str, Any]:
    """An answer with the candidates from a number on."""
    return {"data": [{"id": f"id-{number}"} for number in range(first, first + length)], **said}


def pages(rows: int, size: int = SIZE, **said: Any) -> dict[int, Any]:
    """The answers of a list that stands still; a word may be a function of the page, its size and the rows so far."""
    answers = {}
    for number in range(1, -(-rows // size) + 1):
        first = (number - 1) * size
        count = min(size, rows - first)
        words = {name: word(number, count, first + count) if callable(word) else word for name, word in said.items()}
        answers[number] = page(first, count, **words)
    return answers


def read(answers: dict[Any, Any], otherwise: Any = None, **options: Any) -> ScriptedRead:
    return ScriptedRead(Answers(answers, otherwise), size=SIZE, **options).run()


def ids(count: int) -> list[str]:
    return [f"id-{number}" for number in range(count)]


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


# Words


def many(said: Callable[[int], dict[str, Any]] = lambda _: {}) -> dict[Any, Any]:
    """Three Interviewers: 5, 25 and 30 candidates."""
    return {
        (f"interviewer-{place}", number): answer
        for place, rows in enumerate((5, 25, 30), 1)
        for number, answer in pages(rows, **said(rows)).items()
    }


TRUTHFUL: dict[str, Callable[[int], Any]] = {
    "hasMore": lambda rows: lambda _number, _count, so_far: so_far < rows,
    "totalPages": lambda rows: -(-rows // SIZE),
    "total": lambda rows: rows,
    "count": str,
}


@pytest.mark.parametrize("word", TRUTHFUL)
def test_a_truthful_word_costs_one_request_a_run_and_one_for_each_full_last_page(word: str) -> None:
    answers = {
        (f"interviewer-{place}", number): answer
        for place, rows in enumerate((5, 25, 30, 8, 13), 1)
        for number, answer in pages(rows, **{word: TRUTHFUL[word](rows)}).items()
    }
    run = read(answers, interviewers=5)
    asked = {place: run.asked_of(f"interviewer-{place}") for place in range(1, 6)}
    without_looks = {place: [number for number in numbers if number > 1] for place, numbers in asked.items()}
    assert without_looks == {1: [2], 2: [2, 3], 3: [2, 3, 4], 4: [], 5: [2]}
    assert all(verdict.is_complete for verdict in run.reader.verdicts.values())


LIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "total of this page": lambda _: {"total": lambda _number, count, _so_far: count},
    "total that remains": lambda rows: {"total": lambda _number, count, so_far: rows - so_far + count},
    "total that is capped": lambda rows: {"total": min(rows, 10)},
    "total that lags": lambda rows: {"total": rows - rows // 10},
    "total as text": lambda rows: {"total": str(min(rows, 10))},
    "totalPages from 0": lambda rows: {"totalPages": (rows - 1) // SIZE},
    "totalPages by another limit": lambda rows: {"totalPages": -(-rows // (2 * SIZE))},
    "hasMore always false": lambda _: {"hasMore": False},
    "hasMore false once": lambda rows: {"hasMore": lambda number, _count, so_far: number != 1 and so_far < rows},
}


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("lie", LIES)
def test_no_word_that_says_the_end_too_early_loses_a_candidate(
    lie: str, width: int, caplog: pytest.LogCaptureFixture
) -> None:
    run = read(many(LIES[lie]), interviewers=3, width=width)
    assert run.written == ids(5) + ids(25) + ids(30)
    told = [line for line in warned(caplog) if "it is not trusted any more" in line]
    assert len(told) == 1


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ({"total": 1000}, "the API states 1,000 candidates, 25 came; page 4 is empty"),
        ({"totalPages": 9}, "page 4 is empty although the API's `totalPages` says that there is more; 25 came"),
        ({"hasMore": True}, None),
    ],
    ids=str,
)
def test_words_that_promise_too_much_end_in_few_requests_and_an_incomplete_read(
    said: dict[str, Any], warning: str | None, width: int, caplog: pytest.LogCaptureFixture
) -> None:
    run = read(pages(25, **said), otherwise={"data": [], **said}, width=width)
    assert run.written == ids(25)
    assert not run.verdict.is_complete
    assert len(run.asked) <= 7 + 3 * width
    text = warning or "page 4 is empty although the API's `hasMore` says that there is more; 25 came"
    assert warned(caplog) == [f"Interviewer {ONE}: {text}"]


def test_a_word_that_is_withdrawn_by_the_empty_page_is_no_broken_promise() -> None:
    # `hasMore` by the size of the page: true on the last one if that is full.
    run = read(pages(30, hasMore=True), otherwise={"data": [], "hasMore": False})
    assert run.verdict.is_complete
    assert run.asked == [1, 2, 3, 4, 4, 5, 1]


def test_a_short_page_in_the_middle_is_not_the_end_of_a_list_that_says_nothing() -> None:
    run = read({1: page(0), 2: page(10, 3), 3: page(13), 4: page(23, 2)})
    assert run.written == ids(25)


def test_where_short_pages_come_in_the_middle_a_word_that_never_told_them_apart_is_not_believed() -> None:
    answers = {
        ("interviewer-1", 1): page(0, 5, hasMore=False),
        ("interviewer-2", 1): page(0, 9),
        ("interviewer-2", 2): page(9, 4),
        ("interviewer-2", 3): page(13, 9),
        ("interviewer-3", 1): page(0, 4, hasMore=False),
        ("interviewer-3", 2): page(4, 4, hasMore=False),
    }
    run = read(answers, interviewers=3)
    assert run.written[-8:] == ids(8)


def test_before_anything_is_deleted_no_word_is_believed() -> None:
    # The total of each page: borne out by a first short list, and then told on short pages in the middle.
    answers = {
        ("interviewer-1", 1): page(0, 7, total=7),
        ("interviewer-2", 1): page(100, 5, total=5),
        ("interviewer-2", 2): page(105, 7, total=7),
    }
    run = read(answers, interviewers=2, confirms=True)
    assert len(set(run.written)) == 19


def test_an_empty_first_page_is_doubted_where_short_pages_come_in_the_middle() -> None:
    answers = {
        ("interviewer-1", 1): page(0),
        ("interviewer-1", 2): page(10, 4),
        ("interviewer-1", 3): page(14),
        ("interviewer-2", 2): page(100, 6),
    }
    assert len(read(answers, interviewers=2).written) == 30


def test_a_learned_refusal_in_the_middle_is_doubted_after_a_full_page() -> None:
    answers = {("interviewer-1", 1): page(0, 5)} | {
        ("interviewer-2", number): answer for number, answer in pages(45).items()
    }
    answers["interviewer-2", 3] = [404, answers["interviewer-2", 3]]
    assert sorted(set(read(answers, otherwise=404, interviewers=2).written)) == sorted(ids(45))


def test_a_page_that_comes_again_for_ever_with_its_own_size_as_the_total_is_no_complete_read() -> None:
    run = read({}, otherwise=page(0, SIZE, count=SIZE))
    assert not run.verdict.is_complete


# Empty pages


SAID: dict[str, dict[str, Any]] = {
    "nothing": {},
    "total": {"total": 35},
    "totalPages": {"totalPages": 4},
    "hasMore": {"hasMore": lambda number, *_: number < 4},
}


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize(
    ("word", "place"),
    # Where nothing is said, nothing tells an empty list, or the end after the last but one page, from a mistake.
    [(word, place) for word in SAID for place in (1, 2, 3, 4) if word != "nothing" or place in {2, 3}],
)
def test_a_page_that_is_empty_once_is_asked_for_again(word: str, place: int, width: int) -> None:
    answers = pages(35, **SAID[word])
    words = {name: value for name, value in answers[place].items() if name != "data"}
    answers[place] = [{"data": [], **words}, answers[place]]
    assert sorted(read(answers, width=width).written) == sorted(ids(35))


@pytest.mark.parametrize("width", [1, 4])
def test_an_empty_page_in_the_middle_that_stays_empty_is_passed(width: int) -> None:
    run = read({1: page(0), 2: {"data": []}, 3: page(10), 4: page(20, 4)}, width=width)
    assert run.written == ids(24)


def test_empty_pages_with_candidates_behind_them_come_to_an_end() -> None:
    answers: dict[int, Any] = {2 * number + 1: page(10 * number) for number in range(50)}
    run = read(answers)
    assert not run.verdict.is_complete
    assert len(run.asked) < 60


# What is not a page

REFUSALS: dict[str, Any] = {
    "204": 204,
    "400": 400,
    "404": 404,
    "416": 416,
    "422": 422,
    "no list": {"message": "there is no such page"},
    "a failure": {"success": False, "message": "page out of range"},
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_stands_behind_the_last_page_is_the_end(refusal: str, caplog: pytest.LogCaptureFixture) -> None:
    for rows, width in itertools.product((25, 30, 5, 10), (1, 4)):
        caplog.clear()
        run = read(pages(rows), otherwise=REFUSALS[refusal], width=width)
        assert run.written == ids(rows)
        assert run.verdict.is_complete
        assert warned(caplog) == []
        assert len([record for record in caplog.records if "after the last page" in record.getMessage()]) == 1


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_stands_behind_the_last_page_is_learned_once_a_run(refusal: str) -> None:
    run = read(many(), otherwise=REFUSALS[refusal], interviewers=3)
    assert run.written == ids(5) + ids(25) + ids(30)
    assert run.asked_of("interviewer-1") == [1, 2, 1, 2, 3]
    assert run.asked_of("interviewer-2") == [1, 2, 3, 4, 1]
    # After a full page, the page behind it is asked for, too.
    assert run.asked_of("interviewer-3") == [1, 2, 3, 4, 5, 1]


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_in_the_middle_is_an_error(refusal: str, width: int) -> None:
    answers = pages(45) | {3: REFUSALS[refusal]}
    with pytest.raises(FatalAPIError, match=f"Interviewer {ONE}, page 3: "):
        read(answers, otherwise={"data": []}, width=width)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_learned_refusal_is_doubted_where_a_word_promises_more(refusal: str) -> None:
    answers = {
        ("interviewer-1", 1): page(0, 5),
        ("interviewer-1", 2): REFUSALS[refusal],
        **{("interviewer-2", number): answer for number, answer in pages(45, total=45).items()},
        ("interviewer-2", 3): REFUSALS[refusal],
    }
    with pytest.raises(FatalAPIError, match="Interviewer interviewer-2, page 3: "):
        read(answers, otherwise={"data": []}, interviewers=2)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_page_that_is_refused_once_is_read(refusal: str) -> None:
    answers = pages(35)
    answers[2] = [REFUSALS[refusal], answers[2]]
    assert read(answers).written == ids(35)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_the_page_before_does_not_answer_any_more_a_refusal_is_an_error(refusal: str) -> None:
    answers = pages(20) | {2: [page(10), REFUSALS[refusal]], 3: REFUSALS[refusal]}
    with pytest.raises(FatalAPIError, match=f"Interviewer {ONE}, page 3: "):
        read(answers)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_first_page_that_is_refused_is_an_error(refusal: str) -> None:
    with pytest.raises(FatalAPIError, match=f"Interviewer {ONE}, page 1: "):
        read({1: REFUSALS[refusal]})


def test_a_refusal_where_more_was_promised_is_an_incomplete_read(caplog: pytest.LogCaptureFixture) -> None:
    run = read(pages(25, total=90), otherwise=404)
    assert run.written == ids(25)
    assert not run.verdict.is_complete
    assert warned(caplog) == [f"Interviewer {ONE}: the API states 90 candidates, 25 came; there is no page 4 (404)"]


# Pages that come again


@pytest.mark.parametrize(
    ("rows", "is_complete"),
    [(25, True), (30, False), (5, False), (10, False)],
    ids=["short", "full", "one short", "one full"],
)
@pytest.mark.parametrize("width", [1, 4])
def test_the_last_page_again_is_the_end_and_loud_where_candidates_may_be_missing(
    rows: int, width: int, caplog: pytest.LogCaptureFixture, *, is_complete: bool
) -> None:
    answers = pages(rows)
    run = read(answers, otherwise=answers[len(answers)], width=width)
    assert run.written == ids(rows)
    assert run.verdict.is_complete is is_complete
    (line,) = warned(caplog)
    assert f"page {len(answers) + 1} repeats an earlier page" in line
    assert ("Candidates may be missing" in line) is not is_complete


@pytest.mark.parametrize("word", ["total", "totalPages"])
def test_a_total_that_was_reached_explains_pages_that_come_again(word: str) -> None:
    answers = pages(30, **{word: 30 if word == "total" else 3})
    run = read(answers, otherwise=answers[3])
    assert run.written == ids(30)
    assert run.verdict.is_complete is (word == "total")


ORDERS: dict[str, Callable[[int], int]] = {
    "the first again": lambda _: 1,
    "in a circle": lambda number: (number - 1) % 3 + 1,
    "back and forth": lambda number: (3, 2, 1, 2)[number % 4],
}


@pytest.mark.parametrize("said", [{}, {"total": 1000}, {"hasMore": True}], ids=str)
@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("order", ORDERS)
def test_no_order_of_repeated_pages_keeps_a_run_going(order: str, width: int, said: dict[str, Any]) -> None:
    answers = pages(30, **said)
    again = {number: answers[ORDERS[order](number)] for number in range(4, 200)}
    run = read(answers | again, width=width)
    assert run.written[:30] == ids(30)
    assert len(run.asked) < 30 + 4 * width


@given(seed=st.integers(0, 10**6), said=st.sampled_from([{}, {"total": 1000}, {"hasMore": True}]))
def test_pages_at_random_come_to_an_end(seed: int, said: dict[str, Any]) -> None:
    dice = Random(seed)  # noqa: S311  # the same on every run
    people = [{"id": f"id-{number}"} for number in range(40)]
    answers = {number: {"data": dice.sample(people, SIZE), **said} for number in range(1, 500)}
    assert len(read(answers).asked) < 400


# Whatever comes

WORDS = st.fixed_dictionaries(
    {},
    optional={
        "hasMore": st.booleans(),
        "totalPages": st.integers(0, 9),
        "total": st.integers(0, 99),
    },
)


@given(sizes=st.lists(st.integers(1, SIZE), max_size=6), said=st.lists(WORDS, min_size=1, max_size=7))
def test_whatever_the_words_are_a_read_that_is_complete_has_everybody_unless_proven_words_lied(
    sizes: list[int], said: list[dict[str, Any]]
) -> None:
    answers: dict[int, Any] = {}
    for number, size in enumerate(sizes, 1):
        answers[number] = page(sum(sizes[: number - 1]), size, **said[number % len(said)])
    run = read(answers)
    # One Interviewer: no word can have been borne out before, so none of them is believed.
    assert run.written == ids(sum(sizes))
