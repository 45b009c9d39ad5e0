"""Processes that place people, over one Postgres and one Redis, without any door before them.

    async with processes(database_url, redis_url, 2) as world:
        event = await world.event()
        await world.process(0).says(ada, world.inside(event, -120), world.inside(event, -60), world.inside(event, 0))

Owns this vocabulary. Time is the machine's: what a test says was heard of in the past, as from a phone in a pocket.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from muster.breaker import SHARED, Breaker
from muster.clock import SystemClock
from muster.config import Settings
from muster.edges import Edges
from muster.ids import PersonId, RoomId
from muster.leaves import Leaves
from muster.overdue import Overdue
from muster.place import Fix, State, unpack
from muster.place_counts import PlaceCounts
from muster.placing import Around, Pay, Placing
from muster.point import Point
from muster.quotas import Quotas
from muster.restoring import Restoring
from muster.standing import Due, Health, Kept, Move, Rebuilding, Unreachable
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.venues import PostgresVenues
from muster.stores.postgres.visits import PostgresVisits
from muster.stores.redis.standing import RedisStandings, standings_at
from muster.survey import Survey
from muster.terms import Terms
from muster.tolls import Tolls
from muster.venue import Circle
from muster.visits import Visits
from muster.writer import Writer
from proto import frames
from tests.fakes.tolls import FakeTolls
from tests.visiting import gathering, listed, visits_of
from tests.vocabulary import person, writing

HERE = Point(52.5163, 13.3777)
RADIUS_M = 100.0
DEGREE_M = 111_195.0
TERMS = Terms()


class Cut:
    """Standings whose wire a test cuts: before, or after, the next moves were done."""

    def __init__(self, standings: RedisStandings) -> None:
        self._standings = standings
        self.before = 0
        self.after = 0
        self.moves = 0

    async def load(
        self, people: Collection[PersonId], *, closed: bool = False
    ) -> dict[PersonId, dict[RoomId, Kept]]:
        return await self._standings.load(people, closed=closed)

    async def move(self, moves: Sequence[Move], *, closed: bool = False) -> list[int]:
        self.moves += 1
        if self.before:
            self.before -= 1
            raise Unreachable
        moved = await self._standings.move(moves, closed=closed)
        if self.after:
            self.after -= 1
            raise Unreachable
        return moved

    async def take_due(self, most: int) -> Due:
        return await self._standings.take_due(most)

    async def look(self) -> Health:
        return await self._standings.look()

    async def begin(self) -> Rebuilding:
        return await self._standings.begin()

    async def finish(self, rebuilding: Rebuilding) -> None:
        await self._standings.finish(rebuilding)

    async def close(self) -> None:
        await self._standings.close()


@dataclass
class Process:
    """One that judges, sweeps and puts back; nothing of it runs by itself."""

    placing: Placing
    overdue: Overdue
    restoring: Restoring
    survey: Survey
    leaves: Leaves
    standings: Cut
    counts: PlaceCounts

    async def says(self, who: PersonId, *fixes: frames.PhoneFix) -> frames.Placed:
        """This person's phone has this to say."""
        return await self.placing.placed(who, frames.Fixes(1, list(fixes)))

    async def crosses(self, who: PersonId, *crossings: frames.PhoneCrossing) -> frames.Placed:
        return await self.placing.placed(who, frames.Crossings(1, list(crossings)))

    async def know(self) -> None:
        """Of all events as they are, and of nobody's leave."""
        await self.survey.load()
        self.leaves._known.clear()

    async def state(self, who: PersonId, room: RoomId) -> State | None:
        """As Redis has it."""
        kept = (await self.standings.load([who], closed=True))[who].get(room)
        return None if kept is None else unpack(kept.state)


