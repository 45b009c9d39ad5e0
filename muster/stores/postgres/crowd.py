"""Who is at an event now, in Postgres.

Owns the SQL of muster.crowd.CrowdStore. Must never tell a guest of anybody who does not let them see it: the circle is
judged as allows_v1 judges it (tests hold the two together).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.crowd import Number, PersonHere
from muster.ids import PersonId, RoomId
from muster.stores.postgres.footing import (
    NAMED,
    NAMED_TO_SOME,
    SHARED,
    SHARING,
    UNBLOCKED,
    PostgresFooting,
)
from muster.stores.postgres.moments import from_ms, to_ms

LOOKED: Final = 500
"""How many people one page is looked for among."""

_FIRST: Final = UUID(int=0)
_NUMBER: Final = f"""
    SELECT count(*) FILTER (WHERE v.left_at IS NULL AND {NAMED}),
           count(*) FILTER (WHERE v.entered_at <= $3 AND NOT {NAMED_TO_SOME})
    FROM {SHARED} WHERE v.room_id = $1 AND (v.left_at IS NULL OR v.left_at > $3)
"""  # noqa: S608  # constants of SQL
_VOUCHED: Final = f"""
    SELECT count(*) FROM {SHARED}
    WHERE v.room_id = $1 AND v.entered_at <= $2 AND (v.left_at IS NULL OR v.left_at > $2)
      AND v.confidence <> 'low' AND {SHARING} = 'on'
"""  # noqa: S608  # constants of SQL

_FOR_HOSTS: Final = f"""
    SELECT p.person_id, p.handle_shown, p.name, p.picture, false, v.entered_at
    FROM {SHARED} JOIN people p ON p.person_id = v.person_id
    WHERE v.room_id = $1 AND v.left_at IS NULL AND v.person_id > $3 AND {NAMED} ORDER BY p.person_id LIMIT $4
"""  # noqa: S608  # constants of SQL

# 10,000 people may ask this of 10,000: contacts come by their own index, of all others a page looks at LOOKED at most,
# and each is looked up by itself, whatever the planner believes of a table that was empty an hour ago. What allows_v1
# says, with the reader's rooms and blocks looked up once. $3: 0 from the beginning of contacts, 1 of others; after $4.
# The first row comes always: the last of those looked at, where there may be more.
_FOR_GUESTS: Final = f"""
    WITH mine AS MATERIALIZED (
        SELECT coalesce(array_agg(r.room_id), '{{}}') AS rooms FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = $2 AND m.relation IN ('member', 'moderator', 'owner') AND makes_mates_v1(r.room_id, r.kind)
    ), looked AS MATERIALIZED (
        SELECT v.person_id FROM event_visits v
        WHERE v.room_id = $1 AND v.left_at IS NULL
          AND v.person_id > CASE $3::integer WHEN 1 THEN $4::uuid ELSE $6::uuid END
        ORDER BY v.person_id LIMIT {LOOKED}
    ), candidates AS MATERIALIZED (
        SELECT c.other_id AS person_id, true AS is_contact FROM contacts c
        WHERE c.person_id = $2 AND c.state = 'accepted' AND $3 = 0 AND c.other_id > $4
          AND EXISTS (SELECT 1 FROM contacts o
                      WHERE o.person_id = c.other_id AND o.other_id = $2 AND o.state = 'accepted')
        UNION ALL
        SELECT l.person_id, false FROM looked l WHERE l.person_id <> $2 AND NOT EXISTS (
            SELECT 1 FROM contacts c WHERE c.person_id = $2 AND c.other_id = l.person_id AND c.state = 'accepted')
    ), found AS (
        SELECT f.* FROM candidates n CROSS JOIN LATERAL (
            SELECT p.person_id, p.handle_shown, p.name, p.picture, n.is_contact
            FROM {SHARED} JOIN people p ON p.person_id = v.person_id AND p.banned_at IS NULL
            WHERE v.room_id = $1 AND v.person_id = n.person_id AND v.left_at IS NULL
              AND {SHARING} = 'on' AND {UNBLOCKED} AND CASE p.may_see_events
                WHEN 'everyone' THEN true WHEN 'nobody' THEN false
                ELSE n.is_contact OR p.may_see_events = 'room-mates' AND EXISTS (
                    SELECT 1 FROM members o
                    WHERE o.person_id = p.person_id AND o.room_id = ANY ((SELECT mine.rooms FROM mine)::uuid[])
                      AND o.relation IN ('member', 'moderator', 'owner')) END
            OFFSET 0
        ) f ORDER BY f.is_contact DESC, f.person_id LIMIT $5
    )
    SELECT f.*, l.last FROM (
        SELECT CASE WHEN count(*) = {LOOKED} THEN (SELECT x.person_id FROM looked x ORDER BY x.person_id DESC LIMIT 1)
               END AS last FROM looked) l
    LEFT JOIN found f ON true ORDER BY f.is_contact DESC, f.person_id
"""  # noqa: S608  # constants of SQL


class PostgresCrowd(PostgresFooting):
    """See `muster.crowd.CrowdStore`."""

    async def number(self, room: RoomId, reader: PersonId, at_ms: int) -> Number:
        [row] = await self._database.fetch(_NUMBER, room, reader, from_ms(at_ms))
        return Number(*row)

    async def vouched(self, room: RoomId, at_ms: int) -> int:
        [[count]] = await self._database.fetch(_VOUCHED, room, from_ms(at_ms))
        return int(count)

    async def named(
        self, room: RoomId, reader: PersonId, after: UUID, limit: int
    ) -> list[PersonHere]:
        rows = await self._database.fetch(_FOR_HOSTS, room, reader, after, limit)
        return [_here(row, to_ms(row[5])) for row in rows]

    async def friendly(
        self, room: RoomId, reader: PersonId, after: tuple[int, UUID], limit: int
    ) -> tuple[list[PersonHere], PersonId | None]:
        rows = await self._database.fetch(_FOR_GUESTS, room, reader, *after, limit, _FIRST)
        return [_here(row, None) for row in rows if row[0] is not None], rows[0][5]


def _here(row: asyncpg.Record, since_ms: int | None) -> PersonHere:
    person, handle, name, picture, is_contact = row[:5]
    return PersonHere(PersonId(person), handle, name, picture, is_contact, since_ms)
