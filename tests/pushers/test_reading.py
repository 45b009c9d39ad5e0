"""What is read on one device goes from the others: a whole pusher on real Postgres and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest_asyncio

from muster import submit
from muster.devices import Key as DeviceKey
from muster.ids import PersonId
from muster.lane import LaneEntry
from muster.owed import Key, Settled
from muster.presence import Attention, Device
from muster.push_device import Provider
from muster.push_queue import Priority, Wish
from muster.roll import Say
from proto.entry import EntryKind
from pushers.outcome import Rejected, TryLater
from pushers.push import Kind, Push
from pushers.ration import PER_HOUR
from pushers.readings import Readings
from pushers.settling import Settling
from tests.fakes.carrier import WITHIN_S
from tests.pushers.surroundings import HASTY, World, reads, told, two
from tests.stores.postgres.debtors import APNS, FCM, Ground, ground, key, register
from tests.vocabulary import say


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


async def rung(on: Ground, provider: Provider = APNS) -> int | None:
    """What the only row says is shown."""
    found: int | None = await on.database.fetchval(
        "SELECT rung FROM push_notified WHERE provider = $1", provider.value
    )
    return found


async def until_rung(on: Ground, what: int | None) -> None:
    """Return once it is written."""
    async with asyncio.timeout(WITHIN_S):
        while await rung(on) != what:
            pass


def kinds(sent: list[Push]) -> list[Kind]:
    return [push.kind for push in sent]


async def test_what_is_read_elsewhere_goes_from_the_phone(on: Ground, redis_url: str) -> None:
    """Once, silently, with the badge as it is now, however often it is read and looked for again."""
    ada, bob, room, phone = await two(on)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        seq = await told(world, pusher, bob, room, "ring")
        await until_rung(on, seq)
        await reads(world, pusher, ada, room, seq)
        await world.carrier.until_sent(2)
        await until_rung(on, None)
        await reads(world, pusher, ada, room, seq)
        pusher.intake.doubt(frozenset({0}))
        await world.until_at_rest()
    alert, word = world.carrier.sent
    assert kinds(world.carrier.sent) == [Kind.alert, Kind.silent]
    assert (alert.collapse, alert.device.device) == (word.collapse, phone)
    assert alert.id != word.id
    assert b'"badge":0' in word.body
    assert await on.all_unsettled() == []
    assert world.metric("muster_push_suppressed_total", provider="apns", cause="read") == 0


async def test_what_was_read_in_part_stays(on: Ground, redis_url: str) -> None:
    """The alert is about a message that is not read yet; nothing is put for it either."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        first = await told(world, pusher, bob, room, "one")
        second = await told(world, pusher, bob, room, "two")
        await until_rung(on, second)
        assert await on.store.shown_and_read(APNS, [key(ada, room)]) == []
        await reads(world, pusher, ada, room, first)
        assert await on.store.shown_and_read(APNS, [key(ada, room)]) == []
        await reads(world, pusher, ada, room, second)
        assert await on.store.shown_and_read(FCM, [key(ada, room)]) == []
        await world.carrier.until(lambda sent: Kind.silent in kinds(sent))
        await until_rung(on, None)
    assert kinds(world.carrier.sent).count(Kind.silent) == 1


async def test_a_phone_in_use_is_told_by_its_socket_alone(on: Ground, redis_url: str) -> None:
    """Of two phones the one that is in use is not woken; afterwards nothing is shown of the room."""
    ada, bob, room, phone = await two(on)
    other = await register(on.database, ada)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        seq = await told(world, pusher, bob, room, "ring both")
        await until_rung(on, seq)
        await _in_use(world, ada, phone)
        await reads(world, pusher, ada, room, seq)
        await until_rung(on, None)
    assert {push.device.device for push in world.carrier.sent[:2]} == {phone, other}
    assert [(push.kind, push.device.device) for push in world.carrier.sent[2:]] == [
        (Kind.silent, other)
    ]


