"""Who sends too often is told so, made to wait, and closed in the end; nothing overtakes what was refused."""

import asyncio
from dataclasses import replace

from muster.bucket import Rate
from muster.errors import unavailable
from proto import frames
from proto.codes import Close, Code
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, masked, opened_door


async def test_posts_over_the_rate_are_refused_with_a_pause() -> None:
    """`too_many_requests` is temporary and says when; those after it are refused too."""
    async with opened_door(replace(FAST, posts_rate=Rate(5.0, 3.0))) as door:
        peer = await door.authenticated()
        await peer.send(*(frames.Post(n, ROOM, f"c{n}", "x") for n in range(1, 7)))
        errors: list[frames.Error] = []
        while len(errors) < 3:
            got = await peer.receive()
            if isinstance(got, frames.Error):
                errors.append(got)
        assert [error.id for error in errors] == [4, 5, 6]
        assert all(error.code == Code.too_many_requests and error.temporary for error in errors)
        assert all(0 < (error.retry_after_ms or 0) <= 1_001 for error in errors)
        assert [op.client_id for op in door.writer.ops] == ["c1", "c2", "c3"]


async def test_a_flood_of_frames_ends_the_socket_and_others_are_served() -> None:
    """Far above the limits: a terminal close; another socket answers all the while."""
    terms = replace(FAST, frames_rate=Rate(1.0, 10.0), strikes_rate=Rate(1.0, 20.0))
    async with opened_door(terms) as door:
        flooding, other = await door.authenticated(), await door.authenticated(token(9))
        await flooding.send(*(frames.Ping(n) for n in range(1, 200)))
        await other.send(frames.Ping(1))
        assert isinstance(await other.receive(), frames.Pong)
        assert (await flooding.closed())[0] == Close.flood
        await flooding.gone()


async def test_a_flood_of_octets_is_slowed_and_then_ended() -> None:
    """Reading pauses when too much comes, with one error each; it does not pause for ever."""
    terms = replace(FAST, bytes_rate=Rate(100_000.0, 20_000.0), throttles_rate=Rate(0.1, 3.0))
    async with opened_door(terms) as door:
        peer = await door.authenticated()
        message = masked(2, peer.codec.encode(frames.Post(0, ROOM, "c", "x" * 7_900)))
        async with asyncio.TaskGroup() as pouring:
            pouring.create_task(peer.pour(message * 100))
            code, before = await peer.closed()
            await peer.gone()
        assert code == Close.flood
        errors = [one for one in before if isinstance(one, frames.Error)]
        assert {error.code for error in errors} == {Code.too_many_requests}


async def test_a_flood_of_pings_is_slowed_and_then_ended() -> None:
    """Control frames have a rate of their own."""
    terms = replace(FAST, controls_rate=Rate(1_000.0, 100.0), throttles_rate=Rate(0.1, 3.0))
    async with opened_door(terms) as door:
        peer = await door.authenticated()
        async with asyncio.TaskGroup() as pouring:
            pouring.create_task(peer.pour(masked(9, b"") * 20_000))
            assert (await peer.closed())[0] == Close.flood
            await peer.gone()


async def test_only_so_many_submissions_of_one_socket_are_under_way() -> None:
    """Beyond that its reading pauses; all are answered, in the order sent."""
    async with opened_door(replace(FAST, in_flight=4)) as door:
        peer = await door.authenticated()
        door.writer.gate.clear()
        await peer.send(*(frames.Post(n, ROOM, f"c{n}", "x") for n in range(1, 21)))
        other = await door.authenticated(token(9))
        await other.send(frames.Ping(1))
        await other.receive()
        assert len(door.writer.ops) == 4
        door.writer.gate.set()
        acks: list[tuple[int, int]] = []
        while len(acks) < 20:
            got = await peer.receive()
            if isinstance(got, frames.Ack):
                acks.append((got.id, got.seq))
        assert acks == [(n, n) for n in range(1, 21)]


async def test_a_refusal_of_the_writer_is_the_answer() -> None:
    """`unavailable` on a post is temporary: outcome unknown."""
    async with opened_door() as door:
        peer = await door.authenticated()
        door.writer.refuses = lambda _op: unavailable("the database")
        await peer.send(frames.Post(4, ROOM, "c", "x"))
        error = await peer.receive()
        assert isinstance(error, frames.Error)
        assert (error.id, error.code, error.temporary) == (4, Code.unavailable, True)


async def test_an_old_version_is_turned_away() -> None:
    """Below the oldest version served: an error that says so, and a close that says stop."""
    async with opened_door(replace(FAST, min_version="2.10")) as door:
        peer = await door.opened()
        await peer.send(frames.Auth(1, token(), version="2.9.1"))
        code, before = await peer.closed()
        assert code == Close.upgrade_required
        assert isinstance(before[0], frames.Error)
        assert before[0].code == Code.upgrade_required
        newer = await door.opened()
        await newer.send(frames.Auth(1, token(), version="2.10.0"))
        assert isinstance(await newer.receive(), frames.Ready)
