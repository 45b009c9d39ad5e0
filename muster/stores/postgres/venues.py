"""Venues and people's leave in Postgres, as they are read.

Owns the SQL of muster.venue.VenueStore. Must never read what is only shown of an event.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import asyncpg
import msgspec

from muster.attendance import Sharing
from muster.ids import PersonId, RoomId
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from muster.venue import Leave, Shape, Venue, Visibility

_COLUMNS: Final = """
    room_id, version, fence_version, fence::text, visibility, doors_at, coalesce(over_at, ends_at), dwell_ms
"""
_BETWEEN: Final = f"""
    SELECT {_COLUMNS} FROM events
    WHERE over_at IS NULL AND fence IS NOT NULL AND ends_at > $1 AND doors_at < $2
"""  # noqa: S608  # a constant list of columns
_ONE: Final = f"""
    SELECT {_COLUMNS} FROM events WHERE room_id = $1 AND over_at IS NULL AND fence IS NOT NULL
"""  # noqa: S608  # a constant list of columns
_ROSTERS: Final = """
    SELECT r.person_id, r.room_id, r.sharing FROM event_roster r JOIN events e USING (room_id)
    WHERE r.person_id = ANY ($1::uuid[]) AND e.over_at IS NULL AND e.fence IS NOT NULL
"""
_DEFAULTS: Final = """
    SELECT person_id, sharing FROM place_defaults WHERE person_id = ANY ($1::uuid[])
"""
_SHAPES: Final = msgspec.json.Decoder(Shape)


class PostgresVenues:
    """See `muster.venue.VenueStore`."""

    def __init__(self, database: Database) -> None:
        """`database`: the primary."""
        self._database = database

    async def venues(self, from_ms_: int, until_ms: int) -> list[Venue]:
        rows = await self._database.fetch(_BETWEEN, from_ms(from_ms_), from_ms(until_ms))
        return [_venue(row) for row in rows]

    async def venue(self, room: RoomId) -> Venue | None:
        row = await self._database.fetchrow(_ONE, room)
        return None if row is None else _venue(row)

    async def leave(self, people: Collection[PersonId]) -> dict[PersonId, Leave]:
        found = {person: Leave({}, Sharing.off) for person in people}
        for person, sharing in await self._database.fetch(_DEFAULTS, list(people)):
            found[person] = found[person]._replace(otherwise=Sharing(sharing))
        for person, room, sharing in await self._database.fetch(_ROSTERS, list(people)):
            found[person].by_event[room] = Sharing(sharing)
        return found


def _venue(row: asyncpg.Record) -> Venue:
    room, version, fence_version, fence, visibility, doors_at, ends_at, dwell_ms = row
    return Venue(
        room=RoomId(room),
        version=version,
        fence_version=fence_version,
        shape=_SHAPES.decode(fence),
        visibility=Visibility(visibility),
        from_ms=to_ms(doors_at),
        until_ms=to_ms(ends_at),
        dwell_ms=dwell_ms,
    )
