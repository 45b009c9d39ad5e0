"""The rows of the statistics, and how something gets into one.

Owns their names. Must never know who keeps the statistics.
"""

from __future__ import annotations

from typing import Final, Protocol

TYPE: Final = "WS"
"""What Locust shows before the name."""

CONNECT: Final = "connect"
"""From the first packet to `Ready`."""

RESUME: Final = "resume"
"""From `Resume` to `RoomStates`: live in all rooms."""

ACK: Final = "post -> ack"
"""From the moment a post was due."""

DELIVERY: Final = "post -> delivery"
"""From the moment a post was due to its arrival at each other socket."""

DELIVERY_FAR: Final = "post -> delivery (other machine)"
"""The same by the wall clocks of two machines: it is as true as these agree."""

CAUGHT_UP: Final = "post -> caught up"
"""To the arrival at a socket that was away when it was committed: the time away is in it."""

BACK: Final = "drop -> live again"
"""From the end of a socket to being live in all rooms on the next, the pause included."""

ENDED: Final = "socket ended"
"""A socket that was live ended and nobody had asked for it. Only failures."""

CHECK_IN: Final = "fixes -> checked in"
"""From the moment a phone's fixes were due."""

NUMBER: Final = "number of who is there"
"""What the host is told, beside who was let in. Only failures."""

LATE: Final = "left late by"
"""How late a post left because this process was busy. Told at the end, and in no row: it is no request."""


class Failure(Exception):
    """What is shown beside a row that failed; equal sentences are counted together."""


class Record(Protocol):
    """Takes down one thing that happened."""

    def __call__(
        self, name: str, took_s: float | None, size: int = 0, failure: str | None = None, /
    ) -> None:
        """`took_s` seconds (None: no time to tell), `size` bytes; with a `failure` it did not happen, or wrongly."""
        ...
