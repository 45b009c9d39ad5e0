"""What happened in one room around one person, as a record: messages, reading, deleting, muting, and who sat where.

Owns the record and the plainest questions to it. Must never know a rule of pushing: tests/pushers/play.py drives the
product through a history, tests/pushers/expected.py says by itself what has to come of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

ACK_MS: Final = 500
"""A living socket has acked a message after so long."""


class Said(NamedTuple):
    """A message, by somebody else. `deleted_ms`: when it was taken back."""

    seq: int
    at_ms: int
    names_me: bool
    deleted_ms: int | None


class Sat(NamedTuple):
    """A device was on the roll from then until before then. A dead socket is, and acks nothing."""

    device: UUID
    from_ms: int
    to_ms: int
    attention: str
    here: bool
    dead: bool

    def at(self, now_ms: int) -> bool:
        return self.from_ms <= now_ms < self.to_ms


class Span(NamedTuple):
    from_ms: int
    to_ms: int


class History(NamedTuple):
    """Times in ms after noon; `reads`: when, and up to which seq. `quiet`: minutes after noon, in UTC."""

    room_kind: str
    level: str | None
    said: tuple[Said, ...]
    reads: tuple[tuple[int, int], ...]
    mutes: tuple[Span, ...]
    quiet: tuple[int, int]
    urgent_through: bool
    sat: tuple[Sat, ...]
    phones: tuple[UUID, ...]
    shows_local: frozenset[UUID]

    def read_at(self, now_ms: int) -> int:
        return max((seq for at_ms, seq in self.reads if at_ms <= now_ms), default=0)

    def muted_until(self, now_ms: int) -> int:
        return max((m.to_ms for m in self.mutes if m.from_ms <= now_ms < m.to_ms), default=0)

    def is_there(self, said: Said, now_ms: int) -> bool:
        """Written by then, and not deleted."""
        gone = said.deleted_ms is not None and said.deleted_ms <= now_ms
        return said.at_ms <= now_ms and not gone

    def sitting(self, now_ms: int) -> dict[UUID, Sat]:
        """The last word on each device counts."""
        return {sat.device: sat for sat in self.sat if sat.at(now_ms)}

    def acked_ms(self, device: UUID, said: Said) -> int | None:
        """When the device acked it, if ever: after a moment, or as soon as it is back."""
        first = said.at_ms + ACK_MS
        starts = [
            max(first, sat.from_ms)
            for sat in self.sat
            if sat.device == device and not sat.dead and max(first, sat.from_ms) < sat.to_ms
        ]
        return min(starts, default=None)

    def received(self, device: UUID, now_ms: int) -> int:
        acked = [(self.acked_ms(device, said), said.seq) for said in self.said]
        return max((seq for at, seq in acked if at is not None and at <= now_ms), default=0)
