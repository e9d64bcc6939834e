from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_interviewflow import values
from tests import strangers


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-01-31T10:00:00Z", True),
        ("2026-01-31T10:00:00.123456789Z", True),
        ("2026-01-31T10:00:00+05:30", True),
        ("2024-02-29T23:59:59Z", True),
        ("2026-02-29T10:00:00Z", False),
        ("2026-01-31T24:00:00Z", False),
        ("2026-01-31T10:00:60Z", False),
        ("2026-01-31T10:00:00", False),
        ("2026-01-31T10:00Z", False),
        ("2026-01-31t10:00:00Z", False),
        ("2026-01-31T10:00:00z", False),
        ("2026-01-31 10:00:00Z", False),
        ("2026-01-31T10:00:00+0530", False),
        ("2026-01-31T10:00:00.Z", False),
        ("2026-01-31T10:00:00Z\n", False),
        ("٢026-01-31T10:00:00Z", False),
        ("0000-01-01T00:00:00Z", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("9999-12-31T23:59:59-14:00", False),
        ("", False),
    ],
)
def test_a_time_is_what_every_target_can_parse(text: str, is_one: bool) -> None:  # noqa: FBT001
    assert values.is_time(text) is is_one


@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from(strangers.ODD_TEXTS), st.datetimes().map(lambda t: f"{t.isoformat()}Z"))
    )
)
def test_times_are_judged_together_as_they_are_one_by_one(texts: list[str | None]) -> None:
    decoded = [strangers.stored(text) for text in texts]
    assert values.are_times(decoded) == all(values.is_time(text) for text in decoded if text is not None)


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.booleans(),
            st.sampled_from(
                [n for n in strangers.ODD_NUMBERS if not isinstance(n, Decimal) or n.copy_abs() < Decimal("1e307")]
            ),
            strangers.texts,
        )
    )
)
def test_numbers_are_judged_together_as_they_are_one_by_one(numbers: list[Any]) -> None:
    given_numbers = [number for number in numbers if number is not None]
    assert values.are_numbers(numbers) == all(map(values.is_number, given_numbers))
    assert values.are_whole_numbers(numbers) == all(map(values.is_whole_number, given_numbers))


@given(strangers.values)
def test_parsing_keeps_every_digit_and_letter(value: object) -> None:
    parsed, _, _ = values.parse(strangers.to_json([value]))
    assert strangers.spelled(values.portable(parsed)) == strangers.spelled([strangers.stored(value)])


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[0.1234567890123456789]", [Decimal("0.1234567890123456789")]),
        (b"[1e400, -1e400]", ["1E+400", "-1E+400"]),
        (b"[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"]),
        (b"[1e99999999999999999999]", ["1e99999999999999999999"]),
        (b"[%s]" % (b"9" * 5000), ["9" * 5000]),
        (b"[%s]" % (b"9" * 4300), [10**4300 - 1]),
        (b"\xef\xbb\xbf[]", []),
        (rb'["a\u0000b\ud800"]', ["a\ufffdb\ufffd"]),
        (rb'[{"a\u0000":1,"a\ufffd":2}]', [{"a\ufffd\ufffd": 1, "a\ufffd": 2}]),
        (rb'["\ud83d\ude00"]', ["😀"]),
    ],
)
def test_odd_json_becomes_what_readers_can_hold(body: bytes, value: object) -> None:
    assert values.portable(values.parse(body)[0]) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1", b"\xff\xfe", b"{'a': 1}", b"[1] trailing"])
def test_what_is_no_json_is_refused_without_being_quoted(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the body is not JSON$"):
        values.parse(body)


def test_replaced_characters_are_counted() -> None:
    assert values.parse(rb'["\u0000\u0000", {"\ud800": "\udfff"}]')[1] == 4
