"""Percentiles of what was measured. Must never interpolate: a figure shown is one that occurred."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
"""What every benchmark tells of its times."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ascending values that `share` of them do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def spread_ms(ordered_ms: Sequence[float]) -> dict[str, float]:
    """p50_ms to p99_9_ms of ascending milliseconds."""
    return {f"{name}_ms": round(percentile(ordered_ms, share), 2) for name, share in SHARES.items()}


def told_ms(ordered_ms: Sequence[float]) -> str:
    """The same as a person reads it."""
    parts = (f"p{share * 100:g} {percentile(ordered_ms, share):.2f}" for share in SHARES.values())
    return "  ".join(parts)
