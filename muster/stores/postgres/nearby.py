"""Public events by place, time and title in Postgres.

Owns the SQL of muster.nearby.NearbyStore. Places and words narrow by their indexes before anything else is looked at
(MATERIALIZED); where neither is named, the index of starts gives the order. Must never find what its reader may not
know of, nor an event that has a host whom they block or who blocks them.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from muster.ids import PersonId, RoomId
from muster.nearby import Candidate, Span
from muster.plane import Box
from muster.point import Point
from muster.stores.postgres.events import shape_of
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Replica

_FINDABLE: Final = "e.visibility = 'public' AND e.over_at IS NULL"


def _there(one: str, two: str) -> str:
    """Events with a part in one of two boxes; one that is null meets nothing."""
    met = [
        f"e.{area} && box_v1({box}::jsonb)"
        for area in ("area", "area_beyond")
        for box in (one, two)
    ]
    return f"""
        , there AS MATERIALIZED (SELECT e.room_id FROM events e WHERE {_FINDABLE} AND ({" OR ".join(met)}))
    """  # noqa: S608  # constants of this module


def _titled(words: str) -> str:
    return f"""
        , titled AS MATERIALIZED (
            SELECT r.room_id FROM rooms r WHERE r.kind = 'event' AND
                to_tsvector('pg_catalog.simple'::regconfig, r.title)
                @@ to_tsquery('pg_catalog.simple'::regconfig, {words}))
    """  # noqa: S608  # constants of this module


def _candidates(*, near: bool, words: bool) -> str:
    """$1 the reader, $2 and $3 the time, $4 and $5 the place after which it begins, $6 how many; then two boxes, if it
    is `near`, then the words, if there are any.
    """
    return f"""
        WITH hidden AS MATERIALIZED (
            SELECT g.room_id FROM (SELECT b.blocked AS other FROM blocks b WHERE b.blocker = $1
                                   UNION SELECT b.blocker FROM blocks b WHERE b.blocked = $1) o
            JOIN event_roster g ON g.person_id = o.other AND g.is_host
        ) {_there("$7", "$8") if near else ""} {_titled("$9" if near else "$7") if words else ""}
        SELECT e.room_id, e.starts_at, e.lat, e.lon, e.fence::text FROM events e
        {"JOIN there USING (room_id)" if near else ""} {"JOIN titled USING (room_id)" if words else ""}
        WHERE {_FINDABLE} AND e.ends_at > greatest($2::timestamptz, clock_timestamp())
          AND ($3::timestamptz IS NULL OR e.starts_at < $3)
          AND ($4::timestamptz IS NULL OR (e.starts_at, e.room_id) > ($4, $5::uuid))
          AND e.room_id NOT IN (SELECT h.room_id FROM hidden h)
          AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = e.room_id AND m.person_id = $1
                          AND m.relation = 'kicked')
        ORDER BY e.starts_at, e.room_id LIMIT $6
    """  # noqa: S608  # constants of this module


_SQL: Final = {
    (near, words): _candidates(near=near, words=words)
    for near in (False, True)
    for words in (False, True)
}


class PostgresNearby:
    """See `muster.nearby.NearbyStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def candidates(
        self, reader: PersonId, span: Span, after: tuple[int, UUID] | None, limit: int
    ) -> list[Candidate]:
        at, room = (None, None) if after is None else (from_ms(after[0]), after[1])
        until = None if span.to_ms is None else from_ms(span.to_ms)
        more: list[str | None] = []
        if span.boxes is not None:
            one, *two = map(_json, span.boxes)
            more += [one, *two] if two else [one, None]
        if span.words:
            # Of letters, digits and _ alone, so that nothing of them is an operator.
            more.append(" & ".join(f"{word}:*" for word in span.words))
        sql = _SQL[span.boxes is not None, bool(span.words)]
        rows = await self._reads.fetch(
            sql, reader, from_ms(span.from_ms), until, at, room, limit, *more
        )
        return [
            Candidate(
                RoomId(row[0]),
                to_ms(row[1]),
                None if row[2] is None else Point(row[2], row[3]),
                shape_of(row[4]),
            )
            for row in rows
        ]


def _json(box: Box) -> str:
    return msgspec.json.encode(box).decode()
