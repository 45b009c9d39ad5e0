"""What the bus does when a Redis Cluster changes under it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.exceptions import ResponseError

from loadtest.torture.cluster import RedisCluster
from muster.stores.redis.nodes import ClusterNodes, Nodes
from tests.fakes.lane_entries import entry
from tests.fakes.listener import following
from tests.stores.redis.bus_over import LANES, bus_over


async def test_lanes_are_spread_over_the_primaries(redis_cluster: RedisCluster) -> None:
    """Every primary holds some of the lanes."""
    async with bus_over(redis_cluster.url, cluster=True) as bus:
        await bus.nodes.settle()
        assert len({bus.nodes.node_of(lane) for lane in range(LANES)}) == len(redis_cluster.urls)


async def test_a_lane_that_moves_is_doubted_and_followed(redis_cluster: RedisCluster) -> None:
    """A slot migrates with its keys: publishing goes on, and so does the tail."""
    async with bus_over(redis_cluster.url, cluster=True) as bus, following(bus.tail) as heard:
        await bus.publisher.publish([entry(room, 1) for room in bus.rooms])
        await heard.until(lambda: len(heard.told) == LANES)
        slot = bus.table.slots[0]
        source = await redis_cluster.holder(slot)
        target = (source + 1) % len(redis_cluster.urls)
        try:
            await redis_cluster.move(slot, target)
            await bus.publisher.publish([entry(room, 2) for room in bus.rooms])
            await heard.until(lambda: heard.doubts == {0} and not heard.unreadable)
            await bus.publisher.publish([entry(room, 3) for room in bus.rooms])
            await heard.until(lambda: all(heard.seqs(room)[-1] == 3 for room in bus.rooms))
            assert all(heard.seqs(room) == [1, 2, 3] for room in bus.rooms[1:])
        finally:
            await redis_cluster.move(slot, source)


async def test_a_publisher_finds_a_lane_that_moved(redis_cluster: RedisCluster) -> None:
    """With no tail beside it that reads the map; the very call that is refused succeeds."""
    async with bus_over(redis_cluster.url, cluster=True) as bus:
        await bus.publisher.publish([entry(bus.rooms[1], 1)])
        slot = bus.table.slots[1]
        source = await redis_cluster.holder(slot)
        target = (source + 1) % len(redis_cluster.urls)
        try:
            await redis_cluster.move(slot, target)
            await bus.publisher.publish([entry(bus.rooms[1], 2)])
            assert (
                await redis_cluster.ask(target, "XLEN", bus.table.streams[1]) == 3
            )  # and an epoch
        finally:
            await redis_cluster.move(slot, source)


async def test_many_who_ask_where_lanes_are_cause_one_question(
    redis_cluster: RedisCluster,
) -> None:
    """All readers are refused at once; the first answer serves them all."""
    async with bus_over(redis_cluster.url, cluster=True) as bus:
        await redis_cluster.ask(0, "CONFIG", "RESETSTAT")
        async with asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(bus.nodes.settle())
        stats = await redis_cluster.ask(0, "INFO", "commandstats")
        assert stats["cmdstat_cluster"]["calls"] == 1  # type: ignore[index]


async def test_a_cluster_is_found_through_the_nodes_known(redis_cluster: RedisCluster) -> None:
    """The node in the URL may be gone by the time the map is read again."""
    async with bus_over(redis_cluster.url, cluster=True) as bus:
        nodes = bus.nodes
        assert isinstance(nodes, ClusterNodes)
        await nodes.settle()
        nodes._dial.address = nodes._dial.address._replace(port=1)
        nodes._settled_at = float("-inf")
        await nodes.settle()


async def test_a_redis_that_is_no_cluster_is_refused(fresh_redis_url: str) -> None:
    """A wrong MUSTER_REDIS_CLUSTER is found when the map is read."""

    async def settled(nodes: Nodes) -> None:
        while True:
            with suppress(TimeoutError):  # a machine that stood still: readers ask again
                return await nodes.settle()

    async with bus_over(fresh_redis_url, cluster=True) as bus:
        with pytest.raises(ResponseError, match="cluster support disabled"):
            await settled(bus.nodes)
