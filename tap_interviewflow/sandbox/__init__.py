"""A made-up API on loopback that speaks the documented request, so that nobody needs an account to try."""

from tap_interviewflow.sandbox.envelopes import Envelope, Framework, Lie, Metadata, Within
from tap_interviewflow.sandbox.faults import FAULTS
from tap_interviewflow.sandbox.moves import Move, Moves
from tap_interviewflow.sandbox.pages import PastEnd
from tap_interviewflow.sandbox.query import PATH, USUAL_LIMIT
from tap_interviewflow.sandbox.server import Sandbox

__all__ = [
    "FAULTS", "PATH", "USUAL_LIMIT", "Envelope", "Framework", "Lie", "Metadata", "Move", "Moves", "PastEnd", "Sandbox",
    "Within",
]  # fmt: skip
