"""Addresses of calendars in Postgres, and the events behind them.

Owns the SQL of muster.calendars.CalendarStore. Must never keep a code: only its hash comes here.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from muster.calendars import EVENTS_MOST, PAST_DAYS
from muster.icalendar import CalendarEvent
from muster.ids import PersonId, RoomId
from muster.point import Point
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

_KEEP: Final = """
    INSERT INTO calendar_feeds (person_id, code_hash) VALUES ($1, $2)
    ON CONFLICT (person_id) DO UPDATE SET code_hash = excluded.code_hash, made_at = now()
"""
_FORGET: Final = "DELETE FROM calendar_feeds WHERE person_id = $1"

# The first row comes wherever the address is somebody's, so that an empty calendar is one.
_EVENTS: Final = f"""
    SELECT e.* FROM calendar_feeds f JOIN people p ON p.person_id = f.person_id AND p.banned_at IS NULL
    LEFT JOIN LATERAL (
        SELECT e.room_id, e.version, r.title, e.about, e.starts_at, e.ends_at, e.place_name, e.address, e.lat, e.lon,
               e.state = 'cancelled' AS cancelled
        FROM event_roster g JOIN events e USING (room_id) JOIN rooms r USING (room_id)
        WHERE g.person_id = f.person_id AND (g.is_host OR g.answer IN ('going', 'maybe'))
          AND e.ends_at > now() - interval '{PAST_DAYS} days'
        ORDER BY e.starts_at DESC, e.room_id LIMIT {EVENTS_MOST}
    ) e ON true WHERE f.code_hash = $1
"""  # noqa: S608  # constant numbers


class PostgresCalendars:
    """See `muster.calendars.CalendarStore`."""

    def __init__(self, primary: Database) -> None:
        """Not a replica: an address that was taken back leads nowhere at once."""
        self._primary = primary

    async def keep(self, person: PersonId, code_hash: bytes) -> None:
        await self._primary.execute(_KEEP, person, code_hash)

    async def forget(self, person: PersonId) -> None:
        await self._primary.execute(_FORGET, person)

    async def events(self, code_hash: bytes) -> list[CalendarEvent] | None:
        rows = await self._primary.fetch(_EVENTS, code_hash)
        if not rows:
            return None
        return [_event(row) for row in rows if row[0] is not None]


def _event(row: asyncpg.Record) -> CalendarEvent:
    room, version, title, about, starts, ends, place, address, lat, lon, cancelled = row
    return CalendarEvent(
        RoomId(room),
        version,
        title,
        about,
        to_ms(starts),
        to_ms(ends),
        place,
        address,
        None if lat is None else Point(lat, lon),
        cancelled,
    )
