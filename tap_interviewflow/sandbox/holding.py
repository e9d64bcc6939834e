"""What one Interviewer holds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tap_interviewflow.sandbox.candidates import ODDITIES, Candidate, made_up, matches, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Holding:
    """What one Interviewer holds. It never changes; another one takes its place."""

    def __init__(
        self,
        kept: Sequence[int | Mapping[str, Any]],
        raw: bytes | None,
        interviewer: str,
        *,
        seed: int,
        odd: bool,
    ) -> None:
        """A number in `kept` stands for the made-up candidate at that index; `raw` is sent as it is."""
        self.kept, self.raw = kept, raw
        self.answers: dict[object, bytes] = {}
        self._interviewer, self._seed, self._odd = interviewer, seed, odd
        self._places: dict[object, int] = {}
        self._matching: dict[bytes, Sequence[int]] = {}

    def candidate(self, place: int) -> Candidate:
        """The candidate at a place in the API's order."""
        kept = self.kept[place]
        if not isinstance(kept, int):
            return dict(kept)
        candidate = made_up(self._seed, self._interviewer, kept)
        if self._odd and kept % 10 == 9:  # noqa: PLR2004 - every tenth
            candidate |= copy.deepcopy(ODDITIES[kept // 10 % len(ODDITIES)])
        return candidate

    def matching(self, wanted: Mapping[str, object]) -> Sequence[int]:
        """The places of the candidates that a filter keeps."""
        everyone = range(len(self.kept))
        if not wanted:
            return everyone
        key = to_json(wanted)
        if key not in self._matching:
            self._matching[key] = [place for place in everyone if matches(self.candidate(place), wanted)]
        return self._matching[key]

    def place_of(self, interview_id: str) -> int | None:
        """Where the candidate with this interview ID is."""
        if not self._places:
            ids = (self._id_at(place) for place in range(len(self.kept)))
            self._places = {id_: place for place, id_ in enumerate(ids)}
        return self._places.get(interview_id)

    def _id_at(self, place: int) -> str:
        candidate = self.candidate(place)
        return str(next((candidate[name] for name in ("id", "interviewId", "_id") if candidate.get(name)), None))
