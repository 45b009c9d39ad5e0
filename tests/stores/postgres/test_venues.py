"""Venues in Postgres: what is judged and when, and what people let it be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import asyncpg
import pytest_asyncio

from muster import hosting
from muster.attendance import Sharing
from muster.events import Attending, EventChange, JoinsOn
from muster.ids import PersonId, RoomId
from muster.plane import boxes
from muster.point import Point
from muster.stores.postgres.pool import open_database
from muster.stores.postgres.venues import PostgresVenues
from muster.venue import Circle, Leave, Venue, Visibility
from muster.writer import Writer
from tests.vocabulary import new_id, person, writing

HOUR_MS = 3_600_000
YARD = Circle(Point(48.2, 16.37), 80.0)


class Stage(NamedTuple):
    """A writer, the store, and a host."""

    database: asyncpg.Connection
    writer: Writer
    venues: PostgresVenues
    ada: PersonId
    now_ms: int


@pytest_asyncio.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    database = await open_database(database_url, "test-venues", 2, lambda _: None)
    connection = await asyncpg.connect(database_url)
    async with writing(database_url) as writer:
        ada = await person(connection)
        now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        now_ms = await connection.fetchval(now)
        yield Stage(connection, writer, PostgresVenues(database), ada, now_ms)
    await connection.close()
    await database.close()


async def _event(stage: Stage, in_h: float, *, fence: Circle | None = YARD) -> RoomId:
    """An hour long; in so many hours."""
    room, starts = RoomId(new_id()), stage.now_ms + round(in_h * HOUR_MS)
    around = [] if fence is None else boxes(fence.centre, fence.radius_m)
    change = EventChange(
        title="x", topic="", about="", cover=None, doors_at_ms=starts, starts_at_ms=starts,
        ends_at_ms=starts + HOUR_MS, zone="UTC", place_name="", address="", fence=fence,
        point=None if fence is None else fence.centre, visibility=Visibility.public, capacity=None,
        joins_on=JoinsOn.never, dwell_ms=1_000, boxes=around,
    )  # fmt: skip
    await stage.writer.submit(hosting.create(stage.ada, room, str(new_id()), change))
    return room


async def test_what_is_judged_between_two_moments(stage: Stage) -> None:
    """Events with a fence whose time meets it, those that ended meanwhile too; never what was called off before."""
    on, soon, off, ended = [await _event(stage, hours) for hours in (-0.5, 2, 0.5, -0.5)]
    await _event(stage, 0, fence=None)
    await stage.writer.submit(hosting.cancel(stage.ada, off, "off"))
    await stage.writer.submit(hosting.end(stage.ada, ended, "end"))

    async def found(from_h: float, until_h: float) -> set[RoomId]:
        span = [stage.now_ms + round(hours * HOUR_MS) for hours in (from_h, until_h)]
        return {venue.room for venue in await stage.venues.venues(*span)}

    assert await found(-1, 3) == {on, soon, ended}
    assert await found(0.1, 0.2) == {on}
    assert await found(1, 3) == {soon}
    assert await found(4, 5) == set()
    starts = stage.now_ms - HOUR_MS // 2
    assert await stage.venues.venue(on) == Venue(
        room=on, version=1, fence_version=1, shape=YARD, visibility=Visibility.public,
        from_ms=starts, until_ms=starts + HOUR_MS, dwell_ms=1_000,
    )  # fmt: skip
    assert [await stage.venues.venue(room) for room in (off, ended, RoomId(new_id()))] == [None] * 3


async def test_a_new_fence_is_a_new_version_of_it(stage: Stage) -> None:
    """And a change of anything else is none: what was judged under it still counts."""
    on = await _event(stage, 0)
    for change in (EventChange(title="new"), EventChange(dwell_ms=None)):
        await stage.writer.submit(hosting.change(stage.ada, on, str(new_id()), change))
    venue = await stage.venues.venue(on)
    assert venue is not None
    assert (venue.version, venue.fence_version, venue.dwell_ms) == (3, 1, None)
    wide = EventChange(fence=Circle(YARD.centre, 90.0), boxes=boxes(YARD.centre, 90.0))
    await stage.writer.submit(hosting.change(stage.ada, on, str(new_id()), wide))
    venue = await stage.venues.venue(on)
    assert venue is not None
    assert (venue.version, venue.fence_version, venue.shape) == (4, 4, wide.fence)
    await stage.writer.submit(hosting.change(stage.ada, on, "none", EventChange(fence=None)))
    assert await stage.venues.venue(on) is None


async def test_what_people_let_be_judged(stage: Stage) -> None:
    """Per event they are on the roster of, and by default; off where nothing is said; not of what is long over."""
    on, old = await _event(stage, 0), await _event(stage, 0)
    bob, eve = await person(stage.database), await person(stage.database)
    for event, sharing in ((on, "ghost"), (old, "on")):
        said = Attending("maybe", sharing)
        await stage.writer.submit(hosting.answer(bob, event, str(new_id()), said))
    await stage.writer.submit(hosting.share(eve, "mine", Attending(sharing="on")))
    await stage.database.execute(
        "UPDATE events SET doors_at = now() - interval '3 days', starts_at = now() - interval '3 days',"
        " ends_at = now() - interval '2 days' WHERE room_id = $1",
        old,
    )
    assert await stage.venues.leave([bob, eve]) == {
        bob: Leave({on: Sharing.ghost}, Sharing.off),
        eve: Leave({}, Sharing.on),
    }


async def test_where_an_event_is_found(stage: Stage) -> None:
    """By the box of its fence, else of its point; x is the longitude."""
    on = await _event(stage, 0)
    near = "SELECT room_id FROM events WHERE area && box(point($1, $2), point($1, $2))"
    assert [row[0] for row in await stage.database.fetch(near, 16.37, 48.2)] == [on]
    assert await stage.database.fetch(near, 48.2, 16.37) == []
    moved = EventChange(fence=None, point=Point(1.0, 2.0))
    await stage.writer.submit(hosting.change(stage.ada, on, "moved", moved))
    assert await stage.database.fetch(near, 16.37, 48.2) == []
    assert [row[0] for row in await stage.database.fetch(near, 2.0, 1.0)] == [on]
