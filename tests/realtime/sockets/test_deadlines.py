"""Silence, expiry and going away, over real TCP with deadlines of milliseconds."""

import asyncio
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from proto import frames
from proto.codes import Close
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, masked, opened_door, until


async def test_who_connects_and_says_nothing_is_cut_off() -> None:
    """A TCP connection without a request ends by the deadline."""
    async with opened_door(replace(FAST, auth_within_s=0.1)) as door:
        peer = await door.connect()
        await peer.gone()
        assert door.tally.aborted == 1


async def test_who_opens_and_does_not_authenticate_is_told_so() -> None:
    """A WebSocket without auth is closed as stale."""
    async with opened_door(replace(FAST, auth_within_s=0.1)) as door:
        peer = await door.opened()
        code, before = await peer.closed()
        assert code == Close.stale
        assert isinstance(before[0], frames.Goaway)
        await peer.gone()


async def test_two_thousand_silent_sockets_are_closed_by_the_deadline() -> None:
    """They cost one visit of the wheel each, and others are served meanwhile."""
    with ExitStack() as exits:
        async with opened_door(replace(FAST, auth_within_s=1.0)) as door:
            alive = await door.authenticated()
            at = ("127.0.0.1", door.port)
            silent = [exits.enter_context(socket.create_connection(at)) for _ in range(2_000)]
            await until(lambda: door.gate.nameless > 1_000)
            await alive.send(frames.Ping(1))
            assert isinstance(await alive.receive(), frames.Pong)
            await until(lambda: door.tally.aborted == 2_000 and door.gate.nameless == 0)
            assert door.gate.sockets == 1
            for one in silent:
                with suppress(ConnectionResetError):
                    assert one.recv(1) == b""


async def test_silence_is_pinged_and_a_pong_is_enough() -> None:
    """After the heartbeat of silence comes a ping; any answer keeps the socket."""
    async with opened_door(replace(FAST, heartbeat_s=0.05, pong_within_s=0.3)) as door:
        peer = await door.authenticated()
        for _ in range(3):
            assert await peer.frame() == (0x89, b"")
            await peer.raw(masked(10, b""))
        assert door.tally.pings == 3


async def test_a_ping_that_is_not_answered_ends_the_socket() -> None:
    """Nothing heard for heartbeat and pong time: closed, retryable, then aborted."""
    terms = replace(FAST, heartbeat_s=0.05, pong_within_s=0.05, close_within_s=0.05)
    async with opened_door(terms) as door:
        peer = await door.authenticated()
        assert (await peer.closed())[0] == Close.no_pong
        await peer.gone()
        assert door.hub.dropped[0][1] is False


async def test_a_token_that_runs_out_closes_the_socket_after_the_grace() -> None:
    """Unless it was refreshed in the socket: same person, same session."""
    async with opened_door(replace(FAST, token_grace_s=0.0)) as door:
        soon = int(time.time() * 1000) + 200
        stays, goes = (
            await door.authenticated(token(expires_at_ms=soon)),
            await door.authenticated(token(session=5, expires_at_ms=soon)),
        )
        await stays.send(frames.Refresh(2, token()))
        assert isinstance(await stays.receive(), frames.Ok)
        await goes.send(frames.Refresh(2, token(session=6)))
        assert isinstance(await goes.receive(), frames.Error)
        assert (await goes.closed())[0] == Close.token_expired
        await stays.send(frames.Ping(3))
        assert isinstance(await stays.receive(), frames.Pong)


async def test_a_hub_that_does_not_answer_is_unavailable() -> None:
    """Admitting and resuming have a deadline; the client hears `temporary`."""
    async with opened_door(replace(FAST, answer_within_s=0.05)) as door:
        peer = await door.authenticated()
        door.hub.gate.clear()
        await peer.send(frames.Resume(2, None, []))
        error = await peer.receive()
        assert isinstance(error, frames.Error)
        assert error.temporary
        late = await door.opened()
        await late.send(frames.Auth(1, token(2)))
        code, before = await late.closed()
        assert code == Close.internal
        assert isinstance(before[0], frames.Error)
        assert before[0].temporary


async def test_draining_sends_everybody_away_with_a_time_to_come_back() -> None:
    """Nobody new; goaway with spread pauses; whoever does not close is cut off by the deadline."""
    async with opened_door() as door:
        peers = [await door.authenticated(token(n)) for n in range(1, 30)]
        silent = await door.connect()
        pauses = set()
        async with asyncio.TaskGroup() as draining:
            draining.create_task(door.server.drain(0.2))
            for peer in peers:
                code, before = await peer.closed()
                assert code == Close.shutdown
                goaway = before[-1]
                assert isinstance(goaway, frames.Goaway)
                assert goaway.resumable
                pauses.add(goaway.retry_after_ms)
            await silent.gone()
        assert len(pauses) > 5
        with pytest.raises(OSError, match="Connect"):
            await door.connect()


async def test_what_was_posted_before_a_drain_is_answered_first() -> None:
    """A submission under way when the socket is lost is still done."""
    async with opened_door() as door:
        peer = await door.authenticated()
        door.writer.gate.clear()
        await peer.send(frames.Post(2, ROOM, "c", "last words"), frames.Ping(3))
        assert isinstance(await peer.receive(), frames.Pong)
        peer.writer.transport.abort()
        await door.hub.gone.wait()
        door.writer.gate.set()
        other = await door.authenticated(token(5))
        await other.send(frames.Ping(1))
        await other.receive()
        assert door.writer.done == 1
