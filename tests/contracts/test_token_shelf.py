"""The claims of muster/token_shelf.py, for every shelf there is: of one process, on one Redis, on a Redis Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio

from loadtest.torture.cluster import RedisCluster
from muster.clock import SystemClock
from muster.stores.redis.token_shelf import RedisShelf
from muster.stores.redis.wire import Dial
from muster.token_shelf import OwnShelf, TokenShelf, Unreachable


class Shelves:
    """Two views of one shelf, as two processes have them."""

    def __init__(self, one: TokenShelf, other: TokenShelf) -> None:
        self.one = one
        self.other = other


class Claims:
    """For every kind; a subclass brings the shelves."""

    async def test_what_was_put_is_there_for_all(self, shelves: Shelves) -> None:
        """With the time that is left of it; other names have nothing."""
        assert await shelves.one.get("apns:a") is None
        assert (await shelves.one.put("apns:a", "token", 100.0)).token == "token"
        lies = await shelves.other.get("apns:a")
        assert lies is not None
        assert lies.token == "token"
        assert 90 < lies.left_s <= 100
        assert await shelves.other.get("apns:b") is None

    async def test_of_two_who_put_both_have_the_first(self, shelves: Shelves) -> None:
        """So that both use one token."""
        put = await asyncio.gather(
            *(
                shelf.put(f"name {i}", str(number), 100.0)
                for i in range(20)
                for number, shelf in enumerate((shelves.one, shelves.other))
            )
        )
        for first, second in zip(put[::2], put[1::2], strict=True):
            assert first.token == second.token

    async def test_only_what_was_meant_is_taken_away(self, shelves: Shelves) -> None:
        """Whoever drops an old token does not take the new one away."""
        await shelves.one.put("a", "old", 100.0)
        await shelves.one.drop("a", "old")
        await shelves.one.put("a", "new", 100.0)
        await shelves.other.drop("a", "old")
        await shelves.other.drop("b", "old")
        lies = await shelves.other.get("a")
        assert lies is not None
        assert lies.token == "new"

    async def test_it_runs_out(self, shelves: Shelves) -> None:
        """And then another may be put."""
        await shelves.one.put("a", "short", 0.02)
        async with asyncio.timeout(5):
            while await shelves.other.get("a") is not None:  # each look is a reply
                pass
        assert (await shelves.other.put("a", "next", 100.0)).token == "next"


class TestOwn(Claims):
    @pytest.fixture
    def shelves(self) -> Shelves:
        shelf = OwnShelf(SystemClock())
        return Shelves(shelf, shelf)


class TestRedis(Claims):
    @pytest_asyncio.fixture
    async def shelves(self, redis_url: str) -> AsyncIterator[Shelves]:
        async with in_redis([redis_url]) as shelves:
            yield shelves


class TestCluster(Claims):
    @pytest_asyncio.fixture
    async def shelves(self, redis_cluster: RedisCluster) -> AsyncIterator[Shelves]:
        async with in_redis(redis_cluster.urls) as shelves:
            yield shelves


@asynccontextmanager
async def in_redis(urls: list[str]) -> AsyncIterator[Shelves]:
    """Each view begins at another node."""
    namespace = f"test-{uuid4().hex}"
    one, other = (RedisShelf(Dial(url), namespace) for url in (urls[0], urls[-1]))
    try:
        yield Shelves(one, other)
    finally:
        await one.close()
        await other.close()


async def test_no_redis_is_said_so(own_port: int) -> None:
    """Within a second or two, every time."""
    shelf = RedisShelf(Dial(f"redis://127.0.0.1:{own_port}"))
    for _ in range(2):
        with pytest.raises(Unreachable):
            await shelf.get("a")
    with pytest.raises(Unreachable):
        await shelf.put("a", "b", 1.0)
    await shelf.close()
