"""Whatever bytes come for an answer, a page comes of them or one of the tap's own errors, by each of its ways."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.fitter import Fitter
from tap_interviewflow.pages import PageReader
from tap_interviewflow.sandbox import Sandbox
from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.writer import record_lines

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = "interviewer-1"
EXTRACTED = datetime(2026, 1, 31, tzinfo=UTC)
thorough = settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))

CANDIDATES = Sandbox({ONE: 3}, odd=True).candidates(ONE)
SCHEMA = candidates_schema(CANDIDATES)
SHAPES: list[Any] = [
    {"success": True, "data": {"candidates": CANDIDATES, "total": 3, "hasMore": False}},
    {"data": CANDIDATES, "pagination": {"page": 1, "totalPages": 1}},
    CANDIDATES,
]
BODIES = [json.dumps(shape).encode() for shape in SHAPES]
TOKENS = [
    *(
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0.0",
        b"0" * 50,
        b"7" * 5000,
        b"1" + b"0" * 400,
        b"1e-99999999",
    ),
    *(
        b"{}",
        b"[]",
        b"[" * 50,
        b"[" * 2000,
        b"]}",
        b'{"":0}',
        b'{"id":',
        b'"id":1,',
        b'"_id":"x",',
        b'"interviewerId":"x",',
    ),
    *(
        b'""',
        b'"\\u0000"',
        b'"\\ud800"',
        b'"\\',
        b"\\u",
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xc3",
    ),
    *(
        b'"success":false,',
        b'"error":"x",',
        b'"data":null,',
        b'"candidates":[],',
        b'"_rescued_data":{},',
        b",",
        b'"',
        b":",
    ),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good answer, with some of its bytes cut out, doubled, or replaced by what parsers dislike."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.sampled_from([0, 0, 1, 2, 5, 30, 300])))
        instead = draw(st.sampled_from(TOKENS) | st.binary(max_size=4) | st.just(body[start:end] * 2))
        body = body[:start] + instead + body[end:]
    return body


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "candidates", "items", "id", "_id", "total", "error", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())

bodies = st.binary(max_size=64) | mutated() | ANY_JSON


def a_reader(*, learned: bool) -> PageReader:
    """One that has learned the shape of the answers, and reads by the compiled decoder; or one that never does."""
    reader = PageReader(Fitter(SCHEMA), None, as_dicts=not learned)
    if learned:
        reader.read(BODIES[0], ONE, 1)
    return reader


def outcome(read: Callable[[], Any]) -> Any:
    """The records as a target reads them, or the error that a user would see."""
    try:
        page = read()
    except (ValueError, FatalAPIError) as error:
        return type(error), str(error)
    lines = record_lines("candidates", page.records, None, EXTRACTED).splitlines()
    records = [json.loads(line, parse_float=Decimal)["record"] for line in lines]
    assert [record["id"] for record in records] == list(page.ids)
    return records, page.words, page.surprises, page.replaced


def is_text(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False


def check(body: bytes) -> None:
    learned = outcome(lambda: a_reader(learned=True).read(body, ONE, 2))
    plain = outcome(lambda: a_reader(learned=False).read(body, ONE, 2))
    if is_text(body):  # the compiled decoder does not look into what it skips beside the candidates
        assert learned == plain
    with suppress(RecursionError):  # which the client makes an error of
        outcome(lambda: a_reader(learned=True).read_single(body, ONE, "1"))


@given(bodies)
def test_any_bytes_become_a_page_or_an_error_of_the_taps_own(body: bytes) -> None:
    check(body)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@thorough
@given(bodies)
def test_many_bytes_become_a_page_or_an_error_of_the_taps_own(body: bytes) -> None:
    check(body)


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_that_parsers_dislike_does_no_harm_anywhere(token: bytes) -> None:
    for body in BODIES:
        for start in range(0, len(body), 199):
            check(body[:start] + token + body[start:])


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_is_cut_anywhere_is_an_error(body: bytes) -> None:
    reader = a_reader(learned=True)
    for end in range(len(body)):
        with pytest.raises(ValueError, match="not JSON"):
            reader.read(body[:end], ONE, 1)
