"""The claims of the queue of pushes over a Redis that fails: said in time, and never passed over."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import pytest
import pytest_asyncio

from muster.owed import Key
from muster.push_device import Provider
from muster.push_queue import Priority, Unreachable, Wish
from muster.stores.redis.push_queue import RedisPushQueue, push_queue_at
from tests.fixtures.restartable import RestartableRedis


@pytest_asyncio.fixture
async def queue(restartable_redis: RestartableRedis) -> AsyncIterator[RedisPushQueue]:
    queue = push_queue_at(restartable_redis.url, False, Provider.fcm, random.Random(1))
    yield queue
    await queue.close()


async def _back(queue: RedisPushQueue) -> None:
    """Each of its connections may have to find out that what it spoke with is gone."""
    async with asyncio.timeout(5):
        while True:
            with suppress(Unreachable):
                await queue.now_ms()
                return


async def _works(queue: RedisPushQueue) -> None:
    key = Key(uuid4().bytes, uuid4().bytes)
    await queue.put([Wish(key, Priority.urgent, 0)])
    jobs = await queue.take(10, 5)
    assert key in {job.key for job in jobs}
    await queue.done(jobs)


async def test_a_redis_that_began_anew_is_a_loss(
    queue: RedisPushQueue, restartable_redis: RestartableRedis
) -> None:
    """Also one that has kept all it had, as a promoted replica seems to: it may lack the newest."""
    assert [await queue.is_lost(), await queue.is_lost()] == [True, False]
    keys = queue._commands.keys.epochs
    async with restartable_redis.client() as client:
        epochs = [epoch or b"" for epoch in await client.mget(keys)]
    await restartable_redis.kill()
    with pytest.raises(Unreachable):
        await queue.is_lost()
    await restartable_redis.start()
    async with restartable_redis.client() as client:
        await client.mset(dict(zip(keys, epochs, strict=True)))
    assert [await queue.is_lost(), await queue.is_lost()] == [True, False]
    await _works(queue)


async def test_a_redis_that_goes_while_somebody_waits_is_said(
    queue: RedisPushQueue, restartable_redis: RestartableRedis
) -> None:
    """And the same queue goes on when it is back, empty as it is."""
    await _works(queue)

    async def wait() -> None:
        with pytest.raises(Unreachable):
            await queue.take(1, 30)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(wait())
        await asyncio.sleep(0)
        await queue.now_ms()  # answered after what the other looked for
        await restartable_redis.kill()
    await restartable_redis.start()
    await _back(queue)
    await _works(queue)


async def test_a_redis_that_does_not_answer_is_said_in_time(
    queue: RedisPushQueue, restartable_redis: RestartableRedis
) -> None:
    """Whatever was asked; what was taken unheard is somebody's hand's, and is taken over."""
    await _works(queue)
    restartable_redis.freeze()
    key = Key(uuid4().bytes, uuid4().bytes)
    try:
        async with asyncio.timeout(5):
            for asked in (queue.take(1, 0), queue.put([Wish(key, Priority.urgent, 0)])):
                with pytest.raises(Unreachable):
                    await asked
    finally:
        restartable_redis.thaw()
    await _works(queue)
