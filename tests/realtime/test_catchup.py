"""The claims of realtime/catchup.py that need no database: a crowd comes in slices, and the slow cost nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from uuid import UUID

from muster.ids import DeviceId, PersonId, RoomId, SessionId
from muster.lane import LaneEntry
from muster.membership import Membership
from muster.permission import Relation, RoomKind
from proto.codec import MSGPACK
from proto.entry import Body, EntryKind
from proto.frames import Entry
from realtime.catchup import SOCKETS_PER_TICK, Catchup
from realtime.prepared import Pushable
from realtime.room import Attachment, Kept, LocalRoom
from realtime.visibility import Hidden
from tests.fakes.socket import RecordingSocket
from tests.sim.truth import SlowReader, Truth

ROOM = RoomId(UUID(int=7))
AUTHOR = PersonId(UUID(int=1))


class Ticks:
    """What the loop would call in its next tick."""

    def __init__(self) -> None:
        self._next: list[Callable[[], None]] = []

    def soon(self, call: Callable[[], None]) -> None:
        self._next.append(call)

    def turn(self) -> bool:
        calls, self._next = self._next, []
        for call in calls:
            call()
        return bool(calls)


def _room(entries: int) -> LocalRoom:
    """A room whose window holds all there is."""
    room = LocalRoom(
        Membership(AUTHOR, ROOM, RoomKind.group, "all", Relation.member, 1, 0, 0, 2, False)
    )
    for seq in range(1, entries + 1):
        room.advance(Kept(_entry(seq)))
    return room


def _entry(seq: int) -> LaneEntry:
    body = Body(text=str(seq))
    frame = Entry(0, ROOM, seq, seq, EntryKind.post, AUTHOR, None, f"c{seq}", 0, body)
    return LaneEntry(ROOM.bytes, seq, EntryKind.post, AUTHOR.bytes, None, MSGPACK.encode(frame))


def _catchup(ticks: Ticks) -> Catchup:
    reader = SlowReader(Truth([], lambda _: None), random.Random(0))
    return Catchup(reader, Hidden(), ticks.soon, lambda _: None)


def _sockets(count: int) -> list[RecordingSocket]:
    return [
        RecordingSocket(PersonId(UUID(int=n)), DeviceId(UUID(int=n)), SessionId(UUID(int=n)))
        for n in range(count)
    ]


def test_a_crowd_that_comes_back_is_brought_up_in_slices_and_everybody_is() -> None:
    """No tick serves more than a slice, so nobody else waits for all of them; each gets all of it, in order."""
    ticks, room, crowd = Ticks(), _room(20), _sockets(10 * SOCKETS_PER_TICK)
    catchup = _catchup(ticks)
    for socket in crowd:
        catchup.start(Attachment(socket, room, 0))
    served = 0
    while ticks.turn():
        now = sum(bool(socket.frames) for socket in crowd)
        assert now - served <= SOCKETS_PER_TICK
        served = now
    assert all(socket.is_unbroken(ROOM) for socket in crowd)
    assert {len(socket.entries(ROOM)) for socket in crowd} == {20}
    assert len(room.live) == len(crowd)
    assert not len(catchup)


class Filling(RecordingSocket):
    """Congested whenever three more frames were pushed, as long messages make it."""

    def push(self, prepared: Pushable) -> None:
        super().push(prepared)
        self.thinned = self.congested = len(self.frames) % 3 == 0


def test_long_messages_are_pushed_as_far_as_the_socket_takes_them() -> None:
    """Else whoever comes back to a hundred of them is over its bound at once, is closed, and comes back to them."""
    ticks, room, (plain,) = Ticks(), _room(20), _sockets(1)
    catchup = _catchup(ticks)
    socket = Filling(plain.person, plain.device, plain.session)
    socket.on_drained = catchup.go_on
    catchup.start(Attachment(socket, room, 0))
    for most in (3, 6, 9, 12, 15, 18, 20):
        while ticks.turn():
            pass
        assert len(socket.frames) == most
        socket.drain()
    assert socket.is_unbroken(ROOM)
    assert socket in room.live


def test_who_is_too_slow_is_not_even_looked_at_until_it_reads_on() -> None:
    """Five hundred who stall cost an entry of their room nothing."""
    ticks, room, (slow,) = Ticks(), _room(5), _sockets(1)
    catchup = _catchup(ticks)
    slow.thinned = slow.congested = True
    slow.on_drained = catchup.go_on
    catchup.start(Attachment(slow, room, 0))
    room.advance(Kept(_entry(6)))
    catchup.moved(room)
    assert not ticks.turn()
    slow.drain()
    assert ticks.turn()
    assert [entry.seq for entry in slow.entries(ROOM)] == [1, 2, 3, 4, 5, 6]
