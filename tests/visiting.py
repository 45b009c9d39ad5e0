"""Owns how tests make an event by the back door: its room, its row, its roster. Never how one is made by its ops."""

from __future__ import annotations

from typing import Any

import asyncpg

from muster.ids import PersonId, RoomId
from tests.vocabulary import new_id

SECRET = bytes(range(32))


async def gathering(
    database: asyncpg.Connection | asyncpg.Pool,
    owner: PersonId,
    *,
    visibility: str = "public",
    joins_on: str = "never",
    doors_in_s: float = -3_600,
    ends_in_s: float = 3_600,
) -> RoomId:
    """An event of `owner`'s, whose doors opened and that ends by Postgres' clock, so many seconds from now."""
    room = RoomId(new_id())
    await database.execute(
        "INSERT INTO rooms (room_id, kind, title, members) VALUES ($1, 'event', 'a party', 1)", room
    )
    await hold(database, room, visibility, joins_on, doors_in_s, ends_in_s)
    await belong(database, room, owner, "owner")
    await listed(database, room, owner, answer="going", is_host=True)
    return room


async def hold(
    database: asyncpg.Connection | asyncpg.Pool,
    room: RoomId,
    visibility: str = "public",
    joins_on: str = "never",
    doors_in_s: float = -3_600,
    ends_in_s: float = 3_600,
) -> None:
    """A room of kind `event` becomes one."""
    await database.execute(
        "INSERT INTO events (room_id, visibility, joins_on, state, doors_at, starts_at, ends_at, zone, secret)"
        " SELECT $1, $2, $3, CASE WHEN $4::float8 <= 0 THEN 'doors_open' ELSE 'scheduled' END,"
        "        t.doors, t.doors, t.ends, 'Europe/Vienna', $6"
        " FROM (SELECT date_trunc('milliseconds', now()) + make_interval(secs => $4) AS doors,"
        "              date_trunc('milliseconds', now()) + make_interval(secs => $5) AS ends) t",
        room,
        visibility,
        joins_on,
        doors_in_s,
        ends_in_s,
        SECRET,
    )


async def belong(
    database: asyncpg.Connection | asyncpg.Pool, room: RoomId, person: PersonId, relation: str
) -> None:
    """Make somebody a member of the event's room, or what else there is."""
    await database.execute(
        "INSERT INTO members (room_id, person_id, relation, from_seq) VALUES ($1, $2, $3, 1)"
        " ON CONFLICT (room_id, person_id) DO UPDATE SET relation = excluded.relation",
        room,
        person,
        relation,
    )
    await database.execute(
        "INSERT INTO spans (room_id, person_id, joined, from_seq) VALUES ($1, $2, 0, 1) ON CONFLICT DO NOTHING",
        room,
        person,
    )


async def listed(
    database: asyncpg.Connection | asyncpg.Pool,
    room: RoomId,
    person: PersonId,
    *,
    answer: str = "going",
    sharing: str = "off",
    is_host: bool = False,
) -> None:
    """Put somebody on the roster, or change what it says of them."""
    await database.execute(
        "INSERT INTO event_roster (room_id, person_id, answer, sharing, is_host) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (room_id, person_id) DO UPDATE"
        " SET answer = excluded.answer, sharing = excluded.sharing, is_host = excluded.is_host",
        room,
        person,
        answer,
        sharing,
        is_host,
    )


async def there(
    database: asyncpg.Connection | asyncpg.Pool,
    room: RoomId,
    person: PersonId,
    *,
    source: str = "gps",
    confidence: str = "medium",
    entered_ago_s: float = 60,
    left_ago_s: float | None = None,
) -> None:
    """Somebody is there since then, or was."""
    await database.execute(
        "INSERT INTO event_visits (room_id, person_id, number, entered_at, left_at, source, confidence, left_source)"
        " SELECT $1, $2, 1 + count(*), date_trunc('milliseconds', now() - make_interval(secs => $3)),"
        "        date_trunc('milliseconds', now() - make_interval(secs => $4)), $5, $6,"
        "        CASE WHEN $4 IS NOT NULL THEN 'gps' END"
        " FROM event_visits WHERE room_id = $1 AND person_id = $2",
        room,
        person,
        entered_ago_s,
        left_ago_s,
        source,
        confidence,
    )


async def over(database: asyncpg.Connection | asyncpg.Pool, room: RoomId) -> None:
    """End an event, as its life cycle does."""
    await database.execute(
        "UPDATE events SET state = 'ended', version = version + 1, over_at = clock_timestamp() WHERE room_id = $1",
        room,
    )


async def moved(database: asyncpg.Connection | asyncpg.Pool, room: RoomId) -> None:
    """Move its fence, as its hosts do."""
    await database.execute(
        "UPDATE events SET version = version + 1, fence_version = version + 1 WHERE room_id = $1",
        room,
    )


async def visits_of(
    database: asyncpg.Connection | asyncpg.Pool, room: RoomId, person: PersonId | None = None
) -> list[dict[str, Any]]:
    """Visits as Postgres has them, by person and number."""
    rows = await database.fetch(
        "SELECT person_id, number, (extract(epoch FROM entered_at) * 1000)::bigint AS entered_ms,"
        " (extract(epoch FROM left_at) * 1000)::bigint AS left_ms, source, confidence, left_source FROM event_visits"
        " WHERE room_id = $1 AND ($2::uuid IS NULL OR person_id = $2) ORDER BY person_id, number",
        room,
        person,
    )
    return [dict(row) for row in rows]
