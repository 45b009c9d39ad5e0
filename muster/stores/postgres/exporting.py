"""Copies in Postgres: those that were asked for, and the rows they are made of.

Owns the SQL of muster.exporting.ExportStore and HeldReader. What a copy holds of a table is made of its rule; a page is
one statement, so that no transaction stays open while an archive is written. Must never read a column that a rule
calls secret.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from muster.exporting import Export, Kept, Medium, Taken
from muster.holdings import Table
from muster.ids import PersonId
from muster.sealer import Field, Sealer, Unsealable
from muster.stores.postgres.erasing import whose
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

PAGE: Final = 500
_ASK: Final = "SELECT ask_export_v1($1, $2, $3, $4)"
_OF_PERSON: Final = """
    SELECT export_id, state, asked_at, ready_at, expires_at, bytes, secret FROM exports WHERE person_id = $1
    ORDER BY asked_at DESC, export_id DESC LIMIT 50
"""
_TAKE: Final = """
    UPDATE exports x SET lease = $1, attempts = x.attempts + 1,
        leased_until = clock_timestamp() + $2 * interval '1 second'
    WHERE x.export_id = (
        SELECT o.export_id FROM exports o WHERE o.state = 'waiting' AND o.leased_until < clock_timestamp()
        ORDER BY o.leased_until, o.asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING x.export_id, x.person_id, x.secret, x.attempts
"""
_KEEP: Final = """
    UPDATE exports SET leased_until = clock_timestamp() + $3 * interval '1 second'
    WHERE export_id = $1 AND lease = $2 AND state = 'waiting'
"""
_READY: Final = "SELECT ready_export_v1($1, $2, $3, $4)"
_FAILED: Final = "UPDATE exports SET state = 'failed' WHERE export_id = $1 AND lease = $2"
_EXPIRED: Final = """
    SELECT export_id, secret FROM exports WHERE state = 'ready' AND expires_at < now() ORDER BY expires_at LIMIT $1
"""
_GONE: Final = "UPDATE exports SET state = 'gone' WHERE export_id = ANY ($1::uuid[])"
_MEDIA: Final = """
    SELECT media_id, secret, type FROM media WHERE owner = $1 AND state = 'ready' AND media_id > $2
    ORDER BY media_id LIMIT $3
"""
_ROWS: Final = """
    SELECT row_to_json(x)::text FROM (
        SELECT {columns} FROM {source} ORDER BY {key} LIMIT {page} OFFSET $2) x
"""
_MINE: Final = "SELECT m.room_id FROM members m WHERE m.person_id = $1"
_SOURCES: Final = {
    "device_pointers": """device_pointers t WHERE t.room_id IN (SELECT m.room_id FROM members m WHERE m.person_id = $1)
        AND t.device_id IN (SELECT s.device_id FROM sessions s WHERE s.person_id = $1)""",
    # As they are now: of a room they left, or were put out of, that is no more theirs than its messages are.
    "rooms": f"""rooms t WHERE t.room_id IN ({_MINE}
        AND m.relation IN ('invited', 'member', 'moderator', 'owner'))""",
    "reactions": """members m JOIN entries e ON e.room_id = m.room_id AND e.author = $1 AND e.kind = 'react'
        JOIN reactions t ON t.room_id = e.room_id AND t.target = e.target AND t.seq = e.seq AND t.person_id = $1
        WHERE m.person_id = $1""",
    "poll_votes": """members m JOIN polls p ON p.room_id = m.room_id
        JOIN poll_votes t ON t.room_id = p.room_id AND t.target = p.target AND t.person_id = $1
        WHERE m.person_id = $1""",
    "events": """event_roster g JOIN events t ON t.room_id = g.room_id WHERE g.person_id = $1 AND g.is_host""",
    # What was done to them, but not that somebody reported them, and for which words: in a direct room that says who.
    "audit": """audit t WHERE t.actor IN (SELECT a.mark FROM audit_people a WHERE a.person_id = $1)
        OR t.report IS NULL AND t.subject IN (SELECT a.mark FROM audit_people a WHERE a.person_id = $1)""",
    "audit_people": "audit_people t WHERE t.person_id = $1",
}
"""Where rows of $1 are found as `t`, where not by a column of theirs."""

# A room at a time, for numbers run through rooms: what they wrote, and in their own log whatever it says. By the index
# of what each author wrote: in order of seq, a room of millions would be read through for one page.
_ENTRY_ROOMS: Final = f"{_MINE} AND m.room_id > $2 ORDER BY m.room_id LIMIT {PAGE}"
_ENTRIES: Final = """
    WITH theirs AS MATERIALIZED (
        SELECT e.seq FROM entries e WHERE e.room_id = $2 AND e.author = $1 AND e.seq > $3
    ), page AS MATERIALIZED (
        SELECT seq FROM theirs ORDER BY seq LIMIT {page}
    )
    SELECT row_to_json(x)::text, x.seq FROM (
        SELECT {columns} FROM page p JOIN entries t ON t.room_id = $2 AND t.seq = p.seq ORDER BY t.seq) x
"""
_OWN_LOG: Final = """
    SELECT row_to_json(x)::text, x.seq FROM (
        SELECT {columns} FROM entries t WHERE t.room_id = $1 AND t.room_id = $2 AND t.seq > $3
        ORDER BY t.seq LIMIT {page}) x
"""
_JSON: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class PostgresExports:
    """See `muster.exporting.ExportStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, export: UUID, person: PersonId, secret: str, most: int) -> str:
        [[answer]] = await self._database.fetch(_ASK, export, person, secret, most)
        return str(answer)

    async def of_person(self, person: PersonId) -> list[Kept]:
        return [_kept(row) for row in await self._database.fetch(_OF_PERSON, person)]

    async def take(self, lease: UUID, lease_s: float) -> Taken | None:
        row = await self._database.fetchrow(_TAKE, lease, lease_s)
        return None if row is None else Taken(row[0], PersonId(row[1]), row[2], row[3])

    async def keep(self, export: UUID, lease: UUID, lease_s: float) -> bool:
        return await self._database.execute(_KEEP, export, lease, lease_s) == "UPDATE 1"

    async def ready(self, export: UUID, lease: UUID, size: int, days: float) -> bool:
        [[ready]] = await self._database.fetch(_READY, export, lease, size, days)
        return bool(ready)

    async def failed(self, export: UUID, lease: UUID) -> None:
        await self._database.execute(_FAILED, export, lease)

    async def expired(self, most: int) -> list[tuple[UUID, str]]:
        return [(row[0], row[1]) for row in await self._database.fetch(_EXPIRED, most)]

    async def gone(self, exports: Sequence[UUID]) -> None:
        await self._database.execute(_GONE, list(exports))


class PostgresHeld:
    """See `muster.exporting.HeldReader`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def rows(self, rule: Table, person: PersonId) -> AsyncIterator[list[bytes]]:
        if rule.name == "entries":
            async for page in self._entries(rule, person):
                yield page
            return
        statement, at = select(rule), 0
        while True:
            found = await self._database.fetch(statement, person, at)
            if found:
                yield [self._line(rule, row) for row in found]
            if len(found) < PAGE:
                return
            at += PAGE

    async def media(self, person: PersonId) -> AsyncIterator[list[Medium]]:
        after = UUID(int=0)
        while found := await self._database.fetch(_MEDIA, person, after, PAGE):
            yield [Medium(*row) for row in found]
            after = found[-1][0]

    async def _entries(self, rule: Table, person: PersonId) -> AsyncIterator[list[bytes]]:
        in_rooms, own = (
            each.format(columns=_listed(rule), page=PAGE) for each in (_ENTRIES, _OWN_LOG)
        )
        room = UUID(int=0)
        while rooms := await self._database.fetch(_ENTRY_ROOMS, person, room):
            for [room] in rooms:
                seq, statement = 0, own if room == person else in_rooms
                while found := await self._database.fetch(statement, person, room, seq):
                    yield [row[0].encode() for row in found]
                    seq = found[-1][1]

    def _line(self, rule: Table, row: asyncpg.Record) -> bytes:
        if not rule.sealed:
            return bytes(row[0].encode())
        line, sealed, key = row
        opened = None
        if sealed is not None:
            try:
                opened = self._sealer.open(
                    sealed, Field(rule.name, rule.sealed), key.bytes
                ).decode()
            except Unsealable:
                opened = None  # it says nothing to us either
        whole = {**_JSON.decode(line), rule.sealed.removesuffix("_sealed"): opened}
        return msgspec.json.encode(whole)


def select(rule: Table) -> str:
    """The statement that reads a page of a rule's rows: of $1, after the first $2."""
    own = whose(rule)
    source = _SOURCES.get(rule.name) or f"{rule.name} t WHERE {own}"
    columns = _listed(rule)
    if rule.sealed:
        columns += f", t.{rule.sealed} AS opened"
    key = ", ".join(f"t.{column}" for column in rule.key.split())
    statement = _ROWS.format(columns=columns, source=source, key=key, page=PAGE)
    if not rule.sealed:
        return statement
    # What is sealed comes beside the line, with the key of its row, which the seal is bound to.
    return statement.replace(
        "SELECT row_to_json(x)::text",
        f"SELECT (to_jsonb(x) - 'opened')::text, x.opened, x.{rule.key}",  # names of ours
    )


def _listed(rule: Table) -> str:
    return ", ".join(f"t.{column}" for column in rule.exported)


def _kept(row: asyncpg.Record) -> Kept:
    export, state, asked, ready, expires, size, secret = row
    return Kept(
        Export(
            export,
            state,
            to_ms(asked),
            None if ready is None else to_ms(ready),
            None if expires is None else to_ms(expires),
            size,
        ),
        secret,
    )
