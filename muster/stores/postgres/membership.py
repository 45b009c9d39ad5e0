"""Reading memberships, heads and entries for hubs, and the control log for every process.

Owns those queries. Must never write and never interpret: relations and kinds come back as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import asyncpg

from muster.ids import CONTROL_ROOM, PersonId, RoomId
from muster.membership import Found, Membership, People, Wanted
from muster.permission import Relation, RoomKind
from muster.stores.postgres.entries import Database, Range, heads, read_entries, read_ranges
from muster.stores.postgres.mine import request_of
from proto.frames import Entry

Borrow = Callable[[], AbstractAsyncContextManager[Database]]
"""Lends a connection of the pool; turns what goes wrong into `Refused(unavailable)` within 2 s."""

_COLUMNS: Final = f"""
    m.person_id, m.room_id, r.kind, r.history, m.relation, m.from_seq, r.head, r.msg_no, r.members, {request_of("m")}
"""
# One statement, so that memberships and heads are of one snapshot.
_PEOPLE: Final = f"""
    SELECT {_COLUMNS} FROM members m JOIN rooms r USING (room_id)
    WHERE m.person_id = ANY ($1::uuid[]) AND m.relation IN ('member', 'moderator', 'owner')
"""  # noqa: S608  # a constant list of columns
_PAIRS: Final = f"""
    SELECT {_COLUMNS} FROM unnest($1::uuid[], $2::uuid[]) w (person_id, room_id)
    JOIN members m USING (person_id, room_id) JOIN rooms r USING (room_id)
"""  # noqa: S608  # a constant list of columns
_BLOCKS: Final = "SELECT blocker, blocked FROM blocks WHERE blocker = ANY ($1::uuid[])"
_CONTROL_HEAD: Final = "SELECT head FROM rooms WHERE room_id = $1"
_PAGE: Final = 1_000


class PostgresHubReader:
    """See `muster.membership.HubReader`."""

    def __init__(self, borrow: Borrow) -> None:
        self._borrow = borrow

    async def people(self, people: Collection[PersonId]) -> People:
        async with self._borrow() as database:
            ids = list(people)
            rows = await database.fetch(_PEOPLE, ids)
            # After the heads: a block that is not among these is in a self log after its head.
            blocks = await database.fetch(_BLOCKS, ids)
        return People([_membership(row) for row in rows], [(row[0], row[1]) for row in blocks])

    async def memberships(self, pairs: Collection[tuple[PersonId, RoomId]]) -> list[Membership]:
        people, rooms = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        async with self._borrow() as database:
            return [_membership(row) for row in await database.fetch(_PAIRS, people, rooms)]

    async def heads(self, rooms: Collection[RoomId]) -> dict[RoomId, tuple[int, int]]:
        async with self._borrow() as database:
            found = await heads(database, rooms)
        return {RoomId(room): head for room, head in found.items()}

    async def entries(self, wanted: Sequence[Wanted], limit: int) -> list[Found]:
        async with self._borrow() as database:
            stored = await read_ranges(database, [Range(*want) for want in wanted], limit)
        return [Found(*one) for one in stored]


class PostgresControlReader:
    """See `muster.control.ControlReader`."""

    def __init__(self, borrow: Borrow) -> None:
        self._borrow = borrow

    async def recent(self, max_age_ms: int) -> tuple[int, list[Entry]]:
        async with self._borrow() as database:
            head = int(await database.fetchval(_CONTROL_HEAD, CONTROL_ROOM) or 0)
            now_ms = int(await database.fetchval("SELECT extract(epoch FROM now()) * 1000"))
            entries: list[Entry] = []
            upto = head
            while upto > 0:
                page = await read_entries(database, CONTROL_ROOM, max(upto - _PAGE, 0), upto, _PAGE)
                entries = [e for e in page if e.at_ms >= now_ms - max_age_ms] + entries
                if not page or page[0].at_ms < now_ms - max_age_ms:
                    break
                upto = page[0].seq - 1
        return head, entries

    async def after(self, seq: int, limit: int) -> list[Entry]:
        async with self._borrow() as database:
            return await read_entries(database, CONTROL_ROOM, seq, 2**53, limit)


def _membership(row: asyncpg.Record) -> Membership:
    person, room, kind, history, relation, from_seq, head, msg_no, members, request = row
    return Membership(
        PersonId(person),
        RoomId(room),
        RoomKind(kind),
        history,
        Relation(relation),
        from_seq,
        head,
        msg_no,
        members,
        request,
    )
