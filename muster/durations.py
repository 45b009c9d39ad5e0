"""A histogram of durations that is plain integers: noting one is a bisection and three additions.

Owns the counting. Must never take a lock or look anything up: it is used where prometheus_client's own would be felt,
and by callbacks of the interpreter. A collector makes a metric of it when it is scraped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

PAUSES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Bounds for what stops a whole process, in seconds: 50 ms is what a person may notice."""


class Durations:
    """How many durations there were, by length. `longest` and `total` in seconds."""

    __slots__ = ("_bounds", "_counts", "longest", "total")

    def __init__(self, bounds: Sequence[float] = PAUSES) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.longest = 0.0
        self.total = 0.0

    def note(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def buckets(self) -> list[tuple[str, float]]:
        """As prometheus_client wants them: each bound with how many were no longer than it."""
        sum_so_far = 0
        shown: list[tuple[str, float]] = []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            sum_so_far += count
            shown.append((str(bound) if bound != float("inf") else "+Inf", sum_so_far))
        return shown
