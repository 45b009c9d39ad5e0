"""Tolls of several processes over buckets they share, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.breaker import SHARED, Breaker
from muster.bucket import Buckets, Rate
from muster.quotas import Quota, leased
from muster.tolls import Overdrawn, Tolls
from tests.fakes.tolls import FakeTolls

EXACT = Quota("exact", "person", Rate(2.0, 10.0))
AHEAD = leased("ahead", "person", Rate(20.0, 100.0), 8.0)
ME = b"me"


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s


class World:
    """Processes that share."""

    def __init__(self, processes: int) -> None:
        self.clock = Clock()
        self.shared = FakeTolls(self.clock)
        breaker = Breaker(random.Random(1), SHARED)
        self.tolls = [Tolls(self.shared, breaker, self.clock) for _ in range(processes)]

    async def let_in(self, process: int, quota: Quota, amount: float = 1.0) -> bool:
        """Whether they were; if not, they are told for how long."""
        try:
            await self.tolls[process].take(quota.of(ME, amount))
        except Overdrawn as refused:
            return not refused.retry_after_ms
        return True

    async def until(self, *, shared: bool) -> None:
        """Return when every process knows that they share, or do not."""
        async with asyncio.timeout(10):
            while any(one.is_shared is not shared for one in self.tolls):  # nobody tells
                self.clock.now_s += 0.01
                await asyncio.sleep(0)


@asynccontextmanager
async def world(processes: int = 2) -> AsyncIterator[World]:
    """Running."""
    made = World(processes)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one.run()) for one in made.tolls]
        await made.until(shared=True)
        try:
            yield made
        finally:
            for task in running:
                task.cancel()


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([1.0, 1.0, 1.0, 2.5]), st.floats(0.0, 2.0)),
    max_size=60,
)


@given(STEPS)
def test_a_bucket_that_is_not_leased_is_what_one_process_would_have(
    steps: list[tuple[int, float, float]],
) -> None:
    """Whoever asks where: let in exactly when a plain bucket lets in."""

    async def play() -> None:
        model = Buckets(EXACT.rate)
        async with world(3) as on:
            for process, amount, pause_s in steps:
                on.clock.now_s += pause_s
                expected = model.take(ME, on.clock.now_s, amount) == 0.0
                assert await on.let_in(process, EXACT, amount) is expected

    asyncio.run(play())


@given(STEPS)
def test_leasing_never_gives_more_than_burst_and_rate(
    steps: list[tuple[int, float, float]],
) -> None:
    """Counted from the beginning, whichever of three processes is asked."""

    async def play() -> None:
        async with world(3) as on:
            began, taken = on.clock.now_s, 0.0
            for process, amount, pause_s in steps:
                on.clock.now_s += pause_s / 50
                for _ in range(4):
                    if await on.let_in(process, AHEAD, amount):
                        taken += amount
                    elapsed_s = on.clock.now_s - began
                    most = AHEAD.rate.burst + AHEAD.rate.per_s * elapsed_s
                    assert taken <= most + 1e-6

    asyncio.run(play())


@pytest.mark.parametrize("quota", [EXACT, AHEAD])
async def test_fifty_at_once_on_two_processes_get_exactly_the_burst(quota: Quota) -> None:
    """In as many round trips as there are processes, or few more."""
    async with world() as on:
        times = int(quota.rate.burst) + 25
        asked = (on.let_in(i % 2, quota) for i in range(2 * times))
        assert sum(await asyncio.gather(*asked)) == quota.rate.burst
        assert on.shared.rounds <= 8


async def test_who_was_refused_is_refused_again_without_asking() -> None:
    """A flood costs the shared buckets one question until there is a token again."""
    async with world(1) as on:
        while await on.let_in(0, EXACT):
            pass
        rounds = on.shared.rounds
        assert not any([await on.let_in(0, EXACT) for _ in range(100)])
        assert on.shared.rounds == rounds
        assert on.tolls[0].refused["exact"] == 101
        on.clock.now_s += 0.5
        assert await on.let_in(0, EXACT)


async def test_of_what_is_leased_few_ask() -> None:
    """Sixty takes, and hardly ten round trips."""
    async with world(1) as on:
        for _ in range(60):
            assert await on.let_in(0, AHEAD)
        assert on.shared.rounds <= 15


async def test_all_or_nothing_of_several() -> None:
    """Who is refused by one bucket has spent nothing of the other that is not there for the next."""
    async with world(1) as on:
        [tolls] = on.tolls
        other = Quota("other", "room", Rate(0.1, 3.0))
        for _ in range(3):
            await tolls.take(EXACT.of(ME), other.of(b"room"))
        for _ in range(20):
            with pytest.raises(Overdrawn) as why:
                await tolls.take(EXACT.of(ME), other.of(b"room"))
            assert why.value.standing.quota is other
        assert sum([await on.let_in(0, EXACT) for _ in range(10)]) == 7


async def test_alone_each_process_limits_by_itself_and_shares_again_when_it_can() -> None:
    """Neither open nor closed while the shared buckets are away; nobody waits for them twice."""
    async with world() as on:
        on.shared.away = True
        for process in range(2):
            let_in = [await on.let_in(process, EXACT) for _ in range(20)]
            assert let_in == [True] * 10 + [False] * 10
        assert not any(one.is_shared for one in on.tolls)
        assert sum(one.decided_alone for one in on.tolls) == 40
        on.shared.away = False
        await on.until(shared=True)
        assert await on.let_in(0, EXACT)


async def test_switched_off_it_lets_everybody_in() -> None:
    """And asks nobody."""
    on = World(1)
    tolls = Tolls(on.shared, Breaker(random.Random(1), SHARED), on.clock, on=False)
    for _ in range(100):
        await tolls.take(EXACT.of(ME))
    assert on.shared.rounds == 0


async def test_the_nearest_to_its_end_is_told() -> None:
    """Of several quotas the one of which least is left, as a share."""
    async with world(1) as on:
        [tolls] = on.tolls
        standing = await tolls.take(AHEAD.of(ME), EXACT.of(ME))
        assert standing.quota is EXACT
        assert standing.left == pytest.approx(9.0)
