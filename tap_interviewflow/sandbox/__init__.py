"""A made-up API on loopback that speaks the documented request, so that nobody needs an account to try."""

from tap_interviewflow.sandbox.envelopes import Envelope, Metadata
from tap_interviewflow.sandbox.faults import FAULTS
from tap_interviewflow.sandbox.query import PATH, USUAL_LIMIT
from tap_interviewflow.sandbox.server import Sandbox

__all__ = ["FAULTS", "PATH", "USUAL_LIMIT", "Envelope", "Metadata", "Sandbox"]
