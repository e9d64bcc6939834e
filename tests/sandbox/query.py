"""What a request asks for, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/api/external/fetch/candidates"
USUAL_LIMIT = 20


class RefusedError(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, message: str) -> None:
        """Say what is wrong with it."""
        super().__init__(message)
        self.status = status


class Query(NamedTuple):
    """What a good request asks for.

    Attributes:
        asked_limit: The limit before it was clamped.
        is_blank: Leave out whoever would be on the page.
    """

    interviewer: str
    page: int
    limit: int
    fields: dict[str, object]
    interview_id: str | None
    asked_limit: int
    is_blank: bool = False


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_filter(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(want, str | int | float) for want in value.values())


# Each field of the body: its name, what stands in for it, what it has to be, and that in words.
_BODY: tuple[tuple[str, object, Callable[[object], bool], str], ...] = (
    ("interviewerId", None, lambda value: isinstance(value, str), "must be a string and is required"),
    ("page", 1, _is_count, "must be a whole number from 1"),
    ("limit", USUAL_LIMIT, _is_count, "must be a whole number from 1"),
    ("additionalFields", {}, _is_filter, "must be an object of strings, numbers and booleans"),
    ("interviewId", None, lambda value: value is None or isinstance(value, str), "must be a string"),
)


def parse_query(body: object) -> Query:
    """Take a decoded body apart.

    Raises:
        RefusedError: If a field is missing or of the wrong kind.
    """
    if not isinstance(body, dict):
        raise RefusedError(400, "the body must be a JSON object")
    values: list[Any] = []
    for name, usual, fits, must in _BODY:
        value = body.get(name, usual)
        if not fits(value):
            raise RefusedError(400, f"{name} {must}")
        values.append(value)
    interviewer, page, limit, fields, interview_id = values
    return Query(interviewer, page, limit, fields, interview_id, asked_limit=limit)
