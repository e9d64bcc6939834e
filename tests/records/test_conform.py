from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_interviewflow.records.conform import Conformer, Counts, NoIDError, ids_of
from tap_interviewflow.records.json import decode
from tap_interviewflow.records.schema import candidates_schema
from tap_interviewflow.writer import record_lines
from tests import untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE = "interviewer-1"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
KEYS = {"interviewerId": {"type": ["string"]}, "id": {"type": ["string"]}}


def conform(schema: dict[str, Any], page: Sequence[object], **options: Any) -> tuple[list[dict[str, Any]], Counts]:
    """Take a page from its JSON to RECORD lines, and return the records as a reader that keeps every digit has them."""
    document = decode(untrusted.to_json(page))
    records, counts = Conformer(schema, **options).conform(
        document.value, ONE, has_extreme_numbers=document.has_extreme_numbers
    )
    lines = record_lines("candidates", records, None, NOW).splitlines()
    return [json.loads(line, parse_float=Decimal)["record"] for line in lines], counts


def filled(sent: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Conform one candidate to the documented schema, and return what is not null but for the Interviewer."""
    ((record,), _) = conform(candidates_schema(), [sent], **options)
    assert record.pop("interviewerId") == ONE
    return {name: value for name, value in record.items() if value is not None}


@st.composite
def schemas_and_pages(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A page, and a schema from a sample that may or may not have seen it."""
    page = draw(untrusted.pages)
    sample = draw(st.lists(st.sampled_from(page), max_size=6)) if page else []
    return candidates_schema(decode(untrusted.to_json(sample)).value), page


# Whatever the API sends


@given(schemas_and_pages(), st.data())
@example((candidates_schema(), [{"id": "i", "score": 2**63 + 1, "name": Decimal("1e400"), "": Decimal("0.10")}]), None)
@example((candidates_schema(), [{"interviewId": 0, "id": "a"}, {"id": 7}]), None)
@example((candidates_schema([{"interviewId": 1}]), [{"interviewId": 0, "id": "a"}, {"id": "b"}, {"id": 3}]), None)
def test_a_record_is_what_the_contract_says(
    drawn: tuple[dict[str, Any], list[dict[str, Any]]], data: st.DataObject | None
) -> None:
    schema, page = drawn
    names = [name for name in schema["properties"] if name not in KEYS]
    deselected = data.draw(st.sets(st.sampled_from(names), max_size=3)) if data else set()
    records, _ = conform(schema, page, deselected=deselected)
    expected = [untrusted.record_of(sent, schema["properties"], ONE, deselected) for sent in page]
    assert list(map(untrusted.spelled, records)) == list(map(untrusted.spelled, expected))


# What does not fit


@pytest.mark.parametrize(
    ("sent", "columns", "rescued"),
    [
        ({"name": 5}, {}, {"name": 5}),
        *(({"name": ""}, {"name": ""}, None), ({"name": None}, {}, None)),
        ({"createdAt": "soon", "skills": ["a", 1]}, {}, {"createdAt": "soon", "skills": ["a", 1]}),
        ({"additionalFields": []}, {}, {"additionalFields": []}),
        ({"additionalFields": {"a": Decimal("1e400")}}, {"additionalFields": {"a": "1E+400"}}, None),
        ({"score": 2**63 + 1}, {}, {"score": 2**63 + 1}),
        ({"score": Decimal("1e400")}, {}, {"score": "1E+400"}),
        ({"score": [2**64, -(2**64)]}, {}, {"score": ["18446744073709551616", "-18446744073709551616"]}),
        ({"metadata": {"a": 2**64}}, {"metadata": {"a": 2**64}}, None),
        ({"": 1, "_rescued_data": {"x": 1}, "a": None}, {}, {"": 1, "_rescued_data": {"x": 1}, "a": None}),
    ],
)
def test_what_does_not_fit_is_rescued_under_its_own_name(
    sent: dict[str, Any], columns: dict[str, Any], rescued: dict[str, Any] | None
) -> None:
    found = filled({"z": 1, "id": "i", **sent})
    assert found == {"id": "i", **columns, "_rescued_data": {"z": 1, **(rescued or {})}}
    assert list(found["_rescued_data"]) == sorted(found["_rescued_data"])


@pytest.mark.parametrize(
    ("sent", "key", "rescued"),
    [
        ({"id": "a", "interviewId": "b"}, "b", {"id": "a", "interviewId": "b"}),
        ({"interviewId": "b", "_id": "c"}, "b", {"interviewId": "b", "_id": "c"}),
        ({"interviewId": "", "id": "", "_id": "c"}, "c", {"interviewId": "", "id": "", "_id": "c"}),
        ({"interviewId": 0, "id": "a"}, "0", {"interviewId": 0, "id": "a"}),
        ({"interviewId": False, "id": "a"}, "a", {"interviewId": False}),
        ({"id": {"$oid": "a"}, "_id": "c"}, "c", {"id": {"$oid": "a"}, "_id": "c"}),
        ({"id": 7, "interviewerId": "another"}, "7", {"id": 7, "interviewerId": "another"}),
        ({"id": "a", "interviewerId": ONE}, "a", None),
    ],
)
def test_the_id_is_the_interviews_and_what_differs_from_the_key_is_rescued(
    sent: dict[str, Any], key: str, rescued: dict[str, Any] | None
) -> None:
    assert filled(sent) == {"id": key} | ({"_rescued_data": rescued} if rescued else {})
    assert ids_of([sent, {"id": "b"}]) == [key, "b"]


@pytest.mark.parametrize("sent", [{}, {"id": None}, {"id": True}, {"id": 1.5}, {"id": ["a"]}, {"_id": {"$oid": "a"}}])
def test_a_candidate_without_an_id_is_an_error(sent: dict[str, Any]) -> None:
    with pytest.raises(NoIDError, match=r"^the candidate at index 1 has no ID: no interviewId, id or _id$"):
        conform(candidates_schema(), [{"id": "a"}, sent])
    with pytest.raises(NoIDError, match="index 1"):
        ids_of([{"id": "a"}, sent])


def test_what_did_not_fit_is_counted_by_its_name_and_the_mismatch() -> None:
    schema = candidates_schema([{"score": 1}])
    page = [
        {"id": "a", "score": "N/A", "unexpected": 1, "nothing": None},
        {"id": "b", "score": "none", "unexpected": False, "createdAt": "soon"},
        {"id": "c", "score": 2**63, "unexpected": "", "interviewerId": "another", "skills": [1]},
        {"interviewId": "d", "id": "p9", "score": [], "name": 7, "email": {}},
    ]
    _, counts = conform(schema, page)
    assert (counts.candidates, counts.unexpected) == (
        4,
        {
            ("unexpected", ""): 2,
            ("interviewId", ""): 1,
            ("score", "do not fit its type, number"): 3,
            ("createdAt", "do not fit its type, date-time"): 1,
            ("skills", "do not fit its type, array of text"): 1,
            ("name", "do not fit its type, text"): 1,
            ("interviewerId", "differ from the key"): 1,
            ("id", "differ from the key"): 1,
        },
    )


def test_counts_add_up_and_of_names_without_an_end_only_so_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_interviewflow.records.conform.MAX_COUNTED", 2)
    counts = Counts()
    for names in ("ab", "bc", "ad"):
        counts.add(Counts(1, Counter((name, "") for name in names), 2))
    assert counts == Counts(3, Counter({("a", ""): 2, ("b", ""): 2}), 6)


# Custom fields as columns


def test_a_custom_field_is_in_its_column_and_stays_in_the_column_of_all() -> None:
    sample = [{"additionalFields": {"Manual Score": 1, "isSynced": True, "City": "Rome"}}]
    schema = candidates_schema(decode(untrusted.to_json(sample)).value, custom_field_columns=True)
    sent: list[object] = [
        {"Manual Score": Decimal("0.1234567890123456789"), "isSynced": False, "City": ""},
        {"Manual Score": "N/A", "isSynced": "true", "City": None, "Manual_Score": 5},
        {"Manual Score": 2**63, "isSynced": [], "City": 7},
        "text",
        None,
    ]
    page = [{"id": str(index), "additionalFields": fields} for index, fields in enumerate(sent)]
    page.append({"id": "5", "additionalFields_Manual_Score": 5})
    records, counts = conform(schema, page)
    columns = [list(record.values())[-5:-2] for record in records]
    assert columns == [["", Decimal("0.1234567890123456789"), False], *([[None] * 3] * 5)]
    assert [record["additionalFields"] for record in records] == [*sent[:3], None, None, None]
    assert [record["_rescued_data"] for record in records] == [
        *([None] * 3),
        {"additionalFields": "text"},
        None,
        {"additionalFields_Manual_Score": 5},
    ]
    assert counts.unexpected == {
        ("additionalFields_Manual_Score", "do not fit its type, number"): 2,
        ("additionalFields_isSynced", "do not fit its type, boolean"): 1,
        ("additionalFields_City", "do not fit its type, text"): 1,
        ("additionalFields", "do not fit its type, object"): 1,
        ("additionalFields_Manual_Score", ""): 1,
    }


def test_the_column_of_a_custom_field_can_be_deselected_and_so_can_the_one_of_all() -> None:
    schema = candidates_schema([{"additionalFields": {"a": 1, "b": 2}}], custom_field_columns=True)
    page = [{"id": "i", "additionalFields": {"a": 3, "b": 4}}]
    for deselected in ("additionalFields_a", "additionalFields"):
        ((record,), _) = conform(schema, page, deselected={deselected})
        filled = {"additionalFields": {"a": 3, "b": 4}, "additionalFields_a": 3, "additionalFields_b": 4}
        assert {name: value for name, value in record.items() if name.startswith("additional")} == {
            name: value for name, value in filled.items() if name != deselected
        }
        assert record["_rescued_data"] is None


def test_a_column_without_a_title_holds_the_field_of_its_name_and_no_custom_field() -> None:
    schema = candidates_schema([{"additionalFields_a": 1}])
    assert filled({"id": "i", "additionalFields": {"a": 3}}) == {"id": "i", "additionalFields": {"a": 3}}
    ((record,), _) = conform(schema, [{"id": "i", "additionalFields_a": 5, "additionalFields": {"a": 3}}])
    assert (record["additionalFields_a"], record["_rescued_data"]) == (5, None)


# Columns of a catalog that was made by hand


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ({"type": ["integer", "null"]}, 5, Decimal("5.5")),
        ({"type": "string", "title": "X", "description": "x", "default": "a", "examples": ["b"]}, "a", 5),
        ({"type": ["string", "null"], "maxLength": 3}, "abc", "abcd"),
        ({"type": ["string", "null"], "format": "date-time", "maxLength": 30}, "2026-01-31T10:00:00Z", "2026-01-31"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, Decimal("1.5"), True),
        ({"type": ["object", "null"], "properties": {"a": {"type": "string"}}}, {"a": "x"}, {"a": 1}),
        ({"type": ["object", "null"], "properties": {}}, {"a": "x"}, "a"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, ["a"], [["a"]]),
        ({"type": ["array", "null"], "items": {}}, [1, "a"], {"a": 1}),
        ({"type": ["number", "null"]}, Decimal("1.5"), Decimal("1e400")),
        ({"type": ["number", "null"], "multipleOf": 1}, 5, Decimal("1e300")),  # no division says whether it is one
        ({}, {"a": 1}, Decimal("1e400")),
    ],
)
def test_a_users_own_column_takes_just_what_its_schema_allows(
    definition: dict[str, Any], good: object, bad: object
) -> None:
    schema = {"properties": {**KEYS, "x": definition, "_rescued_data": {"type": ["object", "null"]}}}
    (fine, odd, absent), _ = conform(schema, [{"id": "a", "x": good}, {"id": "b", "x": bad}, {"id": "c"}])
    is_huge = isinstance(bad, Decimal) and bad > Decimal("1e308")
    assert (fine["x"], fine["_rescued_data"]) == (good, None)
    assert (odd.get("x"), odd["_rescued_data"]) == (None, {"x": "1E+400" if is_huge else bad})
    assert (absent.get("x"), absent["_rescued_data"]) == (None, None)
