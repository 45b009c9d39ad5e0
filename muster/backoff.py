"""Owns how long to wait before trying again: exponential, bounded, with jitter.

It never waits itself and never decides whether to try again.
"""

import random


def pause_s(failures: int, rng: random.Random, *, first_s: float, most_s: float) -> float:
    """The pause after the n-th failure in a row; half of it is chance, so that many spread out."""
    whole = min(most_s, first_s * 2.0 ** min(max(failures, 1) - 1, 30))
    return whole * (0.5 + rng.random() / 2)
