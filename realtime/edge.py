"""What a driver shares with all others, and whom it talks to.

    Edge       the terms, the clock, the wheel ... one per process
    Door       the listener it came in by
    Receiver   the connection above it

Owns these signatures. Must never hold behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from muster.clock import Clock
from realtime.flusher import Flusher
from realtime.handshake import Handshake
from realtime.spare import Spare
from realtime.tally import Tally
from realtime.terms import Terms
from realtime.wheel import Wheel

if TYPE_CHECKING:
    from realtime.driver import Driver


@dataclass(frozen=True, slots=True)
class Edge:
    """What all drivers of a process share."""

    terms: Terms
    clock: Clock
    wheel: Wheel
    flusher: Flusher
    tally: Tally
    spare: Spare


class Receiver(Protocol):
    """A connection, as its driver sees it."""

    def message(self, data: bytes, now: float) -> None:
        """One whole message."""
        ...

    def throttled(self, wait_s: float) -> None:
        """Nothing more is read for so long, because too much came."""
        ...

    def blocked(self, handed: int) -> None:
        """The transport holds `handed` bytes and wants no more."""
        ...

    def unblocked(self) -> None:
        """It wants more again."""
        ...

    def flush(self) -> None:
        """Write what waits: a close is about to follow."""
        ...

    def close(self, code: int, reason: str, retry_after_ms: int | None = None) -> None:
        """Something is wrong with the peer: say goodbye, then `Driver.close`."""
        ...

    def due(self, now: float) -> float:
        """Do what is due; when to look again."""
        ...

    def lost(self, clean: bool) -> None:
        """The connection is gone; `clean` if its client meant it."""
        ...


class Door(Protocol):
    """A listener, as its drivers see it."""

    @property
    def handshake(self) -> Handshake: ...

    def came(self, driver: Driver) -> None:
        """A TCP connection was accepted."""
        ...

    def opened(self, driver: Driver, text: bool) -> Receiver:
        """It is a WebSocket now: who takes its messages?"""
        ...

    def gone(self, driver: Driver) -> None:
        """It ended."""
        ...
