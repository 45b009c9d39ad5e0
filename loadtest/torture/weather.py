"""What a link does to the bytes on their way, and what it has done to them.

Owns the words: ways, weather, counters. Pure. Must never hold a socket.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Way(StrEnum):
    """A direction, as seen from who opened the connection."""

    asks = "asks"
    answers = "answers"


class Weather(Struct, frozen=True):
    """What happens to bytes in one direction. The default passes them as they come.

    hold: nothing is taken any more; who sends fills the kernel's buffers, and all of it arrives after the mending.
    drop: everything is taken and thrown away. A TCP stream with a hole does not exist, so a connection that lost
    bytes is reset by the mending.
    delay_s, jitter_s: how much later a chunk arrives, never before the one that came before it.
    bytes_per_s: 0 is as many as there are.
    singly: so many first bytes of each chunk travel one by one.
    """

    hold: bool = False
    drop: bool = False
    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    singly: int = 0

    @property
    def clear(self) -> bool:
        """Whether bytes pass as they come."""
        return self == CLEAR

    @property
    def late(self) -> bool:
        """Whether bytes arrive, but not at once or not together."""
        return bool(self.delay_s or self.jitter_s or self.bytes_per_s or self.singly)


CLEAR = Weather()


class Tally(Struct):
    """What a link did since it was made: a fault that did not bite leaves no mark here."""

    connections: int = 0
    refused: int = 0
    reset: int = 0
    half_closed: int = 0
    passed_bytes: int = 0
    held_connections: int = 0
    dropped_bytes: int = 0
    late_chunks: int = 0
    single_bytes: int = 0
