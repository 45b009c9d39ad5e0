"""Many at once, over real TCP: who is let in, what the others are told, and how a hub leaves."""

import asyncio

from muster.bucket import Rate
from proto import frames
from proto.codes import Close, Code
from realtime.accept import Bounds
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import OpenDoor, opened_door, until


async def test_people_above_the_rate_are_told_each_their_own_moment() -> None:
    """Temporary, a goaway with that time, a close to come back from; nobody has read their tokens."""
    async with opened_door(bounds=Bounds(auths=Rate(0.5, 2.0))) as door:
        for person in (1, 2):
            await door.authenticated(token(person))
        pauses: list[int] = []
        for given in (token(3), "no token at all"):
            peer = await door.opened()
            await peer.send(frames.Auth(1, given))
            code, (error, goaway) = await peer.closed()
            assert code == Close.too_many_requests
            assert isinstance(error, frames.Error)
            assert (error.code, error.temporary) == (Code.too_many_requests, True)
            assert isinstance(goaway, frames.Goaway)
            assert goaway.resumable
            assert goaway.retry_after_ms == error.retry_after_ms
            pauses.append(goaway.retry_after_ms or 0)
        assert pauses[0] >= 2_000  # when there is a token again
        assert pauses[1] >= pauses[0] + 2_000  # when there is another
        assert door.gate.turned_away == {"auths": 2}
        assert len(door.hub.sockets) == 2


async def test_who_obeys_is_let_in() -> None:
    """The time that a goaway tells is enough."""
    async with opened_door(bounds=Bounds(auths=Rate(20.0, 1.0))) as door:
        await door.authenticated()
        peer = await door.opened()
        await peer.send(frames.Auth(1, token(2)))
        _, before = await peer.closed()
        goaway = before[-1]
        assert isinstance(goaway, frames.Goaway)
        assert goaway.retry_after_ms is not None
        due = asyncio.get_running_loop().time() + goaway.retry_after_ms / 1_000
        await until(lambda: asyncio.get_running_loop().time() >= due)
        await door.authenticated(token(2))


async def test_ready_says_over_how_long_to_come_back_from_a_hub_that_dies() -> None:
    """The more people there are above what is let in at once, the longer."""
    async with opened_door(bounds=Bounds(auths=Rate(2.0, 3.0))) as door:
        spreads = [
            (await (await door.opened()).authenticate(token(person))).spread_ms
            for person in (1, 2, 3)
        ]
        assert spreads == [500, 500, 500]
        for _ in range(3):
            await door.connect()
        await until(lambda: door.gate.sockets == 6)
        assert door.gate.spread_ms == 1_500


async def _get(door: OpenDoor, path: str) -> bytes:
    peer = await door.connect()
    await peer.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return await peer.reader.read()


async def test_a_hub_that_leaves_says_so_while_it_still_serves() -> None:
    """At the pace at which others are let in; meanwhile probes are answered and nobody new comes in."""
    async with opened_door(bounds=Bounds(auths=Rate(20.0, 100.0))) as door:
        peers = [await door.authenticated(token(n)) for n in range(1, 11)]
        async with asyncio.TaskGroup() as draining:
            draining.create_task(door.server.drain(5.0))
            code, before = await peers[0].closed()
            assert code == Close.shutdown
            assert isinstance(before[-1], frames.Goaway)
            assert (before[-1].retry_after_ms or 0) <= 251
            assert b" 503 " in await (await door.connect()).upgrade()
            assert (await _get(door, "/healthz")).startswith(b"HTTP/1.1 200 ")
            await peers[-1].send(frames.Ping(9))
            assert isinstance(await peers[-1].receive(), frames.Pong)
            for peer in peers[1:]:
                assert (await peer.closed())[0] == Close.shutdown
        assert door.gate.turned_away == {"leaving": 1}


async def test_a_drain_answers_what_was_posted_before_it_says_goodbye() -> None:
    """The ack comes first, then the goaway; another is not kept waiting for it."""
    async with opened_door() as door:
        posting, idle = await door.authenticated(), await door.authenticated(token(5))
        door.writer.gate.clear()
        await posting.send(frames.Post(2, ROOM, "c", "last words"))
        await until(lambda: len(door.writer.ops) == 1)
        async with asyncio.TaskGroup() as draining:
            draining.create_task(door.server.drain(5.0))
            assert (await idle.closed())[0] == Close.shutdown
            door.writer.gate.set()
            code, before = await posting.closed()
        assert code == Close.shutdown
        assert [
            type(frame) for frame in before if frame.id or isinstance(frame, frames.Goaway)
        ] == [
            frames.Ack,
            frames.Goaway,
        ]


async def test_a_drain_does_not_wait_for_ever_for_an_answer() -> None:
    """Whose answer does not come in two seconds is sent away without it."""
    async with opened_door() as door:
        posting = await door.authenticated()
        door.writer.gate.clear()
        await posting.send(frames.Post(2, ROOM, "c", "last words"))
        await until(lambda: len(door.writer.ops) == 1)
        async with asyncio.TaskGroup() as draining:
            draining.create_task(door.server.drain(5.0))
            code, before = await posting.closed()
        assert code == Close.shutdown
        assert [type(frame) for frame in before] == [frames.Goaway]
