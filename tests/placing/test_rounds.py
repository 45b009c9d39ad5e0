"""The rounds: over what is due (muster/overdue.py), and over what was lost (muster/restoring.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis.asyncio as redis

from muster.attendance import Source
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.place import Phase, State
from muster.standing import Health, Key, Move, Unreachable
from muster.terms import Terms
from proto.codes import Code
from tests.placing.world import Process, World, inside, now_ms, outside, processes
from tests.visiting import over

QUICK = Terms(silence_ms=100_000)
"""Silence that a phone's last batch can be older than, and still be judged."""


@pytest_asyncio.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with processes(database_url, redis_url, 2, terms=QUICK) as world:
        yield world


async def standing(process: Process, who: PersonId, room: RoomId) -> State:
    state = await process.state(who, room)
    assert state is not None
    return state


async def lose(world: World, redis_url: str) -> None:
    """What FLUSHALL does to these processes, and to nobody else's."""
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        async for key in client.scan_iter(f"{world.namespace}:*", count=1000):
            await client.delete(key)


# What is due


async def test_silence_ends_a_visit_at_the_last_evidence(world: World) -> None:
    """By whichever process comes by, once."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    for one in world.all:
        await one.overdue.round()
    [visit] = await world.visits(room, ada)
    assert visit["left_source"] == "silence"
    assert abs(visit["left_ms"] - (now_ms() - 320_000)) < 10_000
    assert (await standing(here, ada, room)).phase is Phase.left
    assert here.counts.swept == 1
    assert here.counts.late_s > 200
    assert await world.process(1).overdue.round() == 0


async def test_a_dwell_that_is_over_is_one_although_no_fix_follows(world: World) -> None:
    """A phone in a pocket says little once its owner stands still."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    placed = await here.says(ada, *inside(-95, -80))
    assert [event.phase for event in placed.events] == ["pending_in"]
    await here.overdue.round()
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is None
    assert (await standing(here, ada, room)).phase is Phase.inside


async def test_an_event_that_is_over_leaves_no_standing(world: World) -> None:
    """The visit was ended with the event; where it was not, the round ends it."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    await over(world.pool, room)
    await here.know()
    await here.overdue.round()
    assert await here.state(ada, room) is None
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is not None


async def test_many_that_are_due_at_once_are_shared_by_all_who_make_rounds(world: World) -> None:
    """Each is looked at by one."""
    room = await world.event()
    people = [await world.guest(room) for _ in range(25)]
    for who in people:
        await world.process().says(who, *inside(-400, -360, -320))
    both = await asyncio.gather(*(one.overdue.round() for one in world.all))
    assert sum(both) == 25
    visits = await world.visits(room)
    assert [visit["left_source"] for visit in visits] == ["silence"] * 25
    assert sum(one.counts.edges["silence", "exit"] for one in world.all) == 25


async def test_a_process_that_slept_over_what_it_had_in_hand_does_no_harm(world: World) -> None:
    """Meanwhile the phone has spoken: whoever wakes late compares, and lets be."""
    room, here = await world.event(), world.process(1)
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    sleeper = world.process(0)
    sleeper.standings.before = 1
    with pytest.raises(Unreachable):
        await sleeper.overdue.round()
    [visit] = await world.visits(room, ada)
    assert visit["left_source"] == "silence"
    await here.says(ada, *inside(-20, -10))
    state = await standing(here, ada, room)
    assert state.phase is not Phase.inside, "they have left, by what is written down"


async def test_how_far_somebody_was_from_a_fence_is_forgotten_within_minutes(
    world: World, database_url: str, redis_url: str
) -> None:
    """Also where the standing itself is needed for as long as the event lasts."""
    quick = Terms(ancient_ms=60_000)
    async with processes(database_url, redis_url, terms=quick) as other:
        room, here = await other.event(), other.process()
        ada = await other.guest(room)
        await here.placing.marked(room, ada, True, Source.qr, now_ms() - 59_000)
        await here.says(ada, *inside(-58.9, -58.8))
        assert len((await standing(here, ada, room)).votes) == 3
        async with asyncio.timeout(10):
            while (await standing(here, ada, room)).votes:
                await here.overdue.round()
                await asyncio.sleep(0)
        state = await standing(here, ada, room)
        assert (state.phase, state.is_vouched) == (Phase.inside, True)


# What was lost


async def test_after_redis_lost_everything_nobody_is_out_and_nobody_is_in_twice(
    world: World, redis_url: str
) -> None:
    """Until it is put back, fixes are answered: say it again. Then whoever has a visit is inside."""
    room, here, other = await world.event(), world.process(0), world.process(1)
    ada, bob = await world.guest(room), await world.guest(room)
    await here.says(ada, *inside(-300, -260, -220))
    await here.says(bob, *inside(-220))
    await here.standings.look()
    await lose(world, redis_url)
    assert await here.standings.look() == Health(is_lost=True, is_doubted=False)
    for process in (here, other):
        with pytest.raises(Refused) as refused:
            await process.says(ada, *inside(-180))
        assert (refused.value.code, refused.value.retry_after_ms) == (Code.unavailable, 1_000)
    assert await other.restoring.round() == 1
    assert not (await here.standings.look()).is_lost
    placed = await here.says(ada, *inside(-180))
    assert [event.phase for event in placed.events] == ["inside"]
    assert len(await world.visits(room, ada)) == 1
    placed = await here.says(ada, *outside(-140, -100, -60))
    assert [event.phase for event in placed.events] == ["left"]
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is not None
    assert await world.visits(room, bob) == []


async def test_what_was_lost_is_found_and_put_back_by_itself(world: World, redis_url: str) -> None:
    """Within a moment, by whoever looks first; two at once do no harm."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300, -260, -220))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one.restoring.run()) for one in world.all]
        await lose(world, redis_url)
        async with asyncio.timeout(10):
            while not await _inside(here, ada, room):  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0)
        for task in running:
            task.cancel()
    assert len(await world.visits(room, ada)) == 1


