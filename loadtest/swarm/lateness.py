"""How late posts left because the process that makes the load was busy.

Owns the counting, in whole milliseconds. Pure. It is what tells whether the times in the statistics are the server's.
"""

from __future__ import annotations

from typing import Final

_MOST_MS: Final = 10_000


class Lateness:
    """Of all posts of one process."""

    def __init__(self) -> None:
        self._counts = [0] * (_MOST_MS + 1)
        self._total = 0

    def add(self, late_s: float) -> None:
        """One more."""
        self._counts[min(_MOST_MS, max(0, round(late_s * 1000)))] += 1
        self._total += 1

    def percentile_ms(self, share: float) -> int:
        """So late at most was `share` of them; 0 of none."""
        left = share * self._total
        for late_ms, number in enumerate(self._counts):
            left -= number
            if left <= 0:
                return late_ms
        return 0

    def __str__(self) -> str:
        p50, p99 = (self.percentile_ms(share) for share in (0.5, 0.99))
        return f"{self._total:,} posts left late by p50 {p50} ms, p99 {p99} ms"
