"""How many are there when: ramp, spike and soak, over the time that a run has.

Owns the curves. Pure. Must never know what the users do.
"""

from __future__ import annotations

from math import ceil
from typing import Final, NamedTuple

NAMES: Final = ("flat", "ramp", "spike", "soak")
RAMP_SHARE: Final = 0.8
"""Of the time; the rest is spent at the top."""

RAMP_STEPS: Final = 20
CALM_SHARE: Final = 0.25
"""Of the users that are there before and after the spike."""

SPIKE_WITHIN_S: Final = 10.0
SOAK_RISE_SHARE: Final = 0.1
SOAK_RISE_MOST_S: Final = 300.0


class Target(NamedTuple):
    """So many users, coming or going at this rate."""

    users: int
    per_s: float


def target(
    shape: str, elapsed_s: float, users: int, per_s: float, for_s: float | None
) -> Target | None:
    """What there should be now; None at the end. Raises `ValueError` where the shape needs a time it was not given.

    `flat` is `users` at once, coming at `per_s`; `ramp` rises in steps for most of the time; `spike` is a quarter of
    them, then in the middle third all within 10 s; `soak` rises for a tenth of the time, at most 5 minutes, and stays.
    """
    if for_s is not None and elapsed_s >= for_s:
        return None
    if shape == "flat":
        return Target(users, per_s)
    if for_s is None:
        raise ValueError(f"a {shape} needs a time to run: --run-time")
    if shape == "ramp":
        step_s = for_s * RAMP_SHARE / RAMP_STEPS
        step = min(RAMP_STEPS, int(elapsed_s / step_s) + 1)
        return Target(max(1, users * step // RAMP_STEPS), max(per_s, users / RAMP_STEPS / step_s))
    if shape == "spike":
        calm = max(1, ceil(users * CALM_SHARE))
        if for_s / 3 <= elapsed_s < for_s * 2 / 3:
            return Target(users, max(per_s, (users - calm) / SPIKE_WITHIN_S))
        return Target(calm, per_s)
    if shape == "soak":
        rise_s = min(SOAK_RISE_MOST_S, for_s * SOAK_RISE_SHARE)
        return Target(users, users / rise_s)
    raise ValueError(f"there is no shape {shape}; there are {', '.join(NAMES)}")