async def _inside(process: Process, who: PersonId, room: RoomId) -> bool:
    state = await process.state(who, room)
    lost = (await process.standings.look()).is_lost
    return state is not None and state.is_inside and not lost


async def test_a_round_mends_what_a_process_left_half_done(world: World) -> None:
    """It wrote down that somebody came and died; their phone says nothing more."""
    room, dying, other = await world.event(), world.process(0), world.process(1)
    ada = await world.guest(room)
    dying.standings.before = 1
    with pytest.raises(Refused):
        await dying.says(ada, *inside(-90, -60, -20))
    assert await other.state(ada, room) is None
    assert await other.restoring.round() == 1
    assert (await standing(other, ada, room)).is_inside
    assert await other.restoring.round() == 0, "what is as it should be is let be"


async def test_who_leaves_while_standings_are_put_back_has_left(world: World) -> None:
    """What was read of their visit before is not believed any more."""
    room, here, other = await world.event(), world.process(0), world.process(1)
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    before = (await other.standings.load([ada]))[ada][room]
    await here.says(ada, *outside(-280, -240, -200))
    # As a round would that had read the standing, and slept while they left.
    key = Key(ada, room)
    late = Move(key, before.version, before.state, now_ms() + 60_000, None)
    assert await other.standings.move([late], closed=True) == [0]
    assert await other.restoring.round() == 0
    assert (await standing(here, ada, room)).phase is Phase.left


async def test_many_visits_are_put_back_page_by_page(world: World, redis_url: str) -> None:
    """Of two events, with pages that end within one."""
    rooms = [await world.event(), await world.event()]
    await world.pool.execute(
        "INSERT INTO event_visits (room_id, person_id, number, entered_at, source, confidence)"
        " SELECT r, gen_random_uuid(), 1, now(), CASE WHEN n % 2 = 0 THEN 'gps' ELSE 'host' END, 'high'"
        " FROM unnest($1::uuid[]) r, generate_series(1, 620) n",
        rooms,
    )
    await lose(world, redis_url)
    here = world.process()
    assert await here.restoring.round() == 1_240
    people = [PersonId(visit["person_id"]) for visit in await world.visits(rooms[1])]
    found = await here.standings.load(people)
    assert all(set(kept) == {rooms[1]} for kept in found.values())


async def test_who_was_put_back_can_leave_by_a_fix(database_url: str, redis_url: str) -> None:
    """What was lost with Redis are the fixes before; the next ones are judged all the same."""
    async with processes(database_url, redis_url) as world:
        room = await world.event()
        ada = await world.guest(room)
        await world.process().says(ada, *inside(-400, -340, -300))
        async with redis.Redis.from_url(redis_url, protocol=2) as client:
            async for key in client.scan_iter(f"{world.namespace}:*", count=1000):
                await client.delete(key)
        await world.process().restoring.round()
        await world.process().says(ada, *outside(-200, -140, -100))
        [visit] = await world.visits(room, ada)
        assert visit["left_ms"] is not None