@dataclass
class World:
    """Where they are."""

    database: Database
    pool: asyncpg.Pool
    all: list[Process]
    namespace: str

    def process(self, number: int = 0) -> Process:
        return self.all[number]

    async def event(self, **more: Any) -> RoomId:
        """A public one, here, whose doors are open."""
        room = await gathering(self.pool, await person(self.pool), **more)
        await fenced(self.pool, room)
        for one in self.all:
            await one.know()
        return room

    async def guest(self, room: RoomId, sharing: str = "on") -> PersonId:
        """Somebody on its roster."""
        who = await person(self.pool)
        await listed(self.pool, room, who, sharing=sharing)
        return who

    async def visits(self, room: RoomId, who: PersonId | None = None) -> list[dict[str, Any]]:
        return await visits_of(self.pool, room, who)


async def fenced(
    database: asyncpg.Connection | asyncpg.Pool,
    room: RoomId,
    centre: Point = HERE,
    radius_m: float = RADIUS_M,
) -> None:
    """Put a round fence there."""
    shape = msgspec.json.encode(Circle(centre, radius_m)).decode()
    await database.execute(
        "UPDATE events SET fence = $2::text::jsonb, lat = $3::float8, lon = $4::float8,"
        " area = box(point($4::float8 - 0.1, $3::float8 - 0.1), point($4 + 0.1, $3 + 0.1)), version = version + 1,"
        " fence_version = version + 1 WHERE room_id = $1",
        *(room, shape, centre.lat, centre.lon),
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def fix(seconds: float, metres: float, accuracy_m: float = 10.0, **more: Any) -> frames.PhoneFix:
    """So many metres north of where the event is, so many seconds from now."""
    at_ms = now_ms() + round(seconds * 1000)
    return frames.PhoneFix(HERE.lat + metres / DEGREE_M, HERE.lon, accuracy_m, at_ms, **more)


def inside(*seconds: float) -> list[frames.PhoneFix]:
    return [fix(one, 20.0) for one in seconds]


def outside(*seconds: float) -> list[frames.PhoneFix]:
    return [fix(one, 400.0) for one in seconds]


def of(one: frames.PhoneFix) -> Fix:
    return Fix(one.lat, one.lon, one.accuracy_m, one.at_ms, one.speed_mps, one.mock)


@asynccontextmanager
async def processes(
    database_url: str,
    redis_url: str,
    count: int = 1,
    *,
    terms: Terms = TERMS,
    cluster: bool = False,
) -> AsyncIterator[World]:
    """So many; what is lost is put back once, so that they may begin."""
    namespace = f"test-{secrets.token_hex(6)}"
    async with AsyncExitStack() as closing:
        writer = await closing.enter_async_context(writing(database_url))
        database = await open_database(database_url, "test-placing", 4, lambda _: None)
        closing.push_async_callback(database.close)
        pool = await closing.enter_async_context(
            asyncpg.create_pool(database_url, min_size=1, max_size=2)
        )
        several = []
        for _ in range(count):
            standings = standings_at(redis_url, cluster, random.Random(1), namespace)
            closing.push_async_callback(standings.close)
            several.append(_process(standings, database, writer, terms))
        await several[0].restoring.round()
        yield World(database, pool, several, namespace)


def _pay(clock: SystemClock) -> Pay:
    """Limits of this process alone."""
    tolls = Tolls(FakeTolls(clock), Breaker(random.Random(1), SHARED), clock)
    quota = Quotas.of(Settings()).fixes

    async def pay(person: PersonId, pieces: int) -> None:
        await tolls.take(quota.of(person.bytes, float(pieces)))

    return pay


def _process(
    standings: RedisStandings, database: Database, writer: Writer, terms: Terms
) -> Process:
    clock, venues, counts = SystemClock(), PostgresVenues(database), PlaceCounts()
    visits = Visits(writer, PostgresVisits(database))
    survey, leaves, cut = Survey(venues, clock, terms), Leaves(venues, clock), Cut(standings)
    around = Around(cut, Edges(visits, clock, counts), survey, leaves, clock, counts)
    return Process(
        Placing(around, terms, _pay(clock)),
        Overdue(around, terms),
        Restoring(around, visits, terms, random.Random(1)),
        survey,
        leaves,
        cut,
        counts,
    )
