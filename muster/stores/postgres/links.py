"""Invite links in Postgres, as they are read.

Owns the SQL of muster.links.LinkStore. Must never change a link: ops do (change_link_v1, join_by_link_v1).
"""

from __future__ import annotations

from typing import Final

from muster.ids import PersonId, RoomId
from muster.links import Link
from muster.permission import Relation, RoomKind
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

# The reader's own row comes first, so that a room without links still says what they are to it.
_OF_ROOM: Final = """
    SELECT r.kind, m.relation, l.* FROM rooms r JOIN members m ON m.room_id = r.room_id AND m.person_id = $2
    LEFT JOIN LATERAL (
        SELECT l.code, l.created_by, l.created_at, l.expires_at, l.uses_most, l.used FROM links l
        WHERE l.room_id = $1 AND link_works_v1(l)
    ) l ON true WHERE r.room_id = $1 ORDER BY l.created_at DESC, l.code
"""
_WHERE: Final = """
    SELECT r.room_id, r.title FROM links l JOIN rooms r USING (room_id)
    WHERE l.code = $1 AND link_works_v1(l) AND r.archived_at IS NULL
"""
_ROOM_OF: Final = "SELECT room_id FROM links WHERE code = $1"


class PostgresLinks:
    """See `muster.links.LinkStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_room(
        self, room: RoomId, reader: PersonId
    ) -> tuple[RoomKind, Relation, list[Link]] | None:
        rows = await self._database.fetch(_OF_ROOM, room, reader)
        if not rows:
            return None
        links = [
            Link(code, PersonId(by), to_ms(made), to_ms(expires), uses, used)
            for _, _, code, by, made, expires, uses, used in rows
            if code is not None
        ]
        return RoomKind(rows[0][0]), Relation(rows[0][1]), links

    async def where(self, code: str) -> tuple[RoomId, str] | None:
        row = await self._database.fetchrow(_WHERE, code)
        return None if row is None else (RoomId(row[0]), row[1])

    async def room_of(self, code: str) -> RoomId | None:
        row = await self._database.fetchrow(_ROOM_OF, code)
        return None if row is None else RoomId(row[0])
