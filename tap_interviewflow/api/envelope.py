"""The envelope of a response: where the candidates are in it, and failures that come with HTTP 200.

The vendor does not document the response. The shapes known here are those of its other endpoints and of the usual web
frameworks; any other one is an error that names the keys found, never values.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.metadata import FALSE, WRAPPERS, PageMetadata, envelopes, metadata_of, normalized, spelled
from tap_interviewflow.api.page import InterviewerError
from tap_interviewflow.api.redact import plain_name, printable
from tap_interviewflow.records.conform import id_of

_LISTS: Final = (
    *("data", "candidates", "interviews", "results", "items"),
    *("records", "rows", "docs", "list", "content"),
)
_INNER: Final = ("interview", "candidate")

# The keys of reports, as ``normalized``, and their values.
_SUCCESS: Final = {"success", "ok", "issuccess", "succeeded", "successful"}
_FAILED: Final = {"iserror", "haserror", "haserrors", "failed"}
_CODES: Final = {"status", "statuscode", "code", "errorcode"}
_ERRORS: Final = ("errormessage", "errormsg", "errmsg", "errordescription", "error", "errors", "exception")
_REASONS: Final = ("errormessage", "message", *_ERRORS, "detail", "details", "reason", "msg", "title", *sorted(_CODES))
_REPORTS: Final = {*_SUCCESS, *_FAILED, *_ERRORS, "message", "msg"}
_TRUE: Final = {"true", "yes", "1"}
_FINE: Final = {"", "0", "200", "success", "succeeded", "ok", *_TRUE}
_NO_ERROR: Final = {"", "none", "null", "ok", "success", *FALSE}
_FAILURES: Final = {
    *("error", "errored", "fail", "failed", "failure", "false", "invalid", "exception"),
    *("unauthorized", "unauthorised", "unauthenticated", "forbidden", "denied", "access denied", "permission denied"),
    *("bad request", "not found", "too many requests", "timeout", "unavailable", "service unavailable"),
    *("internal error", "server error", "internal server error"),
}

MAX_NAMES: Final = 20
MAX_MESSAGE: Final = 2**16  # characters of a message of the API that are read
MAX_REASON: Final = 200  # and that are shown
MAX_CANDIDATES: Final = 100_000
"""The most candidates that are read from one response."""


class Envelope(NamedTuple):
    """A response, opened."""

    candidates: list[dict[str, Any]]
    metadata: PageMetadata


def open_page(document: object, records_jsonpath: str | None = None, *, redact: Callable[[str], str] = str) -> Envelope:
    """Find the candidates in a response.

    Args:
        document: The decoded body.
        records_jsonpath: Where the list is, by the user's setting.
        redact: Called with a reason of the API before it is cut and becomes a part of an error.

    Raises:
        InterviewerError: If the response reports a failure, or has no list where one is expected.
        FatalAPIError: If it has more than one, or one that is too long or holds something else.
    """
    if isinstance(document, dict) and any(map(_reports_failure, envelopes(document))):
        raise _failure(document, redact)
    candidates = _at_jsonpath(document, records_jsonpath) if records_jsonpath else _list(document)
    if len(candidates) > MAX_CANDIDATES:
        message = (
            f"the response holds {len(candidates):,} candidates, more than {MAX_CANDIDATES:,}; set a smaller page_size"
        )
        raise FatalAPIError(message)
    if types := set(map(type, candidates)) - {dict}:
        message = f"the list of candidates holds a value of type {types.pop().__name__}{_keys_of(document)}"
        raise FatalAPIError(message)
    return Envelope(candidates, metadata_of(document))


def open_look_up(
    document: object,
    interview_id: str,
    records_jsonpath: str | None = None,
    *,
    never_rescued: Collection[str] = (),
    redact: Callable[[str], str] = str,
) -> list[dict[str, Any]]:
    """Find the candidate in the response to a look-up, standalone or in a list; return none if it is not there.

    Args:
        document: The decoded body.
        interview_id: The requested ID: a person inside the interview can have an ID, too.
        records_jsonpath: As for ``open_page``.
        never_rescued: Fields that must not come out under another name.
        redact: As for ``open_page``.

    Raises:
        InterviewerError: As ``open_page`` does.
    """
    if isinstance(document, dict) and not records_jsonpath:
        if _reports_failure(document, has_own_status=True):
            raise _failure(document, redact)
        standalone = list(_standalone(document, never_rescued))
        for candidate in standalone:
            if id_of(candidate) == interview_id:
                return [candidate]
        if standalone and not _lists(document):
            return []
    candidates = open_page(document, records_jsonpath, redact=redact).candidates
    return [candidate for candidate in candidates if id_of(candidate) == interview_id][:1]


def _standalone(document: dict[str, Any], never_rescued: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects that may be the candidate: a wrapper, the document, or ``interview`` or ``candidate`` in them.

    The siblings of the latter are merged into it; where both have a field with different values, that of the sibling
    goes into an object with the name of the wrapper.
    """
    for wrapper, container in (*((name, document.get(name)) for name in WRAPPERS), ("response", document)):
        if not isinstance(container, dict):
            continue
        if is_candidate := id_of(container) is not None:
            yield container
        members = {
            key: value for key, value in container.items() if is_candidate or not _is_report_of_success(key, value)
        }
        for name in _INNER:
            inner = container.get(name)
            if isinstance(inner, dict) and id_of(inner) is not None:
                siblings = {key: value for key, value in members.items() if key != name}
                common = siblings.keys() & inner.keys() - {*never_rescued}
                conflicts = {key: siblings[key] for key in common if siblings[key] != inner[key]}
                merged = {**siblings, **inner}
                unused_name = wrapper
                while unused_name in merged:
                    unused_name += "_"
                yield {**merged, unused_name: conflicts} if conflicts else merged


