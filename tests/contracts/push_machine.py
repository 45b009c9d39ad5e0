"""Workers on one queue that take, say what became of it, die, come late and put again, as Hypothesis likes.

Owns the plain account of what must be where. Must never look into the queue.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from muster.owed import Key
from muster.push_queue import HAND_S, Job, Priority, PushQueue, Wish
from tests.contracts.push_worlds import World

STEP_S: Final = 20
"""Times differ by whole steps: far more than a run lasts, so that Redis' own clock does not matter."""
WORKERS: Final = 3

_KEYS = st.integers(0, 5).map(lambda n: Key(bytes([n % 4]) * 16, bytes([n]) * 16))
_PRIORITIES = st.sampled_from(list(Priority))
_STEPS = st.sampled_from((0, 0, -1, 1, 2, 3))
_CHOICE = st.integers(0, 2**16)


@dataclass
class Expected:
    """What must be with one person and room. `job`: in somebody's hand since `since`."""

    priority: Priority
    at: int
    attempts: int = 0
    job: Job | None = None
    since: int = 0
    follows: tuple[Priority, int] | None = None


class Account:
    """All of them; times in steps."""

    def __init__(self) -> None:
        self.now = 0
        self.all: dict[Key, Expected] = {}
        self.late: list[Job] = []

    def put(self, key: Key, priority: Priority, at: int) -> None:
        known = self.all.get(key)
        if known is None:
            self.all[key] = Expected(priority, at)
        elif known.job is not None:
            before = known.follows or (priority, at)
            known.follows = (min(before[0], priority), min(before[1], at))
        else:
            known.priority, known.at = min(known.priority, priority), min(known.at, at)

    def take(self, jobs: list[Job], most: int) -> None:
        """What a worker got must be what was due, the most urgent of it, and in nobody's hand."""
        for known in self.all.values():
            if known.job is not None and known.since + HAND_S / STEP_S <= self.now:
                self.late.append(known.job)
                known.job = None
                if known.follows:
                    known.priority = min(known.priority, known.follows[0])
                known.follows = None
        due = {key: k for key, k in self.all.items() if k.job is None and k.at <= self.now}
        wanted = sorted(known.priority for known in due.values())[:most]
        assert [job.priority for job in jobs] == wanted
        assert len({job.key for job in jobs}) == len(jobs)
        for job in jobs:
            known = due[job.key]
            assert job.priority is known.priority
            assert job.attempts == known.attempts + 1
            known.attempts, known.job, known.since = job.attempts, job, self.now

    def over(self, job: Job, at: int | None) -> None:
        known = self.all.pop(job.key)
        assert known.job is not None
        assert known.job.receipt == job.receipt
        if at is not None:
            self.all[job.key] = Expected(job.priority, at, job.attempts)
        if known.follows:
            self.put(job.key, *known.follows)

    @property
    def hands(self) -> list[Job]:
        return [known.job for known in self.all.values() if known.job is not None]


def _has_any(machine: Machine) -> bool:
    return bool(machine.account.all)


def _has_hands(machine: Machine) -> bool:
    return bool(machine.account.hands)


def _has_late(machine: Machine) -> bool:
    return bool(machine.account.late)


class Machine(RuleBasedStateMachine):
    """Hypothesis' hand on several workers; a subclass says of which world."""

    world_of: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._world = type(self).world_of()
        self.account = Account()
        self._workers: list[PushQueue] = [self._world.worker() for _ in range(WORKERS)]

    @rule(
        wishes=st.lists(st.tuples(_KEYS, _PRIORITIES, _STEPS), min_size=1, max_size=6), by=_CHOICE
    )
    def put(self, wishes: list[tuple[Key, Priority, int]], by: int) -> None:
        async def put() -> None:
            worker = self._worker(by)
            now_ms = await worker.now_ms()
            times = [now_ms + steps * STEP_S * 1000 for _, _, steps in wishes]
            pairs = zip(wishes, times, strict=True)
            await worker.put([Wish(key, priority, at_ms) for (key, priority, _), at_ms in pairs])

        self._runner.run(put())
        for key, priority, steps in wishes:
            self.account.put(key, priority, self.account.now + steps)

    @precondition(_has_any)
    @rule(by=_CHOICE, most=st.integers(1, 6))
    def take(self, by: int, most: int) -> None:
        self.account.take(self._runner.run(self._worker(by).take(most, 0)), most)

    @precondition(_has_hands)
    @rule(by=_CHOICE, which=_CHOICE, many=st.integers(1, 3))
    def done(self, by: int, which: int, many: int) -> None:
        jobs = self._some(which, many)
        self._runner.run(self._worker(by).done(jobs))
        for job in jobs:
            self.account.over(job, None)

    @precondition(_has_hands)
    @rule(by=_CHOICE, which=_CHOICE, steps=_STEPS, priority=_PRIORITIES, forget=st.booleans())
    def again(self, by: int, which: int, steps: int, priority: Priority, forget: bool) -> None:
        async def again(job: Job) -> None:
            worker = self._worker(by)
            now_ms = await worker.now_ms()
            await worker.again([(job, now_ms + steps * STEP_S * 1000)])

        for job in self._some(which, 1):
            changed = job._replace(priority=priority, attempts=0 if forget else job.attempts)
            self._runner.run(again(changed))
            self.account.over(changed, self.account.now + steps)

    @precondition(_has_hands)
    @rule(by=_CHOICE, which=_CHOICE)
    def bury_and_replay(self, by: int, which: int) -> None:
        async def bury(job: Job) -> None:
            worker = self._worker(by)
            await worker.bury(job, "why not", 0)
            [letter] = await worker.dead(2)
            assert (letter.key, letter.reason) == (job.key, "why not")
            assert await worker.replay([letter.id]) == 1

        for job in self._some(which, 1):
            self._runner.run(bury(job))
            self.account.over(job, None)
            self.account.put(job.key, job.priority, self.account.now)

    @precondition(_has_late)
    @rule(by=_CHOICE, steps=_STEPS)
    def late_words(self, by: int, steps: int) -> None:
        """Of jobs that were taken over, or may be in their second hand by now."""

        async def late(jobs: list[Job]) -> None:
            worker = self._worker(by)
            now_ms = await worker.now_ms()
            await worker.done(jobs)
            await worker.again([(job, now_ms + steps * STEP_S * 1000) for job in jobs])
            for job in jobs:
                await worker.bury(job, "too late", 0)
            assert await worker.dead(1) == []

        self._runner.run(late(self.account.late[-5:]))

    @rule(steps=st.integers(1, 4), by=_CHOICE, most=st.integers(1, 6))
    def later(self, steps: int, by: int, most: int) -> None:
        """Somebody looks what has come due, or was left behind."""
        self._runner.run(self._world.later(steps * STEP_S))
        self.account.now += steps
        self.account.take(self._runner.run(self._worker(by).take(most, 0)), most)

    @rule(which=_CHOICE)
    def dies_and_comes_back(self, which: int) -> None:
        self._workers[which % WORKERS] = self._world.worker()

    def teardown(self) -> None:
        """In the end, after the longest hand and the latest wish, everything that is not over is there, once."""
        try:
            self.later(4, 0, len(self.account.all) + 5)
            assert {job.key for job in self.account.hands} == self.account.all.keys()
        finally:
            self._runner.run(self._world.close())
            self._runner.close()

    def _worker(self, choice: int) -> PushQueue:
        return self._workers[choice % WORKERS]

    def _some(self, which: int, many: int) -> list[Job]:
        """Jobs that are in hands now."""
        return random.Random(which).sample(self.account.hands, min(many, len(self.account.hands)))
