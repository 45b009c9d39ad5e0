"""Rooms in Postgres, as they are read.

Owns the SQL of muster.rooms.RoomStore. Must never change a room: ops do (create_room_v1 and its neighbours).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.rooms import Member, PublicRoom, Room, RoomSummary
from muster.stores.postgres.mine import OF_PERSON, summary
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database, Replica

_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)
"""Ends of every order by id: a cursor there is, always, so that one plan serves all pages."""

_ROOM: Final = """
    SELECT r.kind, r.history, r.title, r.topic, r.archived_at IS NOT NULL, r.created_by, r.created_at, r.head, r.msg_no,
           r.members, m.relation,
           (SELECT o.person_id FROM members o
            WHERE r.kind = 'direct' AND o.room_id = r.room_id AND o.person_id <> $2 LIMIT 1), r.picture, r.slow_s,
           silenced_v1(r.room_id, $2)
    FROM rooms r JOIN members m ON m.room_id = r.room_id AND m.person_id = $2 WHERE r.room_id = $1
"""

# The reader's own row comes first, so that an empty page still says what they are to the room.
_MEMBERS: Final = """
    WITH reader AS (
        SELECT r.kind, m.relation FROM rooms r JOIN members m USING (room_id)
        WHERE r.room_id = $1 AND m.person_id = $2
    )
    SELECT a.kind, a.relation, p.person_id, p.handle_shown, p.name, p.relation, p.since, p.picture FROM reader a
    LEFT JOIN LATERAL (
        SELECT p.person_id, p.handle_shown, p.name, m.relation, m.since, p.picture
        FROM members m JOIN people p USING (person_id)
        WHERE m.room_id = $1 AND m.relation IN ('member', 'moderator', 'owner')
          AND m.person_id > $3
        ORDER BY m.person_id LIMIT $4
    ) p ON true ORDER BY p.person_id
"""
_PUBLIC: Final = """
    SELECT room_id, kind, title, topic, members, picture FROM rooms
    WHERE kind IN ('public', 'announcement') AND archived_at IS NULL AND room_id < $1
    ORDER BY room_id DESC LIMIT $2
"""


class PostgresRooms:
    """See `muster.rooms.RoomStore`."""

    def __init__(self, primary: Database, reads: Replica) -> None:
        self._primary = primary
        self._reads = reads

    async def room(self, room: RoomId, reader: PersonId, *, fresh: bool) -> Room | None:
        source = self._primary if fresh else self._reads
        rows = await source.fetch(_ROOM, room, reader)
        return _room(room, rows[0]) if rows else None

    async def of_person(
        self, person: PersonId, before: tuple[int, UUID] | None, limit: int
    ) -> list[RoomSummary]:
        at, after = (None, None) if before is None else (from_ms(before[0]), before[1])
        rows = await self._reads.fetch(OF_PERSON, person, at, after, limit, str(person), None, None)
        return [summary(row) for row in rows]

    async def members(
        self, room: RoomId, reader: PersonId, after: UUID | None, limit: int
    ) -> tuple[RoomKind, Relation, list[Member]] | None:
        rows = await self._reads.fetch(_MEMBERS, room, reader, after or _FIRST, limit)
        if not rows:
            return None
        members = [
            Member(PersonId(row[2]), row[3], row[4], Relation(row[5]), to_ms(row[6]), row[7])
            for row in rows
            if row[2] is not None
        ]
        return RoomKind(rows[0][0]), Relation(rows[0][1]), members

    async def public(self, before: UUID | None, limit: int) -> list[PublicRoom]:
        rows = await self._reads.fetch(_PUBLIC, before or _LAST, limit)
        return [PublicRoom(RoomId(row[0]), RoomKind(row[1]), *row[2:]) for row in rows]


def _room(room: RoomId, row: asyncpg.Record) -> Room:
    return Room(
        id=room,
        kind=RoomKind(row[0]),
        history=row[1],
        title=row[2],
        topic=row[3],
        archived=row[4],
        created_by=row[5],
        created_at_ms=to_ms(row[6]),
        head=row[7],
        msg_no=row[8],
        members=row[9],
        role=Relation(row[10]),
        peer=row[11],
        picture=row[12],
        slow_s=row[13],
        silenced_until_ms=None if row[14] is None else to_ms(row[14]),
    )
