"""Events in Postgres, as they are read.

Owns the SQL of muster.events.EventStore and muster.event_notices.Audience, and the columns that make a row an event for
somebody. Must never change one: ops do (change_event_v1 and its neighbours).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from muster.attendance import Sharing
from muster.events import Answer, Event, EventHead, EventState, JoinsOn
from muster.ids import PersonId, RoomId
from muster.permission import Relation
from muster.point import Point
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database, Replica
from muster.venue import Shape, Visibility

STATE: Final = """
    CASE WHEN e.over_at IS NOT NULL THEN e.state
         ELSE event_state_v1(e.doors_at, e.starts_at, e.ends_at, clock_timestamp()) END
"""
"""By the clock, whether or not the timer has fired."""

COLUMNS: Final = f"""
    e.room_id, {STATE}, e.version, r.title, r.topic, e.about, r.picture, e.doors_at, e.starts_at, e.ends_at, e.over_at,
    e.zone, e.place_name, e.address, e.lat, e.lon, e.fence::text, e.visibility, e.capacity, e.joins_on, e.dwell_ms,
    (SELECT o.person_id FROM members o WHERE o.room_id = e.room_id AND o.relation = 'owner'
     ORDER BY o.since, o.person_id LIMIT 1),
    e.going, e.maybe, e.waitlist, e.invited, m.relation, g.answer, g.sharing
"""  # noqa: S608  # constants
FROM: Final = """
    FROM events e JOIN rooms r USING (room_id)
    LEFT JOIN members m ON m.room_id = e.room_id AND m.person_id = $1
    LEFT JOIN event_roster g ON g.room_id = e.room_id AND g.person_id = $1
"""
"""$1 is the reader. Whoever asks adds event_visible_v1(e, $1)."""

_EVENT: Final = (
    f"SELECT {COLUMNS} {FROM} WHERE e.room_id = $2 AND event_visible_v1(e, $1)"  # constants
)
_HEAD: Final = f"SELECT r.title, {STATE}, e.starts_at FROM events e JOIN rooms r USING (room_id) WHERE e.room_id = $1"  # noqa: S608  # constants
_SHARING: Final = "SELECT sharing FROM place_defaults WHERE person_id = $1"
_AUDIENCE: Final = """
    SELECT person_id FROM event_roster WHERE room_id = $1 AND answer = ANY ($2::text[]) AND person_id > $3
    ORDER BY person_id LIMIT $4
"""
_OWED: Final = (
    "SELECT person_id FROM event_roster WHERE room_id = $1 AND owed ORDER BY person_id LIMIT $2"
)
_RANKS: Final = frozenset({"moderator", "owner"})
_SHAPE: Final[msgspec.json.Decoder[Shape]] = msgspec.json.Decoder(Shape)


class PostgresEvents:
    """See `muster.events.EventStore` and `muster.event_notices.Audience`."""

    def __init__(self, primary: Database, reads: Replica) -> None:
        self._primary = primary
        self._reads = reads

    async def event(self, room: RoomId, reader: PersonId, *, fresh: bool) -> Event | None:
        source = self._primary if fresh else self._reads
        rows = await source.fetch(_EVENT, reader, room)
        return event_of(rows[0]) if rows else None

    async def head(self, room: RoomId) -> EventHead | None:
        row = await self._primary.fetchrow(_HEAD, room)
        return None if row is None else EventHead(row[0], EventState(row[1]), to_ms(row[2]))

    async def sharing(self, person: PersonId) -> Sharing:
        row = await self._primary.fetchrow(_SHARING, person)
        return Sharing.off if row is None else Sharing(row[0])

    async def audience(
        self, room: RoomId, answers: Iterable[Answer], after: UUID, limit: int
    ) -> list[PersonId]:
        said = [answer.value for answer in answers]
        rows = await self._primary.fetch(_AUDIENCE, room, said, after, limit)
        return [PersonId(row[0]) for row in rows]

    async def owed(self, room: RoomId, limit: int) -> list[PersonId]:
        rows = await self._primary.fetch(_OWED, room, limit)
        return [PersonId(row[0]) for row in rows]


def shape_of(fence: str | None) -> Shape | None:
    """A fence as it is stored."""
    return None if fence is None else _SHAPE.decode(fence)


def event_of(row: asyncpg.Record) -> Event:
    """A row of COLUMNS."""
    room, state, version, title, topic, about, cover, doors, starts, ends, over = row[:11]
    zone, place, address, lat, lon, fence, visibility, capacity, joins_on, dwell, owner = row[11:22]
    going, maybe, waitlist, invited, relation, answer, sharing = row[22:]
    return Event(
        id=RoomId(room),
        state=EventState(state),
        version=version,
        title=title,
        topic=topic,
        about=about,
        cover=cover,
        doors_at_ms=to_ms(doors),
        starts_at_ms=to_ms(starts),
        ends_at_ms=to_ms(ends),
        over_at_ms=None if over is None else to_ms(over),
        zone=zone,
        place_name=place,
        address=address,
        point=None if lat is None else Point(lat, lon),
        fence=shape_of(fence),
        visibility=Visibility(visibility),
        capacity=capacity,
        joins_on=JoinsOn(joins_on),
        dwell_ms=dwell,
        owner=owner,
        going=going,
        maybe=maybe,
        waitlist=waitlist,
        invited=invited if relation in _RANKS else None,
        role=Relation(relation or "none"),
        answer=None if answer is None else Answer(answer),
        sharing=Sharing(sharing or "off"),
    )
