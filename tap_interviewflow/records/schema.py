"""The schema of candidates: the documented fields, and what a sample adds to them.

The shapes are those that every target can load: nullable scalars, arrays, arrays of strings, and objects
that are open. Sub-properties are never declared, since their names are free and no type is promised.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tap_interviewflow.records.json import is_empty
from tap_interviewflow.records.times import is_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INTERVIEWER: Final = "interviewerId"
ID: Final = "id"
RESCUED: Final = "_rescued_data"

KEY_PROPERTIES: Final = (INTERVIEWER, ID)

ID_SOURCES: Final = ("interviewId", ID, "_id")
"""Where the ID of the interview is looked for, in this order."""

MAX_COLUMNS: Final = 1_000
"""What warehouses take. An API that uses values as names would make as many as it has candidates."""

MAX_NAME: Final = 255

_TEXT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_NUMBER: Final = {"type": ["number", "null"]}
_BOOLEAN: Final = {"type": ["boolean", "null"]}
# Without the key `properties`: with an empty one, several targets drop the whole object.
_OBJECT: Final = {"type": ["object", "null"], "additionalProperties": True}
_ARRAY: Final = {"type": ["array", "null"]}
_ARRAY_OF_TEXT: Final = {"type": ["array", "null"], "items": {"type": ["string"]}}
_KEY: Final = {"type": ["string"]}

_KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": _TEXT,
    "number": _NUMBER,
    "boolean": _BOOLEAN,
    "object": _OBJECT,
    "array": _ARRAY,
}

DOCUMENTED: Final[Mapping[str, Mapping[str, Any]]] = {
    INTERVIEWER: _KEY | {"description": "The Interviewer from which the candidate was read."},
    ID: _KEY | {"description": "The ID of the interview."},
    "jobId": _TEXT | {"description": "The Interviewer's ID as the API gives it."},
    "name": _TEXT | {"description": "The candidate's name."},
    "email": _TEXT | {"description": "The candidate's e-mail address."},
    "status": _TEXT | {"description": "The stage of the candidate: draft, shortlisted or a later one."},
    "createdAt": _TIME | {"description": "When the interview was created."},
    "skills": _ARRAY_OF_TEXT | {"description": "The candidate's skills."},
    "resumeUrl": _TEXT | {"description": "The address of the résumé."},
    "customQuestions": _ARRAY | {"description": "Questions for this candidate in addition to the usual ones."},
    "additionalFields": _OBJECT | {"description": "The account's custom fields, by their names."},
    "metadata": _OBJECT | {"description": "Free data from the ingestion, such as the ID in another system."},
}
"""The fields that the vendor's pages name (ingestion API, interview candidate API), in the order of the stream."""

OWN: Final[Mapping[str, Mapping[str, Any]]] = {
    **{name: DOCUMENTED[name] for name in KEY_PROPERTIES},
    RESCUED: _OBJECT | {"description": "What the API sent and no other column can hold, by its own name."},
}
"""The columns that the tap makes itself, whatever the API sends."""


def candidates_schema(sample: Iterable[Mapping[str, object]] = ()) -> dict[str, Any]:
    """Give the schema of the stream.

    Args:
        sample: Candidates as the API sent them; their top-level fields become columns behind the
            documented ones, sorted by name.

    Returns:
        A JSON Schema of one candidate.
    """
    properties = {name: dict(definition) for name, definition in DOCUMENTED.items()}
    taken = {name.casefold() for name in (*properties, RESCUED)}
    for name, definition in sorted(_sampled(sample).items()):
        # Most targets fold the case of a column's name: a second spelling stays in the rescue.
        if len(properties) == MAX_COLUMNS:
            break
        if is_column_name(name) and name.casefold() not in taken:
            taken.add(name.casefold())
            properties[name] = dict(definition)
    properties[RESCUED] = dict(OWN[RESCUED])
    return {"type": "object", "properties": properties, "required": list(KEY_PROPERTIES)}


def _sampled(sample: Iterable[Mapping[str, object]]) -> dict[str, Mapping[str, Any]]:
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    not_times: set[str] = set()
    for candidate in sample:
        for name, value in candidate.items():
            if kind := _kind(value):
                kinds[name][kind] += 1
            if not (value is None or (isinstance(value, str) and is_time(value))):
                not_times.add(name)
    return {
        name: _TIME if name not in not_times else _KINDS[max(_KINDS, key=lambda kind: seen[kind])]
        for name, seen in kinds.items()
    }


def _kind(value: object) -> str | None:
    """Name the kind of a value; null and what is empty show none."""
    if is_empty(value):
        return None
    match value:
        case bool():
            return "boolean"
        case str():
            return "text"
        case int() | Decimal() | float():
            return "number"
        case dict():
            return "object"
        case _:
            return "array"


def is_column_name(name: str) -> bool:
    """Whether targets can make a column of this name.

    None of them loads an empty name or an endless one, and what begins with ``_sdc_`` is their own: a candidate
    that sets ``_sdc_deleted_at`` would be taken for deleted.
    """
    is_loadable = bool(name.strip()) and name.isprintable() and len(name) <= MAX_NAME
    return is_loadable and not name.casefold().startswith("_sdc_")
