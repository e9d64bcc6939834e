"""The envelope of an answer: where the candidates are in it, and what it says of those still to come.

The vendor documents no response of the Fetch API. The shapes known here are those that its other endpoints and the
usual web frameworks have; everything else is an error that names the keys found, never their values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.metadata import FALSE, WRAPPERS, PageMetadata, envelopes, metadata_of, spelled
from tap_interviewflow.api.redact import plain_name, printable
from tap_interviewflow.records.schema import ID_SOURCES

_LISTS: Final = (
    *("data", "candidates", "interviews", "results", "items"),
    *("records", "rows", "docs", "list", "content"),
)
_CODES: Final = ("status", "statusCode", "status_code", "code", "errorCode", "error_code")
_SUCCESS: Final = ("success", "ok", "isSuccess", "is_success", "succeeded")
_FAILED: Final = ("isError", "is_error", "hasError", "has_error", "hasErrors", "failed")
_FAILURES: Final = {"error", "fail", "failed", "failure", "false"}
_TRUE: Final = {"true", "yes", "1"}
_NO_ERROR: Final = {"", "none", "null", "false", "no", "0"}
_REASONS: Final = (
    *("message", "error", "errors", "detail", "details", "reason", "msg", "error_description", "title"),
    *("code", "errorCode", "error_code"),
)
_INNER: Final = ("interview", "candidate")
_REPORTS: Final = {*_SUCCESS, *_FAILED, *_CODES, "message", "msg", "error", "errors"}
_FINE: Final = {"success", "succeeded", "ok", *_TRUE}

MAX_NAMES: Final = 20
MAX_REASON: Final = 200
MAX_CANDIDATES: Final = 100_000
"""The most candidates that are taken from one answer."""


class NotAPageError(FatalAPIError):
    """An answer that is not a page of candidates.

    Attributes:
        kind: What it is instead, in a word or two; the same for answers of the same kind.
    """

    def __init__(self, message: str, kind: str) -> None:
        """Say what is wrong, and in what kind of way."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer, opened."""

    candidates: list[dict[str, Any]]
    metadata: PageMetadata


def open_page(document: object, records_jsonpath: str | None = None) -> Envelope:
    """Find the candidates in an answer.

    Args:
        document: The decoded body.
        records_jsonpath: Where the user says that the list is, as a JSONPath.

    Raises:
        NotAPageError: If the answer reports a failure, or holds no list of candidates where one is known to be.
        FatalAPIError: If it holds more than one, or one that is too long or holds something else.
    """
    if isinstance(document, dict):
        for envelope in envelopes(document):
            _check(envelope, document)
            _check_status(envelope, document)
    candidates = _at_jsonpath(document, records_jsonpath) if records_jsonpath else _list(document)
    if len(candidates) > MAX_CANDIDATES:
        message = (
            f"the answer holds {len(candidates):,} candidates, more than {MAX_CANDIDATES:,}; set a smaller page_size"
        )
        raise FatalAPIError(message)
    kinds = set(map(type, candidates)) - {dict}
    if kinds:
        message = f"the list of candidates holds a value of type {kinds.pop().__name__}{_names_of(document)}"
        raise FatalAPIError(message)
    return Envelope(candidates, metadata_of(document))


