"""Erasing in Postgres.

Owns the SQL of muster.erasing.ErasureStore and of asking for an erasure. What a rule calls `delete` is deleted by a
statement made of the rule. Each call is one statement that touches a bounded number of rows, and may be asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from muster.erasing import Erasure, Step, Stored
from muster.held_rows import ROWS
from muster.holdings import Fate, Find, Table
from muster.ids import PersonId, RoomId
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

ASK: Final = "SELECT ask_erasure_v1($1, $2, $3, $4)"
_SPARE: Final = "SELECT spare_v1($1, $2)"
_BEGUN: Final = """
    UPDATE erasures e SET began_at = coalesce(e.began_at, clock_timestamp()) FROM (
        SELECT o.person_id FROM erasures o WHERE o.done_at IS NULL AND o.due_at <= clock_timestamp()
        ORDER BY o.due_at LIMIT $1 FOR UPDATE SKIP LOCKED) due
    WHERE e.person_id = due.person_id
    RETURNING e.person_id, e.step, e.room_id, extract(epoch FROM clock_timestamp() - e.step_at)::float8
"""
_REACHED: Final = """
    UPDATE erasures SET step = $2, room_id = $3,
        step_at = CASE WHEN step = $2 THEN step_at ELSE clock_timestamp() END
    WHERE person_id = $1 AND done_at IS NULL
"""
_DONE: Final = """
    UPDATE erasures SET done_at = clock_timestamp(), room_id = NULL WHERE person_id = $1 AND done_at IS NULL
"""
_ROOMS: Final = """
    SELECT m.room_id FROM members m
    WHERE m.person_id = $1 AND m.room_id > $2 AND m.room_id <> $1 ORDER BY m.room_id LIMIT $3
"""
_WORDS: Final = ("SELECT erase_posts_v1($1, $2, $3)", "SELECT erase_marks_v1($1, $2, $3)")
# What a process wrote that had not heard yet goes as well: in a direct room they stay a member.
_TRACES: Final = (*_WORDS, "SELECT erase_traces_v1($1, $2, $3)")
_MEDIA: Final = "SELECT media_id, secret FROM media WHERE owner = $1 ORDER BY media_id LIMIT $2"
_COPIES: Final = (
    "SELECT export_id, secret FROM exports WHERE person_id = $1 ORDER BY export_id LIMIT $2"
)
_FORGET_MEDIA: Final = "DELETE FROM media WHERE media_id = ANY ($1::uuid[])"
_FORGET_COPIES: Final = "DELETE FROM exports WHERE export_id = ANY ($1::uuid[])"
_BY_FUNCTION: Final = {
    Step.contacts: "SELECT erase_contacts_v1($1, $2)",
    Step.reports: "SELECT erase_reports_v1($1, $2)",
    Step.audit: "SELECT erase_audit_v1($1, $2)",
    Step.self_log: "SELECT erase_self_log_v1($1, $2)",
    Step.members: "SELECT erase_members_v1($1, $2)",
}
_DELETE: Final = """
    DELETE FROM {name} WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM {name} t WHERE {whose} LIMIT $2))
