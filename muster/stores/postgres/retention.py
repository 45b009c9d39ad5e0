"""What is old, in Postgres.

Owns the SQL of muster.retention.RetentionStore. Each call is one statement over a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from muster.ids import RoomId
from muster.permission import RoomKind
from muster.retention import Old
from muster.stores.postgres.pool import Database

_ROOMS: Final = """
    SELECT r.room_id, k.days, coalesce(e.at < now() - k.days * interval '1 day', false)
    FROM rooms r JOIN unnest($1::text[], $2::float8[]) k (kind, days) ON k.kind = r.kind
    LEFT JOIN LATERAL (SELECT e.at FROM entries e WHERE e.room_id = r.room_id AND e.seq > r.floor
                       ORDER BY e.seq LIMIT 1) e ON true
    WHERE r.room_id > $3 ORDER BY r.room_id LIMIT $4
"""
_RETAIN: Final = "SELECT retain_room_v1($1, now() - $2 * interval '1 day', $3)"
_SESSIONS: Final = "SELECT retain_sessions_v1($1, $2)"
_REASONS: Final = "SELECT retain_reasons_v1($1, $2)"


class PostgresRetention:
    """See `muster.retention.RetentionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rooms(self, days: Mapping[RoomKind, float], after: UUID, most: int) -> list[Old]:
        kinds = [kind.value for kind in days]
        rows = await self._database.fetch(_ROOMS, kinds, list(days.values()), after, most)
        return [Old(RoomId(room), each, is_old) for room, each, is_old in rows]

    async def retain(self, room: RoomId, days: float, most: int) -> int:
        return await self._count(_RETAIN, room, days, most)

    async def sessions(self, days: float, most: int) -> int:
        return await self._count(_SESSIONS, days, most)

    async def reasons(self, days: float, most: int) -> int:
        return await self._count(_REASONS, days, most)

    async def _count(self, statement: str, *values: object) -> int:
        [[count]] = await self._database.fetch(statement, *values)
        return int(count)
