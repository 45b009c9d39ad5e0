"""Owns rows of the room log put in place by hand, for tests of what reads them."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg

AT = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
AT_MS = 1714979289123


async def put_room(
    connection: asyncpg.Connection, room: UUID, author: UUID, count: int, kind: str = "public"
) -> None:
    """A room whose log is `count` posts `text 1`, `text 2` ..."""
    await connection.execute(
        "INSERT INTO rooms (room_id, kind, head, msg_no) VALUES ($1, $2, $3, $3)",
        room,
        kind,
        count,
    )
    await connection.executemany(
        "INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)"
        " VALUES ($1, $2, $2, 'post', $3, $4, $5, $6)",
        [(room, n, author, f"c{n}", AT, f"text {n}") for n in range(1, count + 1)],
    )
