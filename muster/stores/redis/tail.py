"""The tail over Redis: all lanes with one command on one Redis, one reader per lane on a cluster.

Owns the readers and that they end together. Must never read for itself: reader.py does.
"""

from __future__ import annotations

import asyncio
import random

from muster.bus import Listener
from muster.clock import Clock
from muster.lanes import LaneTable
from muster.stores.redis.meters import TailMeters
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.reader import LaneGroup, Reader


class RedisTail:
    """muster.bus.Tail."""

    def __init__(
        self,
        nodes: Nodes,
        table: LaneTable,
        listener: Listener,
        meters: TailMeters,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._readers = [
            Reader(LaneGroup.of(table, lanes), nodes, listener, meters, clock, rng)
            for lanes in nodes.groups
        ]

    async def run(self) -> None:
        """Follow every lane until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reader in self._readers:
                group.create_task(reader.run())

    async def ready(self) -> None:
        """Return when every lane's cursor is in place."""
        for reader in self._readers:
            await reader.ready.wait()
