"""Venues in Postgres: what fixes are judged against, and for whom.

Owns the SQL of muster.venue.VenueStore. Must never write: hosts and guests change them by ops.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import asyncpg

from muster.attendance import Sharing
from muster.ids import PersonId, RoomId
from muster.stores.postgres import moments
from muster.stores.postgres.events import shape_of
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database
from muster.venue import Leave, Venue, Visibility

_COLUMNS: Final = """
    e.room_id, e.version, e.fence_version, e.fence::text, e.visibility, e.doors_at, coalesce(e.over_at, e.ends_at),
    e.dwell_ms
"""
# Two halves, as two indexes find them: what is still to end, and what ended early or lately.
_VENUES: Final = f"""
    SELECT {_COLUMNS} FROM events e
    WHERE e.over_at IS NULL AND e.ends_at >= $1 AND e.doors_at <= $2 AND e.fence IS NOT NULL
    UNION ALL
    SELECT {_COLUMNS} FROM events e
    WHERE e.over_at >= $1 AND e.doors_at <= $2 AND e.doors_at < e.over_at AND e.fence IS NOT NULL
"""  # noqa: S608  # a constant list of columns
_VENUE: Final = f"""
    SELECT {_COLUMNS} FROM events e
    WHERE e.room_id = $1 AND e.fence IS NOT NULL AND e.over_at IS NULL AND e.ends_at > clock_timestamp()
"""  # noqa: S608  # a constant list of columns
# A roster row of an event that is over judges nothing any more; a day is more than any late fix is old.
_LEAVE: Final = """
    SELECT p.person_id, coalesce(d.sharing, 'off'), g.rooms, g.sharings
    FROM unnest($1::uuid[]) p (person_id) LEFT JOIN place_defaults d USING (person_id)
    LEFT JOIN LATERAL (
        SELECT array_agg(g.room_id) AS rooms, array_agg(g.sharing) AS sharings
        FROM event_roster g JOIN events e USING (room_id)
        WHERE g.person_id = p.person_id AND coalesce(e.over_at, e.ends_at) > now() - interval '1 day'
    ) g ON true
"""


class PostgresVenues:
    """See `muster.venue.VenueStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def venues(self, from_ms: int, until_ms: int) -> list[Venue]:
        rows = await self._database.fetch(
            _VENUES, moments.from_ms(from_ms), moments.from_ms(until_ms)
        )
        return [_venue(row) for row in rows]

    async def venue(self, room: RoomId) -> Venue | None:
        row = await self._database.fetchrow(_VENUE, room)
        return None if row is None else _venue(row)

    async def leave(self, people: Collection[PersonId]) -> dict[PersonId, Leave]:
        rows = await self._database.fetch(_LEAVE, list(people))
        return {
            PersonId(person): Leave(_by_event(rooms, sharings), Sharing(otherwise))
            for person, otherwise, rooms, sharings in rows
        }


def _by_event(rooms: list[UUID] | None, sharings: list[str] | None) -> dict[UUID, Sharing]:
    return {room: Sharing(one) for room, one in zip(rooms or (), sharings or (), strict=True)}


def _venue(row: asyncpg.Record) -> Venue:
    room, version, fence_version, fence, visibility, doors, until, dwell = row
    shape = shape_of(fence)
    assert shape is not None
    return Venue(
        room=RoomId(room),
        version=version,
        fence_version=fence_version,
        shape=shape,
        visibility=Visibility(visibility),
        from_ms=to_ms(doors),
        until_ms=to_ms(until),
        dwell_ms=dwell,
    )
