"""Who came to an event, in Postgres: lists and figures.

Owns the SQL of muster.turnout.TurnoutStore: each statement looks at the visits of one event once. Must never name whom
a host is not told of.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.attendance import Confidence, Source
from muster.crowd import WINDOW_MS, K, shown
from muster.ids import PersonId, RoomId
from muster.stores.postgres.footing import (
    NAMED,
    NAMED_TO_SOME,
    SHARED,
    UNBLOCKED,
    PostgresFooting,
)
from muster.stores.postgres.moments import from_ms, to_ms
from muster.turnout import Arrivals, Attendee, Peak, Turnout

_LEVELS: Final = tuple(Confidence)
_ATTENDEES: Final = f"""
    SELECT p.person_id, p.handle_shown, p.name, a.visits, a.minutes, a.arrived, a.gone, a.sources, a.level
    FROM (
        SELECT v.person_id, count(*) AS visits, min(v.entered_at) AS arrived,
               CASE WHEN bool_or(v.left_at IS NULL) THEN NULL ELSE max(v.left_at) END AS gone,
               floor(sum(extract(epoch FROM greatest(coalesce(v.left_at, $3), v.entered_at) - v.entered_at))
                     / 60)::bigint AS minutes,
               array_agg(DISTINCT v.source) AS sources,
               max(array_position($6::text[], v.confidence)) AS level
        FROM {SHARED} WHERE v.room_id = $1 AND {NAMED}
        GROUP BY v.person_id HAVING (min(v.entered_at), v.person_id) > ($4, $5)
        ORDER BY min(v.entered_at), v.person_id LIMIT $7
    ) a JOIN people p USING (person_id) ORDER BY a.arrived, a.person_id
"""  # noqa: S608  # constants of SQL
_UNNAMED: Final = f"""
    SELECT count(*) FROM (
        SELECT v.person_id FROM {SHARED} WHERE v.room_id = $1 AND v.entered_at <= $2
        GROUP BY v.person_id HAVING NOT bool_or({NAMED_TO_SOME})
    ) a
