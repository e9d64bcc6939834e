"""Metrics, verdicts and warnings of a run."""

from __future__ import annotations

import logging
import threading
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from singer_sdk import metrics

from tap_interviewflow.api.client import PATH
from tap_interviewflow.api.redact import count_of, plain_name
from tap_interviewflow.records.schema import CUSTOM_FIELDS, INTERVIEWER, RESCUED, STREAM, column_names, custom_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_interviewflow.api.completeness import Verdict
    from tap_interviewflow.records.conform import Conformer, Counts

MAX_WARNINGS: Final = 50
"""The maximum number of warnings about fields."""

logger = logging.getLogger(f"tap-interviewflow.{STREAM}")


class CandidateMetric(Enum):
    """The metrics of each Interviewer."""

    STATED = "candidates_stated"
    READ = "candidates_read"
    WRITTEN = "candidates_written"


class RequestMetrics:
    """The metrics of requests that the SDK's REST streams log."""

    def __init__(self) -> None:
        """Start at none."""
        self._counter = metrics.http_request_counter(STREAM, endpoint=PATH)
        self._lock = threading.Lock()
        self._logger = metrics.get_metrics_logger()

    def log(self, status: int | None, seconds: float) -> None:
        """Log an HTTP exchange. Safe to call from several threads; the status is None if no response came."""
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
        """Log the number of requests."""
        with self._lock:
            self._counter.exit()


def log_verdict(interviewer_id: str, verdict: Verdict, written: int, start: datetime | None = None) -> None:
    """Log how many candidates of an Interviewer the API states, were read and written, and whether that is all.

    Args:
        interviewer_id: The Interviewer.
        verdict: How its read ended.
        written: How many candidates were written.
        start: The time before which no candidate is written.
    """
    since = f" since {start.isoformat()}" if start else ""
    outcome = "complete" if verdict.is_complete else f"incomplete: {verdict.incomplete_reason}"
    logger.log(
        logging.INFO if verdict.is_complete else logging.WARNING,
        "Interviewer %s: %s read, %s written%s, %s",
        *(interviewer_id, f"{verdict.read:,}", f"{written:,}", since, outcome),
    )
    tags = {
        metrics.Tag.STREAM: STREAM,
        metrics.Tag.CONTEXT: {INTERVIEWER: interviewer_id},
        "verdict": outcome.partition(":")[0],
    }
    values = {
        CandidateMetric.STATED: verdict.stated,
        CandidateMetric.READ: verdict.read,
        CandidateMetric.WRITTEN: written,
    }
    for metric, value in values.items():
        if value is not None:
            point = metrics.Point("counter", metric, value, tags)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
            metrics.log(metrics.get_metrics_logger(), point)


def failure_of(verdicts: Mapping[str, Verdict], *, allow_incomplete: bool) -> str | None:
    """Return why a run ends with an error although it came to its end, or None.

    Args:
        verdicts: How the read of each Interviewer ended.
        allow_incomplete: Whether a read may be incomplete, if no error ended it.
    """
    failed = {
        name: each for name, each in verdicts.items() if each.is_error or not (each.is_complete or allow_incomplete)
    }
    if not failed:
        return None
    name, verdict = next(iter(failed.items()))
    is_total_missed = str(verdict.incomplete_reason).startswith("the API states")
    may_allow = "; set allow_incomplete if the total counts what is not listed" if is_total_missed else ""
    advice = "" if verdict.is_error else f". Run again, and compare with the dashboard{may_allow}"
    share = f"{len(failed)} of {count_of(len(verdicts), 'Interviewer')} incomplete"
    return f"Interviewer {name}: {verdict.incomplete_reason}; {share}{advice}"


def log_unexpected(counts: Counts, conformer: Conformer) -> None:
    """Log a warning with counts for each field with values that did not fit."""
    kept = f"kept in {RESCUED}" if conformer.has_rescue else f"dropped, as {RESCUED} is not selected"
    fates = dict.fromkeys(conformer.never_rescued, "dropped, as a map replaces it")
    custom = custom_fields(conformer.properties)
    unknown = sorted((name, count) for (name, mismatch), count in counts.unexpected.items() if not mismatch)
    known = sorted((name, mismatch, count) for (name, mismatch), count in counts.unexpected.items() if mismatch)
    can_be_columns = {*column_names([*conformer.properties, *dict(unknown)])} - {RESCUED}
    lines = []
    unnamed = 0
    for name, count in unknown:
        shown = plain_name(name)
        line = f"{count:,} of {counts.candidates:,} candidates have the field {shown}, {fates.get(name, kept)}"
        if name in can_be_columns:
            lines.append(f"{line}; run discovery again for a column")
        elif shown == name:
            lines.append(f"{line}; not every warehouse can hold a column of that name beside the others")
        else:
            unnamed += name not in fates
    for name, mismatch, count in known:
        fate = f"null there, as {CUSTOM_FIELDS} holds them" if name in custom else fates.get(name, kept)
        lines.append(f"{count:,} of {counts.candidates:,} values of {plain_name(name)} {mismatch}; {fate}")
    if unnamed:
        lines.append(f"{count_of(unnamed, 'field')} with names that not every warehouse can hold: {kept}")
    for line in lines[:MAX_WARNINGS]:
        logger.warning("%s", line)
    if len(lines) > MAX_WARNINGS:
        logger.warning("Values of %d more fields are %s", len(lines) - MAX_WARNINGS, kept)
    if counts.replaced:
        logger.warning("Replaced %s that no target can store by U+FFFD", count_of(counts.replaced, "character"))
