"""A whole pusher on real Postgres and Redis; only the provider and the hubs' roll are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest_asyncio

from muster import submit
from muster.push_queue import Priority, Wish
from muster.rooms import UNREAD_MOST
from muster.stores.postgres.owed import reopen
from pushers.outcome import Rejected, TokenDead, TryLater
from pushers.ringing import ATTEMPTS_MOST
from tests.pushers.surroundings import HASTY, World, told, two
from tests.stores.postgres.debtors import APNS, Ground, ground, key
from tests.vocabulary import say


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


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
    """With the provider's reason, and settled, so that no rebuild finds it; reopened, a replay sends it after all."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url, Rejected("PayloadTooLarge"))
    queue = world.queue()
    async with world.pushing() as pusher:
        await told(world, pusher, bob, room, "too much")
        await world.carrier.until_sent(1)
        await world.until_at_rest()
        [letter] = await queue.dead(10)
        assert letter[1:3] == (key(ada, room), "PayloadTooLarge")
        await world.until_settled(ada, room)
        pusher.intake.doubt(frozenset({0}))
        await world.until_at_rest()
        assert len(world.carrier.sent) == len(await queue.dead(10)) == 1
        await reopen(on.database, APNS, [letter])
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
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await world.carrier.until_sent(2)
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


async def test_an_outage_in_a_lively_room_is_no_reason_to_give_up(
    on: Ground, redis_url: str
) -> None:
    """Every message is one more attempt in vain, and more wait than are counted; once it is back it has the newest."""
    ada, bob, room, _ = await two(on)
    await asyncio.gather(
        *(say(on.writer, bob, room, f"m{n}", "waits") for n in range(UNREAD_MOST + 1))
    )
    world = World(on, redis_url, *[TryLater("unreachable", 0.0)] * (ATTEMPTS_MOST + 10))
    queue = world.queue()
    async with world.pushing() as pusher:
        for n in range(3):
            await told(world, pusher, bob, room, f"in vain {n}")
        await world.carrier.until_sent(ATTEMPTS_MOST + 11)
        await world.until_settled(ada, room)
        assert await queue.dead(10) == []
    await queue.close()
