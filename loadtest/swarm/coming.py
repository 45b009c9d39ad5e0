"""Somebody comes to an event by the fixes of their phone, over the socket they have.

Owns when they are sent, and what their answer has to say. Pure: the clock is passed in, and what is sent. A socket that
ends before the answer takes nothing: the same place is told on the next. Must never be told twice of one coming.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final
from uuid import UUID

from loadtest.swarm import rows
from loadtest.swarm.rows import Record
from loadtest.swarm.said import ANSWERED_WITHIN_S
from proto.frames import Fixes, Placed
from proto.place import PhoneFix

_INSIDE: Final = frozenset({"inside", "pending_out"})


class Coming:
    """One coming, due at `due_at` (monotonic)."""

    def __init__(
        self,
        due_at: float,
        event: UUID,
        gathered: Callable[[], list[PhoneFix]],
        let_in: Callable[[], None],
    ) -> None:
        """`gathered`: the fixes, as they are sent; `let_in` is called when the answer says that they are there."""
        self._due_at = due_at
        self._event = event
        self._gathered = gathered
        self._let_in = let_in
        self._answer_by: float | None = None
        self._is_over = False

    def next_at(self) -> float:
        """When `due` is to be asked."""
        if self._is_over:
            return inf
        return self._due_at if self._answer_by is None else self._answer_by

    def due(self, request: int, now: float, record: Record) -> Fixes | None:
        """What is to be sent now."""
        if self._is_over or now < self.next_at():
            return None
        if self._answer_by is not None:
            self.failed(now, record, "no answer within 5 s")
            return None
        self._answer_by = now + ANSWERED_WITHIN_S
        return Fixes(request, self._gathered())

    def placed(self, answer: Placed, size: int, now: float, record: Record) -> None:
        """The answer."""
        if self._is_over:
            return
        if not any(one.room == self._event and one.phase in _INSIDE for one in answer.events):
            self.failed(now, record, "not inside by fixes in the middle of it")
            return
        self._is_over = True
        self._let_in()
        record(rows.CHECK_IN, now - self._due_at, size)

    def failed(self, now: float, record: Record, why: str) -> None:
        """It came to nothing."""
        if not self._is_over:
            self._is_over = True
            record(rows.CHECK_IN, now - self._due_at, 0, why)

    def broken(self) -> None:
        """The socket is gone."""
        self._answer_by = None
