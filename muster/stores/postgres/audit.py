"""The audit in Postgres, as it is read.

Owns the SQL of muster.audit.AuditStore, of walking all chains, and of what an operator does by hand. Must never change
a row: audit_v1 adds them, and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from muster.audit import Act, Link, Sought
from muster.cursor import Place
from muster.ids import CONTROL_ROOM, PersonId
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import from_ms, to_ms

_PAGE: Final = """
    SELECT a.log_id, a.n, a.at, o.person_id, a.actor, a.actor_as, a.action, s.person_id, a.subject, a.seq, a.target,
           a.report, a.until, w.reason
    FROM audit a
    LEFT JOIN audit_people o ON o.mark = a.actor
    LEFT JOIN audit_people s ON s.mark = a.subject
    LEFT JOIN audit_words w USING (log_id, n)
    WHERE ($1::uuid IS NULL OR a.actor = (SELECT p.mark FROM audit_people p WHERE p.person_id = $1))
      AND ($2::uuid IS NULL OR a.subject = (SELECT p.mark FROM audit_people p WHERE p.person_id = $2))
      AND ($3::uuid IS NULL OR a.log_id = $3) AND ($4::text IS NULL OR a.action = $4)
      AND ($5::timestamptz IS NULL OR (a.at, a.log_id, a.n) < ($5, $6::uuid, $7::bigint))
    ORDER BY a.at DESC, a.log_id DESC, a.n DESC LIMIT $8
"""
_LINKS: Final = """
    SELECT a.log_id, a.n, a.at, a.actor, a.actor_as, a.action, a.subject, a.seq, a.target, a.report, a.until, a.reason,
           a.before, a.hash, w.reason, w.salt
    FROM audit a LEFT JOIN audit_words w USING (log_id, n)
    WHERE $1::uuid IS NULL OR (a.log_id, a.n) > ($1, $2::bigint) ORDER BY a.log_id, a.n LIMIT $3
"""
_PER_READ: Final = 1_000
# The head first and by itself, as in every batch: the row is numbered by a snapshot taken under the lock.
_LOCK: Final = "SELECT 1 FROM rooms WHERE room_id = $1 FOR NO KEY UPDATE"
_BY_HAND: Final = """
    SELECT audit_v1($1, '00000000-0000-0000-0000-000000000000', 'operator', $2, $3, NULL, NULL, NULL, NULL, $4)
"""


class PostgresAudit:
    """See `muster.audit.AuditStore`."""

    def __init__(self, database: Fetches) -> None:
        self._database = database

    async def page(self, sought: Sought, before: Place | None, limit: int) -> list[Act]:
        place = (None, None, None) if before is None else (from_ms(before[0]), *before[1:])
        rows = await self._database.fetch(_PAGE, *sought, *place, limit)
        return [_act(row) for row in rows]

    async def links(self) -> AsyncIterator[Link]:
        """All rows, chain by chain."""
        log, n = None, None
        while True:
            rows = await self._database.fetch(_LINKS, log, n, _PER_READ)
            for row in rows:
                yield _link(row)
            if len(rows) < _PER_READ:
                return
            log, n = rows[-1][0], rows[-1][1]


async def by_hand(
    connection: asyncpg.Connection, action: str, subject: PersonId, reason: str
) -> None:
    """Write down what an operator did, in the transaction that is open."""
    await connection.execute(_LOCK, CONTROL_ROOM)
    await connection.execute(_BY_HAND, CONTROL_ROOM, action, subject, reason)


def _act(row: asyncpg.Record) -> Act:
    (
        log, n, at, actor, actor_mark, actor_as, action, subject, subject_mark, seq, target, report, until, reason,
    ) = row  # fmt: skip
    return Act(
        log=log,
        n=n,
        at_ms=to_ms(at),
        actor=actor,
        actor_mark=actor_mark,
        actor_as=actor_as,
        action=action,
        subject=subject,
        subject_mark=subject_mark,
        room=None if log == CONTROL_ROOM else log,
        seq=seq,
        target=target,
        report=report,
        until_ms=None if until is None else to_ms(until),
        reason=reason,
    )


def _link(row: asyncpg.Record) -> Link:
    log, n, at, actor, actor_as, action, subject, seq, target, report, until = row[:11]
    until_ms = None if until is None else to_ms(until)
    return Link(
        log, n, to_ms(at), actor, actor_as, action, subject, seq, target, report, until_ms, *row[11:]
    )  # fmt: skip
