"""Reports in Postgres.

Owns the SQL of muster.reports.ReportStore. Evidence is copied in the same statement that finds the message, so
that deleting it a moment later changes nothing.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.ids import PersonId, RoomId
from muster.reports import Report
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database

_ADD_PERSON: Final = """
    INSERT INTO reports (report_id, reporter, subject, reason, note)
    SELECT $1, $2, p.person_id, $4, $5 FROM people p WHERE p.person_id = $3
"""
_ADD_MESSAGE: Final = """
    INSERT INTO reports (report_id, reporter, subject, room_id, seq, evidence, reason, note)
    SELECT $1, $2, e.author, e.room_id, e.seq,
           e.text || coalesce((SELECT string_agg(E'\\n- ' || o, '')
                               FROM jsonb_array_elements_text(e.body -> 'poll' -> 'options') o), ''), $5, $6
    FROM entries e JOIN members m ON m.room_id = e.room_id AND m.person_id = $2
    WHERE e.room_id = $3 AND e.seq = $4 AND e.kind = 'post' AND m.relation IN ('member', 'moderator', 'owner')
      AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = e.room_id AND s.person_id = $2
                  AND e.seq >= s.from_seq AND (s.to_seq IS NULL OR e.seq <= s.to_seq))
"""
_OPEN: Final = """
    SELECT report_id, reporter, subject, room_id, seq, evidence, reason, note, date_trunc('milliseconds', at) AS at_ms
    FROM reports WHERE closed_at IS NULL
      AND ($1::timestamptz IS NULL OR (date_trunc('milliseconds', at), report_id) > ($1, $2::uuid))
    ORDER BY at_ms, report_id LIMIT $3
"""
_CLOSE: Final = """
    UPDATE reports SET closed_at = coalesce(closed_at, now()), closed_by = coalesce(closed_by, $2)
    WHERE report_id = $1
"""


class PostgresReports:
    """See `muster.reports.ReportStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_person(
        self, report: UUID, by: PersonId, about: PersonId, reason: str, note: str
    ) -> bool:
        tag = await self._database.execute(_ADD_PERSON, report, by, about, reason, note)
        return tag == "INSERT 0 1"

    async def add_message(
        self, report: UUID, by: PersonId, room: RoomId, seq: int, reason: str, note: str
    ) -> bool:
        tag = await self._database.execute(_ADD_MESSAGE, report, by, room, seq, reason, note)
        return tag == "INSERT 0 1"

    async def open(self, after: tuple[int, UUID] | None, limit: int) -> list[Report]:
        at, last = (None, None) if after is None else (from_ms(after[0]), after[1])
        rows = await self._database.fetch(_OPEN, at, last, limit)
        return [_report(row) for row in rows]

    async def close(self, report: UUID, by: PersonId) -> bool:
        return await self._database.execute(_CLOSE, report, by) == "UPDATE 1"


def _report(row: asyncpg.Record) -> Report:
    report, reporter, subject, room, seq, evidence, reason, note, at = row
    return Report(report, reporter, subject, room, seq, evidence, reason, note, to_ms(at))
