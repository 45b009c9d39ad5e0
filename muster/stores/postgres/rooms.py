"""Rooms in Postgres, as they are read.

Owns the SQL of muster.rooms.RoomStore. Must never change a room: ops do (create_room_v1 and its neighbours).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.rooms import (
    UNREAD_MOST,
    UNREAD_WINDOW_SEQS,
    LastMessage,
    Member,
    Peer,
    PublicRoom,
    Room,
    RoomSummary,
)
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database, Replica
from proto.entry import EntryKind
from proto.limits import PREVIEW_CHARS

_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)
"""Ends of every order by id: a cursor there is, always, so that one plan serves all pages."""

REQUEST: Final = """
    m.request AND NOT EXISTS (SELECT 1 FROM entries answer WHERE answer.room_id = m.room_id
                              AND answer.author = m.person_id AND answer.kind = 'post')
"""
"""Whether a direct room lies in the Requests of member `m`: marked so, and never answered."""

_ROOM: Final = """
    SELECT r.kind, r.history, r.title, r.topic, r.archived_at IS NOT NULL, r.created_by, r.created_at, r.head, r.msg_no,
           r.members, m.relation,
           (SELECT o.person_id FROM members o
            WHERE r.kind = 'direct' AND o.room_id = r.room_id AND o.person_id <> $2 LIMIT 1), r.picture
    FROM rooms r JOIN members m ON m.room_id = r.room_id AND m.person_id = $2 WHERE r.room_id = $1
"""

# Counting starts at the read pointer, in the primary key's order, and stops at UNREAD_MOST; where nothing was
# posted since, which two numbers tell, it does not start. The newest visible message is looked for from the
# room's last post backwards, at most as far as blocked people may have filled it.
_OF_PERSON: Final = f"""
    WITH hidden AS MATERIALIZED (
        SELECT coalesce(array_agg(b.blocked), '{{}}') AS people FROM blocks b WHERE b.blocker = $1
    ), mine AS MATERIALIZED (
        SELECT r.room_id, r.kind, r.title, r.picture, r.head, r.msg_no, r.last_post, r.members, r.archived_at,
               date_trunc('milliseconds', r.last_at) AS last_at,
               m.relation, m.read_seq, m.read_msg_no, m.muted_until, m.level, m.from_seq,
               {REQUEST} AS request
        FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = $1 AND r.kind <> 'self' AND m.relation IN ('invited', 'member', 'moderator', 'owner')
          AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', r.last_at), r.room_id) < ($2, $3::uuid))
        ORDER BY date_trunc('milliseconds', r.last_at) DESC, r.room_id DESC LIMIT $4
    )
    SELECT i.room_id, i.kind, i.title, i.head, i.msg_no, i.last_at, i.members, i.archived_at IS NOT NULL, i.relation,
           i.read_seq, i.muted_until, i.level, peer.person_id, peer.handle_shown, peer.name,
           last.seq, last.author, last.text, last.at, coalesce(news.unread, 0), coalesce(news.mentions, 0), i.request,
           i.picture, peer.picture
    FROM mine i CROSS JOIN hidden h
    LEFT JOIN LATERAL (
        SELECT p.person_id, p.handle_shown, p.name, p.picture FROM members o JOIN people p USING (person_id)
        WHERE i.kind = 'direct' AND o.room_id = i.room_id AND o.person_id <> $1 LIMIT 1
    ) peer ON true
    LEFT JOIN LATERAL (
        SELECT e.seq, e.author, left(e.text, {PREVIEW_CHARS}) AS text, e.at FROM entries e
        WHERE i.relation <> 'invited' AND e.room_id = i.room_id AND e.seq <= i.last_post
          AND e.seq >= greatest(i.from_seq, i.last_post - {UNREAD_MOST})
          AND e.kind = 'post' AND e.author <> ALL (h.people)
        ORDER BY e.seq DESC LIMIT 1
    ) last ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS unread, count(*) FILTER (WHERE n.mentioned) AS mentions FROM (
            SELECT e.body IS NOT NULL AND ((e.body -> 'mentions') ? $5 OR e.body @> '{{"here": true}}') AS mentioned
            FROM entries e
            WHERE i.relation <> 'invited' AND i.msg_no > i.read_msg_no
              AND e.room_id = i.room_id
              AND e.seq > greatest(i.read_seq, i.from_seq - 1, i.head - {UNREAD_WINDOW_SEQS})
              AND e.kind = 'post' AND e.deleted_seq IS NULL AND e.author <> $1 AND e.author <> ALL (h.people)
            ORDER BY e.seq DESC LIMIT {UNREAD_MOST}
        ) n
    ) news ON true
    ORDER BY i.last_at DESC, i.room_id DESC
"""  # noqa: S608  # constant numbers

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
        rows = await self._reads.fetch(_OF_PERSON, person, at, after, limit, str(person))
        return [_summary(row) for row in rows]

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
    )


def _summary(row: asyncpg.Record) -> RoomSummary:
    (
        room, kind, title, head, msg_no, last_at, members, archived, relation, read, muted_until, level,
        peer, handle, name, last_seq, last_author, last_text, posted_at, unread, mentions, request,
        picture, face,
    ) = row  # fmt: skip
    last = None
    if last_seq is not None:
        last = LastMessage(last_seq, EntryKind.post, last_author, last_text, to_ms(posted_at))
    return RoomSummary(
        id=room,
        kind=_KINDS[kind],
        title=title,
        peer=None if peer is None else Peer(peer, handle, name, face),
        last_message=last,
        head=head,
        msg_no=msg_no,
        read=read,
        unread=unread,
        mentions=mentions,
        muted_until_ms=None if muted_until is None else to_ms(muted_until),
        level=level,
        role=_RELATIONS[relation],
        members=members,
        archived=archived,
        last_at_ms=to_ms(last_at),
        request=request,
        picture=picture,
    )


_KINDS: Final = {kind.value: kind for kind in RoomKind}
_RELATIONS: Final = {relation.value: relation for relation in Relation}