def open_look_up(
    document: object, interview_id: str, records_jsonpath: str | None = None, *, dropped: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Find the candidate in the answer to a look-up.

    Besides the shapes of a page, the candidate may stand alone: as the body, as ``data``, or as a member of either
    that is named ``interview`` or ``candidate``. Where the interview and the person inside it both have an ID, the one
    with the ID that was asked for counts. ``data`` that is null is taken for "not found".

    Args:
        document: The decoded body.
        interview_id: The ID that was asked for.
        records_jsonpath: As for ``open_page``.
        dropped: Names of fields that must not come out under another name.

    Raises:
        NotAPageError: As ``open_page`` does.
    """
    if isinstance(document, dict) and not records_jsonpath:
        _check(document, document)
        alone = list(_alone(document, dropped))
        for candidate in alone:
            if interview_id in _ids(candidate):
                return [candidate]
        if "data" in document and document["data"] is None:
            _check_status(document, document)
            return []
        if alone and not _lists(document):
            return []
    candidates = open_page(document, records_jsonpath).candidates
    return [candidate for candidate in candidates if interview_id in _ids(candidate)][:1]


def _ids(candidate: Mapping[str, Any]) -> set[str]:
    return {str(candidate[name]) for name in ID_SOURCES if candidate.get(name) not in (None, "")}


def _alone(document: dict[str, Any], dropped: Collection[str]) -> Iterator[dict[str, Any]]:
    """Give the objects that may be the candidate, those with the person or the interview inside them first.

    An interview beside a person (``{"candidate": {…}, "interview": {"id": …}}``) is one record: its own members, and
    whatever stands beside it by its own name.
    """
    for where in (*WRAPPERS, None):
        place = document.get(where) if where else document
        if not isinstance(place, dict):
            continue
        if _ids(place):
            yield place
        for name in _INNER:
            inner = place.get(name)
            if isinstance(inner, dict) and _ids(inner):
                beside = {key: value for key, value in _said(place) if key != name}
                for key in inner.keys() & dropped:
                    beside.pop(key, None)
                yield _joined(inner, beside, where or "response")


def _said(place: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the members of an object but for what reports a success, where it is no candidate itself."""
    for name, value in place.items():
        is_own_status = name == "status" and isinstance(value, str) and spelled(value) not in _FINE
        if name not in _REPORTS or is_own_status or _ids(place):
            yield name, value


def _joined(inner: dict[str, Any], beside: dict[str, Any], where: str) -> dict[str, Any]:
    """Give an object with what stands beside it; where both have a name, the other value goes below that place's."""
    hidden = {name: value for name, value in beside.items() if name in inner and value != inner[name]}
    joined = {**beside, **inner}
    while hidden and where in joined:
        where += "_"
    return {**joined, where: hidden} if hidden else joined


def _at_jsonpath(document: object, records_jsonpath: str) -> list[Any]:
    from singer_sdk.helpers.jsonpath import extract_jsonpath  # noqa: PLC0415  # slow to load, and seldom needed

    if isinstance(document, (dict, list)):
        matches = list(extract_jsonpath(records_jsonpath.removesuffix("[*]"), document))
        if len(matches) == 1 and isinstance(matches[0], list):
            return matches[0]
    raise _no_list(f"records_jsonpath {records_jsonpath} leads to no list in the answer", document)


def _list(document: object) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        found = "null" if document is None else type(document).__name__
        raise _no_list(f"the answer is {found}, not a list of candidates", document)
    lists = _lists(document)
    filled = [place for place in lists if lists[place]] or list(lists)[:1]
    if len(filled) > 1:
        message = f"the answer has more than one list with candidates: {' and '.join(filled)}{_names_of(document)}"
        raise FatalAPIError(f"{message}; records_jsonpath can say which")
    if not filled:
        raise _no_list("no list of candidates in the answer", document)
    return lists[filled[0]]


def _lists(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    places = {name: document.get(name) for name in _LISTS}
    for wrapper in WRAPPERS:
        inner = document.get(wrapper)
        if isinstance(inner, dict):
            places |= {f"{wrapper}.{name}": inner.get(name) for name in _LISTS}
    return {place: value for place, value in places.items() if isinstance(value, list)}


# Failures that come with HTTP 200


def _check(envelope: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    said_no = any(spelled(envelope.get(name)) in FALSE for name in _SUCCESS)
    said_so = any(spelled(envelope.get(name)) in _TRUE for name in _FAILED)
    errors = [envelope[name] for name in ("error", "errors") if envelope.get(name)]
    if said_no or said_so or any(spelled(error) not in _NO_ERROR for error in errors):
        raise _failure(document)


def _check_status(envelope: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    # For the envelope of a list only: a candidate that stands alone has a status of its own.
    codes = [spelled(envelope.get(name)) for name in _CODES]
    is_code = any(len(code) == 3 and code.isdecimal() and code[0] in "45" for code in codes)  # noqa: PLR2004
    if codes[0] in _FAILURES or is_code:
        raise _failure(document)


def reason_of(document: object) -> str:
    """Give the API's own words on a failure, in one short line; empty where there are none."""
    found: object = document
    for _ in range(4):  # as deep as {"data": {"errors": [{"message": …}]}}
        if isinstance(found, list):
            found = found[0] if found else None
        if not isinstance(found, dict):
            break
        reasons = (found[name] for name in _REASONS if isinstance(found.get(name), (str, dict, list)))
        found = next(filter(None, reasons), None) or next(
            (found[name] for name in WRAPPERS if isinstance(found.get(name), dict)), None
        )
    if not isinstance(found, str):
        return ""
    text = printable(found[: 4 * MAX_REASON])
    if len(text) <= MAX_REASON and len(found) <= 4 * MAX_REASON:
        return text
    # Between two words: of a key or an address that is cut, nobody could tell any more what has to be hidden.
    return f"{text[:MAX_REASON].rpartition(' ')[0]}…"


def _failure(document: Mapping[str, Any]) -> NotAPageError:
    reason = reason_of(document)
    said = f": the API says “{reason}”" if reason else _names_of(document)
    return NotAPageError(f"the API answered 200 but reports a failure{said}", "a reported failure")


def _no_list(reason: str, document: object) -> NotAPageError:
    message = f"{reason}{_names_of(document)}; records_jsonpath can say where the list is"
    return NotAPageError(message, "no list")


def _names_of(document: object) -> str:
    if not isinstance(document, Mapping):
        return ""
    data = document.get("data")
    inner = f"; in data: {_names(data)}" if isinstance(data, Mapping) else ""
    return f" (top-level keys: {_names(document)}{inner})"


def _names(document: Mapping[str, Any]) -> str:
    return ", ".join(map(plain_name, islice(document, MAX_NAMES))) or "none"
