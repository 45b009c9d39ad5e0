"""Where somebody is stays where it was said: no log line, no row and no key holds it."""

from __future__ import annotations

import struct

import asyncpg
import redis.asyncio as redis

from muster.ground import ground_of
from muster.place import NOWHERE, judge, pack
from muster.whereabouts import STEP_M
from proto import frames
from proto.codes import Code
from tests.api.opening import open_door
from tests.api.test_place import ready
from tests.fakes.hub import token
from tests.fixtures.logs import logged
from tests.muster.square import START, TERMS, venue
from tests.muster.square import fix as square_fix
from tests.placing.world import HERE, World, fenced, fix, processes
from tests.realtime.sockets.door import opened_door
from tests.visiting import gathering, listed

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


async def test_a_position_sent_by_rest_reaches_no_log_no_row_no_key_and_no_lane(
    database_url: str, redis_url: str
) -> None:
    """Fixes of every fate, fences asked for, events looked for near it: all of Redis is looked through, all tables."""
    with logged("debug") as log:
        async with open_door(database_url, redis_url) as door:
            ada, host = await door.someone(), await door.someone()
            room = await gathering(door.database, host.id, joins_on="entry")
            await fenced(door.database, room)
            await listed(door.database, room, ada.id, sharing="on")
            await ready(door)
            phases, said = [], {}
            for seconds in (-200, -160, -120, -80):
                said = {"lat": LAT, "lon": LON, "accuracy_m": 9.25, "at_ms": fix(seconds, 0).at_ms}
                told = await ada.done("POST", "/v1/me/fixes", json={"fixes": [said]})
                phases += [event["phase"] for event in told["events"]]
            assert phases[-1] == "inside"
            for wrong in ({"lat": LAT + 100}, {"lat": "x"}, {"at_ms": 1}, {"mock": True}):
                await ada.ask("POST", "/v1/me/fixes", json={"fixes": [{**said, **wrong}]})
            await ada.done("GET", f"/v1/me/fences?lat={LAT}&lon={LON}")
            await ada.done("GET", f"/v1/events?near={LAT},{LON}&from=0")
            await ada.ask("GET", f"/v1/events?near={LAT + 100},{LON}&from=0")
            # What came of it is published: the lanes are there to be looked at.
            await ada.post(str(room), "hello")
            rows = "\n".join(await _tables(door.database))
            assert str(HERE.lat) in rows, "where the event is stands there"
            assert not _marked(rows.encode())
            kept = await _keys(redis_url, "*")
            assert any(b":standing:" in name for name in kept), "there is something to look at"
            assert any(b"lane" in name for name in kept), "there is something to look at"
            assert not any(_marked(name + value) for name, value in kept.items())
    assert log.getvalue(), "there is something to look at"
    assert not _marked(log.getvalue().encode())


def test_of_all_places_within_a_ring_the_same_is_kept() -> None:
    """What a standing holds of a distance is which ring of STEP_M around the border it was in, and nothing finer."""
    ground = ground_of(venue())
    kept: dict[bytes, list[int]] = {}
    for metres in range(-95, 1_000):
        state = judge(NOWHERE, square_fix(metres, 5, 8.0), ground, TERMS, START + 5_000).state
        kept.setdefault(pack(state), []).append(metres)
    widths = sorted(places[-1] - places[0] + 1 for places in kept.values())
    for places in kept.values():
        assert places == list(range(places[0], places[-1] + 1))
    # Rings are cut only where the answer itself changes: at the border, at what ends a visit, and where a fix is sure.
    assert sum(width < STEP_M - 1 for width in widths) <= 8
    assert len(kept) <= (1_000 + 95) / STEP_M + 8


def _marked(data: bytes) -> bool:
    """Whether it holds one of the coordinates, as text or as a number."""
    binary = [
        struct.pack(order + form, value) for value in (LAT, LON) for order in "<>" for form in "df"
    ]
    return any(mark.encode() in data for mark in MARKS) or any(one in data for one in binary)


async def _rows(pool: asyncpg.Pool) -> str:
    found = await _tables(pool)
    assert any(str(HERE.lat) in row for row in found), "where the event is stands there"
    return "\n".join(found)


async def _tables(pool: asyncpg.Pool | asyncpg.Connection) -> list[str]:
    tables = await pool.fetch(
        "SELECT format('%I', relname) AS name FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for table in tables:
        rows = await pool.fetch(f"SELECT t::text FROM {table['name']} t")
        found += [row[0] for row in rows]
    return found


async def _kept(world: World, redis_url: str) -> dict[bytes, bytes]:
    """Every key of these processes, and all that is in it."""
    return await _keys(redis_url, f"{world.namespace}:*")


async def _keys(redis_url: str, named: str) -> dict[bytes, bytes]:
    found = {}
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        async for name in client.scan_iter(named, count=1000):
            key = bytes(name)
            kind = await client.type(key)
            asked: object
            if kind == b"hash":
                asked = await client.hgetall(key)
            elif kind == b"zset":
                asked = await client.zrange(key, 0, -1)
            elif kind == b"stream":
                asked = [
                    part for _, fields in await client.xrange(key) or () for part in _flat(fields)
                ]
            elif kind == b"set":
                asked = list(await client.smembers(key))
            elif kind == b"list":
                asked = await client.lrange(key, 0, -1)
            else:
                asked = await client.get(key)
            found[key] = b"|".join(_flat(asked))
    return found


def _flat(reply: object) -> list[bytes]:
    if isinstance(reply, dict):
        return [part for pair in reply.items() for part in pair]
    return list(reply) if isinstance(reply, list) else [bytes(reply)]  # type: ignore[call-overload]  # bytes
