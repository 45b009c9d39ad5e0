"""Reading the room log: rows of `entries` as the entries that travel.

Owns how a row becomes a `proto.frames.Entry`, for fills, resume, history and re-publishing alike.
A post reads as it stands now: edited words are the new words, a deleted post has an empty body
(`erased` says so). Must never write, and never cut by membership: callers hold spans and blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from proto.entry import Body, EntryKind
from proto.frames import Entry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_KINDS: Final = {kind.value: kind for kind in EntryKind}
_BODY: Final = msgspec.json.Decoder(Body)
_EMPTIED: Final = frozenset({"vote", "preview"})
"""Kinds whose body goes with the message they are about."""

_COLUMNS = (
    "e.room_id, e.seq, e.msg_no, e.kind, e.author, e.subject, e.client_id, e.at, e.text, e.body,"
    " e.target, e.deleted_seq"
)
_ONE_RANGE = f"""
    SELECT {_COLUMNS} FROM entries e
    WHERE e.room_id = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4
"""  # noqa: S608  # a constant list of columns
# Lateral, so that each range is a walk of one partition's primary key that stops at its limit.
_RANGES = f"""
    SELECT {_COLUMNS}
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (room, after, upto, n)
    CROSS JOIN LATERAL (
        SELECT * FROM entries i WHERE i.room_id = w.room AND i.seq > w.after AND i.seq <= w.upto
        ORDER BY i.seq LIMIT $4
    ) e
    ORDER BY w.n, e.seq
"""  # noqa: S608  # a constant list of columns
_HEADS = "SELECT room_id, head, msg_no FROM rooms WHERE room_id = ANY ($1::uuid[])"


Database = asyncpg.Pool | asyncpg.Connection | PoolConnectionProxy
"""A connection, or what lends one."""


class Fetches(Protocol):
    """Whatever can run one statement: a connection, a pool, or what pool.py makes of one."""

    async def fetch(self, sql: str, /, *values: Any) -> list[asyncpg.Record]:
        """All rows."""
        ...


class Range(NamedTuple):
    """The entries of `room` with after < seq <= upto."""

    room: UUID
    after: int
    upto: int


class Stored(NamedTuple):
    """An entry as it stands now. `erased`: its words were deleted (a post, or what was about one)."""

    entry: Entry
    erased: bool


async def read_entries(
    database: Fetches, room: UUID, after: int, upto: int, limit: int
) -> list[Entry]:
    """The first `limit` entries of a room with after < seq <= upto, in order."""
    rows = await database.fetch(_ONE_RANGE, room, after, upto, limit)
    return [_stored(row).entry for row in rows]


async def read_ranges(database: Fetches, ranges: Sequence[Range], limit: int) -> list[Stored]:
    """Many ranges in one query: those of the first range in order of seq, then the second's ...

    `limit` bounds each range by itself.
    """
    if not ranges:
        return []
    rooms, afters, uptos = zip(*ranges, strict=True)
    rows = await database.fetch(_RANGES, rooms, afters, uptos, limit)
    return [_stored(row) for row in rows]


async def heads(database: Fetches, rooms: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """The (head, msg_no) of every room that exists."""
    rows = await database.fetch(_HEADS, list(rooms))
    return {row[0]: (row[1], row[2]) for row in rows}


def _stored(row: asyncpg.Record) -> Stored:
    room, seq, msg_no, kind, author, subject, client_id, at, text, body, target, deleted = row
    filled = _BODY.decode(body) if body is not None else Body()
    filled.text = text
    filled.target = target
    entry = Entry(
        id=0,
        room=room,
        seq=seq,
        msg_no=msg_no,
        kind=_KINDS.get(kind, EntryKind.unknown),
        author=author,
        subject=subject,
        client_id=client_id or "",
        at_ms=(at - _EPOCH) // _MS,
        body=filled,
    )
    erased = (kind == "edit" and text is None) or (kind in _EMPTIED and body is None)
    return Stored(entry, deleted is not None or erased)