async def test_a_new_message_takes_the_place_of_what_was_read(on: Ground, redis_url: str) -> None:
    """While an alert is owed nothing is told: the alert replaces what is shown, and says the badge."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    queue = world.queue()
    async with world.pushing(HASTY._replace(read_ms=30_000)) as pusher:
        first = await told(world, pusher, bob, room, "one")
        await until_rung(on, first)
        await reads(world, pusher, ada, room, first)
        async with asyncio.timeout(WITHIN_S):
            while not (await queue.depth()).due:
                pass
        second = await told(world, pusher, bob, room, "two")
        await until_rung(on, second)
        await world.until_at_rest()
    await queue.close()
    assert kinds(world.carrier.sent) == [Kind.alert, Kind.alert]
    assert len({push.collapse for push in world.carrier.sent}) == 1


async def test_what_was_read_while_it_rang_goes_too(on: Ground, redis_url: str) -> None:
    """The reading came before it was known that anything is shown: whoever writes that down finds it."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    world.carrier.hold.clear()
    async with world.pushing() as pusher:
        seq = await told(world, pusher, bob, room, "on its way")
        await world.carrier.until_sent(1)
        await on.writer.submit(submit.read(ada, room, seq))  # and no lane brings it
        world.carrier.hold.set()
        await world.carrier.until_sent(2)
        await until_rung(on, None)
    assert kinds(world.carrier.sent) == [Kind.alert, Kind.silent]


async def test_whoever_writes_what_rang_puts_what_was_read(on: Ground, redis_url: str) -> None:
    """The job is over, and its successor is due after the pause of readings: no rebuild is waited for."""
    ada, bob, room, _ = await two(on)
    mine = key(ada, room)
    seq = (await say(on.writer, bob, room, "m1", "rang")).seq
    await on.writer.submit(submit.read(ada, room, seq))
    queue = World(on, redis_url).queue()
    await queue.put([Wish(mine, Priority.ordinary, 0)])
    [job] = await queue.take(1, WITHIN_S)
    settling = Settling(APNS, on.store, queue, HASTY)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(settling.run())
        settling.over(job, Settled(mine, seq, rung=seq))
        [follows] = await queue.take(1, WITHIN_S)
        running.cancel()
    assert (follows.key, follows.priority) == (mine, Priority.silent)
    await queue.close()


