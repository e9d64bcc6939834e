"""Whether a target may delete what did not come in this run: asked before ACTIVATE_VERSION is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_interviewflow.reader import Reader


def reason_of_settings(config: Mapping[str, Any], *, reads_some: bool) -> str | None:
    """Say why it may not, as far as the settings tell, or None.

    Args:
        config: The settings.
        reads_some: Whether the run ends after some candidates, as a test of the connection does.
    """
    maps = (config.get("stream_maps") or {}).values()
    reasons = {
        "rows in batch files carry no version": config.get("batch_config"),
        "only single candidates are read": config.get("interview_ids"),
        "additional_fields leaves candidates out": config.get("additional_fields"),
        "a __filter__ in stream_maps leaves candidates out": any(
            isinstance(each, dict) and "__filter__" in each for each in maps
        ),
        "only some candidates are read": reads_some,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def reason_against(config: Mapping[str, Any], reader: Reader, *, reads_some: bool) -> str | None:
    """Say why it may not, after everything was read, or None. Empty Interviewers are asked once more.

    Args:
        config: The settings.
        reader: What has read all Interviewers.
        reads_some: As above.
    """
    if reason := reason_of_settings(config, reads_some=reads_some):
        return reason
    for interviewer_id in reader.interviewer_ids:
        verdict = reader.verdicts.get(interviewer_id)
        if verdict is None or not verdict.is_complete:
            return f"not everything was read of Interviewer {interviewer_id}"
        if not verdict.is_confirmed:
            return f"a second look at Interviewer {interviewer_id} found other candidates"
    if not any(verdict.read for verdict in reader.verdicts.values()):
        return "no Interviewer has a single candidate"
    if not reader.are_still_empty():
        return "an Interviewer that had no candidate has some now"
    return None
