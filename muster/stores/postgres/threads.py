"""Threads in Postgres, as they are read.

Owns the SQL of muster.threads.ThreadStore. Must never decide what a page claims to cover.
"""

from __future__ import annotations

from typing import Final

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.stores.postgres.history import ITEM, READER, REPLY, VISIBLE, item
from muster.stores.postgres.pool import Replica
from muster.threads import Thread

_LOOKED: Final = 3
# The root and its replies are one list: the root is the entry that is no reply to itself, and comes first.
_THREAD: Final = f"""
    WITH {READER}, look AS MATERIALIZED (SELECT me.* FROM me)
    SELECT look.kind, look.relation, look.head, i.* FROM look LEFT JOIN LATERAL (
        (SELECT {ITEM} FROM entries e
         WHERE e.room_id = $1 AND e.seq = $3 AND e.kind = 'post' AND e.seq > look.floor
           AND NOT (e.author = ANY (look.hidden)) AND {VISIBLE})
        UNION ALL
        (SELECT {ITEM} FROM entries e
         WHERE e.room_id = $1 AND {REPLY.format(root="$3")} AND e.seq > greatest($3, $4, look.floor)
           AND NOT (e.author = ANY (look.hidden)) AND {VISIBLE}
         ORDER BY e.seq LIMIT $5)
    ) i ON true ORDER BY i.seq
"""  # noqa: S608  # constants of the history's SQL


class PostgresThreads:
    """See `muster.threads.ThreadStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def thread(
        self, room: RoomId, reader: PersonId, root: int, after: int, limit: int
    ) -> Thread | None:
        rows = await self._reads.fetch(_THREAD, room, reader, root, after, limit)
        if not rows:
            return None
        kind, relation, head = rows[0][:_LOOKED]
        items = [item(row[_LOOKED:]) for row in rows if row[_LOOKED] is not None]
        first = items[0] if items and items[0].seq == root else None
        replies = items if first is None else items[1:]
        return Thread(RoomKind(kind), Relation(relation), head, first, replies)
