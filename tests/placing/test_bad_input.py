"""Bad evidence by both doors: a verdict or a sentence for each piece, and whoever sent it stands where they stood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf, nan
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from muster.attendance import VisitStore
from muster.ids import RoomId
from muster.placing import Placing
from muster.stores.postgres.visits import PostgresVisits
from muster.visits import Visits
from proto import frames, limits
from proto.codes import Code
from tests.api.door import Door, Someone
from tests.api.opening import open_door
from tests.api.test_place import ready
from tests.fakes.hub import token
from tests.placing.world import HERE, fenced, fix, now_ms
from tests.realtime.sockets.door import Peer, masked, opened_door
from tests.visiting import gathering, listed, visits_of
from tests.vocabulary import new_id

FIXES: list[tuple[dict[str, Any], str]] = [
    ({"lat": nan}, "malformed"),
    ({"lat": inf}, "malformed"),
    ({"lat": 90.0001}, "malformed"),
    ({"lon": -inf}, "malformed"),
    ({"lon": 180.0001}, "malformed"),
    ({"lat": 1e308, "lon": -1e308}, "malformed"),
    ({"accuracy_m": nan}, "malformed"),
    ({"accuracy_m": inf}, "malformed"),
    ({"accuracy_m": -1.0}, "malformed"),
    ({"accuracy_m": 5_000.0}, "inaccurate"),
    ({"speed_mps": nan}, "malformed"),
    ({"speed_mps": inf}, "malformed"),
    ({"speed_mps": 340.0}, "too_fast"),
    ({"lat": HERE.lat + 0.2}, "too_fast"),
    ({"lat": HERE.lat + 0.02, "speed_mps": 1.0}, "jump"),
    ({"mock": True}, "mocked"),
    ({"at_ms": 60_000}, "future"),
    ({"at_ms": 366 * 86_400_000}, "future"),
    ({"at_ms": -86_400_000}, "ancient"),
    ({"at_ms": -200_000}, "out_of_order"),
]
"""What is wrong with a good fix of now, and the verdict. Times are from now."""

CROSSINGS: list[tuple[dict[str, Any], str]] = [
    ({"at_ms": 60_000}, "future"),
    ({"at_ms": -86_400_000}, "ancient"),
    ({"at_ms": -200_000}, "out_of_order"),
    ({"room": new_id()}, "no_event"),
]


class Both:
    """Somebody who is inside, with a socket and a session."""

    def __init__(self, door: Door, one: Someone, room: RoomId, peer: Peer, plain: Peer) -> None:
        self.door, self.one, self.room, self.peer, self.plain = door, one, room, peer, plain

    async def stands(self) -> tuple[Any, list[dict[str, Any]], int]:
        """As Redis and Postgres have it, to the byte."""
        kept = (await self.door.ground.placement._standings.load([self.one.id]))[self.one.id]
        log = await self.door.database.fetchval(
            "SELECT head FROM rooms WHERE room_id = $1", self.one.id
        )
        return kept, await visits_of(self.door.database, self.room), log

    async def by_rest(self, body: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = await self.one.done("POST", "/v1/me/fixes", json=body)
        return told


@pytest_asyncio.fixture
async def both(database_url: str, redis_url: str) -> AsyncIterator[Both]:
    """Both doors over one Postgres and one Redis."""
    async with open_door(database_url, redis_url) as door:
        one = await door.someone()
        room = await gathering(door.database, (await door.someone()).id)
        await fenced(door.database, room)
        await listed(door.database, room, one.id, sharing="on")
        await ready(door)
        visits: VisitStore = Visits(door.ground.writer, PostgresVisits(door.ground.primary))
        placing: Placing = door.ground.placement.placing(visits)
        async with opened_door(judge=placing) as sockets:
            peer = await sockets.authenticated(token(person=one.id.int))
            plain = await sockets.authenticated(
                token(person=one.id.int, session=2, device=2), subprotocol=limits.SUBPROTOCOL_JSON
            )
            both = Both(door, one, room, peer, plain)
            fixes = [_good(at_ms=now_ms() + ms) for ms in (-160_000, -120_000, -80_000, -10_000)]
            told = await both.by_rest({"fixes": fixes})
            assert told["events"] == [{"room": str(room), "phase": "inside"}]
            yield both


def _good(**wrong: Any) -> dict[str, Any]:
    here = fix(0.0, 0.0)
    good = {"lat": here.lat, "lon": here.lon, "accuracy_m": 10.0, "at_ms": now_ms()}
    return {**good, "speed_mps": None, "mock": False, **wrong}


def _timed(wrong: dict[str, Any]) -> dict[str, Any]:
    return {**wrong, "at_ms": now_ms() + wrong["at_ms"]} if "at_ms" in wrong else wrong


async def test_a_bad_fix_changes_nothing_by_either_door(both: Both) -> None:
    """What JSON can say is judged alike by both; what it cannot is refused with a sentence."""
    before = await both.stands()
    for number, (wrong, verdict) in enumerate(FIXES):
        said = _good(**_timed(wrong))
        await both.peer.send(frames.Fixes(number + 1, [frames.PhoneFix(**said)]))
        placed = await both.peer.receive()
        assert isinstance(placed, frames.Placed), (wrong, placed)
        assert placed.verdicts == [verdict], wrong
        assert await both.stands() == before, wrong
        if any(value in (inf, -inf) or value != value for value in said.values()):  # NaN
            continue
        told = await both.by_rest({"fixes": [said]})
        assert told["fixes"] == [verdict], wrong
        assert await both.stands() == before, wrong


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"52.5"', "null"])
async def test_what_is_no_number_is_refused_with_a_sentence(both: Both, number: str) -> None:
    """By REST, and by a socket that speaks JSON, which stays open."""
    before = await both.stands()
    body = f'{{"fixes": [{{"lat": {number}, "lon": 13.4, "accuracy_m": 9, "at_ms": {now_ms()}}}]}}'
    headers = {"Content-Type": "application/json"}
    answer = await both.one.ask("POST", "/v1/me/fixes", content=body, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (400, "bad_request")
    assert answer.json()["detail"]
    good = both.plain.codec.encode(frames.Fixes(7, [frames.PhoneFix(52.25, 13.4, 9.0, now_ms())]))
    bad = good.replace(b"52.25", number.encode())
    assert bad != good
    await both.plain.raw(masked(1, bad))
    refused = await both.plain.receive()
    assert isinstance(refused, frames.Error)
    assert (refused.code, bool(refused.message)) == (Code.bad_request, True)
    await both.plain.send(frames.Ping(8))
    assert isinstance(await both.plain.receive(), frames.Pong)
    assert await both.stands() == before


async def test_a_bad_crossing_changes_nothing_by_either_door(both: Both) -> None:
    """As a bad fix."""
    before = await both.stands()
    for number, (wrong, verdict) in enumerate(CROSSINGS):
        good = {"room": both.room, "is_enter": False, "at_ms": now_ms()}
        said = {**good, **_timed(wrong)}
        await both.peer.send(frames.Crossings(number + 1, [frames.PhoneCrossing(**said)]))
        placed = await both.peer.receive()
        assert isinstance(placed, frames.Placed)
        assert placed.verdicts == [verdict], wrong
        told = await both.by_rest({"crossings": [msgspec.to_builtins(said)]})
        assert told["crossings"] == [verdict], wrong
        assert await both.stands() == before, wrong
