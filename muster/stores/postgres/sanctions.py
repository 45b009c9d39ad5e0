"""Who is silenced in a room and who is banned from it, in Postgres.

Owns the SQL of muster.sanctions.SanctionStore. Must never change a row: change_silence_v1 and change_ban_v1 do.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.ids import PersonId, RoomId
from muster.sanctions import RoomBan, Silenced
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database

_SILENCES: Final = """
    SELECT p.person_id, p.handle_shown, p.name, m.silenced_until FROM members m JOIN people p USING (person_id)
    WHERE m.room_id = $1 AND m.silenced_until > now() AND m.relation IN ('member', 'moderator', 'owner')
      AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', m.silenced_until), p.person_id) > ($2, $3::uuid))
    ORDER BY date_trunc('milliseconds', m.silenced_until), p.person_id LIMIT $4
"""
_BANS: Final = """
    SELECT p.person_id, p.handle_shown, p.name, b.until, b.banned_by, b.at, b.reason
    FROM room_bans b JOIN people p USING (person_id)
    WHERE b.room_id = $1 AND (b.until IS NULL OR b.until > now())
      AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', b.at), p.person_id) < ($2, $3::uuid))
    ORDER BY date_trunc('milliseconds', b.at) DESC, p.person_id DESC LIMIT $4
"""


class PostgresSanctions:
    """See `muster.sanctions.SanctionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def silences(
        self, room: RoomId, after: tuple[int, UUID] | None, limit: int
    ) -> list[Silenced]:
        at, last = (None, None) if after is None else (from_ms(after[0]), after[1])
        rows = await self._database.fetch(_SILENCES, room, at, last, limit)
        return [Silenced(PersonId(row[0]), row[1], row[2], to_ms(row[3])) for row in rows]

    async def bans(
        self, room: RoomId, before: tuple[int, UUID] | None, limit: int
    ) -> list[RoomBan]:
        at, last = (None, None) if before is None else (from_ms(before[0]), before[1])
        rows = await self._database.fetch(_BANS, room, at, last, limit)
        return [
            RoomBan(
                PersonId(person),
                handle,
                name,
                None if until is None else to_ms(until),
                PersonId(by),
                to_ms(made),
                reason,
            )
            for person, handle, name, until, by, made, reason in rows
        ]
