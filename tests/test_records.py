from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_interviewflow import values
from tap_interviewflow.fitter import Fitter, UnkeyedCandidateError
from tap_interviewflow.pages import PageReader
from tap_interviewflow.sandbox import Sandbox
from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.writer import record_lines
from tests import strangers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Read

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def fit(candidate: Mapping[str, Any], schema: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Fit one candidate to the documented schema, or to another, and leave the key out."""
    fitter = Fitter(schema or candidates_schema(), **options)
    record = fitter.fit({"id": "i", **candidate}, "interviewer-1", Counter(), is_odd=True)
    return {name: value for name, value in record.items() if name not in {"id", "interviewerId"}}


def lines(schema: Mapping[str, Any], body: bytes, *, as_dicts: bool) -> list[dict[str, Any]]:
    """Read a body twice, so that the second time the shape of the answer is known, and give the records."""
    reader = PageReader(Fitter(schema), None, as_dicts=as_dicts)
    reader.read(body, "interviewer-1", 1)
    page = reader.read(body, "interviewer-1", 1)
    written = record_lines("candidates", page.records, None, NOW)
    return [json.loads(line, parse_float=Decimal)["record"] for line in written.splitlines()]


@st.composite
def schemas_and_pages(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A page, and a schema from a sample that may or may not have seen it."""
    page = draw(strangers.pages)
    sample = draw(st.lists(st.sampled_from(page), max_size=6)) if page else []
    return candidates_schema(parsed(sample)), page


def parsed(page: list[dict[str, Any]]) -> list[dict[str, Any]]:
    document, _, _ = values.parse(strangers.to_json(page))
    return list(document)


@given(schemas_and_pages())
def test_every_record_is_valid_by_the_schema(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    schema, page = drawn
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for record in lines(schema, strangers.to_json(page), as_dicts=False):
        validator.validate(record)


@given(schemas_and_pages())
@example((candidates_schema(), [{"id": "i", "score": 2**63 + 1, "name": Decimal("1e400"), "": Decimal("0.10")}]))
def test_columns_and_rescue_give_back_what_was_sent(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    schema, page = drawn
    assume(all(len({strangers.stored(name) for name in candidate}) == len(candidate) for candidate in page))
    for sent, record in zip(page, lines(schema, strangers.to_json(page), as_dicts=False), strict=True):
        rescued = record.pop("_rescued_data") or {}
        expected = {
            name: strangers.stored(value, rescued=name in rescued)
            for name, value in ((strangers.stored(name), value) for name, value in sent.items())
        }
        came = {name: value for name, value in record.items() if name in expected} | rescued
        if expected.get("interviewerId", "") is None:
            came["interviewerId"] = None
        assert strangers.spelled(came) == strangers.spelled(expected)


@given(schemas_and_pages())
def test_the_compiled_way_and_the_slow_way_have_the_same_outcome(
    drawn: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    schema, page = drawn
    body = strangers.to_json({"data": {"candidates": page}})
    quick, slow = (lines(schema, body, as_dicts=as_dicts) for as_dicts in (False, True))
    assert [strangers.spelled(record) for record in quick] == [strangers.spelled(record) for record in slow]
    assert [list(record) for record in quick] == [list(record) for record in slow]


@given(schemas_and_pages())
def test_fitting_a_record_again_changes_nothing(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    schema, page = drawn
    for record in lines(schema, strangers.to_json(page), as_dicts=True):
        record.pop("_rescued_data")
        (again,) = lines(schema, strangers.to_json([record]), as_dicts=True)
        assert again.pop("_rescued_data") is None
        assert strangers.spelled(again) == strangers.spelled(record)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=strangers.pages)
def test_the_tap_ends_well_whatever_a_page_holds(page: list[dict[str, Any]], read: Read, api: Sandbox) -> None:
    api.replace("interviewer-1", strangers.to_json({"data": {"candidates": page}}))
    run = read(api)
    assert run.code == 0, run.err
    assert run.ids == [str(candidate["id"]) for candidate in page]


@pytest.fixture
def api() -> Any:
    with Sandbox({"interviewer-1": 0}) as api:
        yield api


@pytest.mark.parametrize(
    ("sent", "columns", "rescued"),
    [
        ({"name": 5}, {"name": None}, {"name": 5}),
        ({"name": None}, {"name": None}, None),
        ({}, {}, None),
        ({"createdAt": "soon"}, {"createdAt": None}, {"createdAt": "soon"}),
        ({"skills": ["a", 1]}, {"skills": None}, {"skills": ["a", 1]}),
        ({"skills": "a, b"}, {"skills": None}, {"skills": "a, b"}),
        ({"additionalFields": []}, {"additionalFields": None}, {"additionalFields": []}),
        ({"additionalFields": {"a": Decimal("1e400")}}, {"additionalFields": {"a": "1E+400"}}, None),
        ({"score": Decimal("1e400")}, {}, {"score": "1E+400"}),
        ({"score": 2**63 + 1}, {}, {"score": 2**63 + 1}),
        ({"score": [2**64, -(2**64)]}, {}, {"score": ["18446744073709551616", "-18446744073709551616"]}),
        ({"metadata": {"a": 2**64}}, {"metadata": {"a": 2**64}}, None),
        ({"": 1, "nothing": None}, {}, {"": 1, "nothing": None}),
        ({"_rescued_data": {"x": 1}}, {}, {"_rescued_data": {"x": 1}}),
    ],
)
def test_what_does_not_fit_is_rescued_under_its_own_name(
    sent: dict[str, Any], columns: dict[str, Any], rescued: dict[str, Any] | None
) -> None:
    assert fit(sent) == {**columns, "_rescued_data": rescued}


@pytest.mark.parametrize(
    ("sent", "key", "rescued"),
    [
        ({"id": "a", "interviewId": "b"}, "a", {"interviewId": "b"}),
        ({"interviewId": "b", "_id": "c"}, "b", {"interviewId": "b", "_id": "c"}),
        ({"id": "", "_id": "c"}, "c", {"id": "", "_id": "c"}),
        ({"id": 7}, "7", {"id": 7}),
        ({"id": "a", "interviewerId": "another"}, "a", {"interviewerId": "another"}),
        ({"id": "a", "interviewerId": "interviewer-1"}, "a", None),
    ],
)
def test_the_key_is_always_there(sent: dict[str, Any], key: str, rescued: dict[str, Any] | None) -> None:
    record = Fitter(candidates_schema()).fit(sent, "interviewer-1", Counter(), is_odd=False)
    assert record == {"interviewerId": "interviewer-1", "id": key, "_rescued_data": rescued}


@pytest.mark.parametrize("sent", [{}, {"id": None}, {"id": True}, {"id": 1.5}, {"id": ["a"]}, {"_id": {"$oid": "a"}}])
def test_a_candidate_without_an_id_cant_be_keyed(sent: dict[str, Any]) -> None:
    with pytest.raises(UnkeyedCandidateError):
        Fitter(candidates_schema()).fit(sent, "interviewer-1", Counter(), is_odd=False)


def test_a_deselected_field_is_dropped_and_never_rescued() -> None:
    assert fit({"email": 5, "name": "a"}, deselected={"email"}) == {"name": "a", "_rescued_data": None}


def test_without_a_column_for_it_nothing_is_rescued() -> None:
    assert fit({"email": 5}, deselected={"_rescued_data"}) == {"email": None}


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ({"type": ["integer", "null"]}, 5, Decimal("5.5")),
        ({"type": "string"}, "a", None),
        ({"type": ["string", "null"], "maxLength": 3}, "abc", "abcd"),
        ({"type": ["string", "null"], "enum": ["a", None]}, "a", "b"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, Decimal("1.5"), True),
        ({"type": ["object", "null"], "properties": {"a": {"type": "string"}}}, {"a": "x"}, {"a": 1}),
        ({"type": ["string", "number", "null"]}, 5, []),
        ({"type": ["number", "null"]}, Decimal("1.5"), Decimal("1e400")),
        ({}, {"a": 1}, Decimal("1e400")),
    ],
)
def test_a_users_own_column_takes_just_what_its_schema_allows(
    definition: dict[str, Any], good: object, bad: object
) -> None:
    schema = {"properties": {"interviewerId": {}, "id": {}, "x": definition, "_rescued_data": {"type": "object"}}}
    assert fit({"x": good}, schema) == {"x": good, "_rescued_data": None}
    rescued = fit({"x": bad}, schema)
    assert rescued.get("x") is None
    assert rescued["_rescued_data"] == {"x": "1E+400" if isinstance(bad, Decimal) and bad > 10 else bad}
