"""What sockets share with each other and with other hubs: posts of a person and of a room, arrivals, borders."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from muster.addresses import networks
from muster.borders import Borders, Lists
from muster.breaker import SHARED, Breaker
from muster.bucket import Rate
from muster.clock import SystemClock
from muster.config import Settings
from muster.quotas import Quota, Quotas
from muster.tolls import Tolls
from proto import frames
from proto.codes import Close, Code
from realtime.dues import Dues
from realtime.errands import Checks
from tests.fakes.hub import ROOM, token
from tests.fakes.tolls import FakeTolls
from tests.realtime.sockets.door import OpenDoor, Peer, opened_door, until

STILL = 1e-3
QUOTAS = Quotas.of(Settings())


def few(name: str, burst: float) -> Quota:
    """So many, and hardly ever one more; none are taken ahead."""
    return Quota(name, "test", Rate(STILL, burst))


@asynccontextmanager
async def hubs(shared: FakeTolls, **quotas: Quota) -> AsyncIterator[tuple[OpenDoor, OpenDoor]]:
    """Two doors that share, with these quotas in the place of the usual."""
    changed = replace(QUOTAS, **quotas)
    async with hub(shared, changed) as one, hub(shared, changed) as other:
        yield one, other


@asynccontextmanager
async def hub(shared: FakeTolls, quotas: Quotas) -> AsyncIterator[OpenDoor]:
    """One of them."""
    tolls = Tolls(shared, Breaker(random.Random(1), SHARED), SystemClock())
    async with opened_door(checks=Checks(dues=Dues(tolls, quotas))) as door:
        assert door.server.errands is not None
        running = door.server.errands.tasks.create_task(tolls.run())
        await until(lambda: tolls.is_shared)
        try:
            yield door
        finally:
            running.cancel()


async def refusals(peer: Peer, many: int) -> list[frames.Error]:
    """So many errors; acks and entries are passed over."""
    errors: list[frames.Error] = []
    while len(errors) < many:
        got = await peer.receive()
        if isinstance(got, frames.Error):
            errors.append(got)
    return errors


def posts(*numbers: int, room: UUID = ROOM) -> list[frames.Post]:
    return [frames.Post(n, room, f"c{n}", "x") for n in numbers]


async def test_a_persons_sockets_share_what_they_may_post() -> None:
    """On whichever hub; refused with a time, and nobody else is."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared, posts=few("posts", 5.0)) as (one, other):
        here, there = await one.authenticated(), await other.authenticated(token(1, 2, 9))
        await here.send(*posts(1, 2, 3))
        await until(lambda: one.writer.done == 3)
        await there.send(*posts(4, 5, 6, 7))
        errors = await refusals(there, 2)
        assert [error.id for error in errors] == [6, 7]
        assert all(error.code == Code.too_many_requests for error in errors)
        assert all((error.retry_after_ms or 0) > 100_000 for error in errors[:1])
        assert [op.client_id for op in other.writer.ops] == ["c4", "c5"]
        stranger = await other.authenticated(token(8, 8, 8))
        await stranger.send(*posts(8))
        await until(lambda: other.writer.done == 3)


async def test_a_room_is_posted_into_so_often_by_all() -> None:
    """By people on two hubs; into another room they post on."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared, room=few("room", 4.0)) as (one, other):
        ada, bob = await one.authenticated(), await other.authenticated(token(8, 8, 8))
        await ada.send(*posts(1, 2, 3))
        await until(lambda: one.writer.done == 3)
        await bob.send(*posts(1, 2))
        assert [error.id for error in await refusals(bob, 1)] == [2]
        eve = await other.authenticated(token(9, 9, 9))
        await eve.send(*posts(1, room=UUID(int=78)))
        await until(lambda: [op.room.int for op in other.writer.ops] == [ROOM.int, 78])


async def test_frames_that_wait_to_be_paid_keep_their_order() -> None:
    """A hundred in one segment, of which the first has to be asked for: all done, in order."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared) as (one, _):
        peer = await one.authenticated()
        await peer.send(*posts(*range(1, 101)))
        await until(lambda: one.writer.done == 100)
        assert [op.client_id for op in one.writer.ops] == [f"c{n}" for n in range(1, 101)]
        assert shared.rounds <= 15


async def test_without_the_shared_buckets_a_hub_limits_by_itself() -> None:
    """Neither open nor closed."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared, posts=few("posts", 5.0)) as (one, _):
        peer = await one.authenticated()
        shared.away = True
        await peer.send(*posts(1, 2, 3, 4, 5, 6))
        assert [error.id for error in await refusals(peer, 1)] == [6]


@pytest.mark.parametrize("name", ["arrivals", "doors"])
async def test_too_many_arrivals_of_a_session_or_an_address_come_back_later(name: str) -> None:
    """Over both hubs; told when, with the close code that says come back."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared, **{name: few(name, 2.0)}) as (one, other):
        for door in (one, other):
            await door.authenticated()
        peer = await one.opened()
        await peer.send(frames.Auth(1, token()))
        code, before = await peer.closed()
        assert code == Close.too_many_requests
        [error] = [frame for frame in before if isinstance(frame, frames.Error)]
        assert (error.retry_after_ms or 0) > 100_000


async def test_what_asks_the_database_is_counted_by_person() -> None:
    """Resumes of two sockets take of one bucket."""
    shared = FakeTolls(SystemClock())
    async with hubs(shared, queries=few("queries", 2.0)) as (one, other):
        here, there = await one.authenticated(), await other.authenticated(token(1, 2, 9))
        for peer in (here, there):
            await peer.send(frames.Attend(1, [(ROOM, None)]))
            assert isinstance(await peer.receive(), frames.RoomStates)
        await here.send(frames.Attend(2, [(ROOM, None)]))
        assert [error.id for error in await refusals(here, 1)] == [2]


# Borders


def _borders(denied: str, trusted: str = "") -> Borders:
    return Borders(Lists((), networks(denied.split())), networks(trusted.split()))


async def test_nobody_from_a_denied_network_gets_a_word() -> None:
    """Neither a socket nor a probe, nor whoever says they are another."""
    async with opened_door(borders=_borders("127.0.0.0/8")) as door:
        for headers in ({}, {"X_Forwarded_For": "198.51.100.1"}):
            head = await (await door.connect()).upgrade(**headers)
            assert head.startswith(b"HTTP/1.1 403 ")
        peer = await door.connect()
        await peer.raw(b"GET /healthz HTTP/1.1\r\n")
        assert b" 403 " in await peer.reader.readuntil(b"\r\n")
        assert door.tally.closed["http_403"] == 3


async def test_behind_a_balancer_it_is_the_client_that_is_denied_and_counted() -> None:
    """Whatever a client wrote into the header before."""
    async with opened_door(borders=_borders("203.0.113.0/24", "127.0.0.0/8")) as door:
        for forwarded, status in (
            ("198.51.100.1", b"101"),
            ("203.0.113.9", b"403"),
            ("198.51.100.1, 203.0.113.9", b"403"),
            ("203.0.113.9, 198.51.100.1", b"101"),
            ("2001:db8:1:1::1", b"101"),
            ("2001:db8:1:1::2", b"101"),
        ):
            peer = await door.connect()
            head = await peer.upgrade(X_Forwarded_For=forwarded)
            assert head.startswith(b"HTTP/1.1 " + status), forwarded
        assert door.gate.waiting_of("198.51.100.1") == 2
        assert door.gate.waiting_of("2001:db8:1:1::/64") == 2
        for peer in door.peers:
            peer.close()
        await until(lambda: door.gate.nameless == 0)
