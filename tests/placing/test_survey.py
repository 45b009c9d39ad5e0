"""The survey (muster/survey.py): what a process knows of events, and how soon it hears that one has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest_asyncio

from muster import hosting
from muster.attendance import Sharing
from muster.clock import SystemClock
from muster.control import ControlLog, ControlView
from muster.events import Answer, Attending
from muster.ids import CONTROL_ROOM, RoomId
from muster.leaves import Leaves
from muster.stores.postgres.membership import PostgresControlReader
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.venues import PostgresVenues
from muster.survey import AHEAD_MS, Survey
from muster.terms import Terms
from realtime.hearsay import Hearsay
from tests.fixtures.hubs import hub_on
from tests.placing.world import fenced
from tests.visiting import gathering, over
from tests.vocabulary import new_id, person

WITHIN_S = 10.0


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, "test-survey", 2, lambda _: None)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def changed(database: asyncpg.Connection, room: RoomId) -> None:
    """As every change of an event says in the control log."""
    await database.execute(
        "SELECT append_entry_v1(0, 'side', $1, 'event', $2, NULL, NULL, NULL, jsonb_build_object('room', $3::uuid),"
        " NULL)",
        *(CONTROL_ROOM, new_id(), room),
    )


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await so():  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0)


async def test_what_opens_within_hours_is_known_and_nothing_else(
    pool: Database, database: asyncpg.Connection
) -> None:
    """No event without a fence, none that is over, none of next week; any by its name."""
    ada = await person(database)
    survey = Survey(PostgresVenues(pool), SystemClock(), Terms())
    now = await gathering(database, ada)
    soon = await gathering(database, ada, doors_in_s=3_600, ends_in_s=7_200)
    later = AHEAD_MS / 1000 + 3_600
    week = await gathering(database, ada, doors_in_s=later, ends_in_s=later + 60)
    ended = await gathering(database, ada)
    for room in (now, soon, week, ended):
        await fenced(database, room)
    await over(database, ended)
    bare = await gathering(database, ada)
    await survey.load()
    assert {ground.room for ground in survey.venues.grounds()} == {now, soon}
    found = await survey.find(week)
    assert found is not None
    assert found.room == week
    assert await survey.find(bare) is None
    assert await survey.find(ended) is None


async def test_a_change_of_an_event_is_in_force_on_every_process_within_two_seconds(
    pool: Database, database: asyncpg.Connection
) -> None:
    """By the control log alone, as with Redis dead: a fence that came, that moved, an event that ended."""
    survey = Survey(PostgresVenues(pool), SystemClock(), Terms())
    control = ControlLog(
        PostgresControlReader(pool.lent), ControlView(1_000), SystemClock(), survey.control
    )
    await control.load(1_000)
    await survey.load()
    room = await gathering(database, await person(database))

    async def radius_m() -> float | None:
        ground = survey.venues.get(room)
        return None if ground is None else ground.fence.reach_m

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(loop.run()) for loop in (survey, control)]
        for wanted in (100.0, 130.0, None):
            if wanted is None:
                await over(database, room)
            else:
                await fenced(database, room, radius_m=wanted)
            await changed(database, room)

            async def so(wanted: float | None = wanted) -> bool:
                return await radius_m() == wanted

            await until(so)
        for task in running:
            task.cancel()


async def test_a_hub_hears_in_the_logs_whose_leave_has_changed(
    pool: Database, database: asyncpg.Connection, database_url: str, fresh_redis_url: str
) -> None:
    """At once, for those who are connected; and of events as every process does."""
    store, clock = PostgresVenues(pool), SystemClock()
    survey, leaves = Survey(store, clock, Terms()), Leaves(store, clock)
    hears = Hearsay(survey, leaves)
    ada = await person(database)
    room = await gathering(database, await person(database))
    async with hub_on(database_url, fresh_redis_url, hears=hears) as node:
        socket = await node.connect(ada)
        await node.follow(socket)
        assert (await leaves.of(ada)).by_event == {}
        said = Attending(answer=Answer.going, sharing=Sharing.ghost)
        await node.writer.submit(hosting.answer(ada, room, "c", said))

        async def so() -> bool:
            return (await leaves.of(ada)).by_event == {room: Sharing.ghost}

        await until(so)
        await changed(database, room)

        async def known() -> bool:
            return room in survey._changed

        await until(known)
