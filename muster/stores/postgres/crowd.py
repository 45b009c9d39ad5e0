"""Who is at an event now, in Postgres.

Owns the SQL of muster.crowd.CrowdStore. Must never tell a guest of anybody who does not let them see it: the circle is
judged as allows_v1 judges it (tests hold the two together).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.crowd import Number, PersonHere
from muster.ids import PersonId, RoomId
from muster.stores.postgres.footing import NAMED, SHARED, SHARING, UNBLOCKED, PostgresFooting
from muster.stores.postgres.moments import from_ms, to_ms

_NUMBER: Final = f"""
    SELECT count(*), count(*) FILTER (WHERE NOT {NAMED}) FROM {SHARED} WHERE v.room_id = $1 AND v.left_at IS NULL
"""  # noqa: S608  # constants of SQL
_VOUCHED: Final = f"""
    SELECT count(*) FROM {SHARED}
    WHERE v.room_id = $1 AND v.entered_at <= $2 AND (v.left_at IS NULL OR v.left_at > $2)
      AND v.confidence <> 'low' AND {SHARING} = 'on'
"""  # noqa: S608  # constants of SQL

# What allows_v1 says, with the reader's rooms looked up once and not for each of 10,000 people.
_MATES: Final = """
    WITH mine AS MATERIALIZED (
        SELECT coalesce(array_agg(r.room_id), '{}') AS rooms FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = $2 AND m.relation IN ('member', 'moderator', 'owner') AND makes_mates_v1(r.room_id, r.kind)
    )
"""
_CIRCLE: Final = f"""
    {SHARING} = 'on' AND v.person_id <> $2 AND CASE p.may_see_events
        WHEN 'everyone' THEN true WHEN 'nobody' THEN false
        ELSE c.person_id IS NOT NULL OR p.may_see_events = 'room-mates' AND EXISTS (
            SELECT 1 FROM members o WHERE o.person_id = v.person_id AND o.room_id = ANY ((SELECT rooms FROM mine)::uuid[])
              AND o.relation IN ('member', 'moderator', 'owner')) END
    AND {UNBLOCKED}
"""
_PEOPLE: Final = """
    SELECT p.person_id, p.handle_shown, p.name, p.picture, c.person_id IS NOT NULL, v.entered_at
    FROM {shared} JOIN people p ON p.person_id = v.person_id AND p.banned_at IS NULL
    LEFT JOIN contacts c ON c.person_id = v.person_id AND c.other_id = $2 AND c.state = 'accepted'
    WHERE v.room_id = $1 AND v.left_at IS NULL AND {who}
      AND ((c.person_id IS NULL)::integer, p.person_id) > ($3, $4)
    ORDER BY (c.person_id IS NULL)::integer, p.person_id LIMIT $5
"""
_FOR_HOSTS: Final = _PEOPLE.format(shared=SHARED, who=NAMED)
_FOR_GUESTS: Final = _MATES + _PEOPLE.format(shared=SHARED, who=_CIRCLE)


class PostgresCrowd(PostgresFooting):
    """See `muster.crowd.CrowdStore`."""

    async def number(self, room: RoomId, reader: PersonId) -> Number:
        [row] = await self._database.fetch(_NUMBER, room, reader)
        return Number(*row)

    async def vouched(self, room: RoomId, at_ms: int) -> int:
        [[count]] = await self._database.fetch(_VOUCHED, room, from_ms(at_ms))
        return int(count)

    async def people(
        self, room: RoomId, reader: PersonId, is_host: bool, after: tuple[int, UUID], limit: int
    ) -> list[PersonHere]:
        sql = _FOR_HOSTS if is_host else _FOR_GUESTS
        rows = await self._database.fetch(sql, room, reader, *after, limit)
        return [
            PersonHere(
                PersonId(person),
                handle,
                name,
                picture,
                is_contact,
                to_ms(entered_at) if is_host else None,
            )
            for person, handle, name, picture, is_contact, entered_at in rows
        ]
