"""Lapses: what ends by the clock is cleared away: bans and silences that are over, and what reports keep.

A ban that is over lets somebody in again by itself when they come (lapse_ban_v1); this job sees to it that they find
the room. Every round wishes for the next one first, so the chain does not break where a round does.
Owns how often and how many. Must never end anything early.
"""

from __future__ import annotations

from typing import Final, Protocol

from muster import wishes
from muster.clock import Clock
from muster.jobs import Job
from muster.rounds import next_round
from muster.wishes import Wishes

KIND: Final = "lapses"
EVERY_S: Final = 60
PER_ROUND: Final = 200


class LapseStore(Protocol):
    """Where they are kept."""

    async def lapse(self, report_days: float, most: int) -> int:
        """Clear away what is over, at most so many of each; how many of all."""
        ...


class Lapses:
    """Clears them away."""

    def __init__(self, store: LapseStore, kept: Wishes, clock: Clock, report_days: float) -> None:
        self._store = store
        self._wishes = kept
        self._clock = clock
        self._report_days = report_days

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock))

    async def fire(self, _job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it finds less to do."""
        await self.begin()
        await self.clear()

    async def clear(self) -> int:
        """Clear away what is over, a bounded number; how many. Raises `Refused`: `unavailable`."""
        return await self._store.lapse(self._report_days, PER_ROUND)
