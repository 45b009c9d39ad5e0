"""The claims of muster/stores/postgres/entries.py."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from muster.stores.postgres.entries import Range, heads, read_entries, read_ranges
from proto.entry import EntryKind
from tests.stores.postgres.rows import AT, AT_MS, put_room

ROOM, OTHER, ADA = UUID(int=1), UUID(int=2), UUID(int=77)


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_range_is_read_in_order_and_up_to_its_limit(
    connection: asyncpg.Connection,
) -> None:
    """after < seq <= upto, ascending, the first `limit`."""
    await put_room(connection, ROOM, ADA, 10)
    assert [e.seq for e in await read_entries(connection, ROOM, 2, 8, 100)] == [3, 4, 5, 6, 7, 8]
    assert [e.seq for e in await read_entries(connection, ROOM, 2, 8, 2)] == [3, 4]
    assert await read_entries(connection, ROOM, 10, 99, 5) == []


async def test_a_row_becomes_the_entry_that_was_committed(connection: asyncpg.Connection) -> None:
    """Every column reaches its field; a body in JSON becomes a Body."""
    mentioned = uuid4()
    body = f'{{"mentions": ["{mentioned}"], "reply_to": 4, "meta": {{"k": 1.5}}}}'
    await connection.execute(
        "INSERT INTO entries (room_id, seq, msg_no, kind, author, subject, at, text, body, target)"
        " VALUES ($1, 5, 3, 'edit', $2, $3, $4, 'new', $5, 2)",
        ROOM,
        ADA,
        OTHER,
        AT,
        body,
    )
    [entry] = await read_entries(connection, ROOM, 0, 9, 9)
    assert (entry.room, entry.seq, entry.msg_no, entry.author) == (ROOM, 5, 3, ADA)
    assert (entry.kind, entry.subject, entry.client_id) == (EntryKind.edit, OTHER, "")
    assert entry.at_ms == AT_MS
    assert (entry.body.text, entry.body.target, entry.body.reply_to) == ("new", 2, 4)
    assert (entry.body.mentions, entry.body.meta) == ([mentioned], {"k": 1.5})


async def test_many_ranges_come_in_one_answer_grouped_as_asked(
    connection: asyncpg.Connection,
) -> None:
    """The order of the ranges is kept; the limit is each range's own; a missing room is empty."""
    await put_room(connection, ROOM, ADA, 5)
    await put_room(connection, OTHER, ADA, 5)
    asked = [Range(OTHER, 3, 5), Range(UUID(int=9), 0, 9), Range(ROOM, 0, 5)]
    found = [(s.entry.room, s.entry.seq) for s in await read_ranges(connection, asked, 3)]
    assert found == [(OTHER, 4), (OTHER, 5), (ROOM, 1), (ROOM, 2), (ROOM, 3)]
    assert await read_ranges(connection, [], 3) == []


async def test_erased_words_are_told_apart(connection: asyncpg.Connection) -> None:
    """A deleted post and the edits of it are erased; its deletion and other entries are not."""
    await put_room(connection, ROOM, ADA, 2)
    await connection.execute(
        "UPDATE entries SET deleted_seq = 4, text = NULL WHERE room_id = $1 AND seq = 1", ROOM
    )
    await connection.executemany(
        "INSERT INTO entries (room_id, seq, msg_no, kind, author, at, target)"
        " VALUES ($1, $2, 2, $3, $4, $5, 1)",
        [(ROOM, 3, "edit", ADA, AT), (ROOM, 4, "delete", ADA, AT)],
    )
    stored = await read_ranges(connection, [Range(ROOM, 0, 9)], 9)
    assert [s.erased for s in stored] == [True, False, True, False]
    assert stored[0].entry.body.text is None


async def test_heads_are_of_rooms_that_exist(connection: asyncpg.Connection) -> None:
    """room -> (head, msg_no); an unknown room is absent."""
    await put_room(connection, ROOM, ADA, 3)
    assert await heads(connection, [ROOM, OTHER]) == {ROOM: (3, 3)}
