"""A made-up API on loopback that speaks the documented request, so that nobody needs an account to try."""

from tests.sandbox.envelopes import Envelope, Framework, Lie, Metadata, Within
from tests.sandbox.faults import FAULTS
from tests.sandbox.moves import Move, Moves
from tests.sandbox.pages import PastEnd
from tests.sandbox.query import PATH, USUAL_LIMIT
from tests.sandbox.server import Sandbox

__all__ = [
    "FAULTS", "PATH", "USUAL_LIMIT", "Envelope", "Framework", "Lie", "Metadata", "Move", "Moves", "PastEnd", "Sandbox",
    "Within",
]  # fmt: skip
