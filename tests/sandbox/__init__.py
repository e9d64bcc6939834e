"""An API on loopback that behaves as a test chooses: faults, envelopes, metadata, lists that move."""

from tap_interviewflow.sandbox.query import PATH
from tests.sandbox.metadata import Metadata
from tests.sandbox.moves import Move, Moves
from tests.sandbox.pages import PastEnd
from tests.sandbox.server import Sandbox

__all__ = ["PATH", "Metadata", "Move", "Moves", "PastEnd", "Sandbox"]
