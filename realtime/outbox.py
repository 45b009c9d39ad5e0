"""The outbox of one socket: what waits to be written, and what becomes of a reader who is slow.

    flowing     everything is written at the end of the tick
    congested   a quarter of the bound waits, or the transport takes no more: no ephemeral frames, rooms catch up
    over        the bound is reached, or it stayed congested too long: the socket is closed, it may come back

Owns the ladder and the bytes. Pure: must never touch a transport or read a clock.
"""

from __future__ import annotations

from enum import Enum
from math import inf


class Level(Enum):
    """Where on the ladder a socket stands."""

    flowing = "flowing"
    congested = "congested"
    over = "over"


class Outbox:
    """Frames that wait, whole WebSocket frames each."""

    __slots__ = (
        "_blocked",
        "_bound",
        "_handed",
        "_pending",
        "_since",
        "_within_s",
        "heavy_at",
        "queued",
    )

    def __init__(self, bound: int, drained_within_s: float) -> None:
        self._bound = bound
        self._within_s = drained_within_s
        self._pending: list[bytes] = []
        self._since = inf
        self._blocked = False
        self._handed = 0
        self.queued = 0
        self.heavy_at = bound // 4
        """With more than this queued, the ladder is worth a look before the end of the tick."""

    def put(self, data: bytes) -> None:
        """Append one frame."""
        self._pending.append(data)
        self.queued += len(data)

    def take(self) -> bytes:
        """Everything that waits, as one write; nothing while the transport takes no more."""
        pending = self._pending
        if self._blocked or not pending:
            return b""
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        self.queued = 0
        return data

    def empty(self) -> None:
        """Forget what waits: the socket is being closed and its client resumes from what it has."""
        self._pending.clear()
        self.queued = 0

    def block(self, handed: int) -> None:
        """The transport holds `handed` bytes and takes no more."""
        self._blocked = True
        self._handed = handed

    def unblock(self) -> None:
        """The transport has written most of what it held."""
        self._blocked = False
        self._handed = 0

    def level(self, now: float) -> Level:
        """Look where the socket stands now; entering and leaving congestion happen here alone."""
        waiting = self.queued + self._handed
        if waiting > self._bound or now - self._since >= self._within_s:
            return Level.over
        if self._blocked or waiting > self.heavy_at:
            if self._since == inf:
                self._since = now
            return Level.congested
        self._since = inf
        return Level.flowing

    @property
    def deadline(self) -> float:
        """When the socket will have been congested for too long."""
        return self._since + self._within_s
