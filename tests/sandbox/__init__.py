"""An API on loopback that behaves as a test chooses: faults, envelopes, wrong metadata, lists that move."""

from tap_interviewflow.sandbox.query import PATH
from tests.sandbox.envelopes import Envelope, Framework, Lie, Metadata, Within
from tests.sandbox.moves import Move, Moves
from tests.sandbox.server import PastEnd, Sandbox

__all__ = ["PATH", "Envelope", "Framework", "Lie", "Metadata", "Move", "Moves", "PastEnd", "Sandbox", "Within"]
