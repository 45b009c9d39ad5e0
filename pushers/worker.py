"""The worker: jobs that are due, judged by what stands in Postgres and on the roll now, rung, and settled.

    queue --jobs--> owed + attendance --decide--> ringing --final--> settling
                                          |
                                          +--later, silent------------^
                                          +--read elsewhere--> ringing^

Owns the way of a job through the process and how many are under way. Must never decide (pushers/decide.py). Whatever it
dies of, the job is taken over by another, and claims keep it from ringing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from muster.errors import Refused
from muster.owed import Key, Owed, OwedStore, Settled
from muster.push_device import Provider, PushDevice
from muster.push_queue import Job, Priority, PushQueue, Sending, Unreachable, Wish
from muster.telemetry import get_logger
from pushers.alert import Alert
from pushers.attendance import UNKNOWN, Attendance
from pushers.attending import Attending
from pushers.decide import Decision, Later, Send, Silent, decide
from pushers.meters import PushMeters
from pushers.pace import PACE, Pace
from pushers.ration import Ration
from pushers.reading import told
from pushers.recent import Recent
from pushers.ringing import Ring, Ringing
from pushers.settling import Settling
from pushers.writing import written

AT_ONCE: Final = 100
"""Jobs judged together: they share their queries."""

IN_HAND: Final = 1_000
WAIT_S: Final = 1.0
RETRY_S: Final = 2.0


class Desk(NamedTuple):
    """What a worker works with."""

    provider: Provider
    queue: PushQueue
    store: OwedStore
    attending: Attending
    recent: Recent
    meters: PushMeters


class Worker:
    """One provider's, one per process."""

    def __init__(self, desk: Desk, ringing: Ringing, settling: Settling, pace: Pace = PACE) -> None:
        self._desk = desk
        self._ringing = ringing
        self._settling = settling
        self._pace = pace
        self._ration = Ration()
        self._in_hand = 0
        self._freed = asyncio.Event()
        self._seen_ms = 0
        self._ahead_ms = 0.0

    async def run(self) -> NoReturn:
        """Work until cancelled; what is under way then is taken over."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settling.run())
            tasks.create_task(self._ringing.run())
            while True:
                free = IN_HAND - self._in_hand
                if free < AT_ONCE:
                    self._freed.clear()
                    await self._freed.wait()
                    continue
                jobs = await self._take()
                if jobs:
                    self._hold(len(jobs))
                    tasks.create_task(self._judge(tasks, jobs))
        raise AssertionError("a worker works until it is cancelled")

    async def _take(self) -> list[Job]:
        try:
            return await self._desk.queue.take(AT_ONCE, WAIT_S)
        except Unreachable:
            await asyncio.sleep(RETRY_S)
            return []

    def _hold(self, jobs: int) -> None:
        self._in_hand += jobs
        self._desk.meters.in_hand.set(self._in_hand)
        if jobs < 0:
            self._freed.set()

    async def _judge(self, tasks: asyncio.TaskGroup, jobs: Sequence[Job]) -> None:
        """Judge these together; each rings by itself."""
        desk = self._desk
        try:
            keys = [job.key for job in jobs]
            now_ms = self._seen_ms = await desk.queue.now_ms()
            self._ahead_ms = now_ms - asyncio.get_running_loop().time() * 1000
            found = {owed.key: owed for owed in await desk.store.owed(desk.provider, keys)}
            where = await desk.attending.of({key.person for key in found})
        except (Refused, Unreachable) as error:
            self._later(jobs, error)
            return
        for job in jobs:
            owed = found.get(job.key)
            if owed is None:
                self._settling.over(job, None)
                self._hold(-1)
                continue
            attendance = where.get(job.key.person, UNKNOWN)
            tasks.create_task(self._work(job, owed, attendance, now_ms))

    def _later(self, jobs: Sequence[Job], error: Exception) -> None:
        """What they need does not answer just now."""
        get_logger().warning("pushes_not_judged", error=type(error).__name__, count=len(jobs))
        for job in jobs:
            self._settling.over(job, None, self._seen_ms + round(RETRY_S * 1000))
        self._hold(-len(jobs))

    async def _work(self, job: Job, owed: Owed, attendance: Attendance, now_ms: int) -> None:
        try:
            decision = decide(owed, attendance, now_ms, self._pace)
            if job.priority is not Priority.silent:
                self._count(decision)
            if any(isinstance(verdict, Send) for verdict in decision.verdicts):
                await self._ring(job, owed, decision, now_ms)
            elif owed.is_shown_and_read and _next_ms(owed, decision, now_ms) is None:
                await self._tell_read(job, owed, attendance, now_ms)
            else:
                settled = Settled(owed.key, decision.settled)
                self._settling.over(
                    job._replace(attempts=0), settled, _next_ms(owed, decision, now_ms)
                )
        except (Refused, Unreachable) as error:
            self._later([job], error)
            return
        self._hold(-1)

    async def _ring(self, job: Job, owed: Owed, decision: Decision, now_ms: int) -> None:
        rings = [
            _ring_of(owed.key, device, verdict.alert, now_ms)
            for device, verdict in zip(owed.devices, decision.verdicts, strict=True)
            if isinstance(verdict, Send)
        ]
        waited_s = max(0.0, (now_ms - owed.waits_ms) / 1000) if owed.waits_ms else None
        rung = await self._ringing.ring(job, rings, waited_s)
        if rung.delivered:
            self._arrived(job, owed, self._now_ms())
        # Before all have a final answer nothing more is settled; that some show it is known all the same.
        rang = Settled(owed.key, owed.notified, rung.shown)
        if rung.again_s is not None:
            # Also where another device's push is given up: it will be the next time.
            again_ms = self._now_ms() + round(rung.again_s * 1000)
            earliest = min(again_ms, decision.again_ms or again_ms)
            again = job._replace(attempts=rung.attempts)
            self._settling.over(again, rang if rung.shown else None, earliest)
            return
        final = rang._replace(seq=decision.settled)
        if rung.buried is None:
            self._settling.over(job._replace(attempts=0), final, _next_ms(owed, decision, now_ms))
        else:
            # Other devices may still wait for theirs.
            await self._desk.queue.bury(job, rung.buried, owed.notified)
            next_ms = _next_ms(owed, decision, now_ms)
            wish = None if next_ms is None else Wish(job.key, job.priority, next_ms)
            self._settling.rang(final, wish)

    async def _tell_read(self, job: Job, owed: Owed, attendance: Attendance, now_ms: int) -> None:
        """Nothing is owed, and what phones show was read: it goes. Tried as often as an alert, and given up alike."""
        rung = await self._ringing.ring(job, told(owed, attendance, self._ration, now_ms))
        gone = Settled(owed.key, owed.through, gone=owed.rung)
        if rung.buried is not None:
            await self._desk.queue.bury(job, rung.buried, owed.notified)
            self._settling.rang(gone)
        elif rung.again_s is not None:
            again_ms = now_ms + round(rung.again_s * 1000)
            self._settling.over(job._replace(attempts=rung.attempts), None, again_ms)
        else:
            self._settling.over(job, gone)

    def _now_ms(self) -> int:
        """The queue's clock, as it went on by ours since it was last asked."""
        return round(asyncio.get_running_loop().time() * 1000 + self._ahead_ms)

    def _arrived(self, job: Job, owed: Owed, now_ms: int) -> None:
        self._desk.recent.rang(owed.key, now_ms)
        if job.attempts <= 1 and owed.first_ms:
            self._desk.meters.seconds.observe(max(0, now_ms - owed.first_ms) / 1000)

    def _count(self, decision: Decision) -> None:
        for verdict in decision.verdicts:
            match verdict:
                case Silent(cause):
                    self._desk.meters.suppressed(cause)
                case Later(_, why):
                    self._desk.meters.put_off(why)
                case _:
                    pass


def _next_ms(owed: Owed, decision: Decision, now_ms: int) -> int | None:
    """When to judge again, once all this is final: at once where there is more to tell."""
    return now_ms if owed.more and decision.again_ms is None else decision.again_ms


def _ring_of(key: Key, device: PushDevice, alert: Alert, now_ms: int) -> Ring:
    return Ring(written(alert, device, now_ms), Sending(device.device, key.room, alert.seq))
