"""Hubs over a real Redis Cluster of three primaries keep the same promises as over one Redis."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from loadtest.torture.cluster import RedisCluster
from tests.fixtures.hubs import hub_on
from tests.vocabulary import person, room_of, say

pytestmark = pytest.mark.timeout(60)


async def test_everybody_gets_everything_once_and_in_order_while_the_cluster_is_emptied(
    database_url: str, redis_cluster: RedisCluster
) -> None:
    """Two hubs, rooms on all lanes, half of the posts from each hub; every primary flushed in the middle."""
    database = await asyncpg.connect(database_url)
    async with (
        hub_on(database_url, redis_cluster.url, cluster=True) as one,
        hub_on(database_url, redis_cluster.url, cluster=True) as other,
    ):
        ada, bob = await person(database), await person(database)
        rooms = [await room_of(one.writer, ada, bob) for _ in range(12)]
        of_ada, of_bob = await one.connect(ada), await other.connect(bob)
        await one.follow(of_ada, *((room, 0) for room in rooms))
        await other.follow(of_bob, *((room, 0) for room in rooms))
        for n in range(20):
            await asyncio.gather(*(say(one.writer, ada, room, f"a{n}") for room in rooms))
            if n == 10:
                await redis_cluster.flush()
            await asyncio.gather(*(say(other.writer, bob, room, f"b{n}") for room in rooms))
        for socket in (of_ada, of_bob):
            for room in rooms:
                await socket.until_told(room, 42)
                assert socket.is_unbroken(room)
    await database.close()