"""  # noqa: S608  # constants of SQL

# Who goes at the moment another comes goes first: the two were never there at once. A stretch of arrivals is the
# shortest with which there are at most 96 of them. Of the unnamed, in order of arrival, every K are counted when they
# are K, as they were at $3: no figure changes by one of them alone.
_FIGURES: Final = f"""
    WITH seen AS MATERIALIZED (
        SELECT v.person_id, v.entered_at, v.source, t.named, {UNBLOCKED} AS unblocked,
               CASE WHEN t.named OR v.left_at <= $4 THEN v.left_at END AS left_at
        FROM {SHARED} CROSS JOIN LATERAL (SELECT {NAMED_TO_SOME} AS named) t
        WHERE v.room_id = $1 AND (t.named OR v.entered_at <= $4)
    ), unnamed AS MATERIALIZED (
        SELECT u.person_id, u.present, row_number() OVER (ORDER BY u.first, u.person_id) AS place,
               count(*) OVER () AS of_all
        FROM (SELECT s.person_id, min(s.entered_at) AS first, bool_or(s.left_at IS NULL) AS present
              FROM seen s GROUP BY s.person_id HAVING NOT bool_or(s.named)) u
    ), v AS MATERIALIZED (
        SELECT s.*, row_number() OVER (PARTITION BY s.person_id ORDER BY s.entered_at) AS number,
               greatest(coalesce(s.left_at, $3), s.entered_at) AS until
        FROM seen s LEFT JOIN unnamed u USING (person_id)
        WHERE CASE WHEN u.person_id IS NULL THEN s.named AND s.unblocked ELSE u.place <= u.of_all - u.of_all % {K} END
    ), stretch AS (
        SELECT e.doors_at, coalesce((
            SELECT s.minutes FROM unnest(ARRAY[15, 60, 360]) s (minutes)
            WHERE (SELECT max(v.entered_at) - least(min(v.entered_at), e.doors_at) FROM v)
                  <= 96 * s.minutes * interval '1 minute'
            ORDER BY s.minutes LIMIT 1), 1440) AS minutes
        FROM events e WHERE e.room_id = $1
    ), arrivals AS (
        SELECT date_bin(s.minutes * interval '1 minute', v.entered_at, s.doors_at) AS at, count(*) AS people
        FROM v CROSS JOIN stretch s WHERE v.number = 1 GROUP BY 1
    ), peak AS (
        SELECT date_bin({WINDOW_MS} * interval '1 millisecond', w.at, 'epoch'::timestamptz) AS at, w.people FROM (
            SELECT m.at, m.step, sum(m.step) OVER (ORDER BY m.at, m.step ROWS UNBOUNDED PRECEDING) AS people FROM (
                SELECT v.entered_at AS at, 1 AS step FROM v
                UNION ALL SELECT v.left_at, -1 FROM v WHERE v.left_at IS NOT NULL) m
        ) w ORDER BY w.people DESC, w.at LIMIT 1
    )
    SELECT (SELECT count(DISTINCT v.person_id) FROM v), (SELECT count(*) FROM v),
           (SELECT count(*) FROM v WHERE v.left_at IS NULL AND v.named)
               + (SELECT count(*) - count(*) % {K} FROM unnamed u WHERE u.present),
           (SELECT peak.people FROM peak), (SELECT peak.at FROM peak),
           (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d.minutes) FROM (
                SELECT sum(extract(epoch FROM v.until - v.entered_at)) / 60 AS minutes FROM v GROUP BY v.person_id) d),
           (SELECT s.minutes FROM stretch s),
           (SELECT array_agg(a.at ORDER BY a.at) FROM arrivals a),
           (SELECT array_agg(a.people ORDER BY a.at) FROM arrivals a),
           (SELECT array_agg(b.source ORDER BY b.source) FROM (SELECT DISTINCT v.source FROM v) b),
           (SELECT array_agg(b.visits ORDER BY b.source) FROM (
                SELECT v.source, count(*) AS visits FROM v GROUP BY v.source) b),
           (SELECT count(*) FROM unnamed)
"""  # noqa: S608  # constants of SQL


class PostgresTurnout(PostgresFooting):
    """See `muster.turnout.TurnoutStore`."""

    async def attendees(
        self, room: RoomId, reader: PersonId, now_ms: int, after: tuple[int, UUID], limit: int
    ) -> list[Attendee]:
        rows = await self._database.fetch(
            _ATTENDEES,
            room,
            reader,
            from_ms(now_ms),
            from_ms(after[0]),
            after[1],
            list(_LEVELS),
            limit,
        )
        return [
            Attendee(
                PersonId(person),
                handle,
                name,
                visits,
                minutes,
                to_ms(arrived),
                None if gone is None else to_ms(gone),
                [Source(source) for source in sources],
                _LEVELS[level - 1],
            )
            for person, handle, name, visits, minutes, arrived, gone, sources, level in rows
        ]

    async def unnamed(self, room: RoomId, at_ms: int) -> int:
        [[count]] = await self._database.fetch(_UNNAMED, room, from_ms(at_ms))
        return int(count)

    async def figures(self, room: RoomId, reader: PersonId, now_ms: int, at_ms: int) -> Turnout:
        [row] = await self._database.fetch(_FIGURES, room, reader, from_ms(now_ms), from_ms(at_ms))
        people, visits, present, peak, peak_at, median, every_min, starts, came, sources = row[:10]
        counts, unnamed = row[10:]
        return Turnout(
            people,
            visits,
            present,
            shown(unnamed),
            None if peak is None else Peak(int(peak), to_ms(peak_at)),
            None if median is None else round(float(median), 1),
            every_min,
            [
                Arrivals(to_ms(at), count)
                for at, count in zip(starts or (), came or (), strict=True)
            ],
            dict(zip(sources or (), counts or (), strict=True)),
        )
