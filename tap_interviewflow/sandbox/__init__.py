"""A made-up API on loopback that speaks the documented request, so that nobody needs an account to try."""

from tap_interviewflow.sandbox.server import SandboxServer

__all__ = ["SandboxServer"]
