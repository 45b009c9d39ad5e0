"""Pins in Postgres, as they are read.

Owns the SQL of muster.pins.PinStore. Must never change them: change_pin_v1 does, under the room's lock.
"""

from __future__ import annotations

from typing import Final

from muster.history import Window
from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.pins import Pin
from muster.stores.postgres.history import ITEM, LOOKED, READER, VISIBLE, item
from muster.stores.postgres.pool import Replica

_LOOKED_COLUMNS: Final = 6
_OF_ROOM: Final = f"""
    WITH {READER}, look AS MATERIALIZED (SELECT me.*, 1::bigint AS low, me.head AS high FROM me)
    SELECT {LOOKED}, i.* FROM look LEFT JOIN LATERAL (
        SELECT p.person_id AS pinned_by, p.seq AS pinned_seq, {ITEM}
        FROM pins p JOIN entries e ON e.room_id = $1 AND e.seq = p.target
        WHERE p.room_id = $1 AND e.deleted_seq IS NULL AND e.seq > look.floor
          AND NOT (e.author = ANY (look.hidden)) AND {VISIBLE}
        ORDER BY p.seq DESC LIMIT $3
    ) i ON true ORDER BY i.pinned_seq DESC
"""  # noqa: S608  # constants of the history's SQL


class PostgresPins:
    """See `muster.pins.PinStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def of_room(
        self, room: RoomId, reader: PersonId, limit: int
    ) -> tuple[Window, list[Pin]] | None:
        rows = await self._reads.fetch(_OF_ROOM, room, reader, limit)
        if not rows:
            return None
        kind, relation, head, msg_no, low, high = rows[0][:_LOOKED_COLUMNS]
        window = Window(RoomKind(kind), Relation(relation), head, msg_no, low, high)
        pins = [
            Pin(PersonId(by), seq, item(columns))
            for by, seq, *columns in (row[_LOOKED_COLUMNS:] for row in rows)
            if by is not None
        ]
        return window, pins
