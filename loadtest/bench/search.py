"""The highest rate that holds: up in leaps until one does not, then closer in the gap.

Owns the order of the tries. Pure. Must never make load: whoever asks says which rates held.
"""

from __future__ import annotations

from typing import Final

LEAP: Final = 1.5
CLOSE: Final = 0.05
"""The search ends when the rate that held is within this share of one that did not."""

STEP: Final = 100.0
"""Rates tried are multiples of this."""


class Search:
    """Asks for one rate after another."""

    def __init__(self, first: float) -> None:
        self._holds = 0.0
        self._fails: float | None = None
        self._first = first

    @property
    def best(self) -> float:
        """The highest rate that held; 0 if none did."""
        return self._holds

    def next(self) -> float | None:
        """What to try; None when it is known well enough."""
        if self._fails is None:
            return _round(self._holds * LEAP) if self._holds else self._first
        middle = _round((self._holds + self._fails) / 2)
        if self._fails - self._holds <= CLOSE * self._fails or middle in (self._holds, self._fails):
            return None
        return middle

    def tried(self, rate: float, *, held: bool) -> None:
        """What came of it."""
        if held:
            self._holds = max(self._holds, rate)
        elif self._fails is None or rate < self._fails:
            self._fails = rate


def _round(rate: float) -> float:
    return max(STEP, round(rate / STEP) * STEP)
