"""The body of a request: which candidates it asks for."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

PATH = "/api/external/fetch/candidates"
USUAL_LIMIT = 20


class RequestError(Exception):
    """A request that is answered with an error; its arguments are the HTTP status and a message."""


class Query(NamedTuple):
    """The fields of the body, with the API's defaults for those that it leaves out."""

    interviewer_id: str
    page: int
    limit: int
    additional_fields: dict[str, Any]
    interview_id: str | None


def parse_query(content: bytes) -> Query:
    """Read the body of a request.

    Raises:
        RequestError: If it is no JSON object, or a field is missing or of the wrong type.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RequestError(400, "the body must be a JSON object")
    if not isinstance(body.get("interviewerId"), str):
        raise RequestError(400, "interviewerId must be a string and is required")
    page, limit = body.get("page", 1), body.get("limit", USUAL_LIMIT)
    for name, number in (("page", page), ("limit", limit)):
        if type(number) is not int or number < 1:
            raise RequestError(400, f"{name} must be a whole number from 1")
    fields = body.get("additionalFields", {})
    if not isinstance(fields, dict):
        raise RequestError(400, "additionalFields must be an object")
    return Query(body["interviewerId"], page, limit, fields, body.get("interviewId"))
