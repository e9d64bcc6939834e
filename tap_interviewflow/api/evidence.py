"""What shows that a list moved while it was read: IDs that came before, and totals that changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SeenIDs:
    """IDs that came, and in which look they came last: nine bytes for each."""

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self._buckets: defaultdict[int, bytearray] = defaultdict(bytearray)

    def add(self, ids: Sequence[str], look: int) -> tuple[list[int], int]:
        """Add IDs.

        Args:
            ids: The IDs of a page.
            look: The number of the look that they came in, up to 255.

        Returns:
            The places of those that are new, and how many came in this look for the first time.
        """
        unseen = []
        first = 0
        buckets = self._buckets
        for place, each in enumerate(ids):
            code = hash(each) & 0xFFFF_FFFF_FFFF_FFFF
            bucket = buckets[code & 0xFFF]  # for a million IDs some 250 in each
            key = (code >> 8).to_bytes(7)
            at = bucket.find(key)
            while at & 7 and at > 0:  # the end of one and the beginning of the next
                at = bucket.find(key, at + 1)
            if at < 0:
                unseen.append(place)
                bucket += key
                bucket.append(look)
                first += 1
            elif bucket[at + 7] != look:
                bucket[at + 7] = look
                first += 1
        self.count += len(unseen)
        return unseen, first


@dataclass(slots=True)
class Totals:
    """How many candidates were ever in the list, by the totals that its answers state.

    Answers that were in flight together may have been made in any order: a total is another one for certain only if its
    page was asked for after an answer had come with the total before. Two opposite changes within the time of one
    round of requests cancel each other, and can't be seen.

    Attributes:
        current: The total of the last answer; None before the first.
        ever: How many candidates there ever were: the first total, and all that were added.
        has_changed: Whether any two answers had different totals.
        has_grown: Whether the list got longer,
        has_shrunk: and shorter. Where both is so, changes may have cancelled each other unseen.
        is_stated: Whether every answer had one.
    """

    current: int | None = None
    ever: int = 0
    has_changed: bool = False
    has_grown: bool = False
    has_shrunk: bool = False
    is_stated: bool = True
    _since: float = 0.0
    _unsettled_until: float | None = None

    def note(self, total: int | None, sent: float, received: float) -> bool:
        """Take in the total of an answer, and tell whether it differs from that of the answers before."""
        if total is None:
            self.is_stated = False
            return False
        if self.current is None:
            self.current = self.ever = total
            self._since = received
            return False
        if total == self.current:
            if self._unsettled_until is not None and sent >= self._unsettled_until:
                self._unsettled_until = None
            self._since = min(self._since, received)
            return False
        self.has_changed = True
        if sent < self._since:
            self._unsettled_until = max(self._unsettled_until or 0.0, received)
            return True
        self.has_grown |= total > self.current
        self.has_shrunk |= total < self.current
        self.ever += max(0, total - self.current)
        self.current = total
        self._since = received
        self._unsettled_until = None
        return True

    def prove(self, count: int) -> bool:
        """Whether so many different candidates are all that there ever were."""
        is_sure = self.is_stated and self._unsettled_until is None and not (self.has_grown and self.has_shrunk)
        return self.current is not None and is_sure and count == self.ever

    def fall_short_of(self, count: int) -> bool:
        """Whether so many different candidates are more than there can ever have been."""
        return self.current is not None and self._unsettled_until is None and count > self.ever
