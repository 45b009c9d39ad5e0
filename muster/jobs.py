"""Jobs: what is to be done once, at a time, whichever process then lives.

    add       a row: kind, dedupe key, owner, due time, payload (muster/wishes.py)
    take      any process leases the first due rows by Postgres' clock; no transaction stays open
    fire      its handler, within a deadline; then the row is deleted, put off with a pause, or a dead letter

A process that dies or stands still while it is at a job loses the lease, and the job fires again elsewhere. So a
handler may run twice, and must make sure by itself that what it does happens once: it commits ops under a client id
that follows from the job. Owns when jobs are looked for, how many at a time, and what a failure means. Must never
know what a job is about, and never retry a fault of ours: that is a dead letter and a line in the log.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NoReturn, Protocol
from uuid import UUID

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Histogram

from muster.backoff import pause_s
from muster.errors import Refused
from muster.ids import PersonId
from muster.telemetry import get_logger

LEASE_S: Final = 15.0
"""How long a taken job is one process's; well over FIRE_WITHIN_S, for both clocks run on."""

FIRE_WITHIN_S: Final = 8.0
"""A handler's deadline: a look-up and two ops, each of which is answered within 2 s."""

JOBS_PER_TAKE: Final = 20
"""Fired at once; all end before more are taken."""

TAKES_PER_ROUND: Final = 50
ATTEMPTS_MOST: Final = 15
"""With the pauses below: somewhat over an hour."""

FIRST_PAUSE_S: Final = 2.0
MOST_PAUSE_S: Final = 600.0

_LATE_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0, 3600.0)
_log = get_logger()


class Job(Struct, frozen=True, gc=False):
    """A job that is due and ours for LEASE_S. `payload` is JSON; `attempts` counts this one."""

    id: UUID
    kind: str
    owner: PersonId | None
    payload: bytes
    attempts: int
    due_ms: int
    late_s: float


Handler = Callable[[Job], Awaitable[None]]
"""Does what a job is for. A temporary `Refused` or no answer in time: again later; anything else: a dead letter."""


class JobStore(Protocol):
    """Where due jobs are taken from. All raise `Refused`: `unavailable`."""

    async def take(self, kinds: Sequence[str], lease: UUID, limit: int) -> list[Job]:
        """Jobs whose time has come and that nobody is at, for LEASE_S under this `lease`."""
        ...

    async def done(self, job: UUID, lease: UUID) -> None:
        """Delete it, unless the lease has passed to somebody else."""
        ...

    async def put_off(self, job: UUID, lease: UUID, pause_s: float) -> None:
        """Let it be taken again after the pause; likewise."""
        ...

    async def bury(self, job: UUID, lease: UUID, failure: str) -> None:
        """Make it a dead letter; likewise. `failure` holds no personal data."""
        ...

    async def sweep(self) -> None:
        """Delete dead letters past their time."""
        ...


class JobMetrics:
    """How the runner does, by kind."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fired = Counter("muster_jobs_fired", "Jobs done, by kind", ["kind"], registry=registry)
        self.retried = Counter(
            "muster_jobs_retried",
            "Jobs put off after a failure, by kind",
            ["kind"],
            registry=registry,
        )
        self.dead = Counter(
            "muster_jobs_dead", "Jobs given up, by kind", ["kind"], registry=registry
        )
        self.late_s = Histogram(
            "muster_jobs_late_seconds",
            "From a job's time to its being done",
            buckets=_LATE_S,
            registry=registry,
        )


class Runner:
    """Looks for due jobs about every `every_s` and fires them."""

    def __init__(
        self,
        store: JobStore,
        handlers: Mapping[str, Handler],
        metrics: JobMetrics,
        rng: random.Random,
        every_s: float,
        new_lease: Callable[[], UUID],
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._metrics = metrics
        self._rng = rng
        self._every_s = every_s
        self._new_lease = new_lease

    async def run(self) -> NoReturn:
        """Look until cancelled; what is in hand then fires elsewhere. A store that is away is asked again."""
        while True:
            await asyncio.sleep(self._every_s * (0.75 + self._rng.random() / 2))
            try:
                await self.round()
            except Refused as refused:
                _log.warning("jobs not taken", code=refused.code.name)

    async def round(self) -> int:
        """Fire what is due, a bounded number; how many were taken. Raises `Refused`: `unavailable`."""
        taken = 0
        for _ in range(TAKES_PER_ROUND):
            lease = self._new_lease()
            jobs = await self._store.take(list(self._handlers), lease, JOBS_PER_TAKE)
            async with asyncio.TaskGroup() as tasks:
                for job in jobs:
                    tasks.create_task(self._fire(job, lease))
            taken += len(jobs)
            if len(jobs) < JOBS_PER_TAKE:
                break
        if not taken:
            await self._store.sweep()
        return taken

    async def _fire(self, job: Job, lease: UUID) -> None:
        """Whatever the handler does, this raises nothing: one job never stops its neighbours."""
        try:
            await self._settle(job, lease, await self._attempt(job))
        except Refused as refused:
            # The lease runs out by itself, and the job fires again: handlers bear that.
            _log.warning("job not settled", kind=job.kind, code=refused.code.name)

    async def _attempt(self, job: Job) -> str | None:
        """None when it is done, "" to try again, else why it is given up."""
        try:
            # A process that dies over a job counts too: the attempt was written when it was taken.
            if job.attempts > ATTEMPTS_MOST:
                return "too many attempts"
            async with asyncio.timeout(FIRE_WITHIN_S):
                await self._handlers[job.kind](job)
        except TimeoutError:
            return "" if job.attempts < ATTEMPTS_MOST else "no answer in time"
        except Refused as refused:
            again = refused.temporary and job.attempts < ATTEMPTS_MOST
            return "" if again else refused.code.name
        except Exception as fault:  # noqa: BLE001  # a bug of ours is a dead letter and a log line
            _log.error("job failed", kind=job.kind, exc_info=fault)
            return type(fault).__name__
        return None

    async def _settle(self, job: Job, lease: UUID, failure: str | None) -> None:
        if failure is None:
            await self._store.done(job.id, lease)
            self._metrics.fired.labels(job.kind).inc()
            self._metrics.late_s.observe(max(0.0, job.late_s))
        elif not failure:
            pause = pause_s(job.attempts, self._rng, first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S)
            await self._store.put_off(job.id, lease, pause)
            self._metrics.retried.labels(job.kind).inc()
        else:
            await self._store.bury(job.id, lease, failure)
            self._metrics.dead.labels(job.kind).inc()
            _log.warning("job given up", kind=job.kind, error=failure)
