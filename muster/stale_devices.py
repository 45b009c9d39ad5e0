"""Devices that nobody has used for 60 days are pushed to no more: a phone in a drawer, an app that was removed.

Owns how long that is, how often it is looked, and how many go at a time. Every round wishes for the next one first, so
the chain does not break where a round does.
"""

from __future__ import annotations

from typing import Final, Protocol

from muster import wishes
from muster.clock import Clock
from muster.jobs import Job
from muster.rounds import next_round
from muster.wishes import Wishes

KIND: Final = "push_devices"
STALE_DAYS: Final = 60
"""Without a refresh of any session there: not in use for longer than Firebase counts a token as alive."""

EVERY_S: Final = 3_600
PER_ROUND: Final = 1_000


class StaleStore(Protocol):
    """Where devices are kept."""

    async def forget_stale(self, days: int, most: int) -> int:
        """Remove those not seen for so many days, the oldest first; how many."""
        ...


class StaleDevices:
    """Removes them."""

    def __init__(self, store: StaleStore, kept: Wishes, clock: Clock) -> None:
        self._store = store
        self._wishes = kept
        self._clock = clock

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock))

    async def fire(self, _job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it finds less to do."""
        await self.begin()
        await self.sweep()

    async def sweep(self) -> int:
        """Remove what is stale, a bounded number; how many. Raises `Refused`: `unavailable`."""
        return await self._store.forget_stale(STALE_DAYS, PER_ROUND)
