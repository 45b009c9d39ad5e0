"""When somebody posts, and when everybody's sockets drop.

Owns that times are fixed beforehand: a server that stalls moves nothing, and what becomes due meanwhile is counted from
its own time (no coordinated omission). Pure: clock and randomness are passed in.
"""

from __future__ import annotations

from math import floor, inf
from random import Random

DROP_WITHIN_S = 1.0
"""In a storm all sockets end within so long."""


class Pace:
    """One thing every `every_s` seconds from `start_at`, for ever. 0 for never."""

    __slots__ = ("_every_s", "_next", "start_at")

    def __init__(self, every_s: float, start_at: float) -> None:
        self._every_s = every_s if every_s > 0 else inf
        self.start_at = start_at
        self._next = 0

    def next_at(self) -> float:
        """When the next one is due."""
        if self._every_s == inf:
            return inf
        return self.start_at + self._next * self._every_s

    def due(self, now: float) -> list[float]:
        """The times of all that have become due since the last call."""
        times = []
        while (at := self.next_at()) <= now:
            times.append(at)
            self._next += 1
        return times


def begin(every_s: float, now: float, random: Random) -> Pace:
    """A pace whose first time is anywhere in the coming period, so that a crowd is spread evenly."""
    return Pace(every_s, now + random.random() * max(0.0, every_s))


def next_storm(wall_s: float, every_s: float, random: Random) -> float:
    """When this socket drops next, by the wall clock.

    Storms come at the multiples of `every_s` since 1970: every process of a distributed run knows them without asking.
    """
    if every_s <= 0:
        return inf
    at = (floor(wall_s / every_s) + 1) * every_s
    return at + random.random() * DROP_WITHIN_S
