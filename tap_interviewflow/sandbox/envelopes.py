"""Where in an answer the list stands, and what is said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Envelope = Literal[
    "data.candidates", "data", "body", "candidates", "interviews", "results", "items",
    "data.results", "data.items", "data.interviews", "payload.rows",
]  # fmt: skip
Metadata = Literal["total", "totalPages", "hasMore", "pagination", "lies"]


def enveloped(envelope: Envelope, candidates: Sequence[object], said: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
    """The answer with these candidates."""
    if envelope == "body":
        return candidates
    *outer, name = envelope.split(".")
    inner: dict[str, object] = {name: candidates, **(said or {})}
    return {"success": True, outer[0]: inner} if outer else {"success": True, **inner}


def metadata_of(kind: Metadata | None, *, page: int, limit: int, total: int, pages: int) -> dict[str, object]:
    """What stands beside the list about how much there is."""
    more = page < pages
    said: dict[Metadata | None, dict[str, object]] = {
        "total": {"total": total},
        "totalPages": {"totalPages": pages},
        "hasMore": {"hasMore": more},
        "pagination": {
            "pagination": {
                "page": page,
                "limit": limit,
                "total": total,
                "totalPages": pages,
                "hasNextPage": more,
            }
        },
        "lies": {"hasMore": True, "total": total + 1000},
    }
    return said.get(kind, {})
