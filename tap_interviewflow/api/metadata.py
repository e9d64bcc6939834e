"""What an answer says beside the list: whether there is more, of how many pages, and how many candidates in all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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
FALSE: Final = {"false", "no", "0"}


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What an answer says of its place among the pages; None where it says nothing."""

    has_more: bool | None = None
    pages: int | None = None
    total: int | None = None


def metadata_of(document: object) -> PageMetadata:
    """Read what an answer says of pages to come."""
    if not isinstance(document, dict):
        return PageMetadata()
    places = list(envelopes(document))
    for _ in range(2):  # meta.pagination is two levels deep
        places += [
            inner
            for place in places
            for name in _CONTAINERS
            if isinstance(inner := place.get(name), dict) and not any(inner is known for known in places)
        ]
    flags: set[bool] = set()
    pages: list[int] = []
    totals: list[int] = []
    for place in places:
        for name, value in place.items():
            word = _plain(name)
            if word in _MORE and (flag := _flag(value)) is not None:
                flags.add(flag)
            elif word in _LAST and (said := spelled(value)) in {"true", "false"}:
                flags.add(said == "false")
            elif word in _PAGES and (count := _count(value)) is not None:
                pages.append(count)
            elif word in _TOTAL and (count := _count(value)) is not None:
                totals.append(count)
    # Of several words the one that promises the most: too much costs a request, too little loses candidates.
    return PageMetadata(True in flags if flags else None, max(pages, default=None), max(totals, default=None))


_UNSPELLED: Final = re.compile(r"[_\-]")


def _plain(name: str) -> str:
    return _UNSPELLED.sub("", name).lower() if len(name) <= 30 else ""  # noqa: PLR2004  # longer than any of the words


def _flag(value: object) -> bool | None:
    """Read a flag, or the address or number of the next page, null where there is none."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return spelled(value) not in FALSE | {""}


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:  # noqa: PLR2004
        return int(value)
    return value if type(value) is int and value >= 0 else None


def envelopes(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the objects that may hold the list, or what is said beside it."""
    yield document
    yield from (document[name] for name in WRAPPERS if isinstance(document.get(name), dict))


def spelled(value: object) -> str:
    """Give a flag or a code as one spelling, empty for what says nothing."""
    return str(value).strip().lower() if isinstance(value, (str, bool, int)) else ("" if not value else "something")
