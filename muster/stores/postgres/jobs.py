"""Jobs in Postgres.

Owns the SQL of muster.jobs.JobStore and muster.wishes.Wishes. Every time is that of Postgres' clock, and every call is
one statement: a process that stops between two of them holds nothing but a lease that runs out. Must never fire
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from muster.ids import PersonId
from muster.jobs import LEASE_S, Job
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from muster.wishes import WITHIN_DAYS, Added, Dropped, Waiting, Wish

_KEPT_DAYS: Final = 30
"""How long a dead letter is kept."""

_SWEEP_ROWS: Final = 500
_ADD: Final = "SELECT add_job_v1($1, $2, $3, $4, $5::text::jsonb, $6, $7)"
_TAKE: Final = "SELECT * FROM take_jobs_v1($1::text[], $2, $3, $4)"
_DONE: Final = "DELETE FROM jobs WHERE job_id = $1 AND lease = $2"
_PUT_OFF: Final = """
    UPDATE jobs SET lease = NULL, next_at = clock_timestamp() + $3::interval WHERE job_id = $1 AND lease = $2
"""
_BURY: Final = """
    UPDATE jobs SET lease = NULL, dead_at = clock_timestamp(), failure = $3 WHERE job_id = $1 AND lease = $2
"""
_SWEEP: Final = f"""
    DELETE FROM jobs j USING (
        SELECT job_id FROM jobs WHERE dead_at < now() - interval '{_KEPT_DAYS} days'
        ORDER BY dead_at LIMIT {_SWEEP_ROWS} FOR UPDATE SKIP LOCKED
    ) old WHERE j.job_id = old.job_id
"""  # noqa: S608  # constant numbers
_WAITING: Final = """
    SELECT job_id, due_at, payload FROM jobs WHERE owner = $1 AND kind = $2 AND dead_at IS NULL
    ORDER BY due_at, job_id LIMIT $3
"""
# What somebody is at right now is not taken back: it may be done already.
_DROP: Final = """
    WITH wanted AS (
        SELECT job_id, lease IS NOT NULL AND next_at > clock_timestamp() AS firing FROM jobs
        WHERE job_id = $3 AND owner = $1 AND kind = $2 AND dead_at IS NULL FOR UPDATE
    ), gone AS (
        DELETE FROM jobs j USING wanted w WHERE j.job_id = w.job_id AND NOT w.firing
    ) SELECT firing FROM wanted
"""


class PostgresJobs:
    """See `muster.jobs.JobStore` and `muster.wishes.Wishes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, wish: Wish) -> Added:
        [[answer]] = await self._database.fetch(
            _ADD,
            wish.id,
            wish.kind,
            wish.owner,
            from_ms(wish.due_ms),
            msgspec.json.encode(wish.payload).decode(),
            wish.most,
            timedelta(days=WITHIN_DAYS),
        )
        return Added(answer)

    async def waiting(self, kind: str, owner: PersonId, limit: int) -> list[Waiting]:
        rows = await self._database.fetch(_WAITING, owner, kind, limit)
        return [Waiting(row[0], to_ms(row[1]), row[2].encode()) for row in rows]

    async def drop(self, kind: str, owner: PersonId, job: UUID) -> Dropped:
        row = await self._database.fetchrow(_DROP, owner, kind, job)
        if row is None:
            return Dropped.missing
        return Dropped.firing if row[0] else Dropped.dropped

    async def take(self, kinds: Sequence[str], lease: UUID, limit: int) -> list[Job]:
        rows = await self._database.fetch(_TAKE, list(kinds), lease, round(LEASE_S * 1000), limit)
        return [
            Job(
                id_,
                kind,
                None if owner is None else PersonId(owner),
                payload.encode(),
                attempts,
                to_ms(due_at),
                late_s,
            )
            for id_, kind, owner, payload, attempts, due_at, late_s in rows
        ]

    async def done(self, job: UUID, lease: UUID) -> None:
        await self._database.execute(_DONE, job, lease)

    async def put_off(self, job: UUID, lease: UUID, pause_s: float) -> None:
        await self._database.execute(_PUT_OFF, job, lease, timedelta(seconds=pause_s))

    async def bury(self, job: UUID, lease: UUID, failure: str) -> None:
        await self._database.execute(_BURY, job, lease, failure)

    async def sweep(self) -> None:
        await self._database.execute(_SWEEP)
