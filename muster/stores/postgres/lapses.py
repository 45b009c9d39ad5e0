"""What ends by the clock, in Postgres.

Owns the SQL of muster.lapses.LapseStore. Each part is a statement of its own: one that finds a room busy keeps no other
waiting.
"""

from __future__ import annotations

from typing import Final

from muster.stores.postgres.pool import Database

_PARTS: Final = (
    ("SELECT lapse_bans_v1($1)", False),
    ("SELECT lapse_silences_v1($1)", False),
    ("SELECT empty_reports_v1($2, $1)", True),
)


class PostgresLapses:
    """See `muster.lapses.LapseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lapse(self, report_days: float, most: int) -> int:
        cleared = 0
        for sql, by_days in _PARTS:
            values = (most, report_days) if by_days else (most,)
            [[part]] = await self._database.fetch(sql, *values)
            cleared += part
        return cleared
