"""How many requests may be on their way at once: additive increase, multiplicative decrease.

Owns the number. Pure: the time is passed in. Must never know why something went badly.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = 32
LEAST: Final = 1
HOLD_S: Final = 1.0
"""What goes badly in one second is one sign, not many."""

_USED: Final = 0.5
"""A limit that is not used to this share says nothing about more."""


class Limit:
    """Doubles by the round trip until something first goes badly; from then on one more by the round trip."""

    def __init__(self, most: int, first: int = FIRST) -> None:
        self._most = float(most)
        self._now = float(min(first, most))
        self._calm = float("inf")
        self._held_until_s = float("-inf")

    @property
    def now(self) -> int:
        """So many at once."""
        return int(self._now)

    def good(self, in_flight: int) -> None:
        """One was answered as it should, while so many were on their way."""
        if self._now < self._most and in_flight >= self._now * _USED:
            step = 1.0 if self._now < self._calm else 1.0 / self._now
            self._now = min(self._most, self._now + step)

    def bad(self, now_s: float) -> None:
        """The other side has too much."""
        if now_s >= self._held_until_s:
            self._held_until_s = now_s + HOLD_S
            self._now = self._calm = max(float(LEAST), self._now / 2)
