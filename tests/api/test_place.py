"""Where I am, by REST: fixes and crossings that a phone sends without a socket, and the fences that it may watch."""

from __future__ import annotations

import random
from typing import Any

import pytest

from muster.attendance import VisitStore
from muster.point import Point
from muster.restoring import Restoring
from muster.stores.postgres.visits import PostgresVisits
from muster.terms import Terms
from muster.visits import Visits
from tests.api.door import Door, Someone
from tests.placing.world import HERE, fenced, fix
from tests.visiting import gathering, listed, visits_of

FIXES, FENCES = "/v1/me/fixes", "/v1/me/fences"


async def ready(door: Door) -> None:
    """As when a hub has made its first round, and every process has read all events."""
    visits: VisitStore = Visits(door.ground.writer, PostgresVisits(door.ground.primary))
    around = door.ground.placement._around(visits)
    await Restoring(around, visits, Terms(), random.Random(1)).round()
    await door.ground.placement.survey.load()


async def event(door: Door, owner: Someone, at: Point = HERE, **more: Any) -> str:
    room = await gathering(door.database, owner.id, **more)
    await fenced(door.database, room, at)
    return str(room)


def here(*seconds: float, metres: float = 20.0) -> list[dict[str, Any]]:
    fixes = [fix(one, metres) for one in seconds]
    return [
        {"lat": f.lat, "lon": f.lon, "accuracy_m": f.accuracy_m, "at_ms": f.at_ms} for f in fixes
    ]


async def test_a_batch_from_the_background_is_a_visit(door: Door) -> None:
    """In any order, with crossings beside it; what Postgres has is what was told."""
    ada, bob = await door.someone(), await door.someone()
    room = await event(door, bob)
    await listed(door.database, room, ada.id, sharing="on")  # type: ignore[arg-type]  # as the path has it
    await ready(door)
    fixes = here(-300, -340, -260)
    crossing = {"room": room, "is_enter": True, "at_ms": fixes[0]["at_ms"] - 60_000}
    told = await ada.done("POST", FIXES, json={"fixes": fixes, "crossings": [crossing]})
    assert told == {
        "fixes": ["judged"] * 3,
        "crossings": ["judged"],
        "events": [{"room": room, "phase": "inside"}],
    }
    [visit] = await visits_of(door.database, room, ada.id)  # type: ignore[arg-type]
    assert visit["left_ms"] is None


async def test_what_cannot_be_a_fix_is_refused_and_what_is_none_is_told(door: Door) -> None:
    """And one at a time is no different from many."""
    ada = await door.someone()
    await ready(door)
    good = here(-10)[0]
    assert (await ada.done("POST", FIXES, json={"fixes": [good]}))["fixes"] == ["no_event"]
    nowhere = {**good, "lat": 91}
    assert (await ada.done("POST", FIXES, json={"fixes": [nowhere]}))["fixes"] == ["malformed"]
    bodies: list[dict[str, Any]] = [
        {},
        {"fixes": [], "crossings": []},
        {"fixes": [good] * 51},
        {"fixes": [{**good, "lat": "52"}]},
        {"fixes": [{**good, "at_ms": -1}]},
        {"fixes": [{**good, "lat": None}]},
        {"crossings": [{"room": "x", "is_enter": True, "at_ms": 0}]},
        {"crossings": [{"room": str(ada.id), "is_enter": True, "at_ms": 0}] * 21},
    ]
    for body in bodies:
        answer = await ada.ask("POST", FIXES, json=body)
        assert answer.status_code == 400, (body, answer.text)
    raw = '{"fixes": [{"lat": NaN, "lon": 1, "accuracy_m": 1, "at_ms": 1}]}'
    answer = await ada.ask("POST", FIXES, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_before_standings_are_known_it_is_said_to_say_it_again(door: Door) -> None:
    """Nothing is judged from nothing."""
    ada, bob = await door.someone(), await door.someone()
    room = await event(door, bob)
    await listed(door.database, room, ada.id, sharing="on")  # type: ignore[arg-type]
    await door.ground.placement.survey.load()
    answer = await ada.ask("POST", FIXES, json={"fixes": here(-10)})
    assert (answer.status_code, answer.json()["temporary"]) == (503, True)


async def test_fences_to_watch_are_those_that_may_judge_me_the_nearest_first(door: Door) -> None:
    """None smaller than phones can notice, twenty at most, and no title of anything."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    near = await event(door, bob)
    far = await event(door, bob, Point(HERE.lat + 0.5, HERE.lon), visibility="invited")
    unasked = await event(door, bob, visibility="invited")
    over = await event(door, bob, doors_in_s=-7_200, ends_in_s=-3_600)
    for room in (near, far):
        await listed(door.database, room, ada.id, sharing="ghost")  # type: ignore[arg-type]
    await fenced(door.database, near, radius_m=30.0)  # type: ignore[arg-type]
    await ready(door)
    told = await ada.done("GET", f"{FENCES}?lat=52.52&lon=13.38")
    assert [fence["room"] for fence in told["fences"]] == [near, far]
    first = told["fences"][0]
    assert (first["lat"], first["lon"], first["radius_m"]) == (HERE.lat, HERE.lon, 100.0)
    assert set(first) == {"room", "lat", "lon", "radius_m", "from_ms", "until_ms", "version"}
    assert unasked not in str(told)
    assert over not in str(told)
    assert (await eve.done("GET", f"{FENCES}?lat=52.52&lon=13.38"))["fences"] == []
    await door.database.execute(
        "INSERT INTO place_defaults (person_id, sharing) VALUES ($1, 'on')", eve.id
    )
    door.ground.placement.leaves.drop(eve.id)
    told = await eve.done("GET", f"{FENCES}?lat=52.52&lon=13.38")
    assert [fence["room"] for fence in told["fences"]] == [near]
    for _ in range(22):
        await event(door, bob)
    await ready(door)
    told = await eve.done("GET", f"{FENCES}?lat=52.52&lon=13.38")
    assert len(told["fences"]) == 20


@pytest.mark.parametrize(
    "query", ["", "?lat=52", "?lat=nan&lon=1", "?lat=91&lon=0", "?lat=1&lon=inf"]
)
async def test_fences_of_nowhere_are_refused(door: Door, query: str) -> None:
    """A place is two numbers of degrees."""
    answer = await (await door.someone()).ask("GET", FENCES + query)
    assert answer.status_code == 400
