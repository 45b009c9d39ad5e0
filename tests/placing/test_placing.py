"""The claims of muster/placing.py, on a real Postgres and a real Redis."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from muster.attendance import Source
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.place import Phase
from muster.standing import Kept
from proto import frames
from proto.codes import Code
from tests.placing.world import Process, World, fenced, fix, inside, now_ms, outside, processes
from tests.visiting import over
from tests.vocabulary import new_id, person


@pytest_asyncio.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with processes(database_url, redis_url, 2) as world:
        yield world


def phase_of(placed: frames.Placed, room: RoomId) -> str | None:
    return next((event.phase for event in placed.events if event.room == room), None)


async def test_who_stays_inside_for_the_dwell_has_come_and_who_stays_away_has_gone(
    world: World,
) -> None:
    """One visit, from the first fix inside to the first outside, by gps."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    placed = await here.says(ada, *inside(-400, -370))
    assert (placed.verdicts, phase_of(placed, room)) == (["judged"] * 2, "pending_in")
    placed = await here.says(ada, *inside(-340, -310))
    assert phase_of(placed, room) == "inside"
    placed = await here.says(ada, *outside(-250, -220, -180))
    assert phase_of(placed, room) == "left"
    [visit] = await world.visits(room, ada)
    assert (visit["source"], visit["left_source"]) == ("gps", "gps")
    assert 140_000 < visit["left_ms"] - visit["entered_ms"] < 160_000
    assert here.counts.edges == {("gps", "enter"): 1, ("gps", "exit"): 1}
    assert here.counts.verdicts["judged"] == 7


