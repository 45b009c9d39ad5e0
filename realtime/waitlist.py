"""When those who are turned away come back: each at a moment of their own, as many a second as can be let in.

Owns the spread of a crowd over time. A client that is told the same pause as everybody comes back with everybody; here
the server deals out places in a queue that nobody stands in. Pure: time and chance are passed in. Must never tell a
pause beyond its bound: who is told a longer one gives the app up.
"""

from __future__ import annotations

from typing import Final, Protocol

MOST_S: Final = 30.0
"""The longest pause told. Of a longer queue nobody can know anything: its end is dealt out by chance."""

JITTER_S: Final = 0.25
"""On top of a place, so that clients who add nothing of their own do not come in step."""

SHARE: Final = 0.9
"""Of what is let in, for those who were told when to come; the rest is for who comes by themselves."""

LEAST_SPREAD_S: Final = 0.5
MOST_SPREAD_S: Final = 2.0
"""What clients of a hub that dies without a word are asked to spread over, by how many they are."""


class Chance(Protocol):
    """`random.Random`, of which one method is used."""

    def random(self) -> float: ...


class Waitlist:
    """The places told so far. `per_s`: how many people a second the hub lets in."""

    __slots__ = ("_chance", "_per_s", "_taken_until")

    def __init__(self, per_s: float, chance: Chance) -> None:
        self._per_s = per_s * SHARE
        self._chance = chance
        self._taken_until = 0.0

    def pause_ms(self, now: float, wait_s: float) -> int:
        """When somebody is to come back who cannot be let in for `wait_s`."""
        place = max(self._taken_until, now + wait_s) + 1 / self._per_s
        pause_s = place - now + self._chance.random() * JITTER_S
        if pause_s > MOST_S:
            return int((0.5 + 0.5 * self._chance.random()) * MOST_S * 1_000)
        self._taken_until = place
        return int(pause_s * 1_000) + 1


def spread_ms(sockets: int, per_s: float, burst: float) -> int:
    """Over how long the people of so many sockets should come back if the hub is gone without a word."""
    needed_s = max(0.0, sockets - burst) / per_s
    return int(min(MOST_SPREAD_S, max(LEAST_SPREAD_S, needed_s)) * 1_000)
