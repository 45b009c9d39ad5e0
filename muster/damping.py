"""Goodbyes that are believed, and those that come too often to be.

Who says goodbye is gone at once. Who does so again and again, on whatever hub, would make others see them come and go
all day: after some goodbyes in a row their device lingers like one that was lost, and longer. The roll counts, for it
alone hears all hubs.

Owns the rule. Pure. The same is written in Lua (muster/stores/lua/presence_say.lua), and tests/contracts/test_roll.py
holds the two together.
"""

from __future__ import annotations

from typing import Final

GOODBYES_BELIEVED: Final = 3
"""So many in a row are believed at once."""

GOODBYES_HALVE_S: Final = 60.0
"""So long it takes until half of somebody's goodbyes are forgotten."""

LINGERS_GRACES: Final = 4
"""So many grace times a device lingers whose goodbye is not believed."""


def goodbyes(before: float, age_s: float) -> float:
    """How often somebody has said goodbye lately, this time included; `age_s`: since the one before."""
    faded: float = before * 0.5 ** (age_s / GOODBYES_HALVE_S)
    return faded + 1.0


def is_believed(count: float) -> bool:
    """Whether the last of so many goodbyes is."""
    return count <= GOODBYES_BELIEVED
