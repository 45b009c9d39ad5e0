"""Everybody at once: what a crowd that resumes together asks of Postgres, on hubs over real Postgres and Redis."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.fixtures.hubs import hub_on
from tests.vocabulary import new_id, person, room_of, say

pytestmark = pytest.mark.timeout(40)

PEOPLE = 120
POSTS = 40
STATEMENTS_MOST = 12
"""Memberships and blocks of one or two ticks, rooms that were asked for, the fill and one look at heads."""


async def test_a_crowd_that_resumes_at_once_asks_a_handful_of_statements(
    database_url: str, fresh_redis_url: str
) -> None:
    """As many people as there are, each at another position, each naming a room they are not in: O(1) statements."""
    async with (
        asyncpg.create_pool(database_url, min_size=1, max_size=2) as database,
        hub_on(database_url, fresh_redis_url) as gone,
        hub_on(database_url, fresh_redis_url) as hub,
    ):
        people = [await person(database) for _ in range(PEOPLE)]
        room = await room_of(gone.writer, *people)
        head = PEOPLE
        for n in range(POSTS):
            head = (await say(gone.writer, people[0], room, f"m{n}")).seq
        hub.statements.clear()
        async with asyncio.TaskGroup() as tasks:
            coming = [tasks.create_task(hub.connect(one)) for one in people]
        sockets = [task.result() for task in coming]
        at = [head - POSTS + n % POSTS for n in range(PEOPLE)]
        async with asyncio.TaskGroup() as tasks:
            for socket, position in zip(sockets, at, strict=True):
                tasks.create_task(hub.follow(socket, (room, position), (new_id(), 1)))
        for socket, position in zip(sockets, at, strict=True):
            await socket.until_told(room, head)
            assert socket.is_unbroken(room, position + 1)
            assert len(socket.entries(room)) == head - position
        assert len(hub.statements) <= STATEMENTS_MOST, hub.statements
