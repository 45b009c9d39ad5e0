"""Visits in Postgres, as they are read.

Owns the SQL of muster.visits.VisitReads. Must never change one: visit_v1 does, under the lock of its person's log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from muster.attendance import Confidence, Source, Visit
from muster.ids import PersonId, RoomId
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from muster.visits import Standing

_FIRST: Final = UUID(int=0)
_EVER: Final = 2**62

# Who left the room, or was put out of it, is not put in again by coming back; nor is a ghost, or who is there by
# default sharing alone, for the room tells who comes.
_STANDING: Final = """
    SELECT v.number IS NOT NULL, e.joins_on IS NOT DISTINCT FROM 'entry' AND coalesce(m.relation = 'invited', true)
           AND coalesce(v.told <> 'no' AND named_v1(shown_v1(o.sharing, d.sharing, v.told), v.source), false)
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY a (room_id, person_id, place)
    LEFT JOIN event_visits v ON v.room_id = a.room_id AND v.person_id = a.person_id AND v.left_at IS NULL
    LEFT JOIN events e ON e.room_id = a.room_id
    LEFT JOIN members m ON m.room_id = a.room_id AND m.person_id = a.person_id
    LEFT JOIN event_roster o ON o.room_id = a.room_id AND o.person_id = a.person_id
    LEFT JOIN place_defaults d ON d.person_id = a.person_id
    ORDER BY a.place
"""
_VISIT: Final = "v.room_id, v.person_id, v.number, v.entered_at, v.left_at, v.source, v.confidence, v.left_source"
_LAST: Final = f"""
    SELECT {_VISIT} FROM event_visits v WHERE v.room_id = $1 AND v.person_id = $2 ORDER BY v.number DESC LIMIT 1
"""  # noqa: S608  # a constant of this module
_OPEN: Final = f"""
    SELECT {_VISIT} FROM event_visits v WHERE v.left_at IS NULL AND (v.room_id, v.person_id) > ($1, $2)
    ORDER BY v.room_id, v.person_id LIMIT $3
"""  # noqa: S608  # a constant of this module
_OPEN_OF: Final = f"""
    SELECT {_VISIT} FROM event_visits v
    WHERE v.left_at IS NULL AND v.room_id = $1 AND v.person_id > $2 AND v.entered_at < $3
    ORDER BY v.person_id LIMIT $4
"""  # noqa: S608  # a constant of this module


class PostgresVisits:
    """See `muster.visits.VisitReads`. On the primary: what was just written is there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, whom: Sequence[tuple[RoomId, PersonId]]) -> list[Standing]:
        rooms, people = [room for room, _ in whom], [person for _, person in whom]
        rows = await self._database.fetch(_STANDING, rooms, people)
        return [Standing(*row) for row in rows]

    async def last(self, room: RoomId, person: PersonId) -> Visit | None:
        row = await self._database.fetchrow(_LAST, room, person)
        return None if row is None else _visit(row)

    async def open_visits(self, after: tuple[RoomId, PersonId] | None, limit: int) -> list[Visit]:
        rows = await self._database.fetch(_OPEN, *(after or (_FIRST, _FIRST)), limit)
        return [_visit(row) for row in rows]

    async def open_of(
        self, room: RoomId, after: PersonId | None, before_ms: int | None, limit: int
    ) -> list[Visit]:
        before = from_ms(_EVER if before_ms is None else before_ms)
        rows = await self._database.fetch(_OPEN_OF, room, after or _FIRST, before, limit)
        return [_visit(row) for row in rows]


def _visit(row: asyncpg.Record) -> Visit:
    room, person, number, entered_at, left_at, source, confidence, left_source = row
    return Visit(
        RoomId(room),
        PersonId(person),
        number,
        to_ms(entered_at),
        None if left_at is None else to_ms(left_at),
        Source(source),
        Confidence(confidence),
        None if left_source is None else Source(left_source),
    )
