"""What the door counts is what went over the wire."""

from dataclasses import replace

from proto import frames
from realtime.prepared import Prepared, PreparedRun
from tests.realtime.sockets.door import FAST, opened_door, until

_PONG = Prepared.of(frames.Pong(0, 1))


async def test_frames_and_bytes_are_counted_both_ways() -> None:
    """Each message once, also those that were joined to one push or shared a write; bytes with their framing."""
    async with opened_door() as door:
        peer = await door.authenticated()
        tally = door.tally
        begun = (tally.frames_in, tally.frames_out, tally.writes, tally.bytes_out)
        await peer.send(frames.Ping(1), frames.Ping(2))
        for _ in range(2):
            assert isinstance(await peer.receive(), frames.Pong)
        [socket] = door.hub.sockets
        socket.push(_PONG)
        socket.push(PreparedRun([_PONG, _PONG, _PONG]))
        for _ in range(4):
            assert isinstance(await peer.receive(), frames.Pong)
        ended = (tally.frames_in, tally.frames_out, tally.writes, tally.bytes_out)
        frames_in, frames_out, writes, bytes_out = (
            end - begin for begin, end in zip(begun, ended, strict=True)
        )
        assert (frames_in, frames_out) == (2, 6)
        assert 2 <= writes <= 3
        assert bytes_out > 4 * len(_PONG.binary)


async def test_bytes_that_wait_are_added_up() -> None:
    """Those of a reader who stopped, until it is gone."""
    terms = replace(FAST, send_buffer_bytes=8_192, drained_within_s=0.3)
    async with opened_door(terms) as door:
        await door.authenticated(receive_buffer=4_096)
        assert door.server.queued_bytes == 0
        [socket] = door.hub.sockets
        for _ in range(100):
            socket.push(Prepared(b"x" * 1_000))
        await until(lambda: door.server.queued_bytes > 0)
        assert door.server.queued_bytes == socket.backlog
        await until(lambda: not door.server.drivers)
        assert door.server.queued_bytes == 0
