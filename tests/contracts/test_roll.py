"""The claims of muster/roll.py, for every roll there is: the fake, one Redis, a Redis Cluster."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from itertools import count
from typing import Protocol
from uuid import uuid4

import pytest
import pytest_asyncio
import redis.asyncio as redis

from loadtest.torture.cluster import RedisCluster
from muster.devices import Key
from muster.presence import ABSENT, Attention, Device, Profile, packed
from muster.privacy import PrivacyCircle
from muster.roll import BUCKETS, Edge, Fenced, Position, Roll, Say, Told, bucket_of
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.roll import RedisRoll
from muster.stores.redis.roll_commands import RollKeys
from tests.fakes.roll import FakeRoll

PLAIN = packed(Profile())
HUB_A, HUB_B = b"a" * 16, b"b" * 16


class World(Protocol):
    """One roll under test."""

    roll: Roll

    async def lose(self) -> None:
        """All it holds is gone."""
        ...

    async def expire(self, generation: bytes) -> None:
        """The lease of this generation has run out."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeRoll()
        self.roll: Roll = self.fake

    async def lose(self) -> None:
        self.fake.lose()

    async def expire(self, generation: bytes) -> None:
        await self.fake.retire(generation, -1)


class RedisWorld:
    def __init__(self, url: str, cluster: RedisCluster | None) -> None:
        self._url = url
        self._cluster = cluster
        self._keys = RollKeys(f"test-{uuid4().hex}")
        rng = random.Random(1)
        nodes = nodes_at(url, cluster is not None, self._keys.table, rng)
        self._roll = RedisRoll(nodes, self._keys, rng)
        self.roll: Roll = self._roll

    async def lose(self) -> None:
        pattern = self._keys.table.tags[0].split(b":")[0] + b":*"
        urls = [self._url] if self._cluster is None else self._cluster.urls
        for url in urls:
            async with redis.Redis.from_url(url, protocol=2) as client:
                async for key in client.scan_iter(pattern, count=1000):
                    await client.delete(key)

    async def expire(self, generation: bytes) -> None:
        await self._roll.retire(generation, -1)

    async def close(self) -> None:
        await self._roll.close()


class Follower:
    """Reads the roll as a hub does: edges in order, and whether there was doubt."""

    def __init__(self, roll: Roll, positions: list[Position]) -> None:
        self._roll = roll
        self.positions = positions

    async def fresh(self) -> list[Edge]:
        """What is new; there must be no doubt."""
        fresh = await self._roll.fresh(self.positions)
        assert not fresh.doubted
        for edge in fresh.edges:
            read = self.positions[edge.bucket]
            assert edge.number == read.number + 1, "edges are numbered without holes"
            self.positions[edge.bucket] = read._replace(number=edge.number)
        return fresh.edges

    async def doubted(self) -> frozenset[int]:
        fresh = await self._roll.fresh(self.positions)
        assert fresh.lost
        return fresh.doubted


_NUMBERS = count(1)


def generation() -> bytes:
    """A later one than all before."""
    return b"%016d" % next(_NUMBERS)


def somebody() -> bytes:
    return uuid4().bytes


def there(
    person: bytes,
    hub: bytes,
    *,
    device: bytes = b"d" * 16,
    attention: Attention = Attention.active,
    stamp: int = 1,
    room: bytes | None = None,
    profile: bytes = PLAIN,
) -> Say:
    return Say(Key(person, device), Device(hub, attention, stamp, room), profile)


def away(person: bytes, device: bytes = b"d" * 16) -> Say:
    return Say(Key(person, device), None)


def bye(person: bytes) -> Say:
    return Say(Key(person, b"d" * 16), None, is_goodbye=True)


async def entered(roll: Roll, hub: bytes = HUB_A) -> bytes:
    new = generation()
    await roll.enter(hub, new)
    return new


async def following(roll: Roll) -> Follower:
    return Follower(roll, await roll.heads())


