"""The claims of muster/tolls.py and muster/attempts.py about what processes share: a fake, Redis, a Redis Cluster."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from muster.attempts import Ask, Bound, Count, State, begin
from muster.bucket import Rate
from muster.clock import SystemClock
from muster.guards import Shared
from muster.quotas import Quota
from muster.stores.redis.tolls import PER_CALL, WITHIN_S, RedisTolls, tolls_at
from muster.tolls import Unreachable, Want
from tests.fakes.tolls import FakeTolls
from tests.fixtures.restartable import RestartableRedis
from tests.vocabulary import PATIENCE_S

STILL = 1e-4
"""Tokens a second that do not come back while a test runs."""

SLOW = Bound("slow", 3, 50.0, 100.0, 1_000.0)


def quota(burst: float, per_s: float = STILL, name: str = "q") -> Quota:
    """One that nobody else has."""
    return Quota(name, "person", Rate(per_s, burst))


def want(of: Quota, amount: float = 1.0, wanted: float | None = None, key: bytes = b"k") -> Want:
    """So much for somebody."""
    return Want(of.of(key, amount), amount, amount if wanted is None else wanted)


class Claims:
    """For every kind; a subclass brings two views of the same, as two processes have them."""

    async def test_of_many_at_once_exactly_the_burst_is_given(
        self, views: tuple[Shared, Shared]
    ) -> None:
        """By both together, and whoever comes after that is told when."""
        of = quota(20)
        grants = await asyncio.gather(*(view.take([want(of)]) for view in views * 25))
        assert sum(grant.tokens for [grant] in grants) == 20
        refused = [grant for [grant] in grants if not grant.tokens]
        assert len(refused) == 30
        assert all(1 / STILL * 0.9 < grant.wait_s <= 1 / STILL for grant in refused)

    async def test_some_may_be_taken_ahead_but_only_what_there_is(
        self, views: tuple[Shared, Shared]
    ) -> None:
        """Whole shares of the least, and none where the least is not there."""
        of = quota(10)
        [grant] = await views[0].take([want(of, 1.0, wanted=6.0)])
        assert (grant.tokens, round(grant.left), grant.wait_s) == (6.0, 4, 0.0)
        [grant] = await views[1].take([want(of, 1.5, wanted=6.0)])
        assert grant.tokens == 3.0
        assert 0 < grant.wait_s <= 0.5 / STILL
        [grant] = await views[0].take([want(of, 1.5)])
        assert grant.tokens == 0
        [grant] = await views[0].take([want(of, 1.0)])
        assert grant.tokens == 1.0

    async def test_everybody_has_a_bucket_of_each_quota(self, views: tuple[Shared, Shared]) -> None:
        """Many are asked in one go, in whatever slots they lie."""
        keys = [secrets.token_bytes(16) for _ in range(2 * PER_CALL)]
        for of in (quota(1), quota(1, name="other")):
            for given in (1.0, 0.0):
                grants = await views[0].take([want(of, key=key) for key in keys])
                assert {grant.tokens for grant in grants} == {given}

    async def test_what_was_taken_comes_back_at_the_rate(
        self, views: tuple[Shared, Shared]
    ) -> None:
        """Never more than the burst and what the time has brought, and hardly less."""
        of, began, given = quota(5, per_s=100.0), time.monotonic(), 0.0
        took_s = 0.0
        while took_s < 0.3:
            before_s = time.monotonic() - began
            [grant] = await views[0].take([want(of, 1.0, wanted=100.0)])
            took_s = time.monotonic() - began
            given += grant.tokens
            assert given <= 5 + 100 * took_s + 0.1
            assert given >= min(5, 5 + 100 * before_s - 1.1)
        assert given >= 100 * 0.25

    async def test_attempts_are_counted_as_the_rule_says(
        self, views: tuple[Shared, Shared]
    ) -> None:
        """Three are free, then there is a pause; what passed is forgotten, what was void given back."""
        ask = Ask(SLOW, secrets.token_bytes(16))
        state, now_s = State(), 1_000.0
        for i in range(5):
            state, expected = begin(state, SLOW, now_s)
            [verdict] = await views[i % 2].attempt([ask])
            assert verdict.failures == expected.failures
            assert verdict.wait_s == pytest.approx(expected.wait_s, abs=2.0)
        await views[0].settle([ask], Count.void)
        assert (await views[1].attempt([ask]))[0].failures == 3
        await views[0].settle([ask], Count.passed)
        assert (await views[1].attempt([ask]))[0] == (1, 0.0)

    async def test_what_one_knows_all_know_for_a_while(self, views: tuple[Shared, Shared]) -> None:
        """And nothing else of it."""
        known, short = secrets.token_bytes(16), secrets.token_bytes(16)
        await views[0].know(known, 60.0)
        await views[0].know(short, 0.001)
        assert await views[1].knows(known)
        assert not await views[1].knows(secrets.token_bytes(16))
        async with asyncio.timeout(PATIENCE_S):
            while await views[1].knows(short):  # noqa: ASYNC110  # time alone helps
                await asyncio.sleep(0)

    async def test_of_many_attempts_at_once_no_more_are_made_than_in_turn(
        self, views: tuple[Shared, Shared]
    ) -> None:
        """Each counts as failed before it is known."""
        ask = Ask(SLOW, secrets.token_bytes(16))
        verdicts = await asyncio.gather(*(view.attempt([ask]) for view in views * 25))
        assert sum(not verdict.wait_s for [verdict] in verdicts) == SLOW.free


class TestFake(Claims):
    """What other tests use in the place of Redis."""

    @pytest.fixture
    def views(self) -> tuple[Shared, Shared]:
        fake = FakeTolls(SystemClock())
        return fake, fake


@asynccontextmanager
async def _two(
    url: str, *, cluster: bool, within_s: float = PATIENCE_S
) -> AsyncIterator[tuple[RedisTolls, RedisTolls]]:
    namespace, rng = f"test-{secrets.token_hex(4)}", random.Random(1)
    one, other = (tolls_at(url, cluster, rng, namespace, within_s) for _ in range(2))
    try:
        yield one, other
    finally:
        await one.close()
        await other.close()


class TestRedis(Claims):
    """One node."""

    @pytest_asyncio.fixture
    async def views(self, redis_url: str) -> AsyncIterator[tuple[Shared, Shared]]:
        async with _two(redis_url, cluster=False) as views:
            yield views

    async def test_a_redis_that_stops_is_told_soon(
        self, restartable_redis: RestartableRedis
    ) -> None:
        """Stopped or gone: `Unreachable` within a second; back: as if nothing had been."""
        at = restartable_redis.url
        async with _two(at, cluster=False, within_s=WITHIN_S) as (one, _):
            await one.ping()
            for stop in (restartable_redis.freeze, restartable_redis.kill):
                stopped = stop()
                if stopped is not None:
                    await stopped
                began = time.monotonic()
                with pytest.raises(Unreachable):
                    await one.take([want(quota(1))])
                assert time.monotonic() - began < 1.0
                restartable_redis.thaw()
            await restartable_redis.start()
            assert (await one.take([want(quota(1))]))[0].tokens == 1

    async def test_keys_say_nothing_and_go_by_themselves(self, fresh_redis_url: str) -> None:
        """No address or handle is in them, and each has an end."""
        client = Redis.from_url(fresh_redis_url, protocol=2)
        async with _two(fresh_redis_url, cluster=False) as (one, _):
            await one.take([want(quota(2, per_s=1.0), key=b"203.0.113.9")])
            await one.attempt([Ask(SLOW, secrets.token_bytes(16))])
        keys = await client.keys()
        assert len(keys) == 2
        assert not any(b"203.0.113.9" in key for key in keys)
        left_ms = [await client.pttl(key) for key in keys]
        assert all(0 < left <= SLOW.forget_s * 1000 for left in left_ms)
        await client.aclose()


class TestCluster(Claims):
    """Three primaries."""

    @pytest_asyncio.fixture
    async def views(self, cluster_urls: list[str]) -> AsyncIterator[tuple[Shared, Shared]]:
        async with _two(cluster_urls[0], cluster=True) as views:
            yield views
