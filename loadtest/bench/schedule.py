"""When an open loop's posts are due: at a rate fixed beforehand, whatever the server does.

Owns that times are counted from the moment a post was due, not from when it got away: a server that stalls does
not slow down those who would have posted meanwhile (no coordinated omission). Pure: the clock is passed in.
"""

from __future__ import annotations

from math import inf


class OpenLoop:
    """Posts 0, 1, 2 ... one every `1 / rate_per_s` from `start_at`, `total` in all."""

    __slots__ = ("_interval_s", "_next", "start_at", "total")

    def __init__(self, rate_per_s: float, start_at: float, for_s: float) -> None:
        self._interval_s = 1.0 / rate_per_s if rate_per_s > 0 else inf
        self._next = 0
        self.start_at = start_at
        self.total = round(rate_per_s * for_s)

    def due_at(self, number: int) -> float:
        """When post `number` is due."""
        return self.start_at + number * self._interval_s

    def due(self, now: float) -> range:
        """The posts that have become due since the last call, however long ago that was."""
        first = self._next
        if first >= self.total or now < self.due_at(first):
            return range(0)
        upto = min(self.total, int((now - self.start_at) / self._interval_s) + 1)
        while upto < self.total and self.due_at(upto) <= now:
            upto += 1
        while upto > first and self.due_at(upto - 1) > now:
            upto -= 1
        self._next = upto
        return range(first, upto)

    def next_at(self) -> float | None:
        """When to ask again; None once all are sent."""
        return self.due_at(self._next) if self._next < self.total else None