class Contract:
    """What every roll must do."""

    async def test_first_device_in_and_last_out_make_an_edge_each(self, world: World) -> None:
        """Over two hubs and three devices: what lies between changes nothing."""
        one, other = await entered(world.roll), await entered(world.roll, HUB_B)
        seen, ada = await following(world.roll), somebody()
        say = world.roll.say
        assert await say(one, [there(ada, one)]) == [Told.in_]
        assert await say(other, [there(ada, other, device=b"e" * 16)]) == [Told.done]
        assert await say(one, [there(ada, one, device=b"f" * 16)]) == [Told.done]
        assert await say(one, [away(ada), away(ada, b"f" * 16)]) == [Told.done] * 2
        assert await say(other, [away(ada, b"e" * 16)]) == [Told.out]
        edges = await seen.fresh()
        assert [(e.person, e.record.attention) for e in edges] == [
            (ada, Attention.active),
            (ada, None),
        ]
        assert edges[1].record == ABSENT

    async def test_attention_is_the_most_that_any_device_has(self, world: World) -> None:
        """A phone in a pocket takes nothing from a laptop that is looked at."""
        one = await entered(world.roll)
        seen, ada, room = await following(world.roll), somebody(), b"r" * 16
        laptop, phone = b"l" * 16, b"p" * 16
        await world.roll.say(one, [there(ada, one, device=laptop, room=room)])
        pocket = there(ada, one, device=phone, attention=Attention.background)
        assert await world.roll.say(one, [pocket]) == [Told.done]
        idle = there(ada, one, device=laptop, attention=Attention.idle, stamp=2)
        await world.roll.say(one, [idle, away(ada, laptop)])
        told = [(e.record.attention, e.record.rooms) for e in await seen.fresh()]
        assert told == [
            (Attention.active, (room,)),
            (Attention.idle, ()),
            (Attention.background, ()),
        ]

    async def test_rooms_are_told_in_the_order_of_their_bytes_and_no_more_than_four(
        self, world: World
    ) -> None:
        """Whatever the locale: two readers must agree on what is the same."""
        one, ada = await entered(world.roll), somebody()
        rooms = [bytes([byte]) * 16 for byte in (0, 200, 97, 65, 128, 13)]
        says = [there(ada, one, device=room, room=room) for room in rooms]
        await world.roll.say(one, says)
        record = (await world.roll.look([ada])).records[ada]
        assert record.rooms == tuple(sorted(rooms)[:4])

    async def test_devices_are_told_one_by_one(self, world: World) -> None:
        """What a push must know and a person's record does not say: which of them looks at what."""
        one, other = await entered(world.roll), await entered(world.roll, HUB_B)
        ada, bob, room = somebody(), somebody(), b"r" * 16
        laptop, phone = b"l" * 16, b"p" * 16
        looking = there(ada, one, device=laptop, room=room)
        pocket = there(ada, other, device=phone, attention=Attention.background)
        await world.roll.say(one, [looking])
        await world.roll.say(other, [pocket])
        told = await world.roll.devices([ada, bob])
        assert told == {ada: {laptop: looking.device, phone: pocket.device}}
        await world.roll.say(one, [away(ada, laptop)])
        assert await world.roll.devices([ada]) == {ada: {phone: pocket.device}}

    async def test_a_device_belongs_to_the_hub_it_came_to_last(self, world: World) -> None:
        """Its old hub notices late: neither its goodbye nor its belief that it is there changes anything."""
        old, new = await entered(world.roll), await entered(world.roll, HUB_B)
        seen, ada = await following(world.roll), somebody()
        await world.roll.say(old, [there(ada, old, stamp=1)])
        await world.roll.say(new, [there(ada, new, stamp=2)])
        assert await world.roll.say(old, [away(ada)]) == [Told.done]
        assert await world.roll.say(old, [there(ada, old, stamp=1)]) == [Told.superseded]
        assert len(await seen.fresh()) == 1
        assert await world.roll.say(new, [away(ada)]) == [Told.out]

    async def test_a_device_id_that_two_people_share_is_two_devices(self, world: World) -> None:
        """Nobody goes because somebody else's device did."""
        one = await entered(world.roll)
        ada, bob = somebody(), somebody()
        assert await world.roll.say(one, [there(ada, one), there(bob, one)]) == [Told.in_] * 2
        assert await world.roll.say(one, [away(ada)]) == [Told.out]
        assert set((await world.roll.look([ada, bob])).records) == {bob}

    async def test_goodbyes_are_believed_three_times_in_a_row_whichever_hub_hears_them(
        self, world: World
    ) -> None:
        """Whoever comes and goes all day would be news all day. What nobody would notice is not counted."""
        hubs = [await entered(world.roll, hub) for hub in (HUB_A, HUB_B, b"c" * 16)]
        seen, ada, say = await following(world.roll), somebody(), world.roll.say
        for n in range(6):  # of two devices one stays: nobody would notice
            told = await say(hubs[0], [there(ada, hubs[0], stamp=n + 1)])
            if n == 0:
                assert await say(hubs[1], [there(ada, hubs[1], device=b"e" * 16)]) == [Told.done]
            told = await say(hubs[0], [bye(ada)])
            assert told == [Told.done]
        assert await say(hubs[1], [away(ada, b"e" * 16)]) == [Told.out]
        outcomes = []
        for n in range(10, 20):
            hub = hubs[n % 3]
            outcomes += await say(hub, [there(ada, hub, stamp=n)])
            outcomes += await say(hub, [bye(ada)])
        assert outcomes == [Told.in_, Told.out] * 3 + [Told.in_, Told.lingers] + (
            [Told.done, Told.lingers] * 6
        )
        assert len(await seen.fresh()) == 2 + 2 * 3 + 1
        assert await say(hubs[19 % 3], [away(ada)]) == [Told.out], "in the end they are out"
        assert await say(hubs[0], [bye(ada), bye(somebody())]) == [Told.done] * 2

    async def test_who_comes_back_is_as_they_were(self, world: World) -> None:
        """On another hub: a phone in a pocket that reconnects is no news, nor is who looks at a room."""
        old, new = await entered(world.roll), await entered(world.roll, HUB_B)
        ada, bob, room = somebody(), somebody(), b"r" * 16
        pocket = there(ada, old, attention=Attention.background)
        await world.roll.say(old, [pocket, there(bob, old, room=room)])
        seen = await following(world.roll)
        back = [there(who, new, stamp=2)._replace(as_it_was=True) for who in (ada, bob)]
        assert await world.roll.say(new, back) == [Told.done] * 2
        assert await seen.fresh() == []
        records = (await world.roll.look([ada, bob])).records
        assert records[ada].attention is Attention.background
        assert (records[bob].attention, records[bob].rooms) == (Attention.active, (room,))
        assert await world.roll.say(old, [away(ada), away(bob)]) == [Told.done] * 2
        assert await seen.fresh() == []
        first = there(somebody(), new)._replace(as_it_was=True)
        assert await world.roll.say(new, [first]) == [Told.in_]
        [edge] = await seen.fresh()
        assert edge.record.attention is Attention.active

    async def test_a_newer_profile_wins_whoever_says_it(self, world: World) -> None:
        """A hub that has not heard of the change yet does not take it back."""
        one, ada = await entered(world.roll), somebody()
        hidden = Profile(7, PrivacyCircle.nobody, invisible=True, text="über 🎈")
        await world.roll.show(ada, packed(hidden))
        assert not (await world.roll.look([ada])).records, "who is not in is not shown"
        await world.roll.say(one, [there(ada, one)])
        seen = await following(world.roll)
        await world.roll.show(ada, packed(hidden))
        await world.roll.show(ada, packed(Profile(6)))
        await world.roll.say(one, [there(ada, one, profile=packed(Profile(3)))])
        [edge] = await seen.fresh()
        assert edge.record.profile == hidden
        assert (await world.roll.look([ada])).records[ada].profile == hidden

    async def test_what_is_looked_at_is_as_of_a_numbered_edge(self, world: World) -> None:
        """Edges up to there are in it already, and what comes after is not."""
        one, ada = await entered(world.roll), somebody()
        await world.roll.say(one, [there(ada, one)])
        looked = await world.roll.look([ada, somebody()])
        heads = await world.roll.heads()
        assert looked.positions[bucket_of(ada)] == heads[bucket_of(ada)]
        assert list(looked.records) == [ada]

    async def test_many_at_once_are_said_and_read_in_order(self, world: World) -> None:
        """More than one call's worth in every bucket's reach, there and back."""
        one = await entered(world.roll)
        seen = await following(world.roll)
        people = [somebody() for _ in range(700)]
        assert await world.roll.say(one, [there(p, one) for p in people]) == [Told.in_] * 700
        assert set((await world.roll.look(people)).records) == set(people)
        assert await world.roll.say(one, [away(p) for p in people]) == [Told.out] * 700
        edges = await seen.fresh()
        assert len(edges) == 1_400
        assert not (await world.roll.look(people)).records

    async def test_only_a_registered_generation_is_listened_to(self, world: World) -> None:
        """Neither one that never entered nor one that was swept."""
        ada = somebody()
        with pytest.raises(Fenced):
            await world.roll.say(generation(), [there(ada, b"x" * 16)])
        one = await entered(world.roll)
        await world.expire(one)
        assert await world.roll.sweep(one, HUB_B) == []
        with pytest.raises(Fenced):
            await world.roll.say(one, [there(ada, one)])
        with pytest.raises(Fenced):
            await world.roll.renew(one, settled=True)

    async def test_a_dead_generation_is_swept_but_for_devices_that_moved(
        self, world: World
    ) -> None:
        """Idempotent: a second sweep finds nothing, and those who came back elsewhere make no edge."""
        dead, alive = await entered(world.roll), await entered(world.roll, HUB_B)
        people = [somebody() for _ in range(300)]
        await world.roll.say(dead, [there(p, dead) for p in people])
        await world.roll.say(alive, [there(p, alive, stamp=2) for p in people[:100]])
        seen = await following(world.roll)
        await world.expire(dead)
        out = await world.roll.sweep(dead, HUB_B)
        assert out is not None
        assert sorted(out) == sorted(people[100:])
        assert await world.roll.sweep(dead, HUB_B) == []
        edges = await seen.fresh()
        assert sorted(e.person for e in edges) == sorted(people[100:])
        assert set((await world.roll.look(people)).records) == set(people[:100])

    async def test_a_generation_that_lives_is_not_swept(self, world: World) -> None:
        """Nor one whose lease ran out unnoticed and was renewed."""
        one = await entered(world.roll)
        assert await world.roll.sweep(one, HUB_B) is None
        await world.expire(one)
        register = await world.roll.renew(one, settled=True)
        [peer] = register.peers
        assert (peer.hub, peer.generation, peer.settled) == (HUB_A, one, True)
        assert peer.expires_ms > register.now_ms
        assert await world.roll.sweep(one, HUB_B) is None

    async def test_a_roll_that_lost_everything_is_doubted_and_takes_nothing(
        self, world: World
    ) -> None:
        """Until hubs have entered anew; then readers start over at the heads."""
        one = await entered(world.roll)
        ada, seen = somebody(), await following(world.roll)
        await world.roll.say(one, [there(ada, one)])
        await seen.fresh()
        await world.lose()
        assert len(await seen.doubted()) == BUCKETS
        for refused in (
            world.roll.say(one, [there(ada, one)]),
            world.roll.renew(one, settled=True),
        ):
            with pytest.raises(Fenced):
                await refused
        again = await entered(world.roll)
        assert len(await seen.doubted()) == BUCKETS, "another epoch, though numbers may be the same"
        seen.positions = await world.roll.heads()
        await world.roll.say(again, [there(ada, again)])
        assert [edge.person for edge in await seen.fresh()] == [ada]

    async def test_a_reader_that_was_away_for_long_knows_that_it_missed_something(
        self, world: World
    ) -> None:
        """And that hubs need not say anything again for it."""
        one, ada = await entered(world.roll), somebody()
        seen = await following(world.roll)
        attentions = [Attention.active, Attention.idle]
        for n in range(150):
            says = [there(ada, one, attention=attentions[m % 2]) for m in range(100)]
            await world.roll.say(one, says)
            if n % 2 and bucket_of(ada) in (await world.roll.fresh(seen.positions)).doubted:
                break
        fresh = await world.roll.fresh(seen.positions)
        assert fresh.doubted == {bucket_of(ada)}
        assert not fresh.lost

    async def test_a_generation_that_the_register_lost_is_found_and_swept(
        self, world: World
    ) -> None:
        """Else its people would be in for ever: nobody renews it, and nobody sees its lease run out."""
        one, ada = await entered(world.roll), somebody()
        await world.roll.say(one, [there(ada, one)])
        assert await world.roll.unlisted() == frozenset()
        await self.forget_register(world)
        assert await world.roll.unlisted() == {one}
        assert await world.roll.sweep(one, HUB_B) == [ada]
        assert await world.roll.unlisted() == frozenset()

    async def forget_register(self, world: World) -> None:
        raise NotImplementedError


