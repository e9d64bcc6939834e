"""Conditions for ACTIVATE_VERSION, by which a target deletes what did not come in this run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_interviewflow.records.bookmark import filter_expressions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_interviewflow.reader import Reader


def reason_of_settings(config: Mapping[str, Any], *, reads_all: bool) -> str | None:
    """Return the setting that forbids deletes, or None.

    Args:
        config: The settings.
        reads_all: Whether the run is in FULL_TABLE mode and reads to the end, unlike a test of the connection.
    """
    reasons = {
        "the run is INCREMENTAL, or a test; for deletes set replication-method to FULL_TABLE": not reads_all,
        "rows in batch files carry no version": config.get("batch_config"),
        "only single candidates are read (interview_ids)": config.get("interview_ids"),
        "additional_fields leaves candidates out": config.get("additional_fields"),
        "a __filter__ in stream_maps leaves candidates out": filter_expressions(config),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def reason_of_verdicts(reader: Reader) -> str | None:
    """Return which read forbids deletes, or None."""
    for interviewer_id in reader.interviewer_ids:
        verdict = reader.verdicts.get(interviewer_id)
        if verdict is None or not verdict.is_complete:
            return f"not everything was read of Interviewer {interviewer_id}"
        if verdict.delete_blocker:
            return f"Interviewer {interviewer_id}: {verdict.delete_blocker}"
    if not any(verdict.read for verdict in reader.verdicts.values()):
        return "no Interviewer has a single candidate"
    return None
