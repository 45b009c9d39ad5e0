"""The claims of muster/push_budget.py, for every budget there is: the fake, one Redis, a Redis Cluster."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from loadtest.torture.cluster import RedisCluster
from muster.push_budget import ALERT, SILENT, Allowance, Draw, PushBudget
from muster.stores.redis.push_budget import push_budget_at
from tests.fakes.push_budget import FakePushBudget

QUICK = Allowance("quick", 3, 60)


class World(Protocol):
    """One budget under test, drawn on by two workers."""

    one: PushBudget
    other: PushBudget


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakePushBudget()
        self.one = self.other = self.fake


class RedisWorld:
    def __init__(self, url: str, *, cluster: bool) -> None:
        namespace, rng = f"test-{uuid4().hex}", random.Random(1)
        self.one = push_budget_at(url, cluster, rng, namespace)
        self.other = push_budget_at(url, cluster, rng, namespace)

    async def close(self) -> None:
        await self.one.close()
        await self.other.close()


class Contract:
    """What every budget must do."""

    async def test_two_silent_pushes_in_an_hour_whoever_sends_them(self, world: World) -> None:
        """The third is told when; other devices and other kinds have their own."""
        draw = Draw(uuid4(), SILENT)
        assert await world.one.draw([draw]) == [0]
        assert await world.other.draw([draw]) == [0]
        [wait_ms] = await world.one.draw([draw])
        assert 3_500_000 < wait_ms <= 3_600_000
        assert await world.one.draw([Draw(uuid4(), SILENT), Draw(draw.device, ALERT)]) == [0, 0]

    async def test_one_call_draws_no_more_than_there_is(self, world: World) -> None:
        """Answers are in the order of the draws, whatever buckets they hash to."""
        devices = [uuid4() for _ in range(150)]
        draws = [Draw(device, SILENT) for device in devices for _ in range(3)]
        waits = await world.one.draw(draws)
        assert all(
            first == second == 0 for first, second in zip(waits[::3], waits[1::3], strict=True)
        )
        assert all(wait > 3_500_000 for wait in waits[2::3])
        assert await world.one.draw([]) == []


class TestFake(Contract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()

    @given(steps=st.lists(st.integers(0, 100), max_size=200))
    def test_in_no_time_is_there_more_than_was_said(self, steps: list[int]) -> None:
        """And whoever waits as long as was said gets one, not a millisecond before."""
        fake, draw = FakePushBudget(), Draw(uuid4(), QUICK)

        def drawn() -> int:
            try:
                fake.draw([draw]).send(None)
            except StopIteration as ended:
                return int(ended.value[0])
            raise AssertionError("the fake never waits")

        for step in steps:
            fake.now_ms += step
            if wait_ms := drawn():
                fake.now_ms += wait_ms - 1
                assert drawn() == 1
                fake.now_ms += 1
                assert drawn() == 0
        times = [at_ms for _, at_ms in fake.drawn]
        for first, since in enumerate(times):
            for last, until in enumerate(times[first:], start=first):
                assert last - first + 1 <= QUICK.burst + (until - since) // QUICK.every_ms


class TestRedis(Contract):
    @pytest_asyncio.fixture
    async def world(self, redis_url: str) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_url, cluster=False)
        yield world
        await world.close()

    async def test_in_no_time_is_there_more_than_was_said(self, world: RedisWorld) -> None:
        """By a clock that goes: two workers draw as fast as they can for half a second."""
        draw, loop = Draw(uuid4(), QUICK), asyncio.get_running_loop()
        started = loop.time()
        drawn = 0
        while loop.time() < started + 0.5:
            answers = await asyncio.gather(world.one.draw([draw]), world.other.draw([draw]))
            drawn += sum(wait_ms == 0 for [wait_ms] in answers)
            assert all(0 <= wait_ms <= QUICK.every_ms for [wait_ms] in answers)
        passed_ms = (loop.time() - started) * 1000 + 1  # its clock is cut to milliseconds
        assert QUICK.burst + 3 <= drawn <= QUICK.burst + passed_ms // QUICK.every_ms


class TestCluster(TestRedis):
    @pytest_asyncio.fixture
    async def world(  # type: ignore[override]  # a fixture asks for what it needs
        self, redis_cluster: RedisCluster
    ) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(redis_cluster.url, cluster=True)
        yield world
        await world.close()
