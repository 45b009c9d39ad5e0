"""Pace: how long a push waits for somebody who may see the message without it.

Owns the numbers and the reason of each. Must never be read from anywhere: the process hands it over.
"""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """All in milliseconds, counted from when a message was committed unless said otherwise."""

    elsewhere_ms: int = 30_000
    """Somebody active on another device has so long to read."""

    vanish_ms: int = 7_000
    """A device that has not acked by then has no living socket. An ack takes two seconds at most (pointers leave phones
    once a second, and are written once a second); with the queue's own time this stays below ten."""

    glance_ms: int = 5_000
    """Somebody looks at the room: judged first, and again, after so long (from when it is judged)."""

    linger_ms: int = 60_000
    """A screen that shows the room and whose acks are not ours to see is believed for good after so long: a dead socket
    has left the roll by then (two heartbeats, and the grace time)."""

    unknown_ms: int = 5_000
    """Nobody knows who is in: time enough for an ack or a read pointer, and no more."""

    burst_ms: int = 2_000
    """After a push, the next to the same person and room (from when the last one left)."""

    read_ms: int = 3_000
    """What is read in a room is put together so long (from the first reading): whoever scrolls reads many times, and a
    phone is woken seldom."""


PACE = Pace()
