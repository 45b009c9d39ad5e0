"""Who sends too often is told so, made to wait, and closed in the end; nothing overtakes what was refused."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from muster.bucket import Rate
from muster.errors import unavailable
from proto import frames
from proto.codec import Codec
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


def _fragments(codec: Codec) -> bytes:
    """A message in as many fragments as one may have, most of them with nothing in them."""
    data = codec.encode(frames.Ping(1))
    return masked(2, data, fin=False) + masked(0, b"", fin=False) * 200 + masked(0, b"")


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(lambda n, c: masked(2, c.encode(frames.Attend(n, []))), id="attends"),
        pytest.param(lambda n, c: masked(2, c.encode(frames.Resume(n, None, []))), id="resumes"),
        pytest.param(lambda n, c: masked(2, c.encode(frames.Refresh(n, token()))), id="refreshes"),
        pytest.param(lambda n, c: masked(2, c.encode(frames.Typing(n, ROOM))), id="typing"),
        pytest.param(lambda n, c: masked(2, c.encode(frames.Ping(n))), id="frames"),
        pytest.param(lambda _n, _c: masked(9, b"?"), id="pings"),
        pytest.param(lambda _n, _c: masked(10, b"!"), id="pongs"),
        pytest.param(lambda _n, codec: _fragments(codec), id="fragments"),
    ],
)
async def test_every_kind_of_flood_hears_why_and_is_then_told_to_stop(
    flood: Callable[[int, Codec], bytes],
) -> None:
    """An error that says so and when, a goaway without return, 4506; another socket is served meanwhile."""
    terms = replace(FAST, controls_rate=Rate(5_000, burst=300), throttles_rate=Rate(0.1, burst=3))
    async with opened_door(terms) as door:
        flooding, other = await door.authenticated(), await door.authenticated(token(9))
        many = b"".join(flood(n, flooding.codec) for n in range(1, 3_000))
        async with asyncio.TaskGroup() as pouring:
            pouring.create_task(flooding.pour(many))
            await other.send(frames.Ping(7))
            pong = await other.receive()
            code, before = await flooding.closed()
            await flooding.gone()
        assert isinstance(pong, frames.Pong)
        assert code == Close.flood
        *_, goaway = before
        assert isinstance(goaway, frames.Goaway)
        assert (goaway.code, goaway.resumable) == (Close.flood, False)
        errors = [one for one in before if isinstance(one, frames.Error)]
        assert errors
        assert {error.code for error in errors} == {Code.too_many_requests}
        assert all(error.retry_after_ms for error in errors)


async def test_typing_that_asks_for_no_answer_is_dropped_and_in_the_end_told_to_stop() -> None:
    """The hub hears of a burst of it and of nothing more."""
    terms = replace(FAST, strikes_rate=Rate(1.0, 100.0))
    async with opened_door(terms) as door:
        peer = await door.authenticated()
        await peer.send(*(frames.Typing(0, ROOM) for _ in range(300)))
        code, before = await peer.closed()
        assert code == Close.flood
        assert [type(one) for one in before] == [frames.Goaway]
        assert 20 <= door.hub.calls.count("typing") <= 22


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
