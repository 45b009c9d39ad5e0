"""The claims of muster/bus.py, for every bus there is: the fake, one Redis, a Redis Cluster."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import uuid4

import pytest
import pytest_asyncio
import redis.asyncio as redis
from prometheus_client import CollectorRegistry

from loadtest.torture.cluster import RedisCluster
from muster.bus import Listener, Publisher, Tail
from muster.clock import SystemClock
from muster.lane import LaneEntry
from muster.lanes import LaneTable
from muster.stores.redis.meters import PublisherMeters, TailMeters
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.tail import RedisTail
from proto.entry import EntryKind
from tests.fakes.bus import FakeBus
from tests.fakes.lane_entries import entry, rooms_on
from tests.fakes.listener import following

LANES = 8
ALL = frozenset(range(LANES))


class World(Protocol):
    """One bus under test."""

    table: LaneTable
    publisher: Publisher

    def tail(self, listener: Listener) -> Tail: ...

    async def lose(self, lane: int | None) -> None:
        """What a lane holds is gone, or what all of them hold."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self._bus = FakeBus(LANES)
        self.table = self._bus.table
        self.publisher: Publisher = self._bus

    def tail(self, listener: Listener) -> Tail:
        return self._bus.tail(listener)

    async def lose(self, lane: int | None) -> None:
        self._bus.lose(None if lane is None else frozenset({lane}))


class RedisWorld:
    def __init__(self, url: str, cluster: RedisCluster | None) -> None:
        self._url = url
        self._cluster = cluster
        self._rng = random.Random(1)
        self.table = LaneTable(LANES, f"test-{uuid4().hex}")
        self._nodes: Nodes = nodes_at(url, cluster is not None, self.table, self._rng)
        self._publisher = RedisPublisher(
            self._nodes, self.table, PublisherMeters(CollectorRegistry()), 100_000, self._rng
        )
        self.publisher: Publisher = self._publisher

    def tail(self, listener: Listener) -> Tail:
        meters = TailMeters(CollectorRegistry())
        return RedisTail(self._nodes, self.table, listener, meters, SystemClock(), self._rng)

    async def lose(self, lane: int | None) -> None:
        if lane is not None:
            url = self._url
            if self._cluster is not None:
                url = self._cluster.urls[await self._cluster.holder(self.table.slots[lane])]
            async with redis.Redis.from_url(url, protocol=2) as client:
                assert await client.delete(self.table.streams[lane]) == 1
        elif self._cluster is not None:
            await self._cluster.flush()
        else:
            async with redis.Redis.from_url(self._url, protocol=2) as client:
                await client.flushall()

    async def close(self) -> None:
        await self._publisher.close()


