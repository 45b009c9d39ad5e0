"""How much several processes let in at most, whatever happens between them and the buckets they share.

Each process has a clock of its own and is answered when the test says so, or too late; people go away while they wait,
another bucket refuses them, processes die with what they hold and in the middle of asking. The shared clock is the
judge: in every stretch of it no more is let in than docs/limits.md says.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muster.breaker import SHARED, Breaker
from muster.bucket import Rate
from muster.quotas import LIFE_S, Charge, Quota, leased
from muster.tolls import Grant, Overdrawn, Tolls, Unreachable, Want
from tests.fakes.tolls import FakeTolls
from tests.muster.test_tolls import AHEAD, EXACT, ME, Clock

ROUND_TRIP_S = 0.3
PROCESSES = 3
NEVER = Quota("never", "room", Rate(1e-6, 1.0))
"""Refuses all but the first: what is taken beside it is left over."""

TURNS = 12
"""Of the loop: enough that whoever can go on has gone on."""


class Line:
    """What one process sees of the shared buckets: an answer comes when `late` is over, or never."""

    def __init__(self, shared: FakeTolls) -> None:
        self._shared = shared
        self.on_time = asyncio.Event()
        self.on_time.set()
        self.too_late = False
        self.since_s: float | None = None

    async def take(self, wants: Sequence[Want]) -> list[Grant]:
        """Taken at once, told later: the worst case of a round trip."""
        self.too_late = False
        grants = await self._shared.take(wants)
        self.since_s = self._shared._clock.monotonic()
        await self.on_time.wait()
        self.since_s = None
        if self.too_late:
            raise Unreachable
        return grants

    async def ping(self) -> None:
        await self._shared.ping()


class Process:
    """One, with its line and its clock."""

    def __init__(self, shared: FakeTolls, tasks: asyncio.TaskGroup) -> None:
        self.clock, self.line = Clock(), Line(shared)
        self.tolls = Tolls(self.line, Breaker(random.Random(1), SHARED), self.clock)
        self.running = tasks.create_task(self.tolls.run())
        self.asking: list[asyncio.Task[None]] = []

    def leave(self) -> None:
        """Whoever waits here goes away."""
        for task in self.asking:
            task.cancel()


class World:
    """All processes, who asks them, and when somebody was let in."""

    def __init__(self, quota: Quota, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self.quota = quota
        self.clock = Clock()
        self.shared = FakeTolls(self.clock)
        self.processes = [Process(self.shared, tasks) for _ in range(PROCESSES)]
        self.let_in: list[tuple[float, float]] = []
        self.largest = 1.0
        self.decided_alone = 0

    async def settle(self) -> None:
        """Whoever can go on does."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def ask(self, process: int, amount: float, times: int, beside: bool) -> None:
        """So many at once."""
        self.largest = max(self.largest, amount)
        charges = [self.quota.of(ME, amount)]
        if beside:
            charges.append(NEVER.of(b"room"))
        at = self.processes[process]
        at.asking += [self._tasks.create_task(self._take(at.tolls, charges)) for _ in range(times)]
        await self.settle()

    async def _take(self, tolls: Tolls, charges: list[Charge]) -> None:
        try:
            await tolls.take(*charges)
        except Overdrawn:
            return
        self.let_in.append((self.clock.now_s, charges[0].amount))

    async def leave(self) -> None:
        """Whoever waits anywhere goes away."""
        for one in self.processes:
            one.leave()
        await self.settle()

    async def hold(self, process: int, late: bool) -> None:
        """Its answers are late from now on, or come."""
        line = self.processes[process].line
        line.on_time.clear() if late else line.on_time.set()
        await self.settle()

    async def die(self, process: int) -> None:
        """With all it holds; another begins in its place."""
        old = self.processes[process]
        old.leave()
        await self.settle()
        old.running.cancel()
        await self.settle()
        self.decided_alone += old.tolls.decided_alone
        self.processes[process] = Process(self.shared, self._tasks)
        await self.settle()

    async def pass_time(self, shared_s: float, own: Sequence[float]) -> None:
        """The shared clock moves, each other one by itself; a round trip that takes too long is over."""
        left_s = shared_s
        while left_s > 0:
            step_s = min(left_s, ROUND_TRIP_S / 3)
            self.clock.now_s += step_s
            left_s -= step_s
            for one in self.processes:
                if one.line.since_s is None:
                    continue
                if self.clock.now_s - one.line.since_s > ROUND_TRIP_S - step_s:
                    one.line.too_late = True
                    one.line.on_time.set()
            await self.settle()
        for one, own_s in zip(self.processes, own, strict=True):
            one.clock.now_s += own_s
        await self.settle()

    async def end(self) -> None:
        """Everybody goes home."""
        await self.leave()
        for one in self.processes:
            self.decided_alone += one.tolls.decided_alone
            one.running.cancel()
        await self.settle()

    def judge(self, shared_by: int, alone: bool) -> None:
        """In no stretch more than the bound, and since the beginning no more than one bucket gives."""
        per_s, burst = self.quota.rate
        kept = shared_by * max(2 * self.quota.lease, self.largest)
        sums = list(accumulate((amount for _, amount in self.let_in), initial=0.0))
        for i, (from_s, _) in enumerate(self.let_in):
            for j in range(i, len(self.let_in)):
                elapsed_s = self.let_in[j][0] - from_s
                one = burst + per_s * elapsed_s
                most = one + per_s * ROUND_TRIP_S + kept
                if alone:
                    # Own clocks go up to twice as fast as the shared one.
                    most += shared_by * (burst + 2 * per_s * elapsed_s + per_s * LIFE_S)
                assert sums[j + 1] - sums[i] <= most + 1e-6
        if self.let_in and not alone:
            whole = burst + per_s * (self.let_in[-1][0] - 1_000.0)
            assert sums[-1] <= whole + 1e-6


