"""Where in an answer the list stands, and what is said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tap_interviewflow.sandbox.query import PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Envelope = Literal[
    "data.candidates", "data", "body", "candidates", "interviews", "results", "items",
    "records", "list", "content", "docs", "rows",
    "data.results", "data.items", "data.interviews", "payload.rows",
]  # fmt: skip
Framework = Literal[
    "typeorm", "nest", "strapi", "mongoose", "laravel", "spring", "sequelize", "django", "feathers", "jsend", "micro1"
]
Within = Literal["data", "result", "response"]
Metadata = Literal["total", "totalPages", "hasMore", "pagination", "lies"]
Lie = Literal[
    "total-of-page", "total-remaining", "total-capped", "total-lagging", "total-of-account",
    "total-too-high", "total-growing", "total-as-text",
    "pages-from-zero", "pages-by-asked-limit",
    "more-never", "more-always", "more-by-asked-limit",
]  # fmt: skip

TOTAL_CAP = 100


class PageMetadata(NamedTuple):
    """What there is to state about a page.

    Attributes:
        page: Its number.
        limit: The most candidates on such a page.
        shown: How many are on this one.
        total: How many there are.
        pages: How many pages these make.
        more: Whether another page follows.
        asked_limit: The limit of the request, which may be above the one that holds.
        account: How many all Interviewers have together.
    """

    page: int
    limit: int
    shown: int
    total: Any
    pages: int
    more: bool
    asked_limit: int
    account: int

    def spelled(
        self, envelope: Envelope | Framework, metadata: Metadata | None, lies: Iterable[str]
    ) -> dict[str, object]:
        """Return what stands beside the list: by `metadata`, or else as the framework has it."""
        wrong: dict[str, Any] = {}
        for lie in lies:
            wrong |= LIES[lie](self)
        spell = SPELLINGS[metadata] if metadata else SPELLINGS.get(envelope)
        return spell(self._replace(**wrong)) if spell else {}


# How an API gets its metadata wrong: one at a time, the others stay right beside it.
LIES: dict[str, Callable[[PageMetadata], dict[str, Any]]] = {
    "total-of-page": lambda stated: {"total": stated.shown},
    "total-remaining": lambda stated: {"total": max(stated.total - (stated.page - 1) * stated.limit, 0)},
    "total-capped": lambda stated: {"total": min(stated.total, TOTAL_CAP)},
    "total-lagging": lambda stated: {"total": max(stated.total - max(stated.total // 10, 1), 0)},
    "total-of-account": lambda stated: {"total": stated.account},
    "total-too-high": lambda stated: {"total": stated.total + 1000},
    "total-growing": lambda stated: {"total": max(stated.total, stated.page * stated.limit) + stated.limit},
    "total-as-text": lambda stated: {"total": str(stated.total)},
    "pages-from-zero": lambda stated: {"pages": max(stated.pages - 1, 0)},
    "pages-by-asked-limit": lambda stated: {"pages": -(-stated.total // stated.asked_limit)},
    "more-never": lambda _: {"more": False},
    "more-always": lambda _: {"more": True},
    "more-by-asked-limit": lambda stated: {"more": stated.page * stated.asked_limit < stated.total},
}


def _next_page(stated: PageMetadata) -> str | None:
    return f"{PATH}?page={stated.page + 1}" if stated.more else None


SPELLINGS: dict[str, Callable[[PageMetadata], dict[str, object]]] = {
    "total": lambda stated: {"total": stated.total},
    "totalPages": lambda stated: {"totalPages": stated.pages},
    "hasMore": lambda stated: {"hasMore": stated.more},
    "pagination": lambda stated: {
        "pagination": {
            "page": stated.page,
            "limit": stated.limit,
            "total": stated.total,
            "totalPages": stated.pages,
            "hasNextPage": stated.more,
        }
    },
    "lies": lambda stated: {"hasMore": True, "total": stated.total + 1000},
    "typeorm": lambda stated: {
        "meta": {
            "totalItems": stated.total,
            "itemCount": stated.shown,
            "itemsPerPage": stated.limit,
            "totalPages": stated.pages,
            "currentPage": stated.page,
        }
    },
    "nest": lambda stated: {
        "meta": {
            "itemsPerPage": stated.limit,
            "totalItems": stated.total,
            "currentPage": stated.page,
            "totalPages": stated.pages,
        },
        "links": {"current": f"{PATH}?page={stated.page}", "next": _next_page(stated)},
    },
    "strapi": lambda stated: {
        "meta": {
            "pagination": {
                "page": stated.page,
                "pageSize": stated.limit,
                "pageCount": stated.pages,
                "total": stated.total,
            }
        }
    },
    "mongoose": lambda stated: {
        "totalDocs": stated.total,
        "limit": stated.limit,
        "totalPages": stated.pages,
        "page": stated.page,
        "pagingCounter": (stated.page - 1) * stated.limit + 1,
        "hasPrevPage": stated.page > 1,
        "hasNextPage": stated.more,
        "nextPage": stated.page + 1 if stated.more else None,
    },
    "laravel": lambda stated: {
        "links": {"first": f"{PATH}?page=1", "next": _next_page(stated)},
        "meta": {
            "current_page": stated.page,
            "last_page": stated.pages,
            "per_page": stated.limit,
            "total": stated.total,
        },
    },
    "spring": lambda stated: {
        "totalElements": stated.total,
        "totalPages": stated.pages,
        "number": stated.page - 1,
        "size": stated.limit,
        "numberOfElements": stated.shown,
        "first": stated.page == 1,
        "last": not stated.more,
        "empty": not stated.shown,
    },
    "sequelize": lambda stated: {"count": stated.total},
    "django": lambda stated: {"count": stated.total, "next": _next_page(stated)},
    "feathers": lambda stated: {"total": stated.total, "limit": stated.limit, "skip": (stated.page - 1) * stated.limit},
    "jsend": lambda _: {},
    "micro1": lambda _: {},
}
_PLACES = {
    "typeorm": "items",
    "nest": "data",
    "strapi": "data",
    "mongoose": "docs",
    "laravel": "data",
    "spring": "content",
    "sequelize": "rows",
    "django": "results",
    "feathers": "data",
    "jsend": "data",
    "micro1": "data",
}
_MARKS: dict[str, dict[str, object]] = {"jsend": {"status": "success"}, "micro1": {"status": True}}


def enveloped(
    envelope: Envelope | Framework,
    within: Within | None,
    candidates: Sequence[object] | None,
    stated: Mapping[str, object],
    *,
    listless: bool = False,
) -> Any:
    """Return the body with these candidates, or null in the place of the list, or without that place."""
    if envelope == "body" and not listless:
        return {"success": True, within: candidates} if within else candidates
    *outer, name = _PLACES.get(envelope, envelope).split(".")
    inner: dict[str, object] = {**stated} if listless else {name: candidates, **stated}
    for level in (*outer, *([within] if within else [])):
        inner = {level: inner}
    marks = _MARKS.get(envelope, {}) if envelope in _PLACES else {"success": True}
    return {**marks, **inner}
