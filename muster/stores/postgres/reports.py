"""Reports in Postgres.

Owns the SQL of muster.reports.ReportStore. Evidence is copied in the same statement that finds the message, so
that deleting it a moment later changes nothing. Who may review what is may_review_v1.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from muster.ids import PersonId, RoomId
from muster.reports import Action, Report, Reviewer, Wanted
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.pool import Database
from proto.entry import Body

_ADD_PERSON: Final = """
    INSERT INTO reports (report_id, reporter, subject, reason, note)
    SELECT $1, $2, p.person_id, $4, $5 FROM people p WHERE p.person_id = $3
"""
_ADD_MESSAGE: Final = """
    INSERT INTO reports (report_id, reporter, subject, room_id, seq, evidence, body, said_at, edited, reason, note)
    SELECT $1, $2, e.author, e.room_id, e.seq,
           e.text || coalesce((SELECT string_agg(E'\\n- ' || o, '')
                               FROM jsonb_array_elements_text(e.body -> 'poll' -> 'options') o), ''),
           e.body, e.at, e.edited_seq IS NOT NULL, $5, $6
    FROM entries e JOIN members m ON m.room_id = e.room_id AND m.person_id = $2
    WHERE e.room_id = $3 AND e.seq = $4 AND e.kind = 'post' AND m.relation IN ('member', 'moderator', 'owner')
      AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = e.room_id AND s.person_id = $2
                  AND e.seq >= s.from_seq AND (s.to_seq IS NULL OR e.seq <= s.to_seq))
"""
_COLUMNS = """
    r.report_id, r.reporter, r.subject, r.room_id, r.seq, r.evidence, r.body, r.said_at, r.edited, r.reason, r.note,
    date_trunc('milliseconds', r.at) AS at_ms, r.taken_by, r.taken_at, r.closed_by, r.closed_at, r.action,
    r.resolution, r.emptied_at IS NOT NULL
"""
# $1 who asks, $2 their room (null: all, for staff).
_MINE = "may_review_v1(r, $1) AND ($2::uuid IS NULL OR r.room_id = $2)"
_STATE = """
    CASE $3 WHEN 'open' THEN r.closed_at IS NULL AND r.taken_by IS NULL
            WHEN 'taken' THEN r.closed_at IS NULL AND r.taken_by IS NOT NULL
            WHEN 'unresolved' THEN r.closed_at IS NULL ELSE r.closed_at IS NOT NULL END"""
_PAGE = f"""
    SELECT {_COLUMNS} FROM reports r
    WHERE {{state}} AND {_STATE} AND ($4::uuid IS NULL OR r.subject = $4) AND ($5::text IS NULL OR r.reason = $5)
      AND ($6::timestamptz IS NULL OR (date_trunc('milliseconds', r.at), r.report_id) > ($6, $7::uuid)) AND {_MINE}
    ORDER BY at_ms, r.report_id LIMIT $8
"""  # noqa: S608  # constants of this module
_OPEN_PAGE: Final = _PAGE.format(state="r.closed_at IS NULL")
_ANY_PAGE: Final = _PAGE.format(state="true")
_ONE: Final = f"SELECT {_COLUMNS} FROM reports r WHERE r.report_id = $3 AND {_MINE}"  # noqa: S608  # constants
_SETTLE: Final = "SELECT settle_report_v1($1, $2, $3, $4, $5, $6)"
_BODY: Final = msgspec.json.Decoder(Body)


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

    async def page(
        self, by: Reviewer, wanted: Wanted, after: tuple[int, UUID] | None, limit: int
    ) -> list[Report]:
        at, last = (None, None) if after is None else (from_ms(after[0]), after[1])
        page = _ANY_PAGE if wanted.state == "resolved" else _OPEN_PAGE
        rows = await self._database.fetch(
            page,
            by.person,
            by.room or wanted.room,
            wanted.state,
            wanted.subject,
            wanted.reason,
            at,
            last,
            limit,
        )
        return [_report(row, by) for row in rows]

    async def one(self, by: Reviewer, report: UUID) -> Report | None:
        row = await self._database.fetchrow(_ONE, by.person, by.room, report)
        return None if row is None else _report(row, by)

    async def settle(
        self, by: Reviewer, report: UUID, action: Action | None, resolution: str, *, over: bool
    ) -> str:
        [[answer]] = await self._database.fetch(
            _SETTLE, report, by.person, by.room, action, resolution, over
        )
        return str(answer)


def _report(row: asyncpg.Record, by: Reviewer) -> Report:
    (
        report, reporter, subject, room, seq, evidence, body, said_at, edited, reason, note, at,
        taken_by, taken_at, closed_by, closed_at, action, resolution, emptied,
    ) = row  # fmt: skip
    said = _BODY.decode(body) if body is not None else Body()
    return Report(
        id=report,
        reporter=None if by.room is not None else reporter,
        subject=subject,
        room=room,
        seq=seq,
        evidence=evidence,
        attachments=said.attachments or [],
        said_at_ms=None if said_at is None else to_ms(said_at),
        edited=edited,
        reason=reason,
        note=note,
        at_ms=to_ms(at),
        state="resolved" if closed_at else "taken" if taken_by else "open",
        taken_by=taken_by,
        taken_at_ms=None if taken_at is None else to_ms(taken_at),
        closed_by=closed_by,
        closed_at_ms=None if closed_at is None else to_ms(closed_at),
        action=action,
        resolution=resolution,
        emptied=emptied,
    )
