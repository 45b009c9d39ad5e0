"""Frames of fixes and crossings, as a socket takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from muster.bucket import Rate
from muster.errors import unavailable
from proto import frames, limits
from proto.codes import Close, Code
from tests.fakes.hub import ROOM, token
from tests.realtime.sockets.door import FAST, opened_door

FIX = frames.PhoneFix(52.5163, 13.3777, 8.0, 1)


@pytest.mark.parametrize("subprotocol", [limits.SUBPROTOCOL_MSGPACK, limits.SUBPROTOCOL_JSON])
async def test_fixes_and_crossings_are_answered_with_a_verdict_on_each(subprotocol: str) -> None:
    """In both subprotocols; and not at all where nobody asks."""
    async with opened_door() as door:
        peer = await door.authenticated(subprotocol=subprotocol)
        silent = frames.Fixes(0, [FIX])
        crossings = frames.Crossings(4, [frames.PhoneCrossing(ROOM, True, 1)])
        await peer.send(silent, frames.Fixes(3, [FIX, FIX]), crossings, frames.Ping(5))
        told = {frame.id: frame for frame in [await peer.receive() for _ in range(3)]}
        assert told[3] == frames.Placed(3, ["judged"] * 2, [])
        assert told[4] == frames.Placed(4, ["judged"], [])
        assert [frame for _, frame in door.places.placed_] == [
            silent,
            frames.Fixes(3, [FIX, FIX]),
            crossings,
        ]


async def test_what_is_said_in_a_room_does_not_wait_for_a_fix() -> None:
    """Placing may take two seconds, while somebody types on."""
    async with opened_door() as door:
        peer = await door.authenticated()
        door.places.gate.clear()
        await peer.send(frames.Fixes(3, [FIX]), frames.Post(4, ROOM, "c", "hello"))
        answers = [await peer.receive() for _ in range(2)]
        assert {type(answer) for answer in answers} == {frames.Ack, frames.Entry}
        door.places.gate.set()
        assert await peer.receive() == frames.Placed(3, ["judged"], [])


async def test_a_refusal_is_an_error_and_a_fault_ends_this_socket_alone() -> None:
    """Temporary: the phone says it again."""
    async with opened_door() as door:
        peer, other = await door.authenticated(), await door.authenticated(token(person=7, session=8, device=9))
        door.places.refuses = unavailable("place")
        await peer.send(frames.Fixes(3, [FIX]))
        refused = await peer.receive()
        assert isinstance(refused, frames.Error)
        assert (refused.id, refused.code, refused.temporary) == (3, Code.unavailable, True)
        door.places.fault = RuntimeError("a bug")
        await peer.send(frames.Fixes(4, [FIX]))
        code, _ = await peer.closed()
        assert code == Close.internal
        await other.send(frames.Ping(5))
        assert isinstance(await other.receive(), frames.Pong)


async def test_fixes_come_no_more_often_than_a_phone_has_any() -> None:
    """Who sends more is told to wait, and nothing of it reaches the judge."""
    async with opened_door(replace(FAST, places_rate=Rate(0.001, burst=2))) as door:
        peer = await door.authenticated()
        await peer.send(*[frames.Fixes(n, [FIX]) for n in (1, 2, 3)])
        answers = {answer.id: answer for answer in [await peer.receive() for _ in range(3)]}
        refused = answers[3]
        assert isinstance(refused, frames.Error)
        assert refused.code == Code.too_many_requests
        assert len(door.places.placed_) == 2