def _at_jsonpath(document: object, records_jsonpath: str) -> list[Any]:
    from singer_sdk.helpers.jsonpath import extract_jsonpath  # noqa: PLC0415  # slow to import

    if isinstance(document, (dict, list)):
        matches: list[Any] = []
        with suppress(Exception):  # a filter or a sort may fail at what the API has sent
            matches = list(extract_jsonpath(records_jsonpath.removesuffix("[*]"), document))
        if len(matches) == 1 and isinstance(matches[0], list):
            return matches[0]
    raise _no_list(f"records_jsonpath {records_jsonpath} leads to no list in the response", document)


def _list(document: object) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        kind = "null" if document is None else type(document).__name__
        raise _no_list(f"the response is {kind}, not a list of candidates", document)
    lists = _lists(document)
    filled = [path for path in lists if lists[path]] or list(lists)[:1]
    if len(filled) > 1:
        message = f"the response has more than one list with candidates: {' and '.join(filled)}{_keys_of(document)}"
        raise FatalAPIError(f"{message}; records_jsonpath can say which")
    if filled:
        return lists[filled[0]]
    if document.get("data", ...) is None:
        return []
    raise _no_list("no list of candidates in the response", document)


def _lists(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of a response by their paths."""
    members = {name: document.get(name) for name in _LISTS}
    for wrapper in WRAPPERS:
        if isinstance(inner := document.get(wrapper), dict):
            members |= {f"{wrapper}.{name}": inner.get(name) for name in _LISTS}
    return {path: value for path, value in members.items() if isinstance(value, list)}


def _reports_failure(envelope: Mapping[str, Any], *, has_own_status: bool = False) -> bool:
    """Whether an object reports a failure. A candidate ``has_own_status``: that is no report."""
    for name, value in envelope.items():
        key, text = normalized(name), spelled(value).replace("_", " ").replace("-", " ")
        if (
            (key in _SUCCESS and (text in FALSE or text in _FAILURES))
            or (key in _FAILED and text in _TRUE)
            or (key in _ERRORS and text not in _NO_ERROR)
            or (key in _CODES and not has_own_status and (text in _FAILURES or re.fullmatch("[45][0-9]{2}", text)))
        ):
            return True
    return False


def _is_report_of_success(name: str, value: object) -> bool:
    key = normalized(name)
    return key in _REPORTS or (key in _CODES and spelled(value) in _FINE)


def reason_of(document: object, redact: Callable[[str], str]) -> str:
    """Return the API's own error message in one short line; empty if there is none.

    Args:
        document: The decoded body.
        redact: Called with the message before it is cut.
    """
    reason: object = document
    for _ in range(4):  # as deep as {"data": {"errors": [{"message": …}]}}
        if isinstance(reason, list):
            reason = reason[0] if reason else None
        if isinstance(reason, dict):
            members = {normalized(name): value for name, value in reason.items()}
            reasons = (members[name] for name in _REASONS if isinstance(members.get(name), (str, dict, list)))
            inner = (each for each in map(reason.get, WRAPPERS) if isinstance(each, dict) and id_of(each) is None)
            reason = next(filter(None, reasons), None) or next(inner, None)
    if not isinstance(reason, str):
        return ""
    text = printable(redact(reason[:MAX_MESSAGE]))
    if len(text) <= MAX_REASON and len(reason) <= MAX_MESSAGE:
        return text
    # Cut between words: half a key or half an address could not be redacted any more.
    return f"{text[:MAX_REASON].rpartition(' ')[0]}…"


def _failure(document: Mapping[str, Any], redact: Callable[[str], str]) -> InterviewerError:
    reason = reason_of(document, redact)
    reported = f": the API says “{reason}”" if reason else _keys_of(document)
    return InterviewerError(f"the API returned 200 but reports a failure{reported}", "a reported failure")


def _no_list(reason: str, document: object) -> InterviewerError:
    return InterviewerError(f"{reason}{_keys_of(document)}; records_jsonpath can say where the list is", "no list")


def _keys_of(document: object) -> str:
    """Name the keys of a response and of the objects inside it, never values."""
    if not isinstance(document, Mapping):
        return ""

    def keys(members: Mapping[str, Any]) -> str:
        return ", ".join(map(plain_name, itertools.islice(members, MAX_NAMES))) or "none"

    inner = ((name, value) for name, value in document.items() if isinstance(value, Mapping))
    parts = [f"; in {plain_name(name)}: {keys(value)}" for name, value in itertools.islice(inner, MAX_NAMES)]
    return f" (top-level keys: {keys(document)}{''.join(parts)})"
