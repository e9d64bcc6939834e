"""Conditions for ACTIVATE_VERSION, which makes a target delete the rows that this run did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_interviewflow.records.bookmark import filter_expressions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_interviewflow.reader import Reader


def reason_of_settings(config: Mapping[str, Any], *, reads_all: bool) -> str | None:
    """Return why the settings forbid deletes, or None.

    Args:
        config: The settings.
        reads_all: Whether the run is FULL_TABLE and no connection test.
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
    """Return why the reads forbid deletes, or None."""
    for interviewer_id in reader.interviewer_ids:
        verdict = reader.verdicts.get(interviewer_id)
        if verdict is None or not verdict.is_complete:
            return f"not everything was read of Interviewer {interviewer_id}"
        if verdict.delete_blocker:
            return f"Interviewer {interviewer_id}: {verdict.delete_blocker}"
    if not any(verdict.read for verdict in reader.verdicts.values()):
        return "no Interviewer has a single candidate"
    return None
