"""Rounds: work that jobs do again and again, each round wishing for the next one first, so that the chain never breaks.

Owns when the next round is: at the end of the slot of time that it is now, so that whoever wishes for it wishes the
same one, and that less is done at a time where it takes too long. Must never know what is done in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.wishes import Wish


class Round(Struct, frozen=True):
    """Nothing is said of a round."""


NOTHING: Final = Round()


def next_round(kind: str, every_s: int, clock: Clock, said: Struct = NOTHING) -> Wish:
    """The round of the slot after this one."""
    slot = clock.now_ms() // (every_s * 1_000) + 1
    return Wish(kind, str(slot), None, slot * every_s * 1_000, said)


class Portion:
    """How much is done at a time: less where a statement does not end within its deadline, or nothing ever would."""

    def __init__(self, most: int) -> None:
        self.most = most

    async def of(self, work: Callable[[int], Awaitable[int]]) -> int:
        """What `work` answers, asked for as many as it manages. Raises `Refused` where it does not manage one."""
        while True:
            try:
                return await work(self.most)
            except Refused:
                if self.most == 1:
                    raise
                self.most = max(1, self.most // 10)
