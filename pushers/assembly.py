"""How a pusher is put together for one provider.

    tail -> intake -> queue -> worker -> carrier;  rebuild and its watch beside them

Owns which part gets which. Must never decide anything, nor open anything: that is done where the process begins.
"""

from __future__ import annotations

import asyncio
import random
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from muster.clock import Clock
from muster.owed import OwedStore
from muster.push_device import Provider
from muster.push_queue import PushQueue, Unreachable
from muster.roll import Roll
from pushers.attending import Attending
from pushers.intake import Intake
from pushers.meters import PushMeters
from pushers.pace import PACE, Pace
from pushers.push import Carrier
from pushers.rebuild import Rebuild
from pushers.recent import Recent
from pushers.ringing import Ringing
from pushers.settling import Settling
from pushers.timing import Timing
from pushers.worker import Desk, Worker


class Outside(NamedTuple):
    """What a pusher stands on."""

    provider: Provider
    store: OwedStore
    queue: PushQueue
    roll: Roll
    carrier: Carrier
    clock: Clock


class Pusher:
    """One provider's. `intake` is to hear the lanes before `run`."""

    def __init__(
        self,
        outside: Outside,
        registry: CollectorRegistry,
        rng: random.Random,
        pace: Pace = PACE,
    ) -> None:
        provider, store, queue, roll, carrier, clock = outside
        self._queue = queue
        self._carrier = carrier
        self._meters = PushMeters(provider, registry)
        attending, recent = Attending(roll, clock), Recent()
        self._rebuild = Rebuild(provider, store, queue, registry, rng)
        self._rebuild.on_lost = attending.doubt
        timing = Timing(queue, attending, recent, pace)
        self.intake = Intake(provider, store, queue, timing, self._rebuild, pace)
        desk = Desk(provider, queue, store, attending, recent, self._meters)
        ringing = Ringing(queue, store, carrier, self._meters, rng)
        self._worker = Worker(desk, ringing, Settling(provider, store, queue, pace), pace)

    async def run(self) -> None:
        """Push until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._carrier.run())
            tasks.create_task(self._rebuild.watch())
            tasks.create_task(self._rebuild.run())
            tasks.create_task(self.intake.run())
            tasks.create_task(self._worker.run())

    async def measure(self) -> None:
        """How the queue stands; as it stood when it was last asked if it does not answer."""
        try:
            self._meters.depth(await self._queue.depth())
        except Unreachable:
            return