"""
_BY_SESSION: Final = "t.session_id IN (SELECT s.session_id FROM sessions s WHERE s.person_id = $1)"
_IN_ROOMS: Final = "t.room_id IN (SELECT m.room_id FROM members m WHERE m.person_id = $1)"
# The other's row of a direct room's membership stays, and goes by functions of their own with those of other steps.
_LATER: Final = frozenset({"members", "spans", "media", "exports", "audit_people"})


def whose(rule: Table) -> str | None:
    """The condition on `t` by which rows of $1 are found; None: not by one."""
    mine = " OR ".join(f"t.{column} = $1" for column in rule.mine.split())
    match rule.find:
        case Find.own:
            return f"({mine})"
        case Find.room:
            return f"{_IN_ROOMS} AND ({mine})"
        case Find.special if rule.name == "refresh_tokens":
            return _BY_SESSION
        case _:
            return None


def _deletes() -> list[str]:
    """A statement for each table whose rows go as such, in the order of the rules."""
    found = [
        (rule.name, whose(rule))
        for rule in ROWS
        if rule.fate is Fate.delete and rule.name not in _LATER
    ]
    return [_DELETE.format(name=name, whose=where) for name, where in found if where is not None]


_ROWS: Final = _deletes()


class PostgresErasing:
    """See `muster.erasing.ErasureStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(
        self, person: PersonId, by: PersonId, grace_days: float, reason: str = ""
    ) -> int | None:
        """From when on, in ms; None where there is nobody to be forgotten. All their sessions are over."""
        [[due]] = await self._database.fetch(ASK, person, by, grace_days, reason)
        return None if due is None else to_ms(due)

    async def spare(self, person: PersonId, by: PersonId) -> bool:
        """Take that back; false: there is nothing that could be taken back."""
        [[spared]] = await self._database.fetch(_SPARE, person, by)
        return bool(spared)

    async def begun(self, most: int) -> list[Erasure]:
        rows = await self._database.fetch(_BEGUN, most)
        return [
            Erasure(
                PersonId(person),
                Step(step) if step else Step.person,
                None if room is None else RoomId(room),
                age_s,
            )
            for person, step, room, age_s in rows
        ]

    async def reached(self, person: PersonId, step: Step, after: RoomId | None) -> None:
        await self._database.execute(_REACHED, person, step.value, after)

    async def done(self, person: PersonId) -> None:
        await self._database.execute(_DONE, person)

    async def forget_person(self, person: PersonId) -> None:
        await self._database.execute("SELECT erase_person_v1($1)", person)

    async def batch(self, step: Step, person: PersonId, most: int) -> int:
        if step is not Step.rows:
            return await self._count(_BY_FUNCTION[step], person, most)
        for statement in _ROWS:
            tag = await self._database.execute(statement, person, most)
            if gone := int(tag.rsplit(" ", 1)[1]):
                return gone
        return 0

    async def rooms(self, person: PersonId, after: RoomId | None, most: int) -> list[RoomId]:
        rows = await self._database.fetch(_ROOMS, person, after or UUID(int=0), most)
        return [RoomId(row[0]) for row in rows]

    async def words(self, person: PersonId, room: RoomId, most: int) -> int:
        return await self._counts(_WORDS, person, room, most)

    async def leave(self, person: PersonId, room: RoomId) -> None:
        await self._database.execute("SELECT leave_for_good_v1($1, $2)", person, room)

    async def traces(self, person: PersonId, room: RoomId, most: int) -> int:
        return await self._counts(_TRACES, person, room, most)

    async def media(self, person: PersonId, most: int) -> list[Stored]:
        return [Stored(*row) for row in await self._database.fetch(_MEDIA, person, most)]

    async def forget_media(self, media: Sequence[UUID]) -> None:
        await self._database.execute(_FORGET_MEDIA, list(media))

    async def copies(self, person: PersonId, most: int) -> list[Stored]:
        return [Stored(*row) for row in await self._database.fetch(_COPIES, person, most)]

    async def forget_copies(self, copies: Sequence[UUID]) -> None:
        await self._database.execute(_FORGET_COPIES, list(copies))

    async def _counts(
        self, statements: Sequence[str], person: PersonId, room: RoomId, most: int
    ) -> int:
        return sum([await self._count(each, person, room, most) for each in statements])

    async def _count(self, statement: str, *values: object) -> int:
        [[count]] = await self._database.fetch(statement, *values)
        return int(count)


async def ask_by_hand(connection: asyncpg.Connection, person: PersonId) -> int | None:
    """As `PostgresErasing.ask`, at once and by an operator, which the audit says."""
    due = await connection.fetchval(ASK, person, None, 0.0, "")
    return None if due is None else to_ms(due)
