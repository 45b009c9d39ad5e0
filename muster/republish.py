"""What a dead writer committed and did not publish, published by whoever lives.

Owns when leases are looked at, and how many at a time. Any number of processes do this; a lease is
taken by one of them. Publishing twice is harmless, so a lease is deleted only after everything in
it is surely on its lane. Must never keep anything between two rounds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NoReturn, Protocol

from prometheus_client import CollectorRegistry, Counter

from muster.bus import Publisher, Unpublished
from muster.errors import Refused
from muster.lane import LaneEntry
from muster.telemetry import get_logger

EVERY_S: Final = 1.0
LEASES_PER_ROUND: Final = 50

Publish = Callable[[Sequence[LaneEntry]], Awaitable[None]]


class Leases(Protocol):
    """What writers have committed and perhaps not published, after their time to do so is over."""

    async def hand_over(self, publish: Publish) -> int:
        """Take the lease that ran out first, publish its entries, delete it; how many those were.

        0 when there is none that nobody else has taken. Raises what `publish` raises and leaves the
        lease; raises `Refused` when the store does not answer in time.
        """
        ...


class Republisher:
    """Looks every second."""

    def __init__(
        self,
        leases: Leases,
        publisher: Publisher,
        registry: CollectorRegistry,
        rng: random.Random,
    ) -> None:
        self._leases = leases
        self._publisher = publisher
        self._rng = rng
        self._republished = Counter(
            "muster_bus_republished", "Entries published for another writer", registry=registry
        )

    async def run(self) -> NoReturn:
        """Look until cancelled. A store that is away is asked again a second later."""
        while True:
            await asyncio.sleep(EVERY_S * (0.75 + self._rng.random() / 2))
            try:
                await self.round()
            except (Unpublished, Refused) as error:
                get_logger().warning("leases_not_published", error=type(error).__name__)

    async def round(self) -> int:
        """Publish what ran out, a bounded number of leases; how many entries."""
        total = 0
        for _ in range(LEASES_PER_ROUND):
            entries = await self._leases.hand_over(self._publisher.publish)
            if not entries:
                break
            total += entries
        if total:
            self._republished.inc(total)
            get_logger().warning("republished", count=total)
        return total
