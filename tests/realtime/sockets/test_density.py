"""What an idle socket is made of: a handful of objects, no task, no timer, no buffer, no parser."""

import asyncio
import gc
from collections import Counter
from dataclasses import replace

import pytest

from muster.bucket import Rate
from muster.permission import Relation
from proto import frames
from realtime.bucket import Bucket
from realtime.connection import Connection
from realtime.driver import Driver
from realtime.inlet import Inlet
from realtime.outbox import Outbox
from realtime.people import LocalPerson
from realtime.prepared import Prepared
from realtime.room import Attachment, Kept, LocalRoom, Member
from realtime.session import Session
from realtime.within import Within
from tests.fakes.hub import token
from tests.realtime.sockets.door import FAST, OpenDoor, Peer, opened_door, until

SOCKETS = 20
_SOON = replace(FAST, auth_within_s=2.0, heartbeat_s=2.0, pong_within_s=5.0)
_RATE = Rate(1.0, burst=1.0)
_OF_A_SOCKET = (Driver, Connection, Session, Outbox, Inlet)


@pytest.fixture(autouse=True)
def _set_aside() -> None:
    """What other tests have left is looked at no more: counting objects is quick, and finds none of theirs."""
    gc.freeze()


def _ours() -> Counter[str]:
    """Objects of this door and of the WebSocket library, by class, garbage left out."""
    gc.collect()
    classes = [type(each) for each in gc.get_objects()]
    return Counter(
        kind.__qualname__
        for kind in classes
        if kind.__module__.split(".")[0] in ("realtime", "websockets")
    )


def _timers() -> int:
    """Timers that will still fire, ours and the clients'."""
    return sum(type(each).__name__ == "TimerHandle" for each in gc.get_objects())


async def _idle(door: OpenDoor) -> list[Peer]:
    """Sockets of as many people, each of which has asked and been answered."""
    peers = [await door.authenticated(token(person=number)) for number in range(1, SOCKETS + 1)]
    for peer in peers:
        await peer.send(frames.Ping(2))
        assert isinstance(await peer.receive(), frames.Pong)
    return peers


async def test_an_idle_socket_is_five_objects_and_no_parser() -> None:
    """Counted in the interpreter; the library's parsers are lent while bytes come, and shared."""
    async with opened_door() as door:
        before = _ours()
        await _idle(door)
        grown = _ours() - before
        del grown[Within.__qualname__]  # notes on the wheel, gone when their time has come
        each = {name: count / SOCKETS for name, count in grown.items() if count >= SOCKETS}
        assert each == {kind.__qualname__: 1 for kind in _OF_A_SOCKET}
        # One parser, with what the library keeps of it, and what the fake hub notes.
        assert sum(grown.values()) < (len(_OF_A_SOCKET) + 1) * SOCKETS


async def test_an_idle_socket_has_no_task_and_no_timer() -> None:
    """Neither after its handshake, its authentication and a request, nor for its heartbeat."""
    async with opened_door() as door:
        await (await door.authenticated()).send(frames.Ping(2))
        tasks, timers = len(asyncio.all_tasks()), _timers()
        await _idle(door)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert _timers() < timers + SOCKETS // 4  # one of the wheel's, a few of whoever waits here


async def test_nothing_of_a_socket_that_left_stays() -> None:
    """No object of it is left, without the garbage collector having to find it."""
    async with opened_door(_SOON) as door:
        peers = await _idle(door)
        gc.disable()
        try:
            for peer in peers:
                peer.close()
            await until(lambda: not door.server.drivers)
            # What the fake hub remembers of them is the test's.
            door.hub.sockets.clear()
            door.hub.dropped.clear()
            door.hub.told.clear()
            # The wheel passes over its notes of them when their time has come.
            await until(
                lambda: not any(isinstance(each, _OF_A_SOCKET) for each in gc.get_objects())
            )
        finally:
            gc.enable()


@pytest.mark.parametrize(
    "kind",
    [*_OF_A_SOCKET, LocalPerson, LocalRoom, Attachment, Kept, Prepared, Member, Bucket, Within],
)
def test_what_there_are_many_of_has_slots(kind: type) -> None:
    """A dict of its own would be a hundred bytes more for each."""
    assert kind.__dictoffset__ == 0


def test_what_holds_only_numbers_is_no_business_of_the_collectors() -> None:
    """Members and buckets cannot be in a cycle, and there are a hundred thousand of them."""
    for each in (Member(Relation.member, 1, 1), Bucket(_RATE)):
        assert not gc.is_tracked(each)
