"""What an answer of the API says: where the candidates are, and what it tells of those still to come.

The vendor documents no response of the Fetch API. The shapes known here are those that its other endpoints
and the usual APIs have; everything else is an error that names the keys found, never their values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import msgspec
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.helpers.jsonpath import extract_jsonpath

from tap_interviewflow.schema import ID_SOURCES

Path = tuple[str, ...]
"""The names that lead to the list of candidates; empty where the body itself is the list."""

_LISTS: Final = ("candidates", "interviews", "results", "items")
_CONTAINERS: Final = ("meta", "metadata", "pagination", "paging", "pageInfo", "page_info")
_HAS_MORE: Final = ("hasMore", "hasNextPage", "hasNext", "has_more", "has_next_page", "has_next")
_PAGES: Final = ("totalPages", "lastPage", "total_pages", "last_page")
_TOTAL: Final = (
    *(
        "total",
        "totalCount",
        "totalCandidates",
        "totalInterviews",
        "totalItems",
        "totalResults",
        "totalRecords",
    ),
    *("total_count", "total_candidates", "total_interviews", "total_items", "total_results", "total_records"),
)
_CODES: Final = ("status", "statusCode", "code")
_VERDICTS: Final = ("success", "ok", "error", "errors", *_CODES)
_FAILURES: Final = {"error", "fail", "failed", "failure"}
_HTTP_ERRORS: Final = range(400, 600)
_PLAIN_NAME: Final = re.compile(r"\w[\w .:/-]{0,49}")
_MOST_NAMES: Final = 20


class UnknownAnswerError(FatalAPIError):
    """An answer that is no page of candidates."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an answer says of its place among the pages; None where it says nothing."""

    has_more: bool | None = None
    pages: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of candidates as the API sent it."""

    candidates: list[Any]
    path: Path
    words: Words


def read(document: object, records_jsonpath: str | None = None) -> Answer:
    """Find the candidates in an answer.

    Args:
        document: The parsed body.
        records_jsonpath: Where the user says that the list is, as a JSONPath.

    Raises:
        UnknownAnswerError: If the answer reports a failure, or holds no list of candidates where one is known
            to be, or more than one.
    """
    path, candidates = _locate(document, records_jsonpath)
    for kind in set(map(type, candidates)):
        if not issubclass(kind, (dict, msgspec.Struct)):
            raise _unknown(f"the list of candidates holds a value of type {kind.__name__}", document)
    return Answer(candidates, path, _words(document))


def read_single(document: object, records_jsonpath: str | None = None) -> list[Any]:
    """Find the candidate in the answer to a look-up.

    Besides the shapes of a page, the candidate may stand alone: as the body, as ``data``, or as a member of
    either that is named ``candidate`` or ``interview``. ``data`` that is null is taken for "not found".

    Raises:
        UnknownAnswerError: As ``read`` does.
    """
    if isinstance(document, Mapping) and not records_jsonpath:
        _check(document, document)
        if "data" in document and document["data"] is None:
            return []
        for place in (document.get("data"), document):
            if isinstance(place, Mapping):
                for candidate in (place.get("candidate"), place.get("interview"), place):
                    if isinstance(candidate, Mapping) and not candidate.keys().isdisjoint(ID_SOURCES):
                        return [candidate]
    return read(document, records_jsonpath).candidates


def typed(path: Path, candidate: Any) -> Any:  # noqa: ANN401
    """Describe an answer to ``msgspec``.

    Args:
        path: Where a first answer had its list.
        candidate: The type of a candidate.

    Returns:
        A type to decode the following answers as. ``as_document`` makes ``read`` understand what comes out.
    """
    described: Any = list[candidate]
    for depth, name in reversed(list(enumerate(path))):
        others = (*_VERDICTS, "data", *_LISTS, *_CONTAINERS, *_HAS_MORE, *_PAGES, *_TOTAL)
        fields = [(other, described if other == name else Any, msgspec.UNSET) for other in others]
        described = msgspec.defstruct(f"Answer{depth}", fields)
    return described


def as_document(answer: Any, path: Path) -> Any:  # noqa: ANN401
    """Make the plain document of a typed answer, its candidates left as they are.

    Raises:
        ValueError: If the answer has nothing at the path.
    """
    if not path:
        return answer
    document = {name: value for name, value in msgspec.structs.asdict(answer).items() if value is not msgspec.UNSET}
    if path[0] not in document:
        raise ValueError
    document[path[0]] = as_document(document[path[0]], path[1:])
    return document


def _locate(document: object, records_jsonpath: str | None) -> tuple[Path, list[Any]]:
    if isinstance(document, list) and not records_jsonpath:
        return (), document
    if not isinstance(document, (dict, list)):
        found = "null" if document is None else type(document).__name__
        raise _unknown(f"the answer is {found}, no list of candidates", document)
    for envelope in (document, document.get("data") if isinstance(document, dict) else None):
        _check(envelope, document)
        _check_status(envelope, document)
    if records_jsonpath:
        matches = list(extract_jsonpath(records_jsonpath.removesuffix("[*]"), document))
        if len(matches) == 1 and isinstance(matches[0], list):
            return (), matches[0]
        raise _unknown(f"records_jsonpath {records_jsonpath} leads to no list in the answer", document)
    lists = dict(_lists(document)) if isinstance(document, dict) else {}
    if len(lists) == 1:
        return lists.popitem()
    if lists:
        places = " and ".join(".".join(path) for path in lists)
        raise _unknown(f"the answer has more than one list: {places}", document)
    raise _unknown("no list of candidates in the answer", document)


def _lists(document: Mapping[str, Any]) -> Any:  # noqa: ANN401
    data = document.get("data")
    if isinstance(data, list):
        yield ("data",), data
    elif isinstance(data, Mapping):
        yield from ((("data", name), data[name]) for name in _LISTS if isinstance(data.get(name), list))
    yield from (((name,), document[name]) for name in _LISTS if isinstance(document.get(name), list))


def _check(envelope: object, document: object) -> None:
    if isinstance(envelope, Mapping):
        if any(envelope.get(name) in (False, "false") for name in ("success", "ok")):  # 0 is False
            raise _unknown("the API answered 200 but reports a failure", document)
        if envelope.get("error") or envelope.get("errors"):
            raise _unknown("the API answered 200 but reports an error", document)


def _check_status(envelope: object, document: object) -> None:
    # For envelopes only: a candidate that stands alone has a status of its own.
    if isinstance(envelope, Mapping):
        status = envelope.get("status")
        has_failed = isinstance(status, str) and status.lower() in _FAILURES
        codes = [envelope.get(name) for name in _CODES]
        if has_failed or any(_is_count(code) and code in _HTTP_ERRORS for code in codes):
            raise _unknown("the API answered 200 but reports a failure", document)


def _unknown(reason: str, document: object) -> UnknownAnswerError:
    found = ""
    if isinstance(document, Mapping):
        found = f" (top-level keys: {_names(document)}"
        data = document.get("data")
        found += f"; in data: {_names(data)})" if isinstance(data, Mapping) else ")"
    message = f"{reason}{found}; records_jsonpath can say where the list is"
    return UnknownAnswerError(message)


def shown(name: str) -> str:
    """Give the name of a field for a log line; one that is no plain word may itself be personal, as an e-mail."""
    return name if _PLAIN_NAME.fullmatch(name) else f"(a name of {len(name)} characters)"


def _names(document: Mapping[str, Any]) -> str:
    return ", ".join([shown(name) for name in document][:_MOST_NAMES]) or "none"


def _words(document: object) -> Words:
    if not isinstance(document, Mapping):
        return Words()
    places = [document, document.get("data")]
    places += [place.get(name) for place in places if isinstance(place, Mapping) for name in _CONTAINERS]
    said = [place for place in places if isinstance(place, Mapping)]
    # Of several words the one that promises the most: too much costs a request, too little loses candidates.
    flags = {place[name] for place in said for name in _HAS_MORE if isinstance(place.get(name), bool)}
    pages, total = (
        max((place[name] for place in said for name in names if _is_count(place.get(name))), default=None)
        for names in (_PAGES, _TOTAL)
    )
    return Words(True in flags if flags else None, pages, total)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0
