"""The candidates of the sandbox, typed as a developer would who knows them, for contenders that take a schema."""

from typing import Any

_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_NUMBER = {"type": ["number", "null"]}
_OBJECT = {"type": ["object", "null"], "properties": {}, "additionalProperties": True}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string"]},
        "interviewerId": _TEXT,
        "jobId": _TEXT,
        "name": _TEXT,
        "email": _TEXT,
        "status": _TEXT,
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "interviewedAt": _TIME,
        "skills": {"type": ["array", "null"], "items": _TEXT},
        "resumeUrl": _TEXT,
        "customQuestions": {"type": ["array", "null"], "items": _OBJECT},
        "additionalFields": _OBJECT,
        "metadata": _OBJECT,
        "score": _NUMBER,
        "trustScore": _NUMBER,
        "report": _OBJECT,
        "durationSeconds": _NUMBER,
    },
}
