"""One process's ends of the bus over a Redis, for tests of what goes wrong."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from prometheus_client import CollectorRegistry

from muster.bus import Listener, Tail
from muster.clock import SystemClock
from muster.lanes import LaneTable
from muster.stores.redis.meters import PublisherMeters, TailMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.tail import RedisTail
from muster.stores.redis.trim import LaneTrimmer
from tests.fakes.lane_entries import rooms_on

LANES = 4
ALL = frozenset(range(LANES))


class JumpingClock(SystemClock):
    """The machine's clock, moved by a test."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class BusOver:
    """A publisher, and tails as many as wanted, on lanes of its own."""

    def __init__(self, url: str, *, cluster: bool = False, max_len: int = 100_000) -> None:
        self._rng = random.Random(3)
        self.table = LaneTable(LANES, f"test-{uuid4().hex}")
        self.nodes = nodes_at(url, cluster, self.table, self._rng)
        self.rooms = rooms_on(self.table)
        self.registry = CollectorRegistry()
        self.publisher = RedisPublisher(
            self.nodes, self.table, PublisherMeters(self.registry), max_len, self._rng
        )
        self._tail_meters = TailMeters(self.registry)
        self.clock = JumpingClock()

    def tail(self, listener: Listener) -> Tail:
        """A tail over the same lanes."""
        meters = self._tail_meters
        return RedisTail(self.nodes, self.table, listener, meters, self.clock, self._rng)

    def trimmer(self, max_age_s: int) -> LaneTrimmer:
        """A trimmer of the same lanes."""
        return LaneTrimmer(self.nodes, self.table, max_age_s, self._rng)

    def meter(self, name: str, **labels: str) -> float:
        """The value of a metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def bus_over(
    url: str, *, cluster: bool = False, max_len: int = 100_000
) -> AsyncIterator[BusOver]:
    """A bus, closed afterwards."""
    bus = BusOver(url, cluster=cluster, max_len=max_len)
    try:
        yield bus
    finally:
        await bus.publisher.close()
