from __future__ import annotations

from typing import Any

import pytest

from tap_interviewflow.sandbox import Sandbox
from tests.sandbox.client import ONE, ask


@pytest.mark.parametrize(
    ("envelope", "path"),
    [
        ("data.candidates", ["data", "candidates"]),
        ("data", ["data"]),
        ("body", []),
        ("candidates", ["candidates"]),
        ("interviews", ["interviews"]),
        ("results", ["results"]),
        ("items", ["items"]),
        ("data.results", ["data", "results"]),
        ("data.items", ["data", "items"]),
        ("data.interviews", ["data", "interviews"]),
        ("payload.rows", ["payload", "rows"]),
    ],
)
def test_the_list_stands_where_the_envelope_says(envelope: Any, path: list[str]) -> None:
    with Sandbox({ONE: 2}, envelope=envelope, single="list", metadata="total") as api:
        for body, expected in (({}, 2), ({"interviewId": api.candidates(ONE)[0]["id"]}, 1)):
            found = ask(api, **body).json
            for name in path:
                beside, found = found, found[name]
            assert len(found) == expected
            if path and not body:
                assert beside["total"] == 2


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, [{}, {}, {}]),
        ("total", [{"total": 3}] * 3),
        ("totalPages", [{"totalPages": 2}] * 3),
        ("hasMore", [{"hasMore": True}, {"hasMore": False}, {"hasMore": False}]),
        ("lies", [{"hasMore": True, "total": 1003}] * 3),
        (
            "pagination",
            [
                {"pagination": {"page": n, "limit": 2, "total": 3, "totalPages": 2, "hasNextPage": n == 1}}
                for n in (1, 2, 3)
            ],
        ),
    ],
)
def test_metadata_stands_beside_the_list(metadata: Any, said: list[dict[str, object]]) -> None:
    with Sandbox({ONE: 3}, metadata=metadata) as api:
        for page in (1, 2, 3):
            data = ask(api, page=page, limit=2).json["data"]
            del data["candidates"]
            assert data == said[page - 1]
