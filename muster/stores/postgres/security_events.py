"""Security events in Postgres.

Owns the SQL of muster.security_events.SecurityStore, and how its neighbours note one in a transaction of theirs. Must
never change or forget one: that is done where they are added (02_security_events.sql), and with the person.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from muster.ids import PersonId, SessionId
from muster.security_events import Kind, SecurityEvent
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database

_NOTE: Final = "SELECT note_security_v1($1, $2, $3)"
_PAGE: Final = """
    SELECT event_id, kind, at, session_id, device_id FROM security_events
    WHERE person_id = $1
      AND ($2::timestamptz IS NULL OR (at, event_id) < ($2, $3::uuid))
    ORDER BY at DESC, event_id DESC LIMIT $4
"""


class PostgresSecurityEvents:
    """See `muster.security_events.SecurityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, person: PersonId, before: tuple[int, UUID] | None, limit: int
    ) -> list[SecurityEvent]:
        at, after = (None, None) if before is None else (from_ms(before[0]), before[1])
        rows = await self._database.fetch(_PAGE, person, at, after, limit)
        return [SecurityEvent(row[0], row[1], to_ms(row[2]), row[3], row[4]) for row in rows]

    async def note(self, person: PersonId, kind: Kind, session: SessionId | None) -> None:
        await self._database.execute(_NOTE, person, kind.value, session)


async def note(
    connection: PoolConnectionProxy,
    person: PersonId,
    kind: Kind,
    session: SessionId | None = None,
) -> None:
    """In the transaction that is open: it is there if and only if what it says is."""
    await connection.execute(_NOTE, person, kind.value, session)
