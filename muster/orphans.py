"""Orphans: media nobody needs, removed.

What was never completed, never attached, whose message was deleted or whose picture was replaced has a time at which
it is looked at (`collect_at`); this job looks. Every round wishes for the next one first, so the chain does not break
where a round does. Owns how often and how many. Must never remove what hangs on a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from muster import wishes
from muster.clock import Clock
from muster.depot import Depot, keys_of
from muster.jobs import Job
from muster.metrics import MediaMetrics
from muster.rounds import next_round
from muster.wishes import Wishes

KIND: Final = "media"
EVERY_S: Final = 300
PER_ROUND: Final = 200
AT_ONCE: Final = 10
"""Of these the depot removes the keys within one deadline, and S3 removes one at a time."""

WORK_S: Final = 4.0
"""Of a round's time, well within a job's deadline; what is left is named again."""


class OrphanStore(Protocol):
    """Where media are kept."""

    async def collect(self, most: int) -> list[tuple[UUID, str]]:
        """Media and secrets to be removed from the depot, named again until forgotten."""
        ...

    async def forget(self, media: Sequence[UUID]) -> None: ...


class Orphans:
    """Collects them."""

    def __init__(
        self,
        store: OrphanStore,
        depot: Depot,
        kept: Wishes,
        clock: Clock,
        metrics: MediaMetrics,
    ) -> None:
        self._store = store
        self._depot = depot
        self._wishes = kept
        self._clock = clock
        self._metrics = metrics

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock))

    async def fire(self, _job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it finds less to do."""
        await self.begin()
        await self.collect()

    async def collect(self) -> int:
        """Remove what is due, a bounded number; how many. Raises `Refused`: `unavailable`."""
        until = self._clock.monotonic() + WORK_S
        due, gone = await self._store.collect(PER_ROUND), 0
        while gone < len(due) and self._clock.monotonic() < until:
            some = due[gone : gone + AT_ONCE]
            await self._depot.remove([key for each in some for key in keys_of(*each)])
            await self._store.forget([media for media, _ in some])
            self._metrics.collected.inc(len(some))
            gone += len(some)
        return gone
