"""What one person of the load holds of each room, and what came twice or never.

Owns the rule that a room's next entry is position + 1. Pure. Must never repair anything as a phone would: what a phone
would have to fetch was not delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from proto.frames import RoomState


class Diary:
    """Positions by room. `lost` counts entries jumped over, `duplicated` those that came again."""

    __slots__ = ("_behind", "duplicated", "lost", "positions")

    def __init__(self) -> None:
        self.positions: dict[UUID, int] = {}
        self.lost = 0
        self.duplicated = 0
        # Rooms whose entries up to the head that a resume named are still to come.
        self._behind: dict[UUID, int] = {}

    @property
    def complete(self) -> bool:
        """Whether everything that the last resume promised has come."""
        return not self._behind

    def begin(self, states: Iterable[RoomState]) -> None:
        """Hold these rooms from where they stand now."""
        self.positions = {state.room: state.head for state in states}

    def resumed(self, states: Iterable[RoomState]) -> None:
        """The answer to a resume that named all positions."""
        self._behind = {}
        for state in states:
            at = self.positions.get(state.room)
            if at is None:
                continue
            if state.status == "gap":
                self._jump(state.room, at, state.from_seq - 1)
                at = self.positions[state.room]
            if state.head > at:
                self._behind[state.room] = state.head

    def took(self, room: UUID, from_seq: int, to_seq: int) -> bool:
        """An entry came, or a skip; whether it is news."""
        at = self.positions.get(room)
        if at is None:
            return False
        if to_seq <= at:
            self.duplicated += 1
            return False
        self._jump(room, at, from_seq - 1)
        self.positions[room] = to_seq
        if to_seq >= self._behind.get(room, to_seq + 1):
            del self._behind[room]
        return True

    def gap(self, room: UUID, to_seq: int) -> None:
        """The server says that these would have to be fetched."""
        at = self.positions.get(room)
        if at is not None:
            self._jump(room, at, to_seq)

    def missing(self, heads: Mapping[UUID, int]) -> int:
        """Entries up to these heads that have not come."""
        return sum(
            max(0, heads.get(room, 0) - position) for room, position in self.positions.items()
        )

    def _jump(self, room: UUID, at: int, to_seq: int) -> None:
        if to_seq > at:
            self.lost += to_seq - at
            self.positions[room] = to_seq
            if to_seq >= self._behind.get(room, to_seq + 1):
                del self._behind[room]
