from __future__ import annotations

from tests.targets.conftest import api, postgres_server

__all__ = ["api", "postgres_server"]
