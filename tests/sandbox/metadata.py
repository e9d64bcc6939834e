"""Page metadata: what an API states beside the list, right or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Metadata = Literal["total", "totalPages", "hasMore", "pagination", "too-high"]
WrongMetadata = Literal[
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


# How an API gets one of them wrong; the others stay right beside it.
WRONG: dict[str, Callable[[PageMetadata], dict[str, Any]]] = {
    "total-of-page": lambda right: {"total": right.shown},
    "total-remaining": lambda right: {"total": max(right.total - (right.page - 1) * right.limit, 0)},
    "total-capped": lambda right: {"total": min(right.total, TOTAL_CAP)},
    "total-lagging": lambda right: {"total": max(right.total - max(right.total // 10, 1), 0)},
    "total-of-account": lambda right: {"total": right.account},
    "total-too-high": lambda right: {"total": right.total + 1000},
    "total-growing": lambda right: {"total": max(right.total, right.page * right.limit) + right.limit},
    "total-as-text": lambda right: {"total": str(right.total)},
    "pages-from-zero": lambda right: {"pages": max(right.pages - 1, 0)},
    "pages-by-asked-limit": lambda right: {"pages": -(-right.total // right.asked_limit)},
    "more-never": lambda _: {"more": False},
    "more-always": lambda _: {"more": True},
    "more-by-asked-limit": lambda right: {"more": right.page * right.asked_limit < right.total},
}
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
    "too-high": lambda stated: {"hasMore": True, "total": stated.total + 1000},
}


def spelled(right: PageMetadata, metadata: Metadata | None, wrong: WrongMetadata | None) -> dict[str, object]:
    """Return the members that stand beside the list."""
    stated = right._replace(**WRONG[wrong](right)) if wrong else right
    return SPELLINGS[metadata](stated) if metadata else {}
