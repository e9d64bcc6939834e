"""The garbage collector while pages are read."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_ALLOCATIONS: Final = 20_000
"""About what twenty pages of a hundred candidates leave in memory at once; Python's own default is 700."""


@contextmanager
def at_rest() -> Generator[None]:
    """Have the collector look less often, and only at what is new.

    Pages come and go without a cycle in them. To look through them time and again, and through all that the
    libraries have built up at their start, takes a tenth of a run.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
