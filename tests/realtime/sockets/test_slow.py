"""Readers who are slow or stopped: bounded bytes, then degraded, then closed, while everybody else goes on."""

import asyncio
import os
import socket
from dataclasses import replace
from random import Random

from muster.lane import LaneEntry
from muster.membership import Membership
from muster.permission import Relation, RoomKind
from proto import frames
from proto.codes import Close
from proto.entry import Body, EntryKind
from realtime.catchup import Catchup
from realtime.prepared import Prepared
from realtime.room import Attachment, Kept, LocalRoom
from realtime.visibility import Hidden
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, masked, opened_door, until
from tests.sim.truth import SlowReader, Truth

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
            for one in door.hub.sockets:
                if not one.congested:
                    one.push(entry(seq))
            most = max(most, slow.backlog)
            got = await reading.receive()
            assert isinstance(got, frames.Entry)
            assert got.seq == seq
            if slow not in door.hub.sockets:
                break
        else:
            raise AssertionError("the stopped reader was never evicted")
        assert most <= SMALL.outbox_bytes
        assert door.tally.steps == {"ephemeral": 1, "head_only": 1, "goaway": 1, "abort": 1}
        stopped.close()


async def test_each_step_of_the_ladder_is_metered_and_nobody_else_is_on_it() -> None:
    """Bytes that wait are a gauge; who is sent away for another reason, or takes a burst, counts nowhere."""
    terms = replace(SMALL, send_buffer_bytes=0, drained_within_s=60.0)
    async with opened_door(terms) as door:
        peer = await door.authenticated()
        slow = door.hub.sockets[0]
        for seq in range(12):  # congested until the end of the tick, which writes it all
            slow.push(entry(seq))
        assert slow.congested
        assert door.server.queued_bytes == slow.backlog > 24_000
        for _ in range(12):
            await peer.receive()
        slow.close(Close.shutdown, "goes away")
        await peer.closed()
        await door.hub.gone.wait()
        assert door.server.queued_bytes == 0
        assert set(door.tally.steps.values()) == {0}
        metered = {metric.name: metric for metric in door.tally.collect()}
        steps = [sample.labels["step"] for sample in metered["muster_ladder_steps"].samples]
        assert steps == ["ephemeral", "head_only", "goaway", "abort"]


async def test_a_slow_reader_climbs_step_by_step_and_comes_down_again() -> None:
    """First no ephemera, then heads alone, up to half of the bound; who reads on is on no step."""
    terms = replace(SMALL, outbox_bytes=262_144, drained_within_s=60.0)
    async with opened_door(terms) as door:
        peer = await door.authenticated(receive_buffer=4_096)
        slow = door.hub.sockets[0]
        seen: list[tuple[bool, bool, bool]] = []
        pushed = 0
        while slow.takes_heads:
            slow.push(entry(pushed))
            pushed += 1
            await asyncio.sleep(0)
            stands = (slow.thinned, slow.congested, slow.takes_heads)
            if stands not in seen:
                seen.append(stands)
        assert seen == [
            (False, False, True),
            (True, False, True),
            (True, True, True),
            (True, True, False),
        ]
        for _ in range(pushed):
            await peer.receive()
        await until(lambda: slow.takes_heads and not slow.thinned)
        assert door.tally.steps == {"ephemeral": 1, "head_only": 1, "goaway": 0, "abort": 0}


async def test_every_socket_has_the_options_that_bound_what_its_peer_costs() -> None:
    """A small send buffer (Linux keeps twice what is asked), an end for peers who vanish, and no waiting to fill."""
    async with opened_door(replace(FAST, send_buffer_bytes=65_536, peer_lost_s=30.0)) as door:
        await door.authenticated()
        (transport,) = [driver._transport for driver in door.server.drivers]
        assert transport is not None
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as raw:
            kept = raw.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            lost_ms = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            at_once = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert (kept, lost_ms, bool(at_once)) == (131_072, 30_000, True)


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
        slow = door.hub.sockets[0]
        drained = asyncio.Event()
        slow.on_drained = lambda _socket: drained.set()
        sent = 0
        while not slow.congested:
            sent += 1
            slow.push(entry(sent))
            await asyncio.sleep(0)
        for seq in range(1, sent + 1):
            got = await peer.receive()
            assert isinstance(got, frames.Entry)
            assert got.seq == seq
        await drained.wait()
        assert not slow.congested


async def test_who_comes_back_to_sixty_long_messages_gets_them_all() -> None:
    """They are more than may wait for one socket: pushed at once they would end it, and again when it comes back."""
    async with opened_door() as door:
        peer = await door.authenticated()
        slow = door.hub.sockets[0]
        room = LocalRoom(
            Membership(slow.person, ROOM, RoomKind.group, "all", Relation.member, 1, 0, 0, 1, False)
        )
        attachment = Attachment(slow, room, 0)
        room.catching_up[slow] = attachment  # so that the window keeps what it is owed
        for seq in range(1, 61):
            payload = entry(seq, 8_000).payload
            room.advance(
                Kept(LaneEntry(ROOM.bytes, seq, EntryKind.post, ROOM.bytes, None, payload))
            )
        reader = SlowReader(Truth([], lambda _: None), Random(0))
        soon = asyncio.get_running_loop().call_soon
        catchup = Catchup(reader, Hidden(), soon, lambda _: None)
        slow.on_drained = catchup.go_on
        catchup.start(attachment)
        got = [await peer.receive() for _ in range(60)]
        assert [one.seq for one in got if isinstance(one, frames.Entry)] == list(range(1, 61))
        assert slow in room.live


async def test_a_burst_in_one_tick_is_congestion_until_it_is_written() -> None:
    """Who pushes a lot at once is told to stop, and to go on as soon as the kernel has taken it."""
    async with opened_door() as door:
        peer = await door.authenticated()
        slow = door.hub.sockets[0]
        drained = asyncio.Event()
        slow.on_drained = lambda _socket: drained.set()
        sent = 0
        while not slow.congested:
            sent += 1
            slow.push(entry(sent))
        assert 28 <= sent <= 34
        await asyncio.gather(drained.wait(), *(peer.receive() for _ in range(1)))


async def test_a_peer_that_does_not_read_gets_no_pongs_either() -> None:
    """Pings of a stopped reader do not fill its buffers."""
    async with opened_door(replace(SMALL, drained_within_s=60.0)) as door:
        await door.authenticated(receive_buffer=4_096)
        slow = door.hub.sockets[0]
        while not slow.congested:
            slow.push(entry(1))
            await asyncio.sleep(0)
        backlog = slow.backlog
        peer = door.peers[0]
        await peer.raw(b"".join(masked(9, b"x" * 100) for _ in range(30)))
        await peer.send(frames.Typing(0, ROOM))
        await until(lambda: "typing" in door.hub.calls)
        assert slow.backlog <= backlog
