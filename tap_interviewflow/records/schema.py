"""The schema of candidates: the documented fields, and those of a sample.

It has only types that every target can load (nullable scalars, arrays, arrays of strings and open objects), and names
that every warehouse can hold.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_interviewflow.records.json import is_empty
from tap_interviewflow.records.times import is_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STREAM: Final = "candidates"
INTERVIEWER: Final = "interviewerId"
ID: Final = "id"
RESCUED: Final = "_rescued_data"
CUSTOM_FIELDS: Final = "additionalFields"

KEY_PROPERTIES: Final = (INTERVIEWER, ID)

ID_SOURCES: Final = ("interviewId", ID, "_id")
"""The fields that may hold the ID of the interview, in this order."""

MAX_COLUMNS: Final = 1_000
MAX_NAME_BYTES: Final = 63
"""PostgreSQL's limit, the lowest of all warehouses."""

_SYSTEM_COLUMNS: Final = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
"""Columns that each table of PostgreSQL has."""

_TEXT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
# Without `properties`: several targets drop the whole object if these are empty.
_OBJECT: Final = {"type": ["object", "null"], "additionalProperties": True}
_ARRAY: Final = {"type": ["array", "null"]}
_KEY: Final = {"type": ["string"]}

_BY_TYPE: Final[Mapping[str, Any]] = {
    "text": _TEXT,
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "object": _OBJECT,
    "array": _ARRAY,
}
_TYPE_NAMES: Final = {str: "text", bool: "boolean", dict: "object", list: "array"}

DOCUMENTED: Final[Mapping[str, Mapping[str, Any]]] = {
    INTERVIEWER: _KEY | {"description": "The Interviewer from which the candidate was read."},
    ID: _KEY | {"description": "The ID of the interview."},
    "jobId": _TEXT | {"description": "The Interviewer's ID as the API gives it."},
    "name": _TEXT | {"description": "The candidate's name."},
    "email": _TEXT | {"description": "The candidate's e-mail address."},
    "status": _TEXT | {"description": "The stage of the candidate: draft, shortlisted or a later one."},
    "createdAt": _TIME | {"description": "When the interview was created."},
    "skills": _ARRAY | {"items": {"type": ["string"]}, "description": "The candidate's skills."},
    "resumeUrl": _TEXT | {"description": "The address of the résumé."},
    "customQuestions": _ARRAY | {"description": "Questions for this candidate in addition to the usual ones."},
    CUSTOM_FIELDS: _OBJECT | {"description": "The account's custom fields, by their names."},
    "metadata": _OBJECT | {"description": "Free data from the ingestion, such as the ID in another system."},
}
"""The fields that the vendor's pages name (ingestion API, interview candidate API), in the order of the stream."""

OWN: Final[Mapping[str, Mapping[str, Any]]] = {
    **{name: DOCUMENTED[name] for name in KEY_PROPERTIES},
    RESCUED: _OBJECT | {"description": "What the API sent and no other column can hold, by its own name."},
}
"""The columns that the tap makes itself, for every candidate."""

_Types: TypeAlias = defaultdict[str, Counter[str]]
logger = logging.getLogger(f"tap-interviewflow.{STREAM}")


def candidates_schema(
    sample: Iterable[Mapping[str, object]] = (), *, custom_field_columns: bool = False
) -> dict[str, Any]:
    """Return the JSON Schema of a candidate.

    Args:
        sample: Candidates as the API sent them. Their undocumented fields become columns behind the documented ones,
            sorted by name.
        custom_field_columns: Whether each custom field becomes a column, too, behind the column of them all.
    """
    types: _Types = defaultdict(Counter)
    custom_types: _Types = defaultdict(Counter)
    for candidate in sample:
        _count(types, candidate)
        if custom_field_columns and isinstance(fields := candidate.get(CUSTOM_FIELDS), dict):
            _count(custom_types, {name: value for name, value in fields.items() if not isinstance(value, (dict, list))})
    custom = _definitions(custom_types)
    definitions: dict[str, Mapping[str, Any]] = {}
    for name, definition in DOCUMENTED.items():
        definitions[name] = definition
        if name == CUSTOM_FIELDS:
            definitions |= _custom_field_columns(custom)
    for name, definition in _definitions(types).items():
        definitions.setdefault(name, definition)
    properties = {name: dict(definitions[name]) for name in column_names(definitions) if name != RESCUED}
    properties[RESCUED] = dict(OWN[RESCUED])
    if left_out := len(custom) - len(custom_fields(properties)):
        message = "%d custom fields get no column of their own: their names are empty, too long or alike to others"
        logger.warning(message, left_out)
    return {"type": "object", "properties": properties, "required": list(KEY_PROPERTIES)}


def _count(types: _Types, fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        if isinstance(value, str) and is_time(value):
            types[name]["date-time"] += 1
        elif value is not None:
            types[name]["empty" if is_empty(value) else _TYPE_NAMES.get(type(value), "number")] += 1


def _definitions(types: _Types) -> dict[str, Mapping[str, Any]]:
    """Return for each field the type of most values: ``date-time`` only if all are times, none if all are empty."""
    definitions: dict[str, Mapping[str, Any]] = {}
    for name, seen in sorted(types.items()):
        if seen.keys() == {"date-time"}:
            definitions[name] = _TIME
        elif seen.keys() != {"empty"}:
            seen["text"] += seen["date-time"]
            definitions[name] = _BY_TYPE[max(_BY_TYPE, key=seen.__getitem__)]
    return definitions


def _custom_field_columns(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the columns of custom fields, by name; the ``title`` of a column is the name of its field."""
    columns: dict[str, Mapping[str, Any]] = {}
    for field, definition in fields.items():
        suffix = re.sub("[^a-zA-Z0-9_]", "", re.sub("[ .-]", "_", field))
        if suffix:
            column = {"title": field, **(_TEXT if definition == _TIME else definition)}
            columns.setdefault(f"{CUSTOM_FIELDS}_{suffix}", column)
    return columns


def custom_fields(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the custom field for each column that holds one."""
    return {
        name: definition["title"]
        for name, definition in properties.items()
        if name.startswith(f"{CUSTOM_FIELDS}_") and isinstance(definition.get("title"), str)
    }


def column_names(names: Iterable[str]) -> list[str]:
    """Return the names that every warehouse can hold as columns of one table, in their order.

    Of names that are alike, only the first is returned, or the name of a column that the tap makes itself.
    """
    taken = {_normalized(name) for name in OWN}
    columns = []
    for name in names:
        column = _normalized(name)
        if name in OWN:
            columns.append(name)
        elif column not in taken and len(taken) < MAX_COLUMNS and _is_loadable(name, column):
            taken.add(column)
            columns.append(name)
    return columns


def _is_loadable(name: str, column: str) -> bool:
    is_reserved = column in _SYSTEM_COLUMNS or column.startswith("_sdc_")  # the latter are the targets' own columns
    return bool(column) and name.isprintable() and len(name.encode()) <= MAX_NAME_BYTES and not is_reserved


def _normalized(name: str) -> str:
    """Return a name as the SDK's SQL targets spell it: they fail if two columns become the same."""
    name = re.sub("[^a-zA-Z0-9_. -]", "", name).strip().lower()
    name = re.sub("[. -]", "_", name)
    return f"{'abcdefghij'[int(name[0])]}{name[1:]}" if name[:1].isdigit() else name
