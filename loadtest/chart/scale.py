"""From a figure to its place along an axis, and where the ticks stand.

Owns both, linear and logarithmic. Pure. Must never place a figure outside of its axis: the axis holds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final

MOST_TICKS: Final = 6
_STEPS: Final = (1, 2, 5, 10)


class Linear:
    """From 0 to a round figure at or above the greatest."""

    def __init__(self, figures: Sequence[float]) -> None:
        greatest = max(figures, default=0.0) or 1.0
        unit = 10.0 ** floor(log10(greatest))
        step = next(
            size * power
            for power in (unit / 10, unit)
            for size in _STEPS
            if ceil(greatest / (size * power)) < MOST_TICKS
        )
        count = ceil(greatest / step)
        self.ticks = [round(number * step, 12) for number in range(count + 1)]

    def share(self, figure: float) -> float:
        """How far along the axis, 0 to 1."""
        return figure / self.ticks[-1]


class Log:
    """From a tick at or below the least to one at or above the greatest; figures above 0 only."""

    def __init__(self, figures: Sequence[float]) -> None:
        low, high = min(figures), max(figures)
        powers = range(floor(log10(low)), ceil(log10(high)) + 2)
        for sizes in (_STEPS[:-1], (1,)):
            all_ticks = [size * 10.0**power for power in powers for size in sizes]
            first = max(tick for tick in all_ticks if tick <= low * 1.000_001)
            last = min(tick for tick in all_ticks if tick >= high / 1.000_001 and tick > first)
            self.ticks = [tick for tick in all_ticks if first <= tick <= last]
            if len(self.ticks) <= MOST_TICKS:
                break

    def share(self, figure: float) -> float:
        """How far along the axis, 0 to 1."""
        low, high = log10(self.ticks[0]), log10(self.ticks[-1])
        return (log10(figure) - low) / (high - low)


def written(figure: float) -> str:
    """As it stands at a tick or a bar: three digits that count, thousands apart."""
    if figure >= 100 or figure == round(figure):
        return f"{figure:,.0f}"
    return f"{figure:.3g}"
