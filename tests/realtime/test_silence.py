"""Silence and slow mode over two hubs: what races is decided once, and told to everybody in its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from muster import moderation, submit
from muster.clock import SystemClock
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.op import Op
from proto.codes import Code
from proto.entry import Body, EntryKind
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import new_id, person, post, room_of

pytestmark = pytest.mark.timeout(40)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        yield pool


@pytest_asyncio.fixture
async def hubs(database_url: str, fresh_redis_url: str) -> AsyncIterator[tuple[Node, Node]]:
    async with (
        hub_on(database_url, fresh_redis_url) as one,
        hub_on(database_url, fresh_redis_url) as other,
    ):
        yield one, other


async def _tried(node: Node, op: Op) -> int | Code:
    """The seq it has, or why it has none: then it is told for how long yet."""
    try:
        return (await node.writer.submit(op)).seq
    except Refused as refused:
        return refused.code if refused.retry_after_ms else Code.internal


def _posts(author: PersonId, room: RoomId, count: int) -> list[Op]:
    return [post(author, room, str(new_id())) for _ in range(count)]


async def test_of_racing_posts_into_a_slow_room_each_member_has_one(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Whichever hub they come by, in one batch or in several; the room hears of just these."""
    one, other = hubs
    ada, bob, eve = [await person(database) for _ in range(3)]
    room = await room_of(one.writer, ada, bob, eve)
    await one.writer.submit(submit.settings(ada, room, "slow", Body(slow_s=3600)))
    socket = await other.connect(ada)
    await other.follow(socket, (room, 0))
    racing = [
        _tried(hub, op)
        for ops in zip(_posts(bob, room, 30), _posts(eve, room, 30), strict=True)
        for op in ops
        for hub in [hubs[op.client_id[-1] in "02468ace"]]
    ]
    done = await asyncio.gather(*racing, _tried(one, _posts(ada, room, 1)[0]))
    assert [done.count(Code.slow_mode), len(done)] == [58, 61]
    head = await database.fetchval("SELECT head FROM rooms WHERE room_id = $1", room)
    await socket.until_told(room, head)
    assert socket.is_unbroken(room)
    posts = [entry for entry in socket.entries(room) if entry.kind is EntryKind.post]
    assert sorted(entry.author for entry in posts) == sorted((ada, bob, eve))


async def test_nothing_of_the_silenced_is_numbered_after_their_silence(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """However their posts race it over two hubs; they hear of it, and why, in their own log."""
    one, other = hubs
    ada, bob = [await person(database) for _ in range(2)]
    room = await room_of(one.writer, ada, bob)
    socket = await other.connect(bob)
    await other.follow(socket, (room, 0), (bob, 0))
    until = SystemClock().now_ms() + 3_600_000
    silence = moderation.silence(ada, room, bob, "s", moderation.measure("shouting", until))
    posts = _posts(bob, room, 40)
    racing = [_tried(hubs[n % 2], op) for n, op in enumerate(posts)]
    *done, silenced = await asyncio.gather(*racing, _tried(other, silence))
    assert isinstance(silenced, int)
    assert all(said is Code.silenced or said < silenced for said in done)
    assert await _tried(one, _posts(bob, room, 1)[0]) is Code.silenced
    await socket.until_told(room, silenced)
    await socket.until_told(
        bob, await database.fetchval("SELECT head FROM rooms WHERE room_id = $1", bob)
    )
    [told] = [entry for entry in socket.entries(room) if entry.kind is EntryKind.silence]
    assert (told.author, told.subject, told.body) == (ada, bob, Body(until_ms=until))
    [mine] = [entry for entry in socket.entries(bob) if entry.kind is EntryKind.silence]
    assert (mine.body.text, mine.body.until_ms, mine.body.room) == ("shouting", until, room)