class Contract:
    """What every bus must do."""

    async def test_what_is_published_arrives_in_order(self, world: World) -> None:
        """Many rooms on all lanes, in small and large calls; entries arrive as they were."""
        rooms = rooms_on(world.table)
        async with following(world.tail) as heard:
            for first in range(1, 1001, 100):
                batch = [entry(room, seq) for seq in range(first, first + 100) for room in rooms]
                await world.publisher.publish(batch)
            await world.publisher.publish([])
            await heard.until(lambda: len(heard.told) >= 1000 * LANES)
            for room in rooms:
                assert heard.seqs(room) == list(range(1, 1001))
            assert not heard.doubted
            assert not heard.changes

    async def test_an_entry_arrives_as_it_was(self, world: World) -> None:
        """Subject, kind, and bytes of every value; an ephemeral frame too."""
        [room, *_] = rooms_on(world.table)
        sent = [
            LaneEntry(room, 3, EntryKind.kick, b"a" * 16, b"s" * 16, bytes(range(256)) * 200),
            LaneEntry(room, 0, EntryKind.post, b"b" * 16, None, b"\r\n$-1\r\n"),
        ]
        async with following(world.tail) as heard:
            await world.publisher.publish(sent)
            await heard.until(lambda: len(heard.told) == 2)
            assert heard.told == sent

    async def test_every_tail_hears_everything_from_its_start(self, world: World) -> None:
        """Two tails both hear; what was before a tail's start it is not told."""
        [room, *_] = rooms_on(world.table)
        async with following(world.tail) as early:
            await world.publisher.publish([entry(room, 1)])
            await early.until(lambda: early.seqs(room) == [1])
            async with following(world.tail) as late:
                await world.publisher.publish([entry(room, 2)])
                await early.until(lambda: early.seqs(room) == [1, 2])
                await late.until(lambda: late.seqs(room) == [2])

    async def test_losing_everything_is_doubted_and_delivery_goes_on(self, world: World) -> None:
        """Every lane is doubted, though nothing is published; later entries arrive."""
        rooms = rooms_on(world.table)
        async with following(world.tail) as heard:
            await world.publisher.publish([entry(room, 1) for room in rooms])
            await heard.until(lambda: len(heard.told) == LANES)
            await world.lose(None)
            await heard.until(lambda: heard.doubts == ALL)
            await world.publisher.publish([entry(room, 2) for room in rooms])
            await heard.until(lambda: all(heard.seqs(room) == [1, 2] for room in rooms))

    async def test_losing_one_lane_is_doubted_alone(self, world: World) -> None:
        """The doubt names the lane; what comes right after the loss arrives or is doubted."""
        rooms = rooms_on(world.table)
        async with following(world.tail) as heard:
            await world.publisher.publish([entry(room, 1) for room in rooms])
            await heard.until(lambda: len(heard.told) == LANES)
            await world.lose(3)
            await world.publisher.publish([entry(room, 2) for room in rooms])
            others = [room for lane, room in enumerate(rooms) if lane != 3]
            await heard.until(lambda: all(heard.seqs(room) == [1, 2] for room in others))
            await heard.until(lambda: heard.doubts == {3})
            await world.publisher.publish([entry(rooms[3], 3)])
            await heard.until(lambda: heard.seqs(rooms[3])[-1] == 3)

    async def test_a_cancelled_call_touches_nobody_else(self, world: World) -> None:
        """Calls are cut at every moment; what those that returned published arrives, in order."""
        rooms = rooms_on(world.table)
        rng = random.Random(11)
        surely: list[int] = []
        async with following(world.tail) as heard, asyncio.TaskGroup() as group:
            for seq in range(1, 301):
                call = group.create_task(
                    world.publisher.publish([entry(room, seq) for room in rooms])
                )
                for _ in range(rng.randrange(12)):
                    await asyncio.sleep(0)
                if rng.random() < 0.7:
                    call.cancel()
                await asyncio.wait([call])
                if not call.cancelled():
                    surely.append(seq)
            await world.publisher.publish([entry(room, 999) for room in rooms])
            await heard.until(lambda: all(heard.seqs(room)[-1:] == [999] for room in rooms))
            for room in rooms:
                told = heard.seqs(room)
                assert set(surely) <= set(told)
                assert told == sorted(told)
            assert len(surely) < 300, "some calls were cut"

    async def test_a_tail_that_ended_is_followed_by_a_new_one(self, world: World) -> None:
        """Cancelling a tail ends it; another hears what comes then."""
        [room, *_] = rooms_on(world.table)
        for seq in (1, 2, 3):
            async with following(world.tail) as heard:
                await world.publisher.publish([entry(room, seq)])
                await heard.until(lambda: bool(heard.told))
                assert heard.seqs(room) == [seq]


class TestFake(Contract):
    @pytest.fixture
    def world(self) -> World:
        return FakeWorld()


class TestOneRedis(Contract):
    @pytest_asyncio.fixture
    async def world(self, fresh_redis_url: str) -> AsyncIterator[World]:
        world = RedisWorld(fresh_redis_url, None)
        yield world
        await world.close()


class TestCluster(Contract):
    @pytest_asyncio.fixture
    async def world(self, redis_cluster: RedisCluster) -> AsyncIterator[World]:
        world = RedisWorld(redis_cluster.url, redis_cluster)
        yield world
        await world.close()
