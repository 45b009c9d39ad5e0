"""Nonces are taken once: by everybody with Redis, by each process without it, and never without room."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from muster.clock import SystemClock
from muster.errors import Refused
from muster.nonces import AWAY_S, KEPT_S, LocalNonces, Nonces, SharedNonces
from muster.stores.redis.nonces import RedisNonces
from muster.stores.redis.wire import Dial
from proto.codes import Code

KEY = uuid4()


class Clock(SystemClock):
    """Moved by a test."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


@pytest_asyncio.fixture(params=["local", "shared"])
async def nonces(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Nonces]:
    """One process' nonces, with and without the others'."""
    store = RedisNonces(Dial(redis_url), f"test-{uuid4().hex[:8]}")
    local = LocalNonces(Clock())
    yield local if request.param == "local" else SharedNonces(store, local, Clock())
    await store.close()


async def test_a_nonce_is_taken_once(nonces: Nonces) -> None:
    """Of fifty at once one has it; of another key it is another."""
    taken = await asyncio.gather(*(nonces.take(KEY, "n" * 22) for _ in range(50)))
    assert sum(taken) == 1
    assert await nonces.take(uuid4(), "n" * 22)
    assert await nonces.take(KEY, "m" * 22)


async def test_two_processes_share_them(redis_url: str) -> None:
    """A copy of a request is a copy wherever it is sent."""
    name, clock = f"test-{uuid4().hex[:8]}", Clock()
    stores = [RedisNonces(Dial(redis_url), name) for _ in range(2)]
    one, other = (SharedNonces(store, LocalNonces(clock), clock) for store in stores)
    assert await one.take(KEY, "n" * 22)
    assert not await other.take(KEY, "n" * 22)
    assert not await one.take(KEY, "n" * 22)
    for store in stores:
        await store.close()


async def test_without_redis_a_process_knows_what_it_has_seen(own_port: int) -> None:
    """A request is let in without it, once; and nobody waits for a Redis that did not answer just now."""
    clock = Clock()
    store = RedisNonces(Dial(f"redis://127.0.0.1:{own_port}"))
    nonces = SharedNonces(store, LocalNonces(clock), clock)
    assert await nonces.take(KEY, "n" * 22)
    assert not await nonces.take(KEY, "n" * 22)
    clock.ahead_s += AWAY_S
    assert not await nonces.take(KEY, "n" * 22)
    assert await nonces.take(KEY, "m" * 22)
    await store.close()


async def test_memory_without_room_refuses_rather_than_forgets() -> None:
    """What is forgotten before its time could be sent again; after it, it is stale."""
    clock = Clock()
    nonces = LocalNonces(clock, most=2)
    assert await nonces.take(KEY, "a" * 22)
    assert await nonces.take(KEY, "b" * 22)
    with pytest.raises(Refused) as refused:
        await nonces.take(KEY, "c" * 22)
    assert refused.value.code is Code.unavailable
    clock.ahead_s += KEPT_S
    assert await nonces.take(KEY, "c" * 22)
