"""Terms: the numbers that the rules of place go by.

Owns their shape and defaults. Must never import what the rules need: settings are read by everything.
"""

from __future__ import annotations

from msgspec import Struct


class Terms(Struct, frozen=True, gc=False):
    """The rules' numbers; each has a setting MUSTER_PLACE_*.

    `rest_ms`: how old a kept state may be if nothing has changed but the time of the last fix.
    """

    dwell_ms: int = 60_000
    accuracy_m: float = 100.0
    exit_share: float = 0.10
    exit_least_m: float = 20.0
    fixes_needed: int = 2
    fixes_looked_at: int = 3
    speed_most_mps: float = 70.0
    silence_ms: int = 900_000
    future_ms: int = 30_000
    ancient_ms: int = 1_800_000
    rest_ms: int = 15_000
