"""The queue of pushes in memory, by the words of muster/push_queue.py.

It passes tests/contracts/test_push_queue.py, as the ones over Redis do. Several queue objects may be over the same
`Pushes`, as several processes are over one Redis; its clock is the test's to move, `lose` is what FLUSHALL does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from muster.owed import Key
from muster.push_queue import (
    CLAIM_S,
    DEAD_DAYS,
    DEAD_MOST,
    HAND_S,
    REMEMBERED_S,
    Claim,
    Dead,
    Depth,
    Job,
    Priority,
    Sending,
    Unreachable,
    Wish,
)


@dataclass
class _Job:
    """`receipt` and `until_ms` while somebody has it; `follows`: what was wished for meanwhile."""

    priority: Priority
    at_ms: int
    attempts: int
    order: int
    receipt: bytes = b""
    until_ms: int = 0
    follows: tuple[Priority, int] | None = None


@dataclass
class _Claim:
    holder: object
    until_ms: int
    known_until_ms: int
    sent: bool = False


@dataclass
class Pushes:
    """What Redis would hold."""

    now_ms: int = 1_000_000_000
    away: bool = False
    jobs: dict[Key, _Job] = field(default_factory=dict)
    letters: list[tuple[Dead, Priority]] = field(default_factory=list)
    claims: dict[Sending, _Claim] = field(default_factory=dict)
    losses: int = 0
    numbers: int = 0

    def lose(self) -> None:
        """Everything is gone."""
        self.jobs.clear()
        self.letters.clear()
        self.claims.clear()
        self.losses += 1

    def number(self) -> int:
        """The next one."""
        self.numbers += 1
        return self.numbers


class FakePushQueue:
    """See `muster.push_queue.PushQueue`. It never waits: the test moves the clock."""

    def __init__(self, pushes: Pushes | None = None) -> None:
        self.pushes = Pushes() if pushes is None else pushes
        self._losses: int | None = None

    # Jobs

    async def put(self, wishes: Sequence[Wish]) -> None:
        self._reached()
        for wish in wishes:
            self._put(wish)

    def _put(self, wish: Wish) -> None:
        jobs, now = self.pushes.jobs, self.pushes.now_ms
        at_ms = wish.at_ms or now
        known = jobs.get(wish.key)
        if known is None:
            jobs[wish.key] = _Job(wish.priority, at_ms, 0, self.pushes.number())
        elif known.receipt:
            before = known.follows or (wish.priority, at_ms)
            known.follows = (min(before[0], wish.priority), min(before[1], at_ms))
        else:
            known.priority = min(known.priority, wish.priority)
            known.at_ms = min(known.at_ms, at_ms)

    async def take(self, most: int, wait_s: float) -> list[Job]:
        self._reached()
        now = self.pushes.now_ms
        for job in self.pushes.jobs.values():
            if job.receipt and job.until_ms <= now:
                job.receipt = b""
                if job.follows:
                    job.priority = min(job.priority, job.follows[0])
                job.follows = None
        due = [
            (job.priority, job.at_ms, job.order, key)
            for key, job in self.pushes.jobs.items()
            if not job.receipt and job.at_ms <= now
        ]
        taken = []
        for *_, key in sorted(due)[: max(most, 0)]:
            job = self.pushes.jobs[key]
            job.receipt = b"%d" % self.pushes.number()
            job.until_ms = now + int(HAND_S * 1000)
            job.attempts += 1
            taken.append(Job(key, job.priority, job.receipt, job.attempts))
        return taken

    async def done(self, jobs: Sequence[Job]) -> None:
        self._reached()
        for job in jobs:
            if (held := self._taken_back(job)) and held.follows:
                self._put(Wish(job.key, *held.follows))

    async def again(self, jobs: Sequence[tuple[Job, int]]) -> None:
        self._reached()
        for job, at_ms in jobs:
            if (held := self._taken_back(job)) is not None:
                self._put(Wish(job.key, job.priority, at_ms))
                self.pushes.jobs[job.key].attempts = job.attempts
                if held.follows:
                    self._put(Wish(job.key, *held.follows))

    def _taken_back(self, job: Job) -> _Job | None:
        held = self.pushes.jobs.get(job.key)
        if held is None or not held.receipt or held.receipt != job.receipt:
            return None
        return self.pushes.jobs.pop(job.key)

    # What could not be done

    async def bury(self, job: Job, reason: str, notified: int) -> None:
        self._reached()
        if (held := self._taken_back(job)) is None:
            return
        name = b"0-%d" % self.pushes.number()
        letter = Dead(name, job.key, reason, self.pushes.now_ms, notified)
        self.pushes.letters.append((letter, job.priority))
        del self.pushes.letters[:-DEAD_MOST]
        if held.follows:
            self._put(Wish(job.key, *held.follows))

    async def dead(self, most: int) -> list[Dead]:
        self._reached()
        since_ms = self.pushes.now_ms - DEAD_DAYS * 86_400_000
        letters = [letter for letter, _ in self.pushes.letters if letter.at_ms > since_ms]
        return letters[::-1][:most]

    async def replay(self, ids: Sequence[bytes]) -> int:
        self._reached()
        wanted = set(ids)
        found = [one for one in self.pushes.letters if one[0].id in wanted]
        for letter, priority in found:
            self.pushes.letters.remove((letter, priority))
            self._put(Wish(letter.key, priority, 0))
        return len(found)

    # Claims

    async def claim(self, sendings: Sequence[Sending]) -> list[Claim]:
        self._reached()
        return [self._claim(sending) for sending in sendings]

    def _claim(self, sending: Sending) -> Claim:
        now = self.pushes.now_ms
        known = self.pushes.claims.get(sending)
        if known is not None and known.known_until_ms > now:
            if known.sent:
                return Claim.sent
            if known.until_ms > now:
                return Claim.busy
        else:
            known = None
        until, remembered = now + int(CLAIM_S * 1000), now + int(REMEMBERED_S * 1000)
        self.pushes.claims[sending] = _Claim(self, until, remembered)
        return Claim.mine if known is None else Claim.torn

    async def release(self, ended: Sequence[tuple[Sending, bool]]) -> None:
        self._reached()
        claims = self.pushes.claims
        for sending, sent in ended:
            if sent:
                remembered = self.pushes.now_ms + int(REMEMBERED_S * 1000)
                claims[sending] = _Claim(self, 0, remembered, sent=True)
            elif (known := claims.get(sending)) and known.holder is self and not known.sent:
                del claims[sending]

    # The queue itself

    async def now_ms(self) -> int:
        self._reached()
        return self.pushes.now_ms

    async def is_lost(self) -> bool:
        self._reached()
        lost = self._losses != self.pushes.losses
        self._losses = self.pushes.losses
        return lost

    async def depth(self) -> Depth:
        self._reached()
        now = self.pushes.now_ms
        idle = [job for job in self.pushes.jobs.values() if not job.receipt]
        ready = [job for job in idle if job.at_ms <= now]
        urgent, ordinary, silent = (
            sum(job.priority is priority for job in ready) for priority in Priority
        )
        return Depth(
            due=len(idle) - len(ready),
            waiting=(urgent, ordinary, silent),
            taken=len(self.pushes.jobs) - len(idle),
            oldest_s=max((now - job.at_ms for job in ready), default=0) / 1000,
            dead=len(self.pushes.letters),
        )

    async def close(self) -> None:
        """Nothing to let go of."""

    def _reached(self) -> None:
        if self.pushes.away:
            raise Unreachable
