"""The claims of muster/standing.py, for every keeper of standings: the fake, one Redis, a Redis Cluster."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import uuid4

import pytest
import pytest_asyncio
import redis.asyncio as redis

from loadtest.torture.cluster import RedisCluster
from muster.ids import PersonId, RoomId
from muster.standing import NONE, Health, Kept, Key, Lost, Move, Standings
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.standing import RedisStandings
from muster.stores.redis.standing_commands import StandingKeys
from tests.fakes.standing import FakeStandings, Held

HOUR_MS = 3_600_000


class World(Protocol):
    """What is kept, as two processes see it."""

    one: Standings
    other: Standings

    async def now_ms(self) -> int: ...

    async def pass_ms(self, ms: int) -> None:
        """So much time goes by."""
        ...

    async def lose(self) -> None:
        """All it holds is gone."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.held = Held()
        self.one: Standings = FakeStandings(self.held)
        self.other: Standings = FakeStandings(self.held)

    async def now_ms(self) -> int:
        return self.held.now_ms

    async def pass_ms(self, ms: int) -> None:
        self.held.now_ms += ms

    async def lose(self) -> None:
        self.held.lose()


class RedisWorld:
    def __init__(self, url: str, cluster: RedisCluster | None) -> None:
        self.urls = [url] if cluster is None else cluster.urls
        self.keys = StandingKeys(f"test-{uuid4().hex}")
        rng = random.Random(1)
        both = [
            RedisStandings(nodes_at(url, cluster is not None, self.keys.table, rng), self.keys, rng)
            for _ in range(2)
        ]
        self._both = both
        self.one: Standings = both[0]
        self.other: Standings = both[1]

    async def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def pass_ms(self, ms: int) -> None:
        until = await self.now_ms() + ms
        while await self.now_ms() <= until:  # noqa: ASYNC110  # Redis' clock is the machine's
            await asyncio.sleep(0)

    async def names(self) -> list[bytes]:
        found = []
        for url in self.urls:
            async with redis.Redis.from_url(url, protocol=2) as client:
                pattern = self.keys.table.tags[0].split(b":")[0] + b":*"
                found += [key async for key in client.scan_iter(pattern, count=1000)]
        return found

    async def lose(self) -> None:
        for url in self.urls:
            async with redis.Redis.from_url(url, protocol=2) as client:
                pattern = self.keys.table.tags[0].split(b":")[0] + b":*"
                async for key in client.scan_iter(pattern, count=1000):
                    await client.delete(key)

    async def close(self) -> None:
        for one in self._both:
            await one.close()


def somewhere(person: PersonId | None = None) -> Key:
    return Key(person or PersonId(uuid4()), RoomId(uuid4()))


async def kept(of: Standings, key: Key) -> Kept:
    return (await of.load([key.person]))[key.person].get(key.room, NONE)


async def put(world: World, *keys: Key, due_in_ms: int | None = None) -> list[int]:
    """Stand there for an hour, whatever was before."""
    now_ms = await world.now_ms()
    due_ms = None if due_in_ms is None else now_ms + due_in_ms
    versions = [(await kept(world.one, key)).version for key in keys]
    return await world.one.move(
        [Move(k, v, b"in", now_ms + HOUR_MS, due_ms) for k, v in zip(keys, versions, strict=True)]
    )


async def opened(world: World) -> None:
    await world.one.finish(await world.one.begin())


