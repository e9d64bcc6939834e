"""What is measured beside the SDK's own metrics of a stream."""

from __future__ import annotations

import threading
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from singer_sdk import metrics

from tap_interviewflow.api.client import PATH
from tap_interviewflow.records.schema import INTERVIEWER

if TYPE_CHECKING:
    from tap_interviewflow.api.completeness import Verdict

STREAM: Final = "candidates"


class CandidateMetric(Enum):
    """What is measured for each Interviewer."""

    PROMISED = "candidates_promised"
    READ = "candidates_read"
    WRITTEN = "candidates_written"


class RequestMetrics:
    """The SDK's metrics of requests, as each of its REST streams logs them."""

    def __init__(self) -> None:
        """Start at none."""
        self._counter = metrics.http_request_counter(STREAM, endpoint=PATH)
        self._lock = threading.Lock()
        self._logger = metrics.get_metrics_logger()

    def log(self, status: int | None, seconds: float) -> None:
        """Log one exchange, in the thread that made it.

        Args:
            status: The status of the answer; None if none came.
            seconds: How long it took.
        """
        with self._lock:
            self._counter.increment()
        is_good = status is not None and status < HTTPStatus.BAD_REQUEST
        tags: dict[str, Any] = {
            metrics.Tag.STREAM: STREAM,
            metrics.Tag.ENDPOINT: PATH,
            metrics.Tag.HTTP_STATUS_CODE: status,
            metrics.Tag.STATUS: metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED,
        }
        metrics.log(self._logger, metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags))

    def finish(self) -> None:
        """Log how many there were."""
        with self._lock:
            self._counter.exit()


def log_verdict(interviewer_id: str, verdict: Verdict, written: int) -> None:
    """Log how many candidates of an Interviewer were promised, read and written, and whether that is all."""
    tags = {
        metrics.Tag.STREAM: STREAM,
        metrics.Tag.CONTEXT: {INTERVIEWER: interviewer_id},
        "verdict": "complete" if verdict.is_complete else "incomplete",
    }
    for metric, value in zip(CandidateMetric, (verdict.promised, verdict.read, written), strict=True):
        if value is not None:
            point = metrics.Point("counter", metric, value, tags)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
            metrics.log(metrics.get_metrics_logger(), point)
