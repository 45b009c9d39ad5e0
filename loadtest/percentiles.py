"""Percentiles of what was measured. Must never interpolate: a figure shown is one that occurred."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ascending values that `share` of them do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