class Contract:
    """What every keeper of standings must do."""

    async def test_of_two_that_move_the_same_one_does(self, world: World) -> None:
        """Whoever was slower learns of it, and finds what the other has put."""
        await opened(world)
        key, until_ms = somewhere(), await world.now_ms() + HOUR_MS
        [first] = await world.one.move([Move(key, 0, b"a", until_ms, None)])
        assert first > 0
        assert await world.other.move([Move(key, 0, b"b", until_ms, None)]) == [0]
        assert await kept(world.other, key) == Kept(first, b"a")
        [second] = await world.other.move([Move(key, first, b"b", until_ms, None)])
        assert second > first
        assert await world.one.move([Move(key, first, b"c", until_ms, None)]) == [0]
        assert await kept(world.one, key) == Kept(second, b"b")

    async def test_a_crowd_that_moves_one_thing_is_counted_exactly(self, world: World) -> None:
        """Twenty at once, each reading and adding one until it is done: nothing is lost, nothing counted twice."""
        await opened(world)
        key, until_ms = somewhere(), await world.now_ms() + HOUR_MS

        async def add(of: Standings) -> None:
            while True:
                before = await kept(of, key)
                state = b"%d" % (int(before.state or b"0") + 1)
                if await of.move([Move(key, before.version, state, until_ms, None)]) != [0]:
                    return

        async with asyncio.TaskGroup() as tasks:
            for n in range(20):
                tasks.create_task(add(world.one if n % 2 else world.other))
        assert (await kept(world.one, key)).state == b"20"

    async def test_events_of_a_person_are_moved_each_by_itself(self, world: World) -> None:
        """And loaded together, with those of others."""
        await opened(world)
        ada, bob = PersonId(uuid4()), PersonId(uuid4())
        here, there, his = somewhere(ada), somewhere(ada), somewhere(bob)
        until_ms = await world.now_ms() + HOUR_MS
        await put(world, here)
        moves = [Move(key, 0, b"x", until_ms, None) for key in (here, there, his)]
        told = await world.one.move(moves)
        assert (told[0], told[1] > 0, told[2] > 0) == (0, True, True)
        found = await world.other.load([ada, bob])
        assert {room: k.state for room, k in found[ada].items()} == {
            here.room: b"in",
            there.room: b"x",
        }
        assert [k.state for k in found[bob].values()] == [b"x"]

    async def test_a_version_never_comes_back(self, world: World) -> None:
        """What was forgotten and put anew is not taken for what it was."""
        await opened(world)
        key = somewhere()
        [first] = await put(world, key)
        assert await world.one.move([Move(key, first, b"", 0, None)]) == [-1]
        assert await kept(world.one, key) == NONE
        await world.pass_ms(2)
        [again] = await put(world, key)
        assert again > first
        until_ms = await world.now_ms() + HOUR_MS
        assert await world.other.move([Move(key, first, b"b", until_ms, None)]) == [0]

    async def test_many_at_once_in_every_bucket(self, world: World) -> None:
        """More than one call's worth in many of them."""
        await opened(world)
        keys = [somewhere() for _ in range(700)]
        assert all(version > 0 for version in await put(world, *keys))
        found = await world.other.load([key.person for key in keys])
        assert [list(found[key.person]) for key in keys] == [[key.room] for key in keys]

    async def test_nothing_outlives_its_time(self, world: World) -> None:
        """Nor does what was due of it."""
        await opened(world)
        key, other = somewhere(), somewhere()
        now_ms = await world.now_ms()
        await world.one.move([Move(key, 0, b"a", now_ms + 20, now_ms)])
        beside = key._replace(room=other.room)
        await world.one.move([Move(beside, 0, b"b", now_ms + HOUR_MS, None)])
        await world.pass_ms(25)
        assert await kept(world.other, key) == NONE
        assert (await kept(world.other, beside)).state == b"b"
        [version] = await world.one.move([Move(key, 0, b"", 0, None)])
        assert version in (-1, 0), "gone, or to be forgotten: nothing to be afraid of"

    # What is due

    async def test_what_is_due_is_taken_by_one_and_by_others_if_that_one_dies(
        self, world: World
    ) -> None:
        """And no more by anybody, once it was moved to another time."""
        await opened(world)
        ready, later, never = somewhere(), somewhere(), somewhere()
        [version] = await put(world, ready, due_in_ms=-500)
        await put(world, later, due_in_ms=HOUR_MS)
        await put(world, never)
        due = await world.one.take_due(100)
        assert due.keys == [ready]
        assert 500 <= due.late_ms < 60_000
        assert (await world.other.take_due(100)).keys == []
        now_ms = await world.now_ms()
        await world.one.move([Move(ready, version, b"a", now_ms + HOUR_MS, now_ms)])
        assert (await world.other.take_due(100)).keys == [ready]
        [moved] = await put(world, ready)
        assert moved
        assert (await world.one.take_due(100)).keys == []

    async def test_no_more_is_taken_than_was_asked_for(self, world: World) -> None:
        """The rest is there for the next who asks."""
        await opened(world)
        person = PersonId(uuid4())
        keys = [somewhere(person) for _ in range(5)]
        await put(world, *keys, due_in_ms=-1)
        taken = [await world.one.take_due(2) for _ in range(4)]
        assert [len(due.keys) for due in taken] == [2, 2, 1, 0]
        assert {key for due in taken for key in due.keys} == set(keys)

    async def test_what_is_forgotten_is_not_due(self, world: World) -> None:
        """Nobody is woken for nothing."""
        await opened(world)
        key = somewhere()
        [version] = await put(world, key, due_in_ms=-1)
        await world.one.move([Move(key, version, b"", 0, None)])
        assert (await world.one.take_due(10)).keys == []

    # Losing and putting back

    async def test_what_was_lost_is_closed_until_it_was_put_back(self, world: World) -> None:
        """Nobody judges from nothing what somebody else has yet to put back."""
        await opened(world)
        key = somewhere()
        [version] = await put(world, key, due_in_ms=-1)
        assert await world.one.look() == Health(is_lost=False, is_doubted=True)
        assert await world.one.look() == Health(is_lost=False, is_doubted=False)
        await world.lose()
        assert (await world.one.look()).is_lost
        until_ms = await world.now_ms() + HOUR_MS
        with pytest.raises(Lost):
            await world.one.load([key.person])
        with pytest.raises(Lost):
            await world.one.move([Move(key, version, b"b", until_ms, None)])
        assert (await world.other.take_due(10)).keys == []
        rebuilding = await world.one.begin()
        assert await world.one.load([key.person], closed=True) == {key.person: {}}
        with pytest.raises(Lost):
            await world.other.move([Move(key, 0, b"b", until_ms, None)])
        [back] = await world.one.move([Move(key, 0, b"in", until_ms, None)], closed=True)
        await world.one.finish(rebuilding)
        assert not (await world.other.look()).is_lost
        assert await kept(world.other, key) == Kept(back, b"in")

    async def test_what_is_lost_while_it_is_put_back_stays_closed(self, world: World) -> None:
        """Half of it would be missing, and nobody would know."""
        first, second = await world.one.begin(), await world.other.begin()
        await world.lose()
        await world.one.finish(first)
        assert (await world.one.look()).is_lost
        third = await world.one.begin()
        await world.other.finish(second)
        assert (await world.one.look()).is_lost, "its mark is of the time before"
        await world.one.finish(third)
        assert not (await world.one.look()).is_lost

    async def test_two_that_put_back_at_once_do_no_harm(self, world: World) -> None:
        """Whoever is first opens; whoever is second changes nothing by what it read before."""
        first, second = await world.one.begin(), await world.other.begin()
        assert first == second
        await world.one.finish(first)
        key = somewhere()
        [version] = await put(world, key)
        until_ms = await world.now_ms() + HOUR_MS
        assert await world.other.move([Move(key, 0, b"old", until_ms, None)], closed=True) == [0]
        await world.other.finish(second)
        assert await kept(world.one, key) == Kept(version, b"in")


