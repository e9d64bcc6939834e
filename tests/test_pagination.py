from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.answers import Words
from tap_interviewflow.pagination import CandidatesPaginator, Page

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 10


def page(number: int, first: int, count: int, **said: Any) -> Page:
    """A page with so many candidates from an ordinal on, and what the API says beside them."""
    return Page(number, [f"id-{ordinal}" for ordinal in range(first, first + count)], Words(**said))


def plain(number: int, count: int = SIZE, **said: Any) -> Page:
    """A page that follows on full ones."""
    return page(number, (number - 1) * SIZE, count, **said)


def missing(number: int) -> Page:
    return Page(number, [], is_missing=True)


def read(pages: Iterable[Page]) -> tuple[CandidatesPaginator, int]:
    """Show pages to a paginator until it has enough; give it and how many it saw."""
    paginator = CandidatesPaginator("interviewer-1", SIZE)
    for count, each in enumerate(pages, 1):
        assert paginator.current_value == each.number
        paginator.advance(each)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
        if paginator.finished:
            return paginator, count
    return paginator, 0


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


# Where the end is

ENDS: dict[str, list[Page]] = {
    "an empty first page": [plain(1, 0)],
    "an empty page after a full one": [plain(1), plain(2, 0)],
    "an empty page after a short one": [plain(1), plain(2, 3), plain(3, 0)],
    "a short page is not the end": [plain(1, 3), page(2, 3, 3), page(3, 6, 2), page(4, 8, 0)],
    "more than were asked for": [page(1, 0, 15), page(2, 15, 15), page(3, 30, 0)],
    "no more": [plain(1, has_more=True), plain(2, 3, has_more=False)],
    "no more, on a full page": [plain(1, has_more=False)],
    "more, but an empty page": [plain(1, has_more=True), plain(2, 0, has_more=False)],
    "the last of so many pages": [plain(1, pages=2), plain(2, 3, pages=2)],
    "the only page": [plain(1, 3, pages=1)],
    "all of the total": [plain(1, total=13), plain(2, 3, total=13)],
    "all of the total, on a full page": [plain(1, total=20), plain(2, total=20)],
    "all of the total, with small pages": [plain(1, 4, total=7), page(2, 4, 3, total=7)],
    "all words agree": [plain(1, has_more=True, pages=2, total=13), plain(2, 3, has_more=False, pages=2, total=13)],
    "no more, yet pages are left": [plain(1, has_more=False, pages=2), plain(2, 3, has_more=False, pages=2)],
    "no more, yet the total is not reached": [plain(1, has_more=False, total=12), plain(2, 2, total=12)],
    "the last page, yet there is more": [plain(1, has_more=True, pages=1), plain(2, 3, has_more=False, pages=1)],
    "the total is reached, yet there is more": [plain(1, has_more=True, total=10), plain(2, 3, has_more=False)],
    "no pages at all are no word": [plain(1, pages=0), plain(2, 3, pages=0), plain(3, 0)],
    "a total of none is no word": [plain(1, total=0), plain(2, 3, total=0), plain(3, 0)],
    "fewer pages than this one are no word": [plain(1, pages=2), plain(2, pages=1), plain(3, 0)],
    "words that come late": [plain(1), plain(2, 3, has_more=False)],
    "words that cease": [plain(1, has_more=True), plain(2, 3), plain(3, 0)],
    "a total that grows": [plain(1, total=12), plain(2, 4, total=14)],
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_is_found_and_nothing_is_said(name: str, caplog: pytest.LogCaptureFixture) -> None:
    paginator, seen = read(ENDS[name])
    assert seen == len(ENDS[name])
    assert paginator.is_complete
    assert paginator.seen == sum(len(each.ids) for each in ENDS[name])
    assert logged(caplog) == []


def test_who_comes_twice_counts_once_towards_the_total() -> None:
    # Somebody is added in front while page 1 is read: the last one of it comes again, and the total lags behind.
    paginator, seen = read([plain(1, total=13), page(2, 9, 3, total=13), page(3, 12, 1, total=13)])
    assert seen == 3
    assert paginator.seen == 13
    assert paginator.is_complete


def test_a_total_that_falls_is_said_since_others_may_have_moved(caplog: pytest.LogCaptureFixture) -> None:
    paginator, seen = read([plain(1, total=25), plain(2, total=24), plain(3, 4, total=24)])
    assert seen == 3
    assert not paginator.is_complete
    assert logged(caplog) == [
        (
            "WARNING",
            (
                "Interviewer interviewer-1: the API stated 25 candidates and, on page 2, 24: some are gone since, and "
                "others may have moved to a page already read; the next run will have them"
            ),
        )
    ]


# Words that promise more than there is


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ({"total": 40}, "the API states 40 candidates, 13 came; page 3 is empty"),
        ({"has_more": True}, "page 3 is empty although the API says there is more; 13 candidates came"),
        ({"has_more": True, "total": 40}, "the API states 40 candidates, 13 came; page 3 is empty"),
    ],
    ids=str,
)
def test_a_promise_that_is_not_kept_ends_with_a_warning(
    said: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    paginator, seen = read([plain(1, **said), plain(2, 3, **said), plain(3, 0, **said)])
    assert seen == 3
    assert not paginator.is_complete
    assert logged(caplog) == [("WARNING", f"Interviewer interviewer-1: {warning}")]


def test_a_total_with_nobody_there_is_said(caplog: pytest.LogCaptureFixture) -> None:
    paginator, _ = read([plain(1, 0, total=40)])
    assert not paginator.is_complete
    assert logged(caplog) == [
        ("WARNING", "Interviewer interviewer-1: the API states 40 candidates, 0 came; page 1 is empty")
    ]


def test_promised_pages_that_are_empty_end_the_reading() -> None:
    paginator, seen = read([plain(1, pages=5), plain(2, 0, pages=5)])
    assert (paginator.finished, seen) == (True, 2)


# Pages that come again


@pytest.mark.parametrize(
    ("pages", "level", "is_complete"),
    [
        ([plain(1), plain(2), plain(3, 3), page(4, 20, 3)], "WARNING", True),
        ([plain(1), plain(2), plain(3, 3), page(4, 0, 10)], "WARNING", True),
        ([plain(1, 3), page(2, 0, 3)], "WARNING", False),
        ([plain(1), plain(2), page(3, 10, 10)], "ERROR", False),
        ([plain(1), page(2, 0, 10)], "ERROR", False),
        ([plain(1, 3), page(2, 3, 3), page(3, 3, 3)], "ERROR", False),
        ([plain(1), plain(2, 3, has_more=True), page(3, 10, 3)], "WARNING", False),
        ([plain(1, total=25), page(2, 0, 10, total=25)], "ERROR", False),
        ([plain(1, has_more=True, total=10), page(2, 0, 10, has_more=True, total=10)], "WARNING", True),
    ],
    ids=[
        "a short last page",
        "round to the first page after a short one",
        "a short first page",
        "a full last page",
        "a full first page",
        "a clamped page",
        "a short page that promises more",
        "the first page, with more by the total",
        "the first page, which is all by the total",
    ],
)
def test_a_repeated_page_is_the_end_and_loud_where_candidates_may_be_missing(
    pages: list[Page], level: str, *, is_complete: bool, caplog: pytest.LogCaptureFixture
) -> None:
    paginator, seen = read(pages)
    assert seen == len(pages)
    assert paginator.is_complete is is_complete
    ((logged_level, message),) = logged(caplog)
    assert logged_level == level
    came = sum(len(each.ids) for each in pages[:-1])
    assert f"page {seen} repeats an earlier page and is taken for the end; {came} candidates came" in message
    assert ("seems to ignore `page`" in message) == (level == "ERROR")


def test_a_page_is_known_again_in_another_order() -> None:
    paginator, _ = read([plain(1)])
    assert paginator.is_repeated(Page(2, [*reversed(plain(1).ids)]))
    assert not paginator.is_repeated(page(2, 1, 10))
    assert not paginator.is_repeated(plain(2, 0))


def test_the_total_stands_beside_what_came(caplog: pytest.LogCaptureFixture) -> None:
    read([plain(1, total=25), page(2, 0, 10, total=25)])
    ((_, message),) = logged(caplog)
    assert "10 candidates came, the API states 25. Candidates may be missing" in message


# Pages that the API does not know


@pytest.mark.parametrize(
    ("pages", "is_complete"),
    [
        ([plain(1), plain(2, 3), missing(3)], True),
        ([plain(1, 3), missing(2)], False),
        ([plain(1, has_more=True), plain(2, 3, has_more=True), missing(3)], False),
    ],
    ids=["after a short page", "after a short first page", "after a short page that lies"],
)
def test_a_page_that_is_not_known_is_the_end_with_a_warning(
    pages: list[Page], *, is_complete: bool, caplog: pytest.LogCaptureFixture
) -> None:
    paginator, seen = read(pages)
    assert seen == len(pages)
    assert paginator.is_complete is is_complete
    came = sum(len(each.ids) for each in pages)
    assert logged(caplog) == [
        (
            "WARNING",
            (
                f"Interviewer interviewer-1: the API knows no page {seen} (404), which is taken for the end; "
                f"{came} candidates came"
            ),
        )
    ]


@pytest.mark.parametrize("said", [{}, {"has_more": True}, {"pages": 9}, {"total": 99}], ids=str)
def test_a_page_that_is_not_known_after_a_full_one_is_an_error(said: dict[str, Any]) -> None:
    with pytest.raises(
        FatalAPIError, match=r"page 3: 404 Not Found; after 20 candidates, the last of them on a full page"
    ):
        read([plain(1, **said), plain(2, **said), missing(3)])


def test_a_first_page_that_is_not_known_is_an_error() -> None:
    with pytest.raises(FatalAPIError, match="check the IDs in interviewer_ids"):
        read([missing(1)])


# Whatever comes

SAID = st.builds(
    Words,
    st.none() | st.booleans(),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 99),
)


@given(sizes=st.lists(st.integers(1, SIZE), max_size=6), words=st.lists(SAID, min_size=1))
def test_an_api_that_comes_to_an_end_is_read_to_it_unless_it_says_that_it_is_over(
    sizes: list[int], words: list[Words]
) -> None:
    paginator = CandidatesPaginator("interviewer-1", SIZE)
    came: list[str] = []
    held = [f"id-{ordinal}" for ordinal in range(sum(sizes))]
    for number, size in enumerate([*sizes, 0], 1):
        each = Page(number, held[len(came) : len(came) + size], words[number % len(words)])
        came += each.ids
        paginator.advance(each)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
        if paginator.finished:
            break
    assert paginator.finished
    says_more = [
        each.words.has_more,
        each.words.pages is not None and number < each.words.pages,
        each.words.total is not None and len(came) < each.words.total,
    ]
    assert came == held or not any(says_more)
    assert paginator.seen == len(came)
