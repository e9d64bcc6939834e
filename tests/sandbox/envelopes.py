"""Where in an answer the list stands, and what is said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tests.sandbox.query import PATH

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


class Words(NamedTuple):
    """What there is to say about a page.

    Attributes:
        page: Its number.
        limit: The most that such a page holds.
        shown: How many are on this one.
        total: How many there are.
        pages: How many pages these make.
        more: Whether another page follows.
        asked_limit: The limit that was asked for, which may be above the one that holds.
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


# Each word as an API gets it wrong. A lie is about its own word: the others stay true beside it.
LIES: dict[str, Callable[[Words], dict[str, Any]]] = {
    "total-of-page": lambda words: {"total": words.shown},
    "total-remaining": lambda words: {"total": max(words.total - (words.page - 1) * words.limit, 0)},
    "total-capped": lambda words: {"total": min(words.total, TOTAL_CAP)},
    "total-lagging": lambda words: {"total": max(words.total - max(words.total // 10, 1), 0)},
    "total-of-account": lambda words: {"total": words.account},
    "total-too-high": lambda words: {"total": words.total + 1000},
    "total-growing": lambda words: {"total": max(words.total, words.page * words.limit) + words.limit},
    "total-as-text": lambda words: {"total": str(words.total)},
    "pages-from-zero": lambda words: {"pages": max(words.pages - 1, 0)},
    "pages-by-asked-limit": lambda words: {"pages": -(-words.total // words.asked_limit)},
    "more-never": lambda _: {"more": False},
    "more-always": lambda _: {"more": True},
    "more-by-asked-limit": lambda words: {"more": words.page * words.asked_limit < words.total},
}


def with_lies(words: Words, lies: Iterable[str]) -> Words:
    """These words, as an API says them that gets some of them wrong."""
    wrong: dict[str, Any] = {}
    for lie in lies:
        wrong |= LIES[lie](words)
    return words._replace(**wrong)


def _next_page(words: Words) -> str | None:
    return f"{PATH}?page={words.page + 1}" if words.more else None


SPELLINGS: dict[str, Callable[[Words], dict[str, object]]] = {
    "total": lambda words: {"total": words.total},
    "totalPages": lambda words: {"totalPages": words.pages},
    "hasMore": lambda words: {"hasMore": words.more},
    "pagination": lambda words: {
        "pagination": {
            "page": words.page,
            "limit": words.limit,
            "total": words.total,
            "totalPages": words.pages,
            "hasNextPage": words.more,
        }
    },
    "lies": lambda words: {"hasMore": True, "total": words.total + 1000},
    "typeorm": lambda words: {
        "meta": {
            "totalItems": words.total,
            "itemCount": words.shown,
            "itemsPerPage": words.limit,
            "totalPages": words.pages,
            "currentPage": words.page,
        }
    },
    "nest": lambda words: {
        "meta": {
            "itemsPerPage": words.limit,
            "totalItems": words.total,
            "currentPage": words.page,
            "totalPages": words.pages,
        },
        "links": {"current": f"{PATH}?page={words.page}", "next": _next_page(words)},
    },
    "strapi": lambda words: {
        "meta": {
            "pagination": {
                "page": words.page,
                "pageSize": words.limit,
                "pageCount": words.pages,
                "total": words.total,
            }
        }
    },
    "mongoose": lambda words: {
        "totalDocs": words.total,
        "limit": words.limit,
        "totalPages": words.pages,
        "page": words.page,
        "pagingCounter": (words.page - 1) * words.limit + 1,
        "hasPrevPage": words.page > 1,
        "hasNextPage": words.more,
        "nextPage": words.page + 1 if words.more else None,
    },
    "laravel": lambda words: {
        "links": {"first": f"{PATH}?page=1", "next": _next_page(words)},
        "meta": {
            "current_page": words.page,
            "last_page": words.pages,
            "per_page": words.limit,
            "total": words.total,
        },
    },
    "spring": lambda words: {
        "totalElements": words.total,
        "totalPages": words.pages,
        "number": words.page - 1,
        "size": words.limit,
        "numberOfElements": words.shown,
        "first": words.page == 1,
        "last": not words.more,
        "empty": not words.shown,
    },
    "sequelize": lambda words: {"count": words.total},
    "django": lambda words: {"count": words.total, "next": _next_page(words)},
    "feathers": lambda words: {"total": words.total, "limit": words.limit, "skip": (words.page - 1) * words.limit},
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


def say(envelope: Envelope | Framework, metadata: Metadata | None, words: Words) -> dict[str, object]:
    """What stands beside the list: by the metadata, or else as the framework has it."""
    spell = SPELLINGS.get(metadata or envelope)
    return spell(words) if spell else {}


def enveloped(
    envelope: Envelope | Framework,
    within: Within | None,
    candidates: Sequence[object] | None,
    said: Mapping[str, object],
    *,
    listless: bool = False,
) -> Any:
    """The answer with these candidates, or none in the place of the list, or without that place."""
    if envelope == "body" and not listless:
        return {"success": True, within: candidates} if within else candidates
    *outer, name = _PLACES.get(envelope, envelope).split(".")
    inner: dict[str, object] = {**said} if listless else {name: candidates, **said}
    for level in (*outer, *([within] if within else [])):
        inner = {level: inner}
    marks = _MARKS.get(envelope, {}) if envelope in _PLACES else {"success": True}
    return {**marks, **inner}
