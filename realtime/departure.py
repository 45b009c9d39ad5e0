"""Who is sent away when, and told to come back when, while a hub drains.

    sockets told   |####|####|####|####|          over `sending_s`, within the time the process has
    sockets back       |######|######|######|     over `spread_s`, as fast as another hub lets people in

Owns these two ramps. Where the time suffices they are one: everybody is served until another hub has room for them.
Pure: elapsed seconds and chance are passed in. Must never count on more than one other hub, for none is known here.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from realtime.waitlist import JITTER_S, MOST_S, SHARE

STEP_S: Final = 0.05
"""How often the next ones are sent away."""


class Departure:
    """The plan of one drain."""

    __slots__ = ("sending_s", "sockets", "spread_s")

    def __init__(self, sockets: int, per_s: float, within_s: float) -> None:
        """`per_s`: how many people a second a hub lets in. `within_s`: until then all are told."""
        self.sockets = sockets
        self.spread_s = sockets / (per_s * SHARE)
        self.sending_s = min(self.spread_s, within_s)

    def due(self, elapsed_s: float) -> int:
        """How many are told by now."""
        if elapsed_s + STEP_S >= self.sending_s:
            return self.sockets
        return ceil(self.sockets * (elapsed_s + STEP_S) / self.sending_s)

    def pause_ms(self, number: int, elapsed_s: float, chance: float) -> int:
        """What the `number`-th is told; `chance` is from 0 to 1."""
        place_s = self.spread_s * number / max(1, self.sockets)
        pause_s = max(0.0, place_s - elapsed_s) + chance * JITTER_S
        return int(min(pause_s, MOST_S) * 1_000) + 1
