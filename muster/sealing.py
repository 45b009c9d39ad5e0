"""The rounds in which what lies sealed is kept in order: every hour, and at once where there is reason to.

Owns when there is one. Every round wishes for the next one first, so the chain does not break where a round does; what
a round does not finish is another one's. Must never know what its parts do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from muster import wishes
from muster.clock import Clock
from muster.jobs import Job
from muster.rounds import NOTHING, next_round
from muster.wishes import Wish, Wishes

KIND: Final = "sealing"
EVERY_S: Final = 3_600


class Part(Protocol):
    """What a round does."""

    async def sweep(self) -> bool:
        """A bounded part of it; whether there is more. Raises `Refused`: `unavailable`."""
        ...


class Sealing:
    """Has rounds."""

    def __init__(self, parts: Sequence[Part], kept: Wishes, clock: Clock) -> None:
        self._parts = parts
        self._wishes = kept
        self._clock = clock

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock))

    async def fire(self, job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it finds less to do."""
        await self.begin()
        for part in self._parts:
            if await part.sweep():
                await wishes.add(self._wishes, round_at(self._clock.now_ms(), f"after {job.id}"))
                return


def round_at(due_ms: int, why: str) -> Wish:
    """A round at this time; the same `why` again is the same round."""
    return Wish(KIND, why, None, due_ms, NOTHING)