async def test_what_may_have_arrived_goes_too(on: Ground, redis_url: str) -> None:
    """No answer came and it was read before the next attempt: the phone may show it."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url, TryLater("reset", 0.3, ambiguous=True))
    async with world.pushing() as pusher:
        seq = await told(world, pusher, bob, room, "perhaps")
        await until_rung(on, seq)
        await reads(world, pusher, ada, room, seq)
        await world.carrier.until_sent(2)
        await until_rung(on, None)
    assert kinds(world.carrier.sent) == [Kind.alert, Kind.silent]


async def test_a_loss_of_the_queue_loses_no_reading(on: Ground, redis_url: str) -> None:
    """Postgres knows what is shown and was read: a pusher that starts with an empty queue tells it."""
    ada, bob, room, _ = await two(on)
    seq = (await say(on.writer, bob, room, "m1", "shown")).seq
    await on.store.settle(APNS, [Settled(key(ada, room), seq, rung=seq)])
    assert await on.all_unsettled() == []
    await on.writer.submit(submit.read(ada, room, seq))
    [found] = await on.store.unsettled(APNS, None, 10)
    assert (found.key, found.is_read) == (key(ada, room), True)
    world = World(on, redis_url)
    async with world.pushing():
        await world.carrier.until_sent(1)
        await until_rung(on, None)
    assert kinds(world.carrier.sent) == [Kind.silent]
    assert await on.all_unsettled() == []


async def test_who_dies_while_telling_leaves_it_to_others(on: Ground, redis_url: str) -> None:
    """Nothing is taken for told before the provider has it; what is refused for good is given up, and seen."""
    ada, bob, room, _ = await two(on)
    seq = (await say(on.writer, bob, room, "m1", "shown")).seq
    await on.store.settle(APNS, [Settled(key(ada, room), seq, rung=seq)])
    await on.writer.submit(submit.read(ada, room, seq))
    world = World(on, redis_url)
    world.carrier.hold.clear()
    async with world.pushing():
        await world.carrier.until_sent(1)
    assert await rung(on) == seq
    other = World(on, redis_url, TryLater("busy", 0.05), Rejected("PayloadTooLarge"))
    queue = other.queue()
    async with other.pushing():
        await other.carrier.until_sent(2)
        await until_rung(on, None)
        await other.until_at_rest()
        assert [letter.reason for letter in await queue.dead(10)] == ["PayloadTooLarge"]
    await queue.close()


async def test_an_iphone_is_woken_twice_an_hour_and_then_only_its_badge_falls(
    on: Ground, redis_url: str
) -> None:
    """Apple drops what is more."""
    ada, bob, room, _ = await two(on)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        for n in range(PER_HOUR + 1):
            seq = await told(world, pusher, bob, room, f"ring {n}")
            await until_rung(on, seq)
            await reads(world, pusher, ada, room, seq)
            await until_rung(on, None)
    words = world.carrier.sent[1::2]
    assert kinds(words) == [Kind.silent] * PER_HOUR + [Kind.alert]
    assert b'"kind":"badge"' in words[-1].body


async def test_what_rang_and_what_is_gone_never_go_back(on: Ground) -> None:
    """The last alert counts; what is told of an earlier one takes nothing from it; rows go with the membership."""
    ada, bob, room, _ = await two(on)
    mine = key(ada, room)
    last = 0
    for n in range(4):
        last = (await say(on.writer, bob, room, str(n))).seq
    for settled, stands in (
        ([Settled(mine, last - 2, rung=last - 2)], last - 2),
        ([Settled(mine, 1, rung=1)], last - 2),
        ([Settled(mine, last, gone=last - 3)], last - 2),
        ([Settled(mine, last)], last - 2),
        ([Settled(mine, 1, rung=last - 1), Settled(mine, 1, gone=last - 2)], last - 1),
        ([Settled(mine, 1, gone=last)], None),
        ([Settled(mine, 1, rung=10**9)], last),
    ):
        assert await on.store.settle(APNS, settled) == []
        assert await rung(on) == stands
        assert (await on.one(ada, room)).rung == (stands or 0)
    await on.writer.submit(submit.read(ada, room, last))
    assert await on.store.settle(APNS, [Settled(mine, last, rung=last)]) == [mine]
    assert await on.store.shown_and_read(APNS, [mine, mine]) == [mine, mine]
    await on.writer.submit(submit.leave(ada, room, "l"))
    assert await on.store.settle(APNS, [Settled(mine, last, rung=last)]) == []
    assert await on.all_unsettled() == []


def test_readings_wait_once_each_and_within_a_bound() -> None:
    """What does not fit, and what cannot be read, is said."""
    readings = Readings(most=2)
    keys = [Key(bytes([n]) * 16, b"r" * 16) for n in range(3)]
    readings.back([keys[0], keys[0], keys[1]])
    assert (len(readings), readings.overflowed()) == (2, False)
    readings.back([keys[2]])
    assert readings.overflowed()
    assert not readings.overflowed()
    assert readings.take(1) == keys[:1]
    assert readings.take(9) == keys[1:2]
    readings.add([LaneEntry(b"p" * 16, 3, EntryKind.read, b"p" * 16, None, b"\xc1")])
    assert (len(readings), readings.overflowed()) == (0, True)


async def _in_use(world: World, who: PersonId, device: UUID) -> None:
    generation = b"g" * 16
    with suppress(ValueError):
        await world.roll.enter(b"h" * 16, generation)
    seat = Device(generation, Attention.active, 1)
    await world.roll.say(generation, [Say(DeviceKey(who.bytes, device.bytes), seat)])