WHO = st.integers(0, PROCESSES - 1)
ASK = st.tuples(
    st.just("ask"), WHO, st.sampled_from([1.0, 1.0, 2.5]), st.integers(1, 40), st.booleans()
)
TIME = st.tuples(
    st.just("time"),
    st.sampled_from([0.01, 0.1, 0.5, 2.0]),
    st.lists(st.sampled_from([0.0, 0.1, 0.5, LIFE_S]), min_size=PROCESSES, max_size=PROCESSES),
)
STEPS = st.lists(
    st.one_of(
        ASK,
        ASK,
        TIME,
        st.tuples(st.just("hold"), WHO, st.booleans()),
        st.tuples(st.just("die"), WHO),
        st.tuples(st.just("leave")),
    ),
    max_size=40,
)


async def play(quota: Quota, steps: Sequence[tuple[object, ...]]) -> World:
    """All of it; each step is a method of the world."""
    async with asyncio.TaskGroup() as tasks:
        on = World(quota, tasks)
        does = {
            "ask": on.ask,
            "hold": on.hold,
            "die": on.die,
            "leave": on.leave,
            "time": on.pass_time,
        }
        await on.settle()
        for name, *how in steps:
            await does[str(name)](*how)  # type: ignore[operator]  # each takes what its strategy draws
        await on.end()
    return on


@pytest.mark.parametrize("quota", [EXACT, AHEAD, leased("slow", "person", Rate(0.5, 100.0), 10.0)])
@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
@example(steps=[("ask", n, 1.0, 40, True) for n in range(PROCESSES)] + [("time", 2.0, [0.0] * 3)])
def test_no_stretch_of_time_lets_in_more_than_the_bound(
    quota: Quota, steps: list[tuple[object, ...]]
) -> None:
    """Of what is shared; where an answer came too late a process decided alone, and as much as it may is added."""
    on = asyncio.run(play(quota, steps))
    on.judge(PROCESSES, alone=on.decided_alone > 0)


async def test_what_lies_in_processes_can_be_spent_beside_a_full_bucket() -> None:
    """The bound is not idle: after a pause all processes spend what they hold, and the burst as well."""
    quota = leased("held", "person", Rate(1.0, 100.0), 10.0)
    steps: list[tuple[object, ...]] = [("ask", n, 1.0, 1, False) for n in range(PROCESSES)]
    steps += [("time", 40.0, [40.0] * PROCESSES)]
    steps += [("ask", n, 1.0, 60, False) for n in (*range(PROCESSES), 0)]
    on = await play(quota, steps)
    on.judge(PROCESSES, alone=False)
    pause_s = on.clock.now_s
    assert sum(amount for at, amount in on.let_in if at == pause_s) == 100 + PROCESSES * 10


async def test_what_a_crowd_leaves_behind_is_not_kept() -> None:
    """Forty who went away, or whom another bucket refused, leave two leases at most, not forty tokens."""
    for quota in (EXACT, AHEAD):
        for beside in (True, False):
            steps: list[tuple[object, ...]] = [("ask", 0, 1.0, 1, True), ("hold", 0, True)]
            steps += [("ask", 0, 1.0, 40, beside), ("leave",), ("hold", 0, False)]
            on = await play(quota, steps)
            purse = on.processes[0].tolls._purses[quota.name, ME]
            assert purse.tokens <= max(2 * quota.lease, 1.0)
