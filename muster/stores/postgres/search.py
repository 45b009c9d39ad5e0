"""Full-text search in Postgres.

Owns the SQL of muster.search.SearchStore: one query, over the index `entries_search`, whose words hold the room too;
and of muster.sorting.SortStore.
The words and the rooms only narrow; what the reader may see is decided by their memberships, spans and blocks.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from muster.cursor import Place
from muster.ids import PersonId, RoomId
from muster.search import ROOMS_MOST, Found, Hit
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database, Replica
from proto.entry import Body

# `found` is a fence: the index alone finds candidates, by their place; words are fetched for one page of them.
_FIND: Final = f"""
    WITH mine AS MATERIALIZED (
        SELECT r.room_id, r.floor FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = $1 AND m.relation IN ('member', 'moderator', 'owner')
          AND r.kind IN ('direct', 'group', 'public', 'announcement', 'event')
          AND ($3::uuid IS NULL OR r.room_id = $3)
        ORDER BY r.last_at DESC LIMIT {ROOMS_MOST}
    ), wanted AS MATERIALIZED (
        SELECT q.rooms, search_query_v1($2, q.rooms) AS query,
               ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = $1) AS hidden
        FROM (SELECT ARRAY(SELECT room_id FROM mine) AS rooms) q
    ), found AS MATERIALIZED (
        SELECT e.room_id, e.seq, date_trunc('milliseconds', e.at) AS at, e.author
        FROM wanted w CROSS JOIN entries e
        WHERE e.kind = 'post' AND e.text <> '' AND search_vector_v1(e.room_id, e.text) @@ w.query
    )
    SELECT cardinality(w.rooms), w.query IS NOT NULL, h.* FROM wanted w LEFT JOIN (
        SELECT e.room_id, e.seq, e.msg_no, e.author, e.client_id, p.at, e.text, e.body, e.edited_seq FROM (
            SELECT f.room_id, f.seq, f.at FROM found f JOIN mine i ON i.room_id = f.room_id CROSS JOIN wanted w
            WHERE f.seq > i.floor AND f.author <> ALL (w.hidden)
              AND ($4::timestamptz IS NULL OR (f.at, f.room_id, f.seq) < ($4, $5::uuid, $6::bigint))
              AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = f.room_id AND s.person_id = $1
                          AND f.seq >= s.from_seq AND (s.to_seq IS NULL OR f.seq <= s.to_seq))
            ORDER BY f.at DESC, f.room_id DESC, f.seq DESC LIMIT $7
        ) p JOIN entries e ON e.room_id = p.room_id AND e.seq = p.seq WHERE e.deleted_seq IS NULL
    ) h ON true WHERE cardinality(w.rooms) > 0 ORDER BY h.at DESC, h.room_id DESC, h.seq DESC
"""  # noqa: S608  # a constant number
_BODY: Final = msgspec.json.Decoder(Body)


_SORT: Final = "SELECT sort_search_v1($1, $2)"


class PostgresSorting:
    """See `muster.sorting.SortStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sort(self, part: int, parts: int) -> int | None:
        pages: int | None = (await self._database.fetch(_SORT, part, parts))[0][0]
        return pages


class PostgresSearch:
    """See `muster.search.SearchStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def find(
        self, reader: PersonId, words: str, room: RoomId | None, before: Place | None, limit: int
    ) -> Found:
        at, last_room, last_seq = (None, None, None)
        if before is not None:
            at, last_room, last_seq = from_ms(before.at_ms), before.room, before.seq
        rows = await self._reads.fetch(_FIND, reader, words, room, at, last_room, last_seq, limit)
        if not rows:
            return Found(0, True, [])
        rooms, asked = rows[0][:2]
        return Found(rooms, asked, [_hit(*row[2:]) for row in rows if row[2] is not None])


def _hit(*row: Any) -> Hit:
    room, seq, msg_no, author, client_id, at, text, body, edited_seq = row
    says = _BODY.decode(body) if body is not None else Body()
    says.text = text
    return Hit(room, seq, msg_no, author, client_id or "", to_ms(at), says, edited_seq)
