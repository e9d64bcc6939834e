"""Page metadata: what a response states about further pages, and about the numbers of pages and candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WRAPPERS: Final = ("data", "result", "response")
_CONTAINERS: Final = ("meta", "metadata", "pagination", "paging", "pageInfo", "page_info", "page", "links", "_links")
_MORE: Final = {
    *("hasmore", "hasnext", "hasnextpage", "hasmorepages", "morepages"),
    *("next", "nextpage", "nextpageurl", "nexturl"),
}
_LAST: Final = {"last", "islast", "islastpage", "lastpage"}
_PAGES: Final = {"totalpages", "lastpage", "pagecount", "numpages", "pagestotal", "pages"}
_TOTAL: Final = {
    *("total", "totalcount", "totalitems", "totalelements", "totaldocs", "totalrows", "totalhits"),
    *("totalresults", "totalrecords", "totalcandidates", "totalinterviews", "count"),
}
_MAX_DIGITS: Final = 15
FALSE: Final = {"false", "no", "0"}


class PageMetadata(NamedTuple):
    """What a response states; None where it states nothing."""

    has_more: bool | None = None  # whether there are further pages
    pages: int | None = None  # how many pages there are
    total: int | None = None  # how many candidates there are


def metadata_of(document: object) -> PageMetadata:
    """Read the metadata of a response, in the spellings of common web frameworks.

    Of several values the highest is returned: a total that is too high costs requests, one that is too low loses
    candidates.
    """
    if not isinstance(document, dict):
        return PageMetadata()
    objects = list(envelopes(document))
    for _ in range(2):  # meta.pagination is two levels deep
        inner = [each.get(name) for each in objects for name in _CONTAINERS]
        objects += [each for each in inner if isinstance(each, dict) and not any(each is known for known in objects)]
    flags: set[bool] = set()
    pages: list[int] = []
    totals: list[int] = []
    for name, value in (member for each in objects for member in each.items()):
        key, count = normalized(name), _count(value)
        if key in _MORE:  # its value is a flag, or the address or the number of the next page
            flags.add(spelled(value) not in FALSE | {""})
        elif key in _LAST and spelled(value) in {"true", "false"}:
            flags.add(spelled(value) == "false")
        elif key in _PAGES and count is not None:
            pages.append(count)
        elif key in _TOTAL and count is not None:
            totals.append(count)
    return PageMetadata(True in flags if flags else None, max(pages, default=None), max(totals, default=None))


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS:
        return int(value)
    return value if type(value) is int and value >= 0 else None


def envelopes(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may hold the list: the document and its wrappers."""
    yield document
    yield from (document[name] for name in WRAPPERS if isinstance(document.get(name), dict))


def normalized(key: str) -> str:
    """Return a key in lower case without separators; empty if it is longer than all keys that the tap knows."""
    return key.replace("_", "").replace("-", "").lower() if len(key) <= 30 else ""  # noqa: PLR2004


def spelled(value: object) -> str:
    """Return a flag, an integer or a text as text in lower case; of other values “something”, or nothing if empty."""
    return str(value).strip().lower() if isinstance(value, (str, bool, int)) else ("something" if value else "")
