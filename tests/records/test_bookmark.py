from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow.records.bookmark import Bookmark, check_state, fingerprint

NINE, TEN, ELEVEN = (f"2026-01-31T{hour:02}:00:00Z" for hour in (9, 10, 11))
LIMIT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def selected(start: str | None, *values: object) -> tuple[list[Any], str | None]:
    """Return the values of the replication key that are selected, and the bookmark after them."""
    bookmark = Bookmark("updatedAt", moment(start) if start else None)
    records = bookmark.select([{"updatedAt": value} for value in values])
    return [record["updatedAt"] for record in records], bookmark.value(LIMIT)


def test_what_is_at_or_after_the_start_is_selected_and_the_newest_is_the_bookmark() -> None:
    assert selected(TEN, NINE, ELEVEN, TEN) == ([ELEVEN, TEN], ELEVEN)


@pytest.mark.parametrize("value", [None, "", "soon", "2026-01-31", 5, ["a"]])
def test_a_value_that_tells_no_time_is_selected_and_moves_no_bookmark(value: object) -> None:
    assert selected(TEN, value, NINE) == ([value], None)


def test_a_record_without_the_key_is_selected() -> None:
    assert Bookmark("updatedAt", moment(TEN)).select([{"id": "a"}]) == [{"id": "a"}]


@pytest.mark.parametrize("values", [[], [NINE], [TEN]])
def test_nothing_newer_is_no_new_bookmark(values: list[str]) -> None:
    assert selected(TEN, *values)[1] is None


def test_times_are_compared_as_moments_and_the_bookmark_is_as_the_api_wrote_it() -> None:
    newer, older = "2026-01-31T11:30:00+01:00", "2026-01-31T10:59:00+01:00"
    assert selected(TEN, newer, older) == ([newer], newer)


def test_no_bookmark_goes_beyond_ten_minutes_before_the_request() -> None:
    assert selected(TEN, ELEVEN, "2031-01-01T00:00:00Z")[1] == "2026-01-31T11:50:00+00:00"


def test_a_bookmark_goes_on_over_pages() -> None:
    bookmark = Bookmark("updatedAt", None)
    for value in (NINE, ELEVEN, TEN):
        bookmark.select([{"updatedAt": value}])
    assert bookmark.value(LIMIT) == ELEVEN


def test_a_fingerprint_tells_filters_apart_and_shows_nothing_of_them() -> None:
    assert fingerprint({}) is fingerprint({"additional_fields": {}, "stream_maps": {"candidates": {"x": "1"}}}) is None
    scores: tuple[Any, ...] = (50, "50", Decimal("0.5"), "0.5")
    filters: list[dict[str, Any]] = [{"City": "Łódź"}, *({"score": score} for score in scores)]
    configs: list[dict[str, Any]] = [{"additional_fields": each} for each in filters]
    configs += [{"start_date": "2026-01-01"}, {"start_date": "2026-01-02"}]
    configs += [{"stream_maps": {"candidates": {"__filter__": each}}} for each in ("score > 1", "score > config['x']")]
    configs += [{**configs[-1], "stream_map_config": {"x": 1}}]
    marks = [fingerprint(each) for each in configs]
    assert len(set(marks)) == len(marks)
    assert all(mark and len(mark) == 16 and mark.isalnum() for mark in marks)
    assert fingerprint({"additional_fields": {"a": 1, "b": 2}}) == fingerprint({"additional_fields": {"b": 2, "a": 1}})


def partitions(*entries: object) -> dict[str, Any]:
    """Return a state with these bookmarks."""
    return {"bookmarks": {"candidates": {"partitions": [*entries]}}}


ONE: dict[str, Any] = {"context": {"interviewerId": "i"}}


@pytest.mark.parametrize(
    "state",
    [
        *({}, {"bookmarks": {}}, {"bookmarks": {"candidates": {}}}, partitions(), partitions(ONE)),
        partitions(ONE | {"replication_key_value": TEN}),
    ],
    ids=str,
)
def test_a_state_of_ours_is_taken(state: dict[str, Any]) -> None:
    check_state(state)


@pytest.mark.parametrize(
    "state",
    [
        *({"currently_syncing": "candidates"}, {"bookmarks": []}, {"bookmarks": {"candidates": "2026-01-31"}}),
        *({"bookmarks": {"candidates": {"partitions": bad}}} for bad in ({"interviewerId": "i"}, {})),
        *(partitions("i"), partitions({"context": {}})),
        *(partitions(ONE | {"replication_key_value": bad}) for bad in ("secret", "", 5)),
        *(partitions(ONE | bad) for bad in ({"replication_key": ["secret"]}, {"progress_markers": None})),
        *(
            partitions(ONE, ONE | {"replication_key_value": TEN}),
            {"bookmarks": {"candidates": {"progress_markers": 5}}},
        ),
    ],
    ids=str,
)
def test_a_state_of_another_shape_is_refused_without_being_quoted(state: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^the state has a shape that this tap does not write, and is not used"
    ) as error:
        check_state(state)
    assert "secret" not in str(error.value)
