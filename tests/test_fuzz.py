"""Every response makes a page, or one of the tap's own errors."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.client import decode
from tap_interviewflow.api.envelope import open_look_up, open_page
from tap_interviewflow.api.retry import RetriableError
from tap_interviewflow.records.conform import Conformer, NoIDError
from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.writer import record_lines
from tests import untrusted
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import Read

ONE = "interviewer-1"
EXTRACTED = datetime(2026, 1, 31, tzinfo=UTC)

CANDIDATES = Sandbox({ONE: 3}, odd=True).candidates(ONE)
SCHEMA = candidates_schema(CANDIDATES)
VALID = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
SHAPES: list[Any] = [
    {"success": True, "data": {"candidates": CANDIDATES, "total": 3, "hasMore": False}},
    {"data": CANDIDATES, "pagination": {"page": 1, "totalPages": 1}},
    CANDIDATES,
]
BODIES = [json.dumps(shape).encode() for shape in SHAPES]
TOKENS = [
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0.0", b"0" * 50, b"7" * 5000, b"1" + b"0" * 400),
    *(b"1e-99999999", b"{}", b"[]", b"[" * 50, b"[" * 2000, b"]}", b'{"":0}', b'{"id":', b'"id":1,', b'"_id":"x",'),
    *(b'"interviewerId":"x",', b'""', b'"\\u0000"', b'"\\ud800"', b'"\\', b"\\u", b"\x00", b"\xff\xfe"),
    *(b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xc3", b'"success":false,', b'"error":"x",', b'"data":null,'),
    *(b'"candidates":[],', b'"_rescued_data":{},', b",", b'"', b":"),
]  # fmt: skip


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

answers = st.binary(max_size=64) | mutated() | ANY_JSON


def page_of(body: bytes) -> list[dict[str, Any]] | str:
    """Return the records of an answer as a target reads them, or the error that a user would see."""
    try:
        document = decode(body)
    except (FatalAPIError, RetriableError) as error:
        return str(error)
    try:
        for interview_id in ("1", CANDIDATES[0]["id"]):
            with suppress(FatalAPIError, NoIDError):
                Conformer(SCHEMA).conform(open_look_up(document.value, interview_id), ONE)
        candidates = open_page(document.value).candidates
        records, counts = Conformer(SCHEMA).conform(candidates, ONE, has_extreme_numbers=document.has_extreme_numbers)
    except (FatalAPIError, NoIDError, RecursionError) as error:
        return str(error)
    lines = record_lines("candidates", records, None, EXTRACTED).splitlines()
    read = [json.loads(line, parse_float=Decimal)["record"] for line in lines]
    assert counts.candidates == len(read) == len(candidates)
    assert all(VALID.is_valid(record) and list(record) == list(SCHEMA["properties"]) for record in read)
    assert all(record["id"] for record in read)
    return read


@given(answers)
def test_any_bytes_become_valid_records_or_an_error_of_the_taps_own(body: bytes) -> None:
    page_of(body)


@pytest.mark.parametrize("body", BODIES, ids=["data.candidates", "data", "body"])
def test_an_answer_that_is_cut_anywhere_is_an_error(body: bytes) -> None:
    for end in range(len(body)):
        assert page_of(body[:end]) == "the response is not usable: the body is not valid JSON"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=untrusted.pages)
def test_the_tap_ends_well_whatever_a_page_holds(page: list[dict[str, Any]], read: Read, api: Sandbox) -> None:
    api.replace(ONE, untrusted.to_json({"data": {"candidates": page}}))
    run = read(api)
    assert run.code == 0, run.err
    properties = run.of("SCHEMA")[0]["schema"]["properties"]
    expected = [untrusted.record_of(sent, properties, ONE) for sent in page]
    assert list(map(untrusted.spelled, run.records)) == list(map(untrusted.spelled, expected))


@pytest.fixture
def api() -> Any:
    with Sandbox({ONE: 0}) as api:
        yield api
