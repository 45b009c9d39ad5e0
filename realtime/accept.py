"""Who may still come in: how many sockets, how many of them nameless, how many new ones a second.

Owns the counts per process and per address of sockets that have not authenticated. Must never touch a socket:
the driver asks, and answers 503 by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from muster.bucket import Rate
from realtime.bucket import Bucket

CROWD: Final = 100
"""An address with so many nameless sockets may be a flood: half of the burst is kept for all others."""

RETRY_AFTER_S: Final = 2
"""What a refused client is told; it adds its own jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds of one process."""

    sockets: int = 20_000
    nameless_per_peer: int = 10_000
    accepts: Rate = Rate(1_500.0, 3_000.0)


class Gate:
    """The counts. `ready` is false until the lanes are read, and again when the process drains."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._accepts = Bucket(bounds.accepts)
        self._kept = bounds.accepts.burst / 2
        self._nameless: dict[str, int] = {}
        self.sockets = 0
        self.ready = False

    @property
    def nameless(self) -> int:
        """Sockets that have not authenticated."""
        return sum(self._nameless.values())

    def came(self, peer: str) -> bool:
        """A connection was accepted; whether it may go on. Either way it is counted until it `left`."""
        self.sockets += 1
        waiting = self._nameless.get(peer, 0) + 1
        self._nameless[peer] = waiting
        return self.sockets <= self._bounds.sockets and waiting <= self._bounds.nameless_per_peer

    def upgrade(self, peer: str, now: float) -> bool:
        """Whether one more WebSocket of this address may be opened now."""
        kept = self._kept if self._nameless.get(peer, 0) > CROWD else 0.0
        return self.ready and not self._accepts.take(now, leave=kept)

    def named(self, peer: str) -> None:
        """The connection authenticated: from now on it counts as a person's, not as an address'."""
        waiting = self._nameless.get(peer, 0) - 1
        if waiting > 0:
            self._nameless[peer] = waiting
        else:
            self._nameless.pop(peer, None)

    def left(self, peer: str | None) -> None:
        """The connection is gone; `peer` if it never authenticated."""
        self.sockets -= 1
        if peer is not None:
            self.named(peer)
