"""Readers who are slow or stopped: bounded bytes, then degraded, then closed, while everybody else goes on."""

import asyncio
from dataclasses import replace

from proto import frames
from proto.codes import Close
from proto.entry import Body, EntryKind
from realtime.prepared import Prepared
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, masked, opened_door, until

SMALL = replace(FAST, outbox_bytes=65_536, send_buffer_bytes=8_192, drained_within_s=0.3)


def entry(seq: int, size: int = 2_000) -> Prepared:
    """Something to deliver."""
    body = Body(text="x" * size)
    frame = frames.Entry(0, ROOM, seq, seq, EntryKind.post, ROOM, None, "c", 0, body)
    return Prepared.of(frame)


async def test_a_stopped_reader_is_evicted_while_another_reads_on() -> None:
    """It holds no more than its bound, is closed in time, and the other gets every entry at once."""
    async with opened_door(SMALL) as door:
        stopped = await door.authenticated(receive_buffer=4_096)
        reading = await door.authenticated(token(9, 8, 7))
        slow = door.hub.sockets[0]
        most = 0
        for seq in range(1, 2_000):
            for socket in door.hub.sockets:
                if not socket.congested:
                    socket.push(entry(seq))
            most = max(most, slow.backlog)
            got = await reading.receive()
            assert isinstance(got, frames.Entry)
            assert got.seq == seq
            if slow not in door.hub.sockets:
                break
        else:
            raise AssertionError("the stopped reader was never evicted")
        assert most <= SMALL.outbox_bytes
        assert door.tally.congested >= 1
        stopped.close()


async def test_who_is_pushed_over_the_bound_is_closed_at_once() -> None:
    """A hub that did not heed `congested` costs the socket, not the process."""
    async with opened_door(replace(SMALL, drained_within_s=60.0)) as door:
        await door.authenticated(receive_buffer=4_096)
        slow = door.hub.sockets[0]
        pushed = 0
        while slow in door.hub.sockets:
            slow.push(entry(pushed))
            pushed += 1
            assert slow.backlog < 2 * SMALL.outbox_bytes
            await asyncio.sleep(0)
        assert door.tally.closed[str(int(Close.slow))] == 1


async def test_a_slow_reader_that_drains_in_time_goes_on() -> None:
    """It is congested, then `on_drained` is called, and nothing that was pushed is lost."""
    async with opened_door(replace(SMALL, drained_within_s=10.0)) as door:
        peer = await door.authenticated(receive_buffer=4_096)
        socket = door.hub.sockets[0]
        drained = asyncio.Event()
        socket.on_drained = lambda _socket: drained.set()
        sent = 0
        while not socket.congested:
            sent += 1
            socket.push(entry(sent))
            await asyncio.sleep(0)
        for seq in range(1, sent + 1):
            got = await peer.receive()
            assert isinstance(got, frames.Entry)
            assert got.seq == seq
        await drained.wait()
        assert not socket.congested


async def test_a_burst_in_one_tick_is_congestion_until_it_is_written() -> None:
    """Who pushes a lot at once is told to stop, and to go on as soon as the kernel has taken it."""
    async with opened_door() as door:
        peer = await door.authenticated()
        socket = door.hub.sockets[0]
        drained = asyncio.Event()
        socket.on_drained = lambda _socket: drained.set()
        sent = 0
        while not socket.congested:
            sent += 1
            socket.push(entry(sent))
        assert 28 <= sent <= 34
        await asyncio.gather(drained.wait(), *(peer.receive() for _ in range(1)))


async def test_a_peer_that_does_not_read_gets_no_pongs_either() -> None:
    """Pings of a stopped reader do not fill its buffers."""
    async with opened_door(replace(SMALL, drained_within_s=60.0)) as door:
        await door.authenticated(receive_buffer=4_096)
        socket = door.hub.sockets[0]
        while not socket.congested:
            socket.push(entry(1))
            await asyncio.sleep(0)
        backlog = socket.backlog
        peer = door.peers[0]
        await peer.raw(b"".join(masked(9, b"x" * 100) for _ in range(30)))
        await peer.send(frames.Typing(0, ROOM))
        await until(lambda: "typing" in door.hub.calls)
        assert socket.backlog <= backlog
