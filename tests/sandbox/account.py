"""The account behind the API: what each Interviewer holds, and what there is to say to a good request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from tests.sandbox.envelopes import Words
from tests.sandbox.habits import Habits
from tests.sandbox.holding import Holding
from tests.sandbox.moves import MovingList
from tests.sandbox.oddities import to_json
from tests.sandbox.pages import page_shown, page_starts
from tests.sandbox.protocol import response
from tests.sandbox.query import Query, RefusedError

Held: TypeAlias = int | Sequence[Mapping[str, Any]] | bytes


@dataclass(eq=False)
class Account(Habits):
    """The Interviewers and whom they hold.

    Attributes:
        interviewers: Of each, how many made-up candidates, or which ones, or a raw body that is sent for page 1.
    """

    interviewers: Mapping[str, Held]
    _: KW_ONLY

    def __post_init__(self) -> None:
        """Take in who is held."""
        super().__post_init__()
        self._lock = threading.Lock()
        self._holdings: dict[str, Holding] = {}
        self._moving: dict[str, MovingList] = {}
        for interviewer, held in self.interviewers.items():
            self.replace(interviewer, held)

    def candidates(self, interviewer: str) -> list[dict[str, Any]]:
        """What this Interviewer holds, in the API's order."""
        holding = self._holdings[interviewer]
        return [holding.candidate(number) for number in holding.numbers]

    def present_throughout(self, interviewer: str) -> list[str]:
        """The IDs of those who were held from the first request to the last answer."""
        holding, moving = self._holdings[interviewer], self._moving.get(interviewer)
        return holding.ids(moving.throughout if moving else holding.numbers)

    def ever_present(self, interviewer: str) -> list[str]:
        """The IDs of those who were held at any time from the first request to the last answer."""
        holding, moving = self._holdings[interviewer], self._moving.get(interviewer)
        return holding.ids(moving.ever if moving else holding.numbers)

    def replace(self, interviewer: str, held: Held) -> None:
        """Hold others. As after each change by hand, a list that moves begins anew."""
        if isinstance(held, bytes):
            self._keep(Holding(interviewer, (), {}, raw=held))
        else:
            given = {} if isinstance(held, int) else dict(enumerate(held))
            numbers = range(held if isinstance(held, int) else len(held))
            self._keep(Holding(interviewer, numbers, given, seed=self.seed, odd=self.odd))

    def delete(self, interviewer: str, count: int) -> None:
        """Drop the first ones."""
        holding = self._holdings[interviewer]
        self._keep(holding.change(holding.numbers[count:], {}))

    def append(self, interviewer: str, *candidates: Mapping[str, Any]) -> None:
        """Add to the end."""
        holding = self._holdings[interviewer]
        given = dict(enumerate(candidates, max(holding.numbers, default=-1) + 1))
        self._keep(holding.change([*holding.numbers, *given], given))

    def _keep(self, holding: Holding) -> None:
        with self._lock:
            self._holdings[holding.interviewer] = holding
            self._moving.pop(holding.interviewer, None)
            for other in self._holdings.values():
                other.answers.clear()  # they may say how many all have

    def preencode(self, limit: int) -> None:
        """Have every page of this size ready, so that a benchmark does not measure their making."""
        held = min(limit, self.max_limit or limit)
        for interviewer, holding in self._holdings.items() if self.cache and not self.moves else ():
            for page in range(1, len(holding.numbers) // held + 3):
                with suppress(RefusedError):
                    self._good(Query(interviewer, page, held, {}, None, asked_limit=limit))

    def _good(self, query: Query) -> bytes:
        """The answer to a good request."""
        if self.moves or not self.cache:
            return self._made(query)
        answers = self._holdings[query.interviewer].answers
        fields = to_json(query.fields) if query.fields else None  # as JSON, since 1 and true are one key otherwise
        key = query[:3], query[4:], fields, self.shape
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = self._made(query)
        return answer

    def _made(self, query: Query) -> bytes:
        holding = self._holdings[query.interviewer]
        if holding.raw is not None and query.page == 1:
            return response(200, holding.raw)
        content = self._page(query) if query.interview_id is None else self._person(holding, query.interview_id)
        return response(200, to_json(content))

    def _person(self, holding: Holding, interview_id: str) -> object:
        number = holding.find(interview_id)
        if number is None:
            raise RefusedError(404, "no candidate has this interviewId")
        candidate = holding.candidate(number)
        if self.single == "list":
            return self.enveloped([candidate])
        return {"data": candidate if self.single == "data" else {"candidate": candidate}}

    def _page(self, query: Query) -> object:
        holding, numbers = self._snapshot(query)
        seed = self._seed(query.interviewer)
        starts = [*page_starts(len(numbers), query.limit, self.thin, seed), len(numbers)]
        pages = len(starts) - 1
        page = query.page
        if page > max(pages, 1):
            if self.past_end.isdecimal() or self.past_end == "failure":
                status = int(self.past_end) if self.past_end.isdecimal() else 200
                raise RefusedError(status, f"there is no page {page}")
            page = page_shown(self.past_end, page, pages, seed)
        shown = numbers[starts[page - 1] : starts[page]] if page <= pages and not query.is_blank else ()
        words = Words(
            page=page,
            limit=query.limit,
            shown=len(shown),
            total=len(numbers),
            pages=pages,
            more=page < pages,
            asked_limit=query.asked_limit,
            account=sum(len(other.numbers) for other in self._holdings.values()),
        )
        return self.enveloped([holding.candidate(number) for number in shown], words)

    def _seed(self, interviewer: str) -> str:
        return f"{self.seed}/{interviewer}"

    def _snapshot(self, query: Query) -> tuple[Holding, Sequence[int]]:
        """What is held at this moment, and whom of it the filter keeps."""
        if self.moves is None:
            holding = self._holdings[query.interviewer]
            return holding, holding.matching(query.fields)
        with self._lock:
            holding = self._holdings[query.interviewer]
            moving = self._moving.get(query.interviewer)
            if moving is None and query.page == 1:
                return holding, holding.matching(query.fields)
            if moving is None:
                starts = page_starts(len(holding.numbers), query.limit, self.thin, self._seed(query.interviewer))
                moving = self._moving[query.interviewer] = MovingList(self.moves, holding, len(starts))
            moving.before_answer()
            self._holdings[query.interviewer] = holding = moving.holding
            return holding, moving.ranked(holding.matching(query.fields))
