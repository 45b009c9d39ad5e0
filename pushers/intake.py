"""Taking in: new messages and readings from the lanes become wishes in the queue, for whoever may be owed a push.

    lanes --entries--> gathering --> candidates (Postgres) --> when (presence) --> queue
          --readings--> what phones show of it (Postgres) -------------------------^

Owns the way from a lane to the queue. Must never send nor settle anything, and never believe that it saw every message:
doubt, overflow and lanes that cannot be read have all that is owed looked for (pushers/rebuild.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NoReturn

from muster.errors import Refused
from muster.lane import LaneEntry
from muster.owed import Candidate, Key, OwedStore
from muster.push_device import Provider
from muster.push_queue import Priority, PushQueue, Unreachable, Wish
from muster.telemetry import get_logger
from pushers.gathering import Gathering
from pushers.pace import PACE, Pace
from pushers.readings import Readings
from pushers.rebuild import Rebuild
from pushers.timing import Timing

ROOMS_AT_ONCE: Final = 200
READINGS_AT_ONCE: Final = 500
TOGETHER_S: Final = 0.05
"""So long messages are gathered before anybody is asked about them: nobody's pocket notices."""

RETRY_S: Final = 1.0


class Intake:
    """Hears the lanes (`muster.bus.Listener`), for one provider."""

    def __init__(
        self,
        provider: Provider,
        store: OwedStore,
        queue: PushQueue,
        timing: Timing,
        rebuild: Rebuild,
        pace: Pace = PACE,
    ) -> None:
        self._provider = provider
        self._store = store
        self._queue = queue
        self._timing = timing
        self._rebuild = rebuild
        self._pace = pace
        self._gathering = Gathering()
        self._readings = Readings()
        self._woken = asyncio.Event()

    # What a tail tells

    def entries(self, batch: list[LaneEntry]) -> None:
        self._gathering.add(batch)
        self._readings.add(batch)
        if self._gathering or self._readings:
            self._woken.set()
        overflowed = (self._gathering.overflowed(), self._readings.overflowed())
        if any(overflowed):
            self._rebuild.want()

    def doubt(self, lanes: frozenset[int]) -> None:  # noqa: ARG002  # a rebuild is of all
        self._rebuild.want()

    def readable(self, lanes: frozenset[int], yes: bool) -> None:
        if yes:
            self._rebuild.unreadable -= lanes
        else:
            self._rebuild.unreadable |= lanes
        self._rebuild.want()

    # The loop

    async def run(self) -> NoReturn:
        """Take in until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(TOGETHER_S)
            self._woken.clear()
            while self._gathering or self._readings:
                # In turns, new messages first: neither holds up the other for long.
                fresh = self._gathering.take(ROOMS_AT_ONCE)
                read = self._readings.take(READINGS_AT_ONCE)
                try:
                    if fresh:
                        await self._put(await self._store.candidates(fresh))
                        fresh = []
                    if read:
                        await self._put_read(await self._store.shown_and_read(self._provider, read))
                except (Refused, Unreachable) as error:
                    get_logger().warning("pushes_not_taken_in", error=type(error).__name__)
                    self._gathering.back(fresh)
                    self._readings.back(read)
                    await asyncio.sleep(RETRY_S)

    async def _put_read(self, keys: Sequence[Key]) -> None:
        if keys:
            at_ms = await self._queue.now_ms() + self._pace.read_ms
            await self._queue.put([Wish(key, Priority.silent, at_ms) for key in keys])

    async def _put(self, candidates: Sequence[Candidate]) -> None:
        ours = [candidate for candidate in candidates if candidate.provider is self._provider]
        if not ours:
            return
        due = await self._timing.due(ours)
        await self._queue.put(
            [
                Wish(
                    candidate.key,
                    Priority.urgent if candidate.urgent else Priority.ordinary,
                    at_ms,
                )
                for candidate, at_ms in zip(ours, due, strict=True)
            ]
        )
