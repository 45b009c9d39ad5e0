"""Reading what `muster trace` and `muster people` tell, and the one thing the command line may change: service roles.

Owns those queries. Must never read a message's text, and never change a person but for `set_role`.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.ids import PersonId
from muster.permission import Relation, RoomKind, ServiceRole
from muster.stores.postgres import audit
from muster.trace import (
    Device,
    Owed,
    Person,
    RoomOf,
    Span,
    Standing,
    TracedEntry,
    TracedRoom,
)

DEVICES_MOST: Final = 50
ROOMS_MOST: Final = 30

_PERSON = """
    SELECT person_id, handle_shown, name, service_role, (extract(epoch FROM banned_at) * 1000)::bigint,
           (extract(epoch FROM created_at) * 1000)::bigint
    FROM people WHERE
"""
_BY_HANDLE: Final = f"{_PERSON} handle = $1"
_BY_ID: Final = f"{_PERSON} person_id = $1"
_ROOM: Final = """
    SELECT room_id, kind, history, head, floor, members, archived_at IS NOT NULL FROM rooms WHERE room_id = $1
"""
_ENTRY: Final = """
    SELECT e.seq, e.msg_no, e.kind, e.author, p.handle_shown, e.subject, e.client_id,
           (extract(epoch FROM e.at) * 1000)::bigint, e.target, e.edited_seq, e.deleted_seq
    FROM entries e LEFT JOIN people p ON p.person_id = e.author WHERE e.room_id = $1 AND e.seq = $2
"""
_OWED: Final = """
    SELECT l.writer, extract(epoch FROM clock_timestamp() - l.until)::float8
    FROM publish_leases l, unnest(l.rooms, l.from_seqs, l.to_seqs) r (room, from_seq, to_seq)
    WHERE r.room = $1 AND $2 BETWEEN r.from_seq AND r.to_seq ORDER BY l.until
"""
_MEMBER: Final = """
    SELECT m.relation, m.read_seq, coalesce(m.chosen_level = 'none', false) OR coalesce(m.muted_until > now(), false)
    FROM members m WHERE m.room_id = $1 AND m.person_id = $2
"""
_SPANS: Final = """
    SELECT joined, from_seq, to_seq FROM spans WHERE room_id = $1 AND person_id = $2 ORDER BY joined
"""
_BLOCKED: Final = """
    SELECT (extract(epoch FROM at) * 1000)::bigint FROM blocks WHERE blocker = $1 AND blocked = $2
"""
_DEVICES: Final = """
    SELECT s.session_id, s.device_id, s.platform, s.version, (extract(epoch FROM s.created_at) * 1000)::bigint,
           s.revoked_at IS NULL AND s.expires_at > now(),
           CASE WHEN s.revoked_at IS NOT NULL THEN 'revoked' WHEN s.expires_at <= now() THEN 'expired' ELSE '' END,
           d.received
    FROM sessions s LEFT JOIN device_pointers d ON d.room_id = $2 AND d.device_id = s.device_id
    WHERE s.person_id = $1 ORDER BY s.revoked_at IS NULL DESC, s.created_at DESC LIMIT $3
"""
_ROOMS: Final = """
    SELECT m.room_id, r.kind, r.title, m.relation, r.head, m.read_seq,
           (SELECT min(d.received) FROM device_pointers d JOIN sessions s USING (device_id)
            WHERE d.room_id = m.room_id AND s.person_id = $1 AND s.revoked_at IS NULL AND s.expires_at > now())
    FROM members m JOIN rooms r USING (room_id)
    WHERE m.person_id = $1 AND r.kind <> 'self' AND m.relation IN ('invited', 'member', 'moderator', 'owner')
    ORDER BY r.last_at DESC LIMIT $2
"""
_SET_ROLE: Final = "UPDATE people SET service_role = $2, updated_at = now() WHERE person_id = $1"


async def find_person(database: asyncpg.Connection, who: str) -> Person | None:
    """Somebody by id or handle, with or without the @."""
    try:
        row = await database.fetchrow(_BY_ID, UUID(who))
    except ValueError:
        row = await database.fetchrow(_BY_HANDLE, who.removeprefix("@").casefold())
    return None if row is None else Person(*row)


async def find_room(database: asyncpg.Connection, room: UUID) -> TracedRoom | None:
    """A room, of whatever kind."""
    row = await database.fetchrow(_ROOM, room)
    return None if row is None else TracedRoom(row[0], RoomKind(row[1]), *row[2:])


async def find_entry(database: asyncpg.Connection, room: UUID, seq: int) -> TracedEntry | None:
    """An entry without its words."""
    row = await database.fetchrow(_ENTRY, room, seq)
    return None if row is None else TracedEntry(*row)


async def owed(database: asyncpg.Connection, room: UUID, seq: int) -> list[Owed]:
    """The leases that cover the entry."""
    return [Owed(*row) for row in await database.fetch(_OWED, room, seq)]


async def standing(
    database: asyncpg.Connection, person: Person, room: UUID, author: UUID
) -> Standing:
    """What this person is to an entry of `author` in `room`."""
    member = await database.fetchrow(_MEMBER, room, person.person)
    relation, read_seq, muted = member or (Relation.none, 0, False)
    return Standing(
        person=person,
        relation=Relation(relation),
        spans=[Span(*row) for row in await database.fetch(_SPANS, room, person.person)],
        blocked_at_ms=await database.fetchval(_BLOCKED, person.person, author),
        read_seq=read_seq,
        muted=muted,
        devices=await devices(database, person, room),
    )


async def devices(database: asyncpg.Connection, person: Person, room: UUID) -> list[Device]:
    """Their sessions, live ones first, and how far each device has come in `room`."""
    rows = await database.fetch(_DEVICES, person.person, room, DEVICES_MOST)
    return [Device(*row) for row in rows]


async def rooms_of(database: asyncpg.Connection, person: Person) -> list[RoomOf]:
    """Their rooms, the one that moved last first."""
    return [RoomOf(*row) for row in await database.fetch(_ROOMS, person.person, ROOMS_MOST)]


async def set_role(database: asyncpg.Connection, person: Person, role: ServiceRole) -> None:
    """Give somebody a service role, and write that down. Tokens issued before say the old one until they expire."""
    async with database.transaction():
        await audit.by_hand(database, "promote", PersonId(person.person), role.value)
        await database.execute(_SET_ROLE, person.person, role.value)