class TestFake(Contract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()

    async def forget_register(self, world: World) -> None:
        assert isinstance(world, FakeWorld)
        world.fake._register.clear()


class TestRedis(Contract):
    @pytest_asyncio.fixture
    async def world(self, redis_url: str) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_url, None)
        yield world
        await world.close()

    async def forget_register(self, world: World) -> None:
        assert isinstance(world, RedisWorld)
        async with redis.Redis.from_url(world._url, protocol=2) as client:
            assert await client.delete(world._keys.register[0]) == 1

    async def test_only_one_of_two_hubs_sweeps(self, world: RedisWorld) -> None:
        """The other's work would do no harm, but cost as much again."""
        one = await entered(world.roll)
        await world.expire(one)
        done, _ = await world._roll._registered(b"claim", one, HUB_B, 5_000)
        assert done
        assert await world.roll.sweep(one, b"c" * 16) is None
        assert await world.roll.sweep(one, HUB_B) == []

    async def test_nothing_is_left_of_people_who_went(self, world: RedisWorld) -> None:
        """A roll that has emptied is as small as one that never held anybody."""
        one = await entered(world.roll)
        people = [somebody() for _ in range(50)]
        await world.roll.say(one, [there(p, one) for p in people])
        await world.roll.say(one, [away(p) for p in people])
        namespace = world._keys.table.tags[0].split(b":")[0]
        async with redis.Redis.from_url(world._url, protocol=2) as client:
            left = [key async for key in client.scan_iter(namespace + b":*", count=1000)]
        assert not [key for key in left if b":person:" in key or b":hub:" in key]


class TestCluster(TestRedis):
    @pytest_asyncio.fixture
    async def world(  # type: ignore[override]  # a fixture asks for what it needs
        self, redis_cluster: RedisCluster
    ) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_cluster.url, redis_cluster)
        yield world
        await world.close()

    async def forget_register(self, world: World) -> None:
        assert isinstance(world, RedisWorld)
        assert world._cluster is not None
        holder = await world._cluster.holder(world._keys.table.slots[0])
        assert await world._cluster.ask(holder, "DEL", world._keys.register[0]) == 1

    async def test_nothing_is_left_of_people_who_went(self, world: RedisWorld) -> None:
        """As on one Redis, on each of several."""
        one = await entered(world.roll)
        people = [somebody() for _ in range(50)]
        await world.roll.say(one, [there(p, one) for p in people])
        await world.roll.say(one, [away(p) for p in people])
        assert world._cluster is not None
        namespace = world._keys.table.tags[0].split(b":")[0]
        for url in world._cluster.urls:
            async with redis.Redis.from_url(url, protocol=2) as client:
                left = [key async for key in client.scan_iter(namespace + b":*", count=1000)]
            assert not [key for key in left if b":person:" in key or b":hub:" in key]
