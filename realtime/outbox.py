"""The outbox of one socket: what waits to be written, and what becomes of a reader who is slow.

    flowing     everything is written at the end of the tick
    thinned     the transport takes no more for now, or an eighth of the bound waits: no ephemeral frames
    congested   a quarter waits: rooms send heads alone, up to half of the bound, and catch up later
    over        the bound is reached, or nothing was taken for too long: the socket is closed, it may come back

Owns the ladder and the bytes. Pure: must never touch a transport or read a clock.
"""

from __future__ import annotations

from enum import IntEnum
from math import inf
from typing import Final

TRANSPORT_SHARE: Final = 8
"""A transport says that it takes no more when it holds so small a part of the bound: the first step."""


class Level(IntEnum):
    """Where on the ladder a socket stands."""

    flowing = 0
    thinned = 1
    congested = 2
    over = 3


class Outbox:
    """Frames that wait, whole WebSocket frames each."""

    __slots__ = (
        "_blocked_at",
        "_bound",
        "_first",
        "_handed",
        "_heavy_at",
        "_rest",
        "_within_s",
        "blocked",
        "queued",
    )

    def __init__(self, bound: int, drained_within_s: float) -> None:
        self._bound = bound
        self._within_s = drained_within_s
        self._first = b""
        self._rest: list[bytes] | None = None
        self._blocked_at = inf
        self._handed = 0
        self.blocked = False
        """Whether the transport takes no more."""
        self.queued = 0
        self._heavy_at = bound // TRANSPORT_SHARE

    def put(self, data: bytes) -> bool:
        """Append one frame; whether the ladder is worth a look before the end of the tick."""
        if not self._first:
            self._first = data  # mostly the only one: no list is made for it
        elif self._rest is None:
            self._rest = [data]
        else:
            self._rest.append(data)
        queued = self.queued = self.queued + len(data)
        return queued > self._heavy_at

    def take(self) -> bytes:
        """Everything that waits, as one write; nothing while the transport takes no more."""
        data = self._first
        if self.blocked or not data:
            return b""
        if self._rest is not None:
            data = b"".join((data, *self._rest))
            self._rest = None
        self._first = b""
        self.queued = 0
        return data

    def empty(self) -> None:
        """Forget what waits: the socket is being closed and its client resumes from what it has."""
        self._first, self._rest = b"", None
        self.queued = 0

    def block(self, handed: int, now: float) -> None:
        """The transport holds `handed` bytes and takes no more."""
        self.blocked = True
        self._blocked_at = now
        self._handed = handed

    def unblock(self) -> None:
        """The transport has written most of what it held: the reader reads, however slowly."""
        self.blocked = False
        self._blocked_at = inf
        self._handed = 0

    def level(self, now: float) -> Level:
        """Look where the socket stands now."""
        waiting = self.queued + self._handed
        if waiting > self._bound or now - self._blocked_at >= self._within_s:
            return Level.over
        if waiting > self._bound // 4:
            return Level.congested
        if self.blocked or waiting > self._heavy_at:
            return Level.thinned
        return Level.flowing

    @property
    def takes_heads(self) -> bool:
        """Whether there is room for what may be left out: half of the bound is kept for answers."""
        return self.queued + self._handed <= self._bound // 2

    @property
    def deadline(self) -> float:
        """When the transport will have taken nothing for too long."""
        return self._blocked_at + self._within_s
