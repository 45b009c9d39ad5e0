"""Where somebody is stays where it was said: no log line, no row and no key holds it."""

from __future__ import annotations

import struct

import asyncpg
import redis.asyncio as redis

from proto import frames
from proto.codes import Code
from tests.fakes.hub import token
from tests.fixtures.logs import logged
from tests.placing.world import HERE, World, fix, processes
from tests.realtime.sockets.door import opened_door

# Digits that no clock and no id has by chance, some metres from the event.
LAT, LON = 52.516391735, 13.377718264
MARKS = ("16391735", "77718264")


async def test_a_position_reaches_no_log_no_row_and_no_key(
    database_url: str, redis_url: str
) -> None:
    """Through a real socket, at the most talkative level, with fixes of every fate, until a visit came of it."""
    async with processes(database_url, redis_url) as world:
        room = await world.event()
        ada = await world.guest(room)
        with logged("debug") as log:
            async with opened_door(judge=world.process().placing) as door:
                peer = await door.authenticated(token(person=ada.int))
                phases = []
                for n, seconds in enumerate((-200, -160, -120, -80)):
                    here = fix(seconds, 0.0)
                    marked = frames.PhoneFix(LAT, LON, 9.25, here.at_ms)
                    await peer.send(frames.Fixes(n + 1, [marked]))
                    placed = await peer.receive()
                    assert isinstance(placed, frames.Placed)
                    phases += [event.phase for event in placed.events]
                assert phases[-1] == "inside"
                bad = [frames.PhoneFix(LAT + 100, LON, 9.0, 1), frames.PhoneFix(LAT, LON, 9.0, 1)]
                await peer.send(frames.Fixes(8, bad))
                assert isinstance(await peer.receive(), frames.Placed)
                world.process().standings.before = 1
                leaving = fix(-1, 0.0)
                await peer.send(frames.Fixes(9, [frames.PhoneFix(LAT, LON, 9.0, leaving.at_ms)]))
                refused = await peer.receive()
                assert isinstance(refused, frames.Error)
                assert refused.code == Code.unavailable
                world.process().placing._shelf = None  # type: ignore[assignment]  # a fault of ours
                await peer.send(frames.Fixes(10, [frames.PhoneFix(LAT, LON, 9.0, leaving.at_ms)]))
                await peer.closed()
        said = log.getvalue()
        assert "a request failed" in said, "there is something to look at"
        assert not _marked(said.encode())
        assert await world.visits(room, ada)
        assert not _marked((await _rows(world.pool)).encode())
        kept = await _kept(world, redis_url)
        assert any(b":standing:" in name for name in kept), "there is something to look at"
        assert not any(_marked(name + value) for name, value in kept.items())


def _marked(data: bytes) -> bool:
    """Whether it holds one of the coordinates, as text or as a number."""
    binary = [
        struct.pack(order + form, value) for value in (LAT, LON) for order in "<>" for form in "df"
    ]
    return any(mark.encode() in data for mark in MARKS) or any(one in data for one in binary)


async def _rows(pool: asyncpg.Pool) -> str:
    tables = await pool.fetch(
        "SELECT format('%I', relname) AS name FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for table in tables:
        rows = await pool.fetch(f"SELECT t::text FROM {table['name']} t")
        found += [row[0] for row in rows]
    assert any(str(HERE.lat) in row for row in found), "where the event is stands there"
    return "\n".join(found)


async def _kept(world: World, redis_url: str) -> dict[bytes, bytes]:
    """Every key of these processes, and all that is in it."""
    found = {}
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        async for name in client.scan_iter(f"{world.namespace}:*", count=1000):
            key = bytes(name)
            kind = await client.type(key)
            asked: object
            if kind == b"hash":
                asked = await client.hgetall(key)
            elif kind == b"zset":
                asked = await client.zrange(key, 0, -1)
            else:
                asked = await client.get(key)
            found[key] = b"|".join(_flat(asked))
    return found


def _flat(reply: object) -> list[bytes]:
    if isinstance(reply, dict):
        return [part for pair in reply.items() for part in pair]
    return list(reply) if isinstance(reply, list) else [bytes(reply)]  # type: ignore[call-overload]  # bytes
