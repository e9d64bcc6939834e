from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_interviewflow.records.times import are_times, is_time, to_moment
from tests import untrusted

TIMES = ["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456789Z", "2026-01-31T10:00:00+05:30", "2024-02-29T23:59:59Z"]
OTHERS = [
    *("2026-02-29T10:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T10:00:60Z", "2026-01-31T10:00:00"),
    *("2026-01-31T10:00Z", "2026-01-31t10:00:00Z", "2026-01-31T10:00:00z", "2026-01-31 10:00:00Z"),
    *("2026-01-31T10:00:00+0530", "2026-01-31T10:00:00,5Z", "2026-01-31T10:00:00.Z", "2026-01-31T10:00:00Z\n"),
    *("٢026-01-31T10:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", ""),
]


@pytest.mark.parametrize(("text", "is_one"), [*((text, True) for text in TIMES), *((text, False) for text in OTHERS)])
def test_a_time_is_what_every_target_can_parse(text: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_time(text) is is_one
    assert are_times([text]) is is_one
    assert are_times(["2026-01-31T10:00:00Z", text, "2026-01-31T10:00:00+01:00"]) is is_one


@given(
    st.lists(
        st.one_of(
            st.sampled_from(untrusted.ODD_TEXTS),
            st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
            st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,12})?Z\Z"),
        ),
        max_size=3,
    )
)
@example([])
def test_times_are_judged_together_as_they_are_one_by_one(texts: list[str]) -> None:
    received = untrusted.received(texts)
    assert are_times(received) == all(map(is_time, received))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_time_or_a_date_without_an_offset_is_in_utc(text: str, moment: datetime) -> None:
    assert to_moment(text) == moment


def test_what_is_neither_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        to_moment("soon")
