"""A direct room in somebody's Requests: its sender learns neither what was read nor that anybody types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from muster import submit
from muster.ids import PersonId, RoomId
from proto.frames import Pointer, TypingNow
from tests.fakes.socket import RecordingSocket
from tests.fixtures.hubs import Node, hub_on
from tests.vocabulary import new_id, person, room_of, say

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


def _pointers(socket: RecordingSocket) -> list[tuple[int | None, int | None]]:
    return [(frame.read, frame.received) for frame in socket.frames if isinstance(frame, Pointer)]


async def _request(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> tuple[RoomId, PersonId, RecordingSocket, RecordingSocket]:
    """Eve wrote to Ada, whom she does not know; Ada is on one hub, Eve on the other."""
    one, other = hubs
    ada, eve = await person(database), await person(database)
    of_ada, of_eve = await one.connect(ada), await other.connect(eve)
    room = await room_of(other.writer, eve, ada, kind="direct")
    await say(other.writer, eve, room, "first")
    await one.follow(of_ada, (room, 0))
    await other.follow(of_eve, (room, 0))
    await of_ada.until_told(room, 3)
    return room, ada, of_ada, of_eve


async def test_nothing_of_the_reader_is_told_until_they_answer(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """Read, received and typing stay with them; after their answer all of it is told."""
    one, _ = hubs
    room, ada, of_ada, of_eve = await _request(hubs, database)
    # What comes later of the self log proves that the pointer was stored.
    before = max((upto for _, upto, _ in of_ada.told(ada)), default=0)
    one.hub.attendance.typing(of_ada, room)
    one.hub.attendance.received(of_ada, [(room, 3)])
    one.hub.attendance.read(of_ada, [(room, 3)])
    await of_ada.until_told(ada, before + 1)
    answered = await say(one.writer, ada, room, "answer")
    await of_ada.until_told(room, answered.seq)
    one.hub.attendance.typing(of_ada, room)
    one.hub.attendance.received(of_ada, [(room, answered.seq)])
    one.hub.attendance.read(of_ada, [(room, answered.seq)])
    await of_eve.until(lambda s: (answered.seq, None) in _pointers(s))
    assert set(_pointers(of_eve)) == {(answered.seq, None), (None, answered.seq)}
    assert len([frame for frame in of_eve.frames if isinstance(frame, TypingNow)]) == 1


async def test_a_request_accepted_without_a_word_is_told_from_then_on(
    hubs: tuple[Node, Node], database: asyncpg.Pool
) -> None:
    """By the self log every hub that Ada is on learns of it; who comes later reads it so."""
    one, other = hubs
    room, ada, of_ada, of_eve = await _request(hubs, database)
    await one.writer.submit(submit.accept_request(ada, str(new_id()), room))
    [here] = [each for each in one.hub.hub.rooms() if each.id == room]
    while here.requested is not None:  # noqa: ASYNC110  # the hub tells nobody that it has read again
        await asyncio.sleep(0)
    one.hub.attendance.typing(of_ada, room)
    await of_eve.until(lambda s: any(isinstance(frame, TypingNow) for frame in s.frames))
    tablet = await other.connect(ada)
    other.hub.attendance.read(tablet, [(room, 3)])
    await of_eve.until(lambda s: (3, None) in _pointers(s))
