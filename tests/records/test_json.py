from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given

from tap_interviewflow.records.json import NotJSONError, decode, json_safe
from tests import untrusted


@given(untrusted.values)
def test_every_digit_and_every_character_is_kept(value: object) -> None:
    document = decode(untrusted.to_json([value]))
    assert untrusted.spelled(json_safe(document.value)) == untrusted.spelled(
        untrusted.safe(untrusted.received([value]))
    )
    assert document.has_extreme_numbers or json_safe(document.value) == document.value


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[0.1234567890123456789]", [Decimal("0.1234567890123456789")]),
        (b"[100000000000000000000000001]", [100000000000000000000000001]),
        (b"[1e400, -1e400]", ["1E+400", "-1E+400"]),
        (b"[1e99999999999999999999]", ["1e99999999999999999999"]),
        (b"[%s]" % (b"9" * 5000), ["9" * 5000]),
        (b"[%s]" % (b"9" * 4300), [10**4300 - 1]),
        (b"[0.%s]" % (b"9" * 20_000), [Decimal("0." + "9" * 20_000)]),
    ],
    ids=["fraction", "wide", "beyond a double", "beyond all", "beyond Python", "just not", "long fraction"],
)
def test_a_number_keeps_its_digits_or_becomes_their_text(body: bytes, value: object) -> None:
    assert untrusted.spelled(json_safe(decode(body).value)) == untrusted.spelled(value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"]),
        (b"\xef\xbb\xbf[]", []),
        (b'["a\nb", "a\tb", "a\r\nb"]', ["a\nb", "a\tb", "a\r\nb"]),
        (b'{"a\tb": "\x01"}', {"a\tb": "\x01"}),
    ],
    ids=["no numbers", "byte order mark", "raw line breaks and tabs", "a raw tab in a name"],
)
def test_what_is_nearly_json_is_read(body: bytes, value: object) -> None:
    assert json_safe(decode(body).value) == value


@pytest.mark.parametrize(
    ("body", "value", "replaced"),
    [
        (rb'["a\u0000b"]', ["a\ufffdb"], 1),
        (rb'["a\ud800b"]', ["a\ufffdb"], 1),
        (b'["a\x00b"]', ["a\ufffdb"], 1),
        (rb'["\ud83d\ude00", "\ude00\ud83d"]', ["😀", "\ufffd\ufffd"], 2),
        (rb'["\\u0000"]', [r"\u0000"], 0),
        (rb'["\u0000\u0000", {"\ud800": {"x": "\udfff"}}]', ["\ufffd\ufffd", {"\ufffd": {"x": "\ufffd"}}], 4),
    ],
    ids=["escaped", "half a pair", "raw", "pairs", "no escape", "everywhere"],
)
def test_characters_that_no_target_can_store_are_replaced_and_counted(
    body: bytes, value: object, replaced: int
) -> None:
    document = decode(body)
    assert (document.value, document.replaced) == (value, replaced)


def test_a_name_is_not_lost_when_a_replacement_makes_it_that_of_another() -> None:
    value = decode(rb'{"a\u0000":1,"a\ufffd":2,"a\ufffd2":3,"a\ud800":4}').value
    assert value == {"a\ufffd3": 1, "a\ufffd": 2, "a\ufffd2": 3, "a\ufffd4": 4}


def test_very_many_names_that_become_the_same_stay_apart_and_short() -> None:
    members = ",".join(f'"\\u{code:04x}":{code}' for code in range(0xD800, 0xE000))
    value = decode(f"{{{members}}}".encode()).value
    assert list(value.values()) == list(range(0xD800, 0xE000))
    assert max(map(len, value)) == len("\ufffd2048")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1", b"\xff\xfe", b"{'a': 1}", b"[1] trailing", b"[01]"])
def test_what_is_not_json_is_refused_without_being_quoted(body: bytes) -> None:
    with pytest.raises(NotJSONError, match=r"^the body is not valid JSON$"):
        decode(body)


def test_the_nesting_that_python_can_follow_is_read_and_no_deeper() -> None:
    assert decode(b"[" * 500 + b"]" * 500).value == json.loads("[" * 500 + "]" * 500)
    with pytest.raises(RecursionError):
        decode(b"[" * 100_000 + b"]" * 100_000)
