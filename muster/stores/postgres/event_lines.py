"""Events as lines of lists in Postgres.

Owns the SQL of muster.event_lines.EventLineStore. Must never list an event to somebody who may not know of it: what is
mine hangs on my rows of rosters and visits.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.event_lines import EventLine, MyList
from muster.events import Answer, EventState
from muster.ids import PersonId, RoomId
from muster.permission import Relation
from muster.point import Point
from muster.stores.postgres.events import STATE
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database, Replica
from muster.venue import Visibility

_LINE: Final = f"""
    e.room_id, {STATE}, e.version, r.title, r.picture, e.doors_at, e.starts_at, e.ends_at, e.zone, e.place_name,
    e.address, e.lat, e.lon, e.visibility, e.capacity,
    (SELECT count(*) FROM event_roster c WHERE c.room_id = e.room_id AND c.answer = 'going'),
    m.relation, coalesce(g.is_host, false), g.answer
"""  # noqa: S608  # a constant
_FROM: Final = """
    FROM events e JOIN rooms r USING (room_id)
    LEFT JOIN members m ON m.room_id = e.room_id AND m.person_id = $1
    LEFT JOIN event_roster g ON g.room_id = e.room_id AND g.person_id = $1
"""
_LINES: Final = f"SELECT {_LINE} {_FROM} WHERE e.room_id = ANY ($2::uuid[])"

_ON_ROSTER: Final = "SELECT g.room_id FROM event_roster g WHERE g.person_id = $1"
_MINE: Final = {
    MyList.upcoming: f"{_ON_ROSTER} AND (g.is_host OR g.answer <> 'no')",
    MyList.hosting: f"{_ON_ROSTER} AND g.is_host",
    **{
        which: f"{_ON_ROSTER} AND g.answer = '{which}'"
        for which in (MyList.going, MyList.maybe, MyList.waitlist, MyList.invited)
    },
    MyList.past: f"""
        {_ON_ROSTER} AND (g.is_host OR g.answer IN ('going', 'maybe'))
        UNION SELECT v.room_id FROM event_visits v WHERE v.person_id = $1
    """,  # noqa: S608  # constants of this module
}
_OVER: Final = "(e.state = 'ended' AND e.over_at IS NOT NULL OR e.ends_at <= clock_timestamp())"


def _listing(which: MyList) -> str:
    """$2 and $3 the place after which the page begins, $4 its length."""
    is_past = which is MyList.past
    beyond, direction = ("<", "DESC") if is_past else (">", "ASC")
    return f"""
        WITH mine AS MATERIALIZED ({_MINE[which]}), listed AS MATERIALIZED (
            SELECT e.room_id FROM mine JOIN events e USING (room_id)
            WHERE {"" if is_past else "NOT"} {_OVER}
              AND ($2::timestamptz IS NULL OR (e.starts_at, e.room_id) {beyond} ($2, $3::uuid))
            ORDER BY e.starts_at {direction}, e.room_id {direction} LIMIT $4
        )
        SELECT {_LINE} {_FROM} JOIN listed l ON l.room_id = e.room_id
        ORDER BY e.starts_at {direction}, e.room_id {direction}
    """  # noqa: S608  # constants of this module


_LISTINGS: Final = {which: _listing(which) for which in MyList}


class PostgresEventLines:
    """See `muster.event_lines.EventLineStore`."""

    def __init__(self, primary: Database, reads: Replica) -> None:
        """Mine are read from the primary: what I answered just now is among them."""
        self._primary = primary
        self._reads = reads

    async def mine(
        self, me: PersonId, which: MyList, after: tuple[int, UUID] | None, limit: int
    ) -> list[EventLine]:
        at, room = (None, None) if after is None else (from_ms(after[0]), after[1])
        rows = await self._primary.fetch(_LISTINGS[which], me, at, room, limit)
        return [_line(row) for row in rows]

    async def lines(self, reader: PersonId, rooms: list[RoomId]) -> dict[RoomId, EventLine]:
        if not rooms:
            return {}
        found = map(_line, await self._reads.fetch(_LINES, reader, rooms))
        return {line.id: line for line in found}


def _line(row: asyncpg.Record) -> EventLine:
    room, state, version, title, cover, doors, starts, ends, zone, place, address = row[:11]
    lat, lon, visibility, capacity, going, relation, is_host, answer = row[11:]
    return EventLine(
        id=RoomId(room),
        state=EventState(state),
        version=version,
        title=title,
        cover=cover,
        doors_at_ms=to_ms(doors),
        starts_at_ms=to_ms(starts),
        ends_at_ms=to_ms(ends),
        zone=zone,
        place_name=place,
        address=address,
        point=None if lat is None else Point(lat, lon),
        visibility=Visibility(visibility),
        capacity=capacity,
        going=going,
        role=Relation(relation or "none"),
        is_host=is_host,
        answer=None if answer is None else Answer(answer),
    )
