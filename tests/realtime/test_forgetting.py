"""What is removed from logs, on hubs over real Postgres and Redis: told live, and told to whoever comes from before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from muster.retention import BATCH
from proto.entry import EntryKind
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import person, room_of, say

pytestmark = pytest.mark.timeout(40)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        yield pool


@pytest_asyncio.fixture
async def hub(database_url: str, fresh_redis_url: str) -> AsyncIterator[Node]:
    async with hub_on(database_url, fresh_redis_url) as node:
        yield node


async def test_who_resumes_from_before_what_retention_left_is_told_a_gap_once(
    database: asyncpg.Pool, database_url: str, fresh_redis_url: str
) -> None:
    """And then everything that is there, on a hub that has nothing of the room in memory."""
    async with hub_on(database_url, fresh_redis_url) as before:
        ada = await person(database)
        room = await room_of(before.writer, ada)
        for number in range(8):
            await say(before.writer, ada, room, f"old{number}")
        await database.execute(
            "UPDATE entries SET at = at - interval '9 days' WHERE room_id = $1", room
        )
        await say(before.writer, ada, room, "young")
    cut = "SELECT retain_room_v1($1, now() - interval '1 day', $2)"
    assert await database.fetchval(cut, room, BATCH) == 9
    async with hub_on(database_url, fresh_redis_url) as hub:
        socket = await hub.connect(ada)
        await hub.follow(socket, (room, 3))
        await socket.until_told(room, 10)
        assert [entry.seq for entry in socket.entries(room)] == [10]
        await say(hub.writer, ada, room, "next")
        await socket.until_told(room, 11)
        assert [entry.seq for entry in socket.entries(room)] == [10, 11]


async def test_an_erasure_reaches_those_who_are_online(hub: Node, database: asyncpg.Pool) -> None:
    """By a lease that nobody holds: whoever looks for those publishes it."""
    ada, bob = await person(database), await person(database)
    room = await room_of(hub.writer, ada, bob)
    socket = await hub.connect(bob)
    await hub.follow(socket, (room, 0))
    await say(hub.writer, ada, room, "words")
    await socket.until_told(room, 3)
    assert await database.fetchval("SELECT erase_posts_v1($1, $2, 100)", ada, room) == 1
    await database.execute("SELECT leave_for_good_v1($1, $2)", ada, room)
    await socket.until_told(room, 6)
    told = [entry for entry in socket.entries(room) if entry.seq > 3]
    kinds = [entry.kind for entry in told]
    assert kinds == [EntryKind.delete, EntryKind.leave, EntryKind.role]
    assert (
        await database.fetchval(
            "SELECT relation FROM members WHERE person_id = $1 AND room_id = $2", bob, room
        )
        == "owner"
    )
