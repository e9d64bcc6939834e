"""Page metadata: what an API states beside the list, right or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Metadata = Literal["total", "pagination", "too-high", "more-always"]


class PageMetadata(NamedTuple):
    """What there is to state about a page: its number, its limit, how many candidates there are, on how many pages."""

    page: int
    limit: int
    total: int
    pages: int


SPELLINGS: dict[Metadata, Callable[[PageMetadata], dict[str, object]]] = {
    "total": lambda right: {"total": right.total},
    "pagination": lambda right: {
        "pagination": {
            "page": right.page,
            "limit": right.limit,
            "total": right.total,
            "totalPages": right.pages,
            "hasNextPage": right.page < right.pages,
        }
    },
    "too-high": lambda right: {"hasMore": True, "total": right.total + 1000},
    "more-always": lambda _: {"hasMore": True},
}


def spelled(right: PageMetadata, metadata: Metadata | None) -> dict[str, object]:
    """Return the members that stand beside the list."""
    return SPELLINGS[metadata](right) if metadata else {}
