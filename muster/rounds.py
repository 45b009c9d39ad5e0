"""Rounds: work that jobs do again and again, each round wishing for the next one first, so that the chain never breaks.

Owns when the next round is: at the end of the slot of time that it is now, so that whoever wishes for it wishes the
same one. Must never know what is done in it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from muster.clock import Clock
from muster.wishes import Wish


class Round(Struct, frozen=True):
    """Nothing is said of a round."""


NOTHING: Final = Round()


def next_round(kind: str, every_s: int, clock: Clock, said: Struct = NOTHING) -> Wish:
    """The round of the slot after this one."""
    slot = clock.now_ms() // (every_s * 1_000) + 1
    return Wish(kind, str(slot), None, slot * every_s * 1_000, said)
