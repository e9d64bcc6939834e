"""The responses to good requests: which candidates each Interviewer has, and how they are cut into pages."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tap_interviewflow.sandbox.candidates import matches
from tap_interviewflow.sandbox.query import Query, RequestError
from tests.sandbox.candidates import CandidateList, to_json
from tests.sandbox.metadata import Metadata, PageMetadata, spelled
from tests.sandbox.moves import Mover
from tests.sandbox.protocol import response

if TYPE_CHECKING:
    from tests.sandbox.moves import Moves

Held: TypeAlias = int | Sequence[Mapping[str, Any]] | bytes
PastEnd = Literal["empty", "repeat", "204", "404", "null", "nolist", "failure"]


@dataclass(eq=False)
class Account:
    """The candidates behind the API. All attributes but `interviewers`, `seed` and `odd` may be changed at any time.

    Attributes:
        interviewers: Of each, how many made-up candidates, or which ones, or a raw body that is sent for page 1.
        seed: Another number makes up other candidates.
        odd: Every tenth candidate has something odd.
        envelope: Where in the body the list is, such as "data.candidates"; "body" is the body itself.
        metadata: The page metadata beside the list.
        past_end: What comes for a page behind the last one: the last one again, a status, `null` for the list, the
            envelope without it, or a failure with HTTP 200.
        moves: How the list changes while it is read.
    """

    interviewers: Mapping[str, Held]
    _: KW_ONLY
    seed: int = 0
    odd: bool = False
    envelope: str = "data.candidates"
    metadata: Metadata | None = None
    past_end: PastEnd = "empty"
    moves: Moves | None = None

    def __post_init__(self) -> None:
        """Hold the candidates."""
        self._lock = threading.RLock()
        self._lists: dict[str, CandidateList] = {}
        self._raw: dict[str, bytes] = {}
        self._movers: dict[str, Mover] = {}
        for interviewer, held in self.interviewers.items():
            self.replace(interviewer, held)

    def candidates(self, interviewer: str) -> list[dict[str, Any]]:
        """Return the candidates of this Interviewer, in the API's order."""
        with self._lock:
            held = self._lists[interviewer]
            return [held.candidate(number) for number in held.numbers]

    def present_throughout(self, interviewer: str) -> set[str]:
        """Return the IDs of those that were in the list from the first request to the last response."""
        held = self._lists[interviewer]
        return {held.id_of(number) for number in held.throughout}

    def ever_present(self, interviewer: str) -> set[str]:
        """Return the IDs of those that were in the list at any time."""
        held = self._lists[interviewer]
        return {held.id_of(number) for number in held.ever}

    def replace(self, interviewer: str, held: Held) -> None:
        """Hold other candidates. As after each change by hand, a list that moves begins anew."""
        with self._lock:
            self._raw.pop(interviewer, None)
            if isinstance(held, bytes):
                self._raw[interviewer], held = held, 0
            self._lists[interviewer] = CandidateList(interviewer, held, seed=self.seed, odd=self.odd)
            self._movers.pop(interviewer, None)

    def delete(self, interviewer: str, count: int) -> None:
        """Delete the first ones."""
        self._reset(interviewer, self._lists[interviewer].numbers[count:])

    def append(self, interviewer: str, *candidates: Mapping[str, Any]) -> None:
        """Add candidates to the end."""
        held = self._lists[interviewer]
        with self._lock:
            added = range(held.next_number(), held.next_number() + len(candidates))
            for number, candidate in zip(added, candidates, strict=True):
                held.put(number, candidate)
            self._reset(interviewer, [*held.numbers, *added])

    def _reset(self, interviewer: str, numbers: list[int]) -> None:
        with self._lock:
            self._lists[interviewer].reset(numbers)
            self._movers.pop(interviewer, None)

    def respond(self, query: Query, *, is_blank: bool = False) -> bytes:
        """Return the response to a good request.

        Args:
            query: What it asks for.
            is_blank: Leave the candidates of its page out.

        Raises:
            RequestError: If there is no such Interviewer, candidate or page.
        """
        if query.interviewer_id not in self._lists:
            raise RequestError(404, "no Interviewer has this interviewerId")
        if query.interview_id is not None:
            return response(200, to_json(self._one(query.interviewer_id, query.interview_id)))
        if query.page == 1 and query.interviewer_id in self._raw:
            return response(200, self._raw[query.interviewer_id])
        return response(200, to_json(self._page(query, is_blank=is_blank)))

    def _one(self, interviewer: str, interview_id: str) -> object:
        held = self._lists[interviewer]
        for number in held.numbers:
            if held.id_of(number) == interview_id:
                return {"success": True, "data": held.candidate(number)}
        raise RequestError(404, "no candidate has this interviewId")

    def _page(self, query: Query, *, is_blank: bool) -> object:
        page, limit = query.page, query.limit
        with self._lock:
            held = self._moved(query.interviewer_id, page, limit)
            numbers = held.numbers
            if wanted := query.additional_fields:
                numbers = [number for number in numbers if matches(held.candidate(number), wanted)]
            pages = max(1, -(-len(numbers) // limit))
            if page > pages:
                page = self._page_past_end(page, pages)
            shown = [] if is_blank else numbers[(page - 1) * limit : page * limit]
            candidates = [held.candidate(number) for number in shown]
        beside = spelled(PageMetadata(page, limit, len(numbers), -(-len(numbers) // limit)), self.metadata)
        if page > pages and self.past_end == "nolist":
            return {"success": True, "data": beside}
        return self.enveloped(None if page > pages and self.past_end == "null" else candidates, beside)

    def enveloped(self, rows: Sequence[object] | None, beside: Mapping[str, object]) -> object:
        """Return the body with this list, and with this metadata beside it."""
        if self.envelope == "body":
            return rows
        *outer, name = self.envelope.split(".")
        body: dict[str, object] = {name: rows, **beside}
        for level in reversed(outer):
            body = {level: body}
        return {"success": True, **body}

    def _moved(self, interviewer: str, page: int, limit: int) -> CandidateList:
        """Return the list as it is at this moment."""
        held = self._lists[interviewer]
        if self.moves is not None and (page > 1 or interviewer in self._movers):
            if interviewer not in self._movers:
                self._movers[interviewer] = Mover(self.moves, held, -(-len(held.numbers) // limit))
            self._movers[interviewer].before_response()
        return held

    def _page_past_end(self, page: int, last: int) -> int:
        """Return the page that comes for one behind the last."""
        if self.past_end.isdecimal() or self.past_end == "failure":
            status = int(self.past_end) if self.past_end.isdecimal() else 200
            raise RequestError(status, f"there is no page {page}")
        return last if self.past_end == "repeat" else page
