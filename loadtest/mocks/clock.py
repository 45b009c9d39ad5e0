"""The mocks' clock: the machine's, or so many seconds ahead of it.

Owns the difference, so that a token of an hour ages in no time. Both kinds of time move together.
"""

from __future__ import annotations

from muster.clock import Clock


class MovableClock:
    """A `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead_s = 0.0

    def now_ms(self) -> int:
        return self._clock.now_ms() + int(self.ahead_s * 1_000)

    def monotonic(self) -> float:
        return self._clock.monotonic() + self.ahead_s