async def test_two_phones_on_two_hubs_are_one_machine(world: World) -> None:
    """Each says half of what is needed; one visit comes of it."""
    room = await world.event()
    ada = await world.guest(room)
    for n, seconds in enumerate((-300, -270, -240)):
        await world.process(n % 2).says(ada, *inside(seconds))
    placed = await world.process(1).says(ada, *inside(-210))
    assert phase_of(placed, room) == "inside"
    assert len(await world.visits(room, ada)) == 1
    placed = await world.process(0).says(ada, *outside(-150))
    placed = await world.process(1).says(ada, *outside(-120))
    placed = await world.process(0).says(ada, *outside(-80))
    assert phase_of(placed, room) == "left"
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is not None


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_two_hubs_hear_at_once_redis_and_postgres_agree_afterwards(
    world: World, seed: int
) -> None:
    """Visits never overlap, at most one is open, and it is open if and only if the standing is inside."""
    rng = random.Random(seed)
    room = await world.event()
    people = [await world.guest(room) for _ in range(3)]

    async def phone(who: PersonId, number: int) -> None:
        side = [20.0, 20.0, 400.0, 400.0]
        for step in range(14):
            metres = side[(step // 4 + (seed > 1) * number) % 4]
            piece = fix(-580 + 40 * step + rng.random() * 20, metres)
            while not await _said(world.process(number), who, piece):
                pass

    async with asyncio.TaskGroup() as tasks:
        for who in people:
            for number in (0, 1):
                tasks.create_task(phone(who, number))
    for who in people:
        visits = await world.visits(room, who)
        spans = [(v["entered_ms"], v["left_ms"]) for v in visits]
        assert all(left is not None for _, left in spans[:-1])
        assert all(left <= then for (_, left), (then, _) in pairwise(spans))
        state = await world.process().state(who, room)
        assert state is not None
        assert state.is_inside is bool(spans and spans[-1][1] is None)


async def _said(process: Process, who: PersonId, piece: frames.PhoneFix) -> bool:
    """As a phone does: say it again where the outcome is unknown."""
    try:
        await process.says(who, piece)
    except Refused as refused:
        if not refused.temporary:
            raise
        return False
    return True


async def test_a_standing_that_another_hub_has_moved_is_judged_again(world: World) -> None:
    """From what is there now, not from what this process remembers."""
    room, one, other = await world.event(), world.process(0), world.process(1)
    ada = await world.guest(room)
    await one.says(ada, *inside(-300))
    await other.says(ada, *inside(-270))
    await one.says(ada, *inside(-255))
    assert one.counts.conflicts == 1
    placed = await one.says(ada, *inside(-230))
    assert phase_of(placed, room) == "inside"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_dies_between_postgres_and_redis_records_nothing_twice(
    world: World, when: str
) -> None:
    """The phone says it again, to another hub: one visit, and the standing follows. So for going."""
    room, dying, other = await world.event(), world.process(0), world.process(1)
    ada = await world.guest(room)
    for fixes, phase in (
        (inside(-500, -460, -420), "inside"),
        (outside(-380, -340, -300), "left"),
    ):
        setattr(dying.standings, when, 1)
        with pytest.raises(Refused) as refused:
            await dying.says(ada, *fixes)
        assert refused.value.code is Code.unavailable
        assert len(await world.visits(room, ada)) == 1, "it stands in Postgres"
        placed = await other.says(ada, *fixes)
        if when == "before":
            assert phase_of(placed, room) == phase
        else:
            told = {
                "out_of_order",
                "no_event",
            }  # who has left is judged no more where they are not near
            assert set(placed.verdicts) <= told, "it was done: nobody was told"
        state = await other.state(ada, room)
        assert state is not None
        assert state.phase.name == phase
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is not None


async def test_what_postgres_holds_wins_over_what_was_judged(world: World) -> None:
    """An event that is over by now takes no entry: nobody is inside."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300))
    await over(world.pool, room)
    placed = await here.says(ada, *inside(-260, -220))
    assert phase_of(placed, room) == "left"
    assert await world.visits(room, ada) == []
    state = await here.state(ada, room)
    assert state is not None
    assert state.phase is Phase.left


async def test_nobody_is_judged_who_has_not_let_it(world: World) -> None:
    """Neither who shares nothing with it, nor by default where nothing was said, nor for what one may not know of."""
    room, here = await world.event(), world.process()
    hidden = await world.event(visibility="invited")
    silent, stranger = await world.guest(room, "off"), await person(world.pool)
    ghost = await world.guest(room, "ghost")
    for who in (silent, stranger):
        placed = await here.says(who, *inside(-300, -260, -220))
        assert (placed.verdicts, placed.events) == (["no_event"] * 3, [])
        assert await here.state(who, room) is None
    await world.pool.execute(
        "INSERT INTO place_defaults (person_id, sharing) VALUES ($1, 'on')", stranger
    )
    here.leaves.drop(stranger)
    placed = await here.says(stranger, *inside(-180, -140, -100))
    assert phase_of(placed, room) == "inside"
    assert phase_of(placed, hidden) is None, "nor is it named"
    placed = await here.says(ghost, *inside(-180, -140, -100))
    assert phase_of(placed, room) == "inside"


async def test_leave_that_is_taken_back_ends_judging(world: World) -> None:
    """From the moment the hub hears of it."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300, -260, -220))
    await world.pool.execute("UPDATE event_roster SET sharing = 'off' WHERE person_id = $1", ada)
    here.leaves.drop(ada)
    placed = await here.says(ada, *outside(-180, -140, -100))
    assert placed.verdicts == ["no_event"] * 3
    [visit] = await world.visits(room, ada)
    assert visit["left_ms"] is None, "what ends it is silence, the event, or a deed"


async def test_somebody_far_away_has_gone_from_where_they_were(world: World) -> None:
    """No venue is near their fix, and it speaks about the one they were at."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    away = [fix(-280 + 40 * n, 1_500.0 + 500 * n, speed_mps=30.0) for n in range(4)]
    placed = await here.says(ada, *away)
    assert phase_of(placed, room) == "left"


async def test_who_only_passes_by_costs_nothing_once_they_are_past(world: World) -> None:
    """A drive through a town full of events is not judged for all of them until its end."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    placed = await here.says(ada, fix(-300, 115.0))
    assert phase_of(placed, room) == "near"
    moves = here.standings.moves
    placed = await here.says(ada, fix(-200, 2_500.0))
    assert (placed.verdicts, placed.events) == (["no_event"], [])
    assert here.standings.moves == moves


async def test_bad_input_is_told_and_changes_nothing(world: World) -> None:
    """NaN, infinities, no place on Earth, the future, long ago, made up, far off: the standing stays as it was."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300, -260, -220))
    before = await here.standings.load([ada])
    nan, inf, at = float("nan"), float("inf"), now_ms()
    bad = [
        frames.PhoneFix(nan, 13.4, 10.0, at),
        frames.PhoneFix(52.5, inf, 10.0, at),
        frames.PhoneFix(91.0, 13.4, 10.0, at),
        frames.PhoneFix(52.5, -180.1, 10.0, at),
        frames.PhoneFix(52.5163, 13.3777, nan, at),
        frames.PhoneFix(52.5163, 13.3777, -1.0, at),
        frames.PhoneFix(52.5163, 13.3777, 10.0, at, nan),
        frames.PhoneFix(52.5163, 13.3777, 10.0, at + 3_600_000),
        frames.PhoneFix(52.5163, 13.3777, 10.0, 0),
        frames.PhoneFix(52.5163, 13.3777, 10.0, at - 590_000),
        frames.PhoneFix(52.5163, 13.3777, 10.0, at, None, True),
        frames.PhoneFix(52.5163, 13.3777, 500.0, at),
        frames.PhoneFix(52.5163, 13.3777, 10.0, at, 900.0),
        frames.PhoneFix(-33.8, 151.2, 10.0, at),
    ]
    placed = await here.says(ada, *bad)
    assert placed.verdicts == [
        *(["malformed"] * 7),
        *("future", "ancient", "out_of_order", "mocked", "inaccurate", "too_fast", "too_fast"),
    ]
    assert await here.standings.load([ada]) == before
    assert len(await world.visits(room, ada)) == 1


async def test_crossings_count_for_the_event_they_name_and_need_a_fix(world: World) -> None:
    """One that is not known, or not mine to know of, is told like one that does not exist."""
    room, here = await world.event(), world.process()
    hidden = await world.event(visibility="invited")
    ada = await world.guest(room)
    at = now_ms() - 300_000
    placed = await here.crosses(
        ada,
        frames.PhoneCrossing(room, True, at),
        frames.PhoneCrossing(hidden, True, at),
        frames.PhoneCrossing(RoomId(new_id()), True, at),
    )
    assert placed.verdicts == ["judged", "no_event", "no_event"]
    assert phase_of(placed, room) == "near"
    placed = await here.says(ada, *inside(-270))
    assert phase_of(placed, room) == "pending_in"
    placed = await here.says(ada, *inside(-230))
    assert phase_of(placed, room) == "inside"


async def test_a_fence_that_moved_ends_the_visit_and_begins_anew(world: World) -> None:
    """What was judged by the old one counts for nothing."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-400, -360, -320))
    await fenced(world.pool, room, radius_m=120.0)
    await here.know()
    placed = await here.says(ada, *inside(-100))
    assert phase_of(placed, room) in ("near", "left")
    [visit] = await world.visits(room, ada)
    assert visit["left_source"] == "moved"


async def test_who_checks_in_by_hand_is_inside_and_by_silence_never_out(world: World) -> None:
    """And out by hand is out, until they were seen outside."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.placing.marked(room, ada, True, Source.qr, now_ms())
    state = await here.state(ada, room)
    assert state is not None
    assert (state.phase, state.is_vouched) == (Phase.inside, True)
    await here.placing.marked(room, ada, False, Source.hand, now_ms() + 1)
    state = await here.state(ada, room)
    assert state is not None
    assert (state.phase, state.is_dismissed) == (Phase.left, True)
    await here.placing.marked(RoomId(new_id()), ada, True, Source.qr, now_ms())


async def test_what_a_hub_remembers_does_not_hide_that_somebody_has_come_again(
    world: World,
) -> None:
    """They went by this hub and came again by another: a fix from far away, to this one, is heard."""
    room, here, other = await world.event(), world.process(0), world.process(1)
    ada = await world.guest(room)
    await here.says(ada, *inside(-560, -520, -480))
    await here.says(ada, *outside(-440, -400, -360))
    await other.says(ada, *inside(-320, -280, -240))
    placed = await here.says(ada, *outside(-200, -160, -120))
    assert phase_of(placed, room) == "left"
    assert [visit["left_source"] for visit in await world.visits(room, ada)] == ["gps", "gps"]


async def test_what_a_hub_remembers_is_as_old_as_when_it_was_read(world: World) -> None:
    """What it moves itself makes the rest of it no newer."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300))
    read_at = here.placing._shelf._held[ada][1]
    await here.says(ada, *inside(-270))
    assert here.standings.moves == 2
    assert here.placing._shelf._held[ada][1] == read_at


async def test_more_fixes_than_anybody_needs_are_refused(world: World) -> None:
    """With how long to wait."""
    ada, here = await person(world.pool), world.process()
    for _ in range(6):
        await here.says(ada, *inside(*[-10.0] * 50))
    with pytest.raises(Refused) as refused:
        await here.says(ada, *inside(*[-10.0] * 50))
    assert refused.value.code is Code.too_many_requests
    assert refused.value.retry_after_ms is not None


async def test_requests_of_a_person_are_judged_in_the_order_they_came(world: World) -> None:
    """A batch in three frames, sent without waiting, is as good as one after the other."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    batches = [inside(-500, -480), inside(-460, -440), inside(-420, -400), outside(-300)]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(here.says(ada, *batch)) for batch in batches]
    assert all(set(task.result().verdicts) == {"judged"} for task in running)
    assert len(here.placing._turns) == 0


async def test_most_fixes_cost_one_call_to_redis(world: World) -> None:
    """What this process put there is remembered; nothing is moved for what changes nothing."""
    room, here = await world.event(), world.process()
    ada = await world.guest(room)
    await here.says(ada, *inside(-300))
    held = here.placing._shelf.of(ada, 0.0)
    assert held is not None
    assert await here.standings.load([ada]) == {ada: held}
    moves = here.standings.moves
    assert (await here.says(ada, *inside(-301))).verdicts == ["out_of_order"]
    assert here.standings.moves == moves
    here.placing._shelf.put(ada, {room: Kept(1, b"")}, 0.0)
    await here.says(ada, *inside(-260))
    state = await here.state(ada, room)
    assert state is not None
    assert len(state.votes) == 2, "what was remembered wrongly was found out"