class TestFake(Contract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()

    async def test_whoever_dies_with_what_is_due_is_not_waited_for_longer_than_a_hand(
        self, world: FakeWorld
    ) -> None:
        """On Redis it is the same number, and ten seconds of waiting."""
        await opened(world)
        key = somewhere()
        await put(world, key, due_in_ms=-1)
        assert (await world.one.take_due(10)).keys == [key]
        await world.pass_ms(9_999)
        assert (await world.other.take_due(10)).keys == []
        await world.pass_ms(1)
        assert (await world.other.take_due(10)).keys == [key]


class TestRedis(Contract):
    @pytest_asyncio.fixture
    async def world(self, redis_url: str) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_url, None)
        yield world
        await world.close()

    async def test_nothing_is_left_of_people_whose_time_is_over(self, world: RedisWorld) -> None:
        """Redis forgets by itself: nobody has to come by."""
        await opened(world)
        keys = [somewhere() for _ in range(50)]
        now_ms = await world.now_ms()
        await world.one.move([Move(key, 0, b"a", now_ms + 100, None) for key in keys])
        assert [name for name in await world.names() if b":standing:" in name]
        await world.pass_ms(110)
        assert not [name for name in await world.names() if b":standing:" in name]


class TestCluster(TestRedis):
    @pytest_asyncio.fixture
    async def world(  # type: ignore[override]  # a fixture asks for what it needs
        self, redis_cluster: RedisCluster
    ) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_cluster.url, redis_cluster)
        yield world
        await world.close()
