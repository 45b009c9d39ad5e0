"""Frames that are no entries on their way to the lanes: typing and pointers.

Owns their queue. Must never retry or hold back: what the bus does not take at once is gone.
"""

from __future__ import annotations

import asyncio
from typing import Final

from muster.bus import Publisher, Unpublished
from muster.lane import LaneEntry
from realtime.counts import HubCounts

WAITING: Final = 5_000
PER_PUBLISH: Final = 500


class Ephemera:
    """Ephemeral frames waiting for the next publish."""

    def __init__(self, publisher: Publisher, counts: HubCounts) -> None:
        self._publisher = publisher
        self._counts = counts
        self._waiting: list[LaneEntry] = []
        self._woken = asyncio.Event()

    def put(self, entry: LaneEntry) -> None:
        """Send this to every hub, soon or never."""
        if len(self._waiting) >= WAITING:
            self._counts.ephemera_lost += 1
            return
        self._waiting.append(entry)
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._woken.wait()
            batch, self._waiting = self._waiting[:PER_PUBLISH], self._waiting[PER_PUBLISH:]
            if not batch:
                self._woken.clear()
                continue
            try:
                await self._publisher.publish(batch)
            except Unpublished:
                self._counts.ephemera_lost += len(batch)
