"""A whole pusher on real Postgres and Redis; only the provider and the hubs' roll are played."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest_asyncio
from prometheus_client import CollectorRegistry

from muster import submit
from muster.clock import SystemClock
from muster.devices import Key as DeviceKey
from muster.ids import PersonId, RoomId
from muster.lane import of_entry
from muster.presence import Attention, Device
from muster.push_queue import Priority, PushQueue, Wish
from muster.roll import Say
from muster.stores.redis.push_queue import push_queue_at
from proto.entry import Body, EntryKind
from proto.frames import Entry
from pushers.assembly import Outside, Pusher
from pushers.outcome import Outcome, Rejected, TokenDead, TryLater
from pushers.pace import Pace
from tests.fakes.carrier import WITHIN_S, FakeCarrier
from tests.fakes.roll import FakeRoll
from tests.stores.postgres.debtors import APNS, Ground, ground, key, register
from tests.vocabulary import person, room_of, say

HASTY = Pace(
    elsewhere_ms=300, vanish_ms=100, glance_ms=100, linger_ms=600, unknown_ms=100, burst_ms=50
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


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


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


async def test_who_is_away_is_rung_once(on: Ground, redis_url: str) -> None:
    """Soon, with the words; then it is settled, and no rebuild rings again."""
    ada, bob, room, phone = await two(on)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "are you there?")
        await world.carrier.until_sent(1)
        await world.until_settled(ada, room)
        pusher.intake.doubt(frozenset({0}))
        await world.until_at_rest()
    [push] = world.carrier.sent
    assert push.device.device == phone
    assert b"are you there?" in push.body
    assert world.metric("muster_push_accepted_total", provider="apns", sure="yes") == 1


async def test_what_was_missed_is_found_in_postgres(on: Ground, redis_url: str) -> None:
    """A message no lane ever brought, and a queue that was emptied: a pusher that starts finds it."""
    ada, bob, room, _ = await two(on)
    await say(on.writer, bob, room, "m1", "nobody saw this")
    world = World(on, redis_url)
    async with world.pushing():
        await world.carrier.until_sent(1)
        await world.until_settled(ada, room)
    assert b"nobody saw this" in world.carrier.sent[0].body


async def test_what_was_read_meanwhile_rings_nobody(on: Ground, redis_url: str) -> None:
    """It is judged when it is due, by what stands in Postgres then."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    queue = world.queue()
    async with world.pushing() as pusher:
        seq = await told(world, pusher, bob, room, "read at once")
        await on.writer.submit(submit.read(ada, room, seq))
        await world.until_settled(ada, room)
        await queue.put([Wish(key(ada, room), Priority.ordinary, 0)])
        await world.until_at_rest()
    await queue.close()
    assert len(world.carrier.sent) <= 1  # it may have been faster than the reader
    [owed] = await on.store.owed(APNS, [key(ada, room)])
    assert not owed.unread


async def test_reading_elsewhere_cancels(on: Ground, redis_url: str) -> None:
    """A laptop that is used delays the phone; what was read there rings nobody."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    await world.active(ada)
    queue = world.queue()
    async with world.pushing(HASTY._replace(elsewhere_ms=60_000)) as pusher:
        seq = await told(world, pusher, bob, room, "on the laptop")
        await world.until(lambda: world.put_off("active_elsewhere") > 0)
        await on.writer.submit(submit.read(ada, room, seq))
        await queue.put([Wish(key(ada, room), Priority.ordinary, 0)])
        await world.until_at_rest()
    await queue.close()
    assert world.carrier.sent == []


async def test_who_does_not_read_elsewhere_is_rung_after_all(on: Ground, redis_url: str) -> None:
    """A laptop that is left alone takes nothing from the phone."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    await world.active(ada)
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "not seen there")
        await world.carrier.until_sent(1)
    assert b"not seen there" in world.carrier.sent[0].body


async def test_what_the_provider_puts_off_is_sent_again(on: Ground, redis_url: str) -> None:
    """Nothing is settled until it has the message."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url, TryLater("ServiceUnavailable", 0.05), TryLater("busy", 0.05))
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "third time lucky")
        await world.carrier.until_sent(3)
        await world.until_settled(ada, room)
    assert len({push.id for push in world.carrier.sent}) == 1
    assert len(world.carrier.sent) == 3


async def test_a_dead_token_is_forgotten(on: Ground, redis_url: str) -> None:
    """It was registered before the provider says it died; nothing is left to ring."""
    _, bob, room, phone = await two(on)
    world = World(on, redis_url, TokenDead("Unregistered", 2**45))
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "to nobody")
        await world.carrier.until_sent(1)
        await world.until_at_rest()
    left = await on.database.fetchval(
        "SELECT count(*) FROM push_devices WHERE device_id = $1", phone
    )
    assert left == 0


async def test_what_can_never_be_sent_is_a_dead_letter(on: Ground, redis_url: str) -> None:
    """With the provider's reason; a replay sends it when the fault is mended."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url, Rejected("PayloadTooLarge"))
    queue = world.queue()
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "too much")
        await world.carrier.until_sent(1)
        await world.until_at_rest()
        [letter] = await queue.dead(10)
        assert (letter.key, letter.reason) == (key(ada, room), "PayloadTooLarge")
        assert await queue.replay([letter.id]) == 1
        await world.carrier.until_sent(2)
        await world.until_settled(ada, room)
    await queue.close()


async def test_who_dies_while_sending_is_taken_over_from_and_rings_no_second_time_unsaid(
    on: Ground, redis_url: str
) -> None:
    """What was sent is known to have been; what was torn is sent again with the same id, and counted."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    world.carrier.hold.clear()
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "half way")
        await world.carrier.until_sent(1)
    world.carrier.hold.set()
    async with world.pushing():
        # Whoever looks at it while the dead one's claim lasts waits for that.
        await asyncio.wait([asyncio.ensure_future(world.carrier.until_sent(2))], timeout=0.5)
    assert len(world.carrier.sent) == 1
    assert key(ada, room) in await on.all_unsettled()


async def test_a_burst_is_a_few_rings(on: Ground, redis_url: str) -> None:
    """Twenty messages at once say how many they are, under one collapse id."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        for n in range(20):
            await told(world, pusher, bob, room, f"message {n}")
        await world.until_settled(ada, room)
        await world.until_at_rest()
    assert 1 <= len(world.carrier.sent) < 20
    assert len({push.collapse for push in world.carrier.sent}) == 1
