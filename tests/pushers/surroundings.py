"""The surroundings of a whole pusher on real Postgres and Redis: only the provider and the hubs' roll are played.

Must never assert: tests do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry

from muster import submit
from muster.clock import SystemClock
from muster.devices import Key as DeviceKey
from muster.ids import PersonId, RoomId
from muster.lane import of_entry
from muster.presence import Attention, Device
from muster.push_queue import PushQueue
from muster.roll import Say
from muster.stores.redis.push_queue import push_queue_at
from proto.entry import Body, EntryKind
from proto.frames import Entry
from pushers.assembly import Outside, Pusher
from pushers.outcome import Outcome
from pushers.pace import Pace
from tests.fakes.carrier import WITHIN_S, FakeCarrier
from tests.fakes.roll import FakeRoll
from tests.stores.postgres.debtors import APNS, Ground, key, register
from tests.vocabulary import person, room_of, say

HASTY = Pace(
    elsewhere_ms=300,
    vanish_ms=100,
    glance_ms=100,
    linger_ms=600,
    unknown_ms=100,
    burst_ms=50,
    read_ms=50,
)


class World:
    """One pusher's surroundings, and what it measures."""

    def __init__(self, on: Ground, redis_url: str, *answers: Outcome) -> None:
        self.on = on
        self.carrier = FakeCarrier(*answers)
        self.roll = FakeRoll()
        self.registry = CollectorRegistry()
        self._url = redis_url
        self._namespace = f"test-{uuid4().hex}"

    def queue(self) -> PushQueue:
        """Another hand on the same queue."""
        return push_queue_at(self._url, False, APNS, random.Random(), self._namespace)

    async def active(self, who: PersonId) -> None:
        """Somebody's laptop is in use."""
        generation = b"g" * 16
        await self.roll.enter(b"h" * 16, generation)
        laptop = Device(generation, Attention.active, 1)
        await self.roll.say(generation, [Say(DeviceKey(who.bytes, b"l" * 16), laptop)])

    def put_off(self, why: str) -> float:
        """How many devices were put off for this."""
        return self.metric("muster_push_put_off_total", provider="apns", why=why)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once it is so."""
        queue = self.queue()
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await queue.now_ms()
        await queue.close()

    @asynccontextmanager
    async def pushing(self, pace: Pace = HASTY) -> AsyncIterator[Pusher]:
        """A process at work, killed at the end."""
        queue = self.queue()
        outside = Outside(APNS, self.on.store, queue, self.roll, self.carrier, SystemClock())
        self.registry = CollectorRegistry()
        pusher = Pusher(outside, self.registry, random.Random(1), pace)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(pusher.run())
                try:
                    yield pusher
                finally:
                    running.cancel()
        finally:
            await queue.close()

    async def until_settled(self, who: PersonId, room: RoomId) -> None:
        """Return once nothing of this room is owed."""
        async with asyncio.timeout(WITHIN_S):
            while key(who, room) in await self.on.all_unsettled():
                pass

    async def until_at_rest(self) -> None:
        """Return once the queue holds nothing that is due or in hand."""
        queue = self.queue()
        async with asyncio.timeout(WITHIN_S):
            depth = await queue.depth()
            while depth.due or any(depth.waiting) or depth.taken:
                depth = await queue.depth()
        await queue.close()

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


async def told(world: World, pusher: Pusher, author: PersonId, room: RoomId, text: str) -> int:
    """Somebody says something, and the lanes bring it."""
    said = await say(world.on.writer, author, room, text, text)
    body = Body(text=text)
    entry = Entry(0, room, said.seq, 1, EntryKind.post, author, None, text, said.at_ms, body)
    pusher.intake.entries([of_entry(entry)])
    return said.seq


async def two(on: Ground) -> tuple[PersonId, PersonId, RoomId, UUID]:
    """Ada, who is away and has a phone, Bob, and the room they are in."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    return ada, bob, room, await register(on.database, ada)


async def reads(world: World, pusher: Pusher, who: PersonId, room: RoomId, seq: int) -> None:
    """Somebody reads up to there, on whatever device, and the lanes bring it."""
    done = await world.on.writer.submit(submit.read(who, room, seq))
    body = Body(room=room, at_seq=seq)
    log = RoomId(who)
    entry = Entry(0, log, done.seq, 0, EntryKind.read, who, None, f"r{seq}", done.at_ms, body)
    pusher.intake.entries([of_entry(entry)])
