"""A breaker: after a fault of our credentials nothing goes out, until one push that is let through succeeds.

Owns when. Pure: time and chance are passed in. Must never touch a token or a push: who is held back waits.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Final

from muster.backoff import pause_s

FIRST_S: Final = 15.0
MOST_S: Final = 900.0
PROBE_WITHIN_S: Final = 60.0
"""A probe of which nothing was heard for so long is taken for lost."""

SEEN: Final = 100
ENOUGH: Final = 50
SHARE: Final = 0.8


class Breaker:
    """Of one app at one provider."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._faults = 0
        self._until_s = float("-inf")
        self._probing_until_s = float("-inf")
        self._mistaken: deque[bool] = deque(maxlen=SEEN)
        self.reason = ""

    @property
    def is_open(self) -> bool:
        """Whether pushes are held back."""
        return self._faults > 0

    def wait_s(self, now_s: float) -> float:
        """0: go. Else so long; and whoever is told 0 while it is open is the probe."""
        held_s = self.held_s(now_s)
        if self._faults and not held_s:
            self._probing_until_s = now_s + PROBE_WITHIN_S
        return held_s

    def held_s(self, now_s: float) -> float:
        """The same, of somebody who only asks."""
        if not self._faults:
            return 0.0
        return max(0.0, self._until_s - now_s, self._probing_until_s - now_s)

    def fault(self, reason: str, now_s: float) -> None:
        """Our credentials were refused. What was sent before it opened counts once."""
        self.reason = reason
        if self._faults and now_s < self._until_s:
            return
        self._faults += 1
        self._until_s = now_s + pause_s(self._faults, self._rng, first_s=FIRST_S, most_s=MOST_S)
        self._probing_until_s = float("-inf")

    def good(self) -> None:
        """The provider knows us."""
        if self._faults:
            self._faults = 0
            self._mistaken.clear()

    def neither(self, now_s: float) -> None:
        """The probe came back without a word about our credentials."""
        if self._faults and now_s >= self._until_s:
            self._until_s = now_s + FIRST_S
            self._probing_until_s = float("-inf")

    def seen(self, *, mistaken: bool) -> bool:
        """Whether so many tokens are no tokens of this app that the fault must be ours: wrong world, key or app."""
        self._mistaken.append(mistaken)
        bad = sum(self._mistaken)
        return len(self._mistaken) >= ENOUGH and bad >= SHARE * len(self._mistaken)
