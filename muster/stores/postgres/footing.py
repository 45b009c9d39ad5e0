"""What somebody is to an event, in Postgres; and the words of SQL by which visits are named or not.

Owns the SQL of muster.entrance.FootingStore, and fragments that its neighbours share. Must never write.
"""

from __future__ import annotations

from typing import Final

from muster.entrance import Footing
from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.stores.postgres.pool import Database

_FOOTING: Final = """
    SELECT r.kind, coalesce(m.relation, 'none'),
           e.room_id IS NOT NULL AND coalesce(event_visible_v1(e, $2), false),
           e.room_id IS NOT NULL AND (o.answer IS NOT NULL
               OR coalesce(m.relation IN ('invited', 'member', 'moderator', 'owner'), false)), e.secret
    FROM rooms r LEFT JOIN events e USING (room_id)
    LEFT JOIN members m ON m.room_id = r.room_id AND m.person_id = $2
    LEFT JOIN event_roster o ON o.room_id = r.room_id AND o.person_id = $2
    WHERE r.room_id = $1
"""

SHARED: Final = """
    (SELECT * FROM event_visits WHERE told <> 'no') v
    LEFT JOIN event_roster o ON o.room_id = v.room_id AND o.person_id = v.person_id
    LEFT JOIN place_defaults d ON d.person_id = v.person_id"""
"""Visits that others may be told of, be it as a number, with what says how far."""

SHARING: Final = "shown_v1(o.sharing, d.sharing, v.told)"

UNBLOCKED: Final = """v.person_id <> ALL (ARRAY(
    SELECT b.blocked FROM blocks b WHERE b.blocker = $2
    UNION ALL SELECT b.blocker FROM blocks b WHERE b.blocked = $2))"""
"""$2 is the reader, whose blocks are looked up once."""

NAMED_TO_SOME: Final = f"""(named_v1({SHARING}, v.source)
    AND EXISTS (SELECT 1 FROM people p WHERE p.person_id = v.person_id AND p.banned_at IS NULL))"""  # noqa: S608  # constants of SQL
"""Whether hosts are told whose visit it is. Who is not named is the same for all hosts: else two of them, one blocked,
could tell a ghost by the difference."""

NAMED: Final = f"({NAMED_TO_SOME} AND {UNBLOCKED})"
"""Whether this host ($2) is."""

_TELLS: Final = f"""
    SELECT {NAMED} FROM {SHARED} WHERE v.room_id = $1 AND v.person_id = $3 ORDER BY v.number DESC LIMIT 1
"""  # noqa: S608  # constants of SQL


class PostgresFooting:
    """See `muster.entrance.FootingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def footing(self, room: RoomId, person: PersonId) -> Footing | None:
        row = await self._database.fetchrow(_FOOTING, room, person)
        if row is None:
            return None
        kind, relation, knows, is_listed, secret = row
        return Footing(RoomKind(kind), Relation(relation), knows, is_listed, secret)

    async def tells(self, room: RoomId, host: PersonId, person: PersonId) -> bool:
        row = await self._database.fetchrow(_TELLS, room, host, person)
        return row is not None and bool(row[0])
