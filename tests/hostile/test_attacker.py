"""Somebody who tries to find out where a person is, over the real door, with all that the api gives them.

What the attacker knows: the person's id and handle, that they are on the event's roster, where and when the event is,
and its code at the door. What they have: as many accounts as they like, a clock, and every route that guests have; in
the last tests an event of their own, of which they are the host. What they try: the same questions before and after the
person came, questions from all around, counts that accounts of their own have brought to just below where they change,
questions at every moment, deeds whose answers differ. Whatever is asked is compared byte for byte: an answer that is
the same tells nothing, by whatever way it is read.

The bounds: of who shares nothing, or shares by default alone, nobody learns anything, whatever fences they draw. Of
ghosts guests learn nothing, and hosts no name, only that they are five more. Of who shares, strangers learn that the
crowd grew, once in five, half a minute late at best. Every distance is from a cell's middle.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from muster.crowd import WINDOW_MS, K
from muster.grid import snapped
from muster.ids import RoomId
from muster.point import Point, distance_m
from tests.api.door import Door, Someone
from tests.api.opening import open_door
from tests.api.test_place import ready
from tests.placing.world import HERE, fenced, fix
from tests.visiting import belong, gathering, listed, there, visits_of

CELL_REACH_M: Final = 360.0
"""From the middle of a cell to its farthest corner."""

STEPS_M: Final = (0.0, 30.0, 90.0, 250.0, 800.0, 3_000.0)
DEGREE_M: Final = 111_195.0
HOSTS_ASK: Final = ("", "/here", "/roster", "/attendance", "/attendance.csv", "/stats")
GUESTS_ASK: Final = ("", "/here", "/roster", "/attendance", "/attendance.csv", "/stats", "/code")


@pytest_asyncio.fixture
async def door(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """The application on a database of the test's own."""
    async with open_door(database_url, redis_url) as opened:
        yield opened


async def _event(door: Door, owner: Someone, at: Point = HERE, **more: Any) -> RoomId:
    room = await gathering(door.database, owner.id, **more)
    await fenced(door.database, room, at)
    return room


async def _victim(door: Door, room: RoomId, sharing: str, circle: str = "contacts") -> Someone:
    """On the roster; whom strangers may not see by name."""
    one = await door.someone()
    await listed(door.database, room, one.id, sharing=sharing)
    await door.database.execute(
        "UPDATE people SET may_see_events = $2 WHERE person_id = $1", one.id, circle
    )
    return one


def _around(rng: random.Random) -> list[Point]:
    """Chosen positions: on rings about the event, as one who trilaterates would stand."""
    return [
        Point(
            HERE.lat + metres * rng.choice((-1, 1)) / DEGREE_M,
            HERE.lon + metres * rng.choice((-1, 1)) / DEGREE_M,
        )
        for metres in STEPS_M
    ]


async def _all_answers(attacker: Someone, room: RoomId, victim: Someone) -> list[tuple[int, str]]:
    """Everything that may be asked about event and person, from everywhere."""
    rng = random.Random(3)
    asked = [f"/v1/events/{room}{tail}" for tail in GUESTS_ASK]
    asked += [f"/v1/people/{victim.id}", f"/v1/rooms/{room}/members", "/v1/me/sync"]
    for point in _around(rng):
        near = f"near={point.lat:.7f},{point.lon:.7f}"
        asked += [
            f"/v1/events?{near}&from=0&radius_m={radius}&order={order}"
            for radius in (500, 777, 3_000)
            for order in ("start", "distance")
        ]
        asked.append(f"/v1/me/fences?lat={point.lat:.7f}&lon={point.lon:.7f}")
    answers = []
    for path in asked:
        answer = await attacker.ask("GET", path)
        answers.append((answer.status_code, _timeless(path, answer.text)))
    for deed in ("check-in", "check-out"):
        answer = await attacker.ask("POST", f"/v1/events/{room}/roster/{victim.id}/{deed}")
        answers.append((answer.status_code, answer.json()["detail"]))
    return answers


def _timeless(path: str, text: str) -> str:
    """Without the moment of the answer itself, and the ids of requests that are refused."""
    if path.endswith("/here"):
        return text.partition('"as_of_ms"')[0] + text.partition('"unnamed"')[2]
    if path.endswith("/me/sync"):
        return text.partition('"events"')[2]
    return text.partition('"request_id"')[0].partition('"instance"')[0]


async def _window(door: Door) -> None:
    door.clock.ahead_s += WINDOW_MS / 1000


@pytest.mark.parametrize(("sharing", "source"), [("off", "qr"), ("ghost", "gps"), ("ghost", "qr")])
async def test_of_who_does_not_share_a_guest_learns_nothing(
    door: Door, sharing: str, source: str
) -> None:
    """Not even with a crowd of their own that is one short of a number: no answer differs by anything."""
    host, attacker = await door.someone(), await door.someone()
    room = await _event(door, host)
    victim = await _victim(door, room, sharing)
    await listed(door.database, room, attacker.id, sharing="on")
    for _ in range(K - 1):  # the attacker's own accounts, at the door with the code
        puppet = await _victim(door, room, "on")
        await there(door.database, room, puppet.id, source="qr", confidence="high")
    before = await _all_answers(attacker, room, victim)
    await there(door.database, room, victim.id, source=source, confidence="high")
    await _window(door)
    assert await _all_answers(attacker, room, victim) == before
    await door.database.execute(
        "UPDATE event_visits SET left_at = now() WHERE person_id = $1", victim.id
    )
    await _window(door)
    assert await _all_answers(attacker, room, victim) == before


async def test_of_who_shares_a_stranger_learns_that_the_crowd_grew_and_not_when(door: Door) -> None:
    """The best that counts and timing give: with four accounts inside, one more is there, at fixed moments, no name.

    Of ten who come at moments of their own the number tells two, and the moments of neither.
    """
    host, attacker = await door.someone(), await door.someone()
    room = await _event(door, host)
    told: list[tuple[int | None, int]] = []
    came: list[int] = []
    for n in range(K - 1 + 10):
        one = await _victim(door, room, "on")
        await there(door.database, room, one.id, source="qr", confidence="high", entered_ago_s=1)
        came.append(n)
        for _ in range(3):  # asks again and again, within one window and beyond
            answer = await attacker.done("GET", f"/v1/events/{room}/here")
            assert answer["as_of_ms"] % WINDOW_MS == 0
            assert answer["people"] == []
            told.append((answer["count"], answer["as_of_ms"]))
            door.clock.ahead_s += WINDOW_MS / 1000 / 2
    by_moment: dict[int, set[int | None]] = {}
    for count, moment in told:
        by_moment.setdefault(moment, set()).add(count)
    assert all(len(counts) == 1 for counts in by_moment.values()), "one moment, one number"
    numbers = [count for count, _ in told]
    changes = sum(a != b for a, b in pairwise(numbers))
    assert changes == len(came) // K
    assert {count for count in numbers if count is not None} == {K, 2 * K}


async def test_near_me_puts_the_asker_no_nearer_than_their_cell(door: Door) -> None:
    """An attacker who reads a person's answers, by their size on the wire or over the shoulder, has the cell of it.

    From the distances to forty events around, whose places are known to the metre, they look for where the person is:
    every place of the cell explains all that was answered as well as the true one.
    """
    rng = random.Random(11)
    owner, victim = await door.someone(), await door.someone()
    for _ in range(40):
        at = Point(HERE.lat + rng.uniform(-0.03, 0.03), HERE.lon + rng.uniform(-0.03, 0.03))
        room = await _event(door, owner, at)
        await door.database.execute("UPDATE events SET fence = NULL WHERE room_id = $1", room)
    true = Point(HERE.lat + 0.00123, HERE.lon - 0.00321)
    cell = snapped(true)
    assert distance_m(true, cell) <= CELL_REACH_M

    async def read(at: Point) -> list[bytes]:
        near = f"{at.lat:.7f},{at.lon:.7f}"
        return [
            (
                await victim.ask(
                    "GET",
                    "/v1/events",
                    params={"near": near, "radius_m": radius, "order": order, "from": 0},
                )
            ).content
            for radius in (500, 1_900, 5_000)
            for order in ("start", "distance")
        ]

    said = await read(true)
    others = (
        Point(cell.lat + rng.uniform(-0.003, 0.003), cell.lon + rng.uniform(-0.005, 0.005))
        for _ in range(60)
    )
    twins = [point for point in others if snapped(point) == cell][:8]
    assert max(distance_m(true, twin) for twin in twins) > 150.0, "the cell is worth hiding in"
    for twin in twins:
        assert await read(twin) == said


async def test_a_hosts_deed_does_not_tell_whether_a_ghost_is_there(door: Door) -> None:
    """Nor since when, or by what: to check somebody in or out answers as if they had never come."""
    attacker = await door.someone()
    answers = []
    for is_there in (False, True):
        room = await _event(door, attacker)
        victim = await _victim(door, room, "ghost")
        if is_there:
            await there(door.database, room, victim.id, entered_ago_s=600)
        path = f"/v1/events/{room}/roster/{victim.id}"
        out = await attacker.ask("POST", f"{path}/check-out")
        now_ms = door.clock.now_ms()
        into = await attacker.ask("POST", f"{path}/check-in")
        again = await attacker.ask("POST", f"{path}/check-out")
        body = into.json()
        assert body.pop("entered_ms") >= now_ms
        answers.append((out.status_code, out.json()["detail"], into.status_code, body))
        assert (again.status_code, again.json()["detail"]) == answers[-1][:2]
        [visit] = await visits_of(door.database, room, victim.id)
        assert visit["left_ms"] is None
        named = await attacker.done("GET", f"/v1/events/{room}/here")
        assert (named["people"], named["count"]) == ([], 0)
    assert answers[0] == answers[1]


def _is_named(one: Someone, text: str) -> bool:
    return str(one.id) in text or f'"{one.handle}"' in text


async def _told_to_a_host(host: Someone, rooms: list[str]) -> dict[str, str]:
    """All that hosts are told of these events, but for what the clock alone changes."""
    told = {}
    for room in rooms:
        paths = [f"/v1/events/{room}{tail}" for tail in HOSTS_ASK]
        for path in (*paths, f"/v1/rooms/{room}/members", f"/v1/rooms/{room}/history"):
            answer = await host.ask("GET", path)
            assert answer.status_code == 200, path
            told[path] = re.sub(r'"(as_of_ms|median_minutes)":[^,]*,', "", answer.text)
    return told


async def _drawn(host: Someone, door: Door, at: Point) -> str:
    """A small public fence that is judged already."""
    now_ms = door.clock.now_ms()
    told = {
        "title": "come all",
        "starts_at_ms": now_ms - 7_200_000,
        "ends_at_ms": now_ms + 7_200_000,
        "zone": "Europe/Berlin",
        "visibility": "public",
        "joins_on": "entry",
        "dwell_ms": 0,
        "fence": {
            "type": "circle",
            "centre": {"lat": at.lat, "lon": at.lon},
            "radius_m": 60.0,
        },
    }
    room: str = (await host.done("POST", "/v1/events", json=told))["id"]
    return room


async def _goes_home(one: Someone) -> Any:
    """Their phone says so: four fixes in the middle of all fences."""
    fixes = [fix(seconds, 0.0) for seconds in (-300, -260, -220, -180)]
    said = [{"lat": f.lat, "lon": f.lon, "accuracy_m": 8.0, "at_ms": f.at_ms} for f in fixes]
    return await one.done("POST", "/v1/me/fixes", json={"fixes": said})


@pytest.mark.parametrize("sharing", ["on", "ghost", "off"])
async def test_fences_drawn_around_a_home_tell_nothing(door: Door, sharing: str) -> None:
    """Of who shares by default and never answered: not with many small public fences that overlap, which judge them,
    each with crowds of the attacker's own that are one short of every number. Nor when they invite them afterwards."""
    attacker, victim = await door.someone(), await door.someone()
    await victim.ask("PUT", "/v1/me/place", json={"sharing": sharing})
    offs = [(up, along) for up in (-30.0, 0.0, 30.0) for along in (-30.0, 30.0)]
    places = [Point(HERE.lat + u / DEGREE_M, HERE.lon + a / DEGREE_M) for u, a in offs]
    rooms = [await _drawn(attacker, door, at) for at in places]
    puppets = [await door.someone() for _ in range(2 * (K - 1))]
    for room in rooms:
        for n, puppet in enumerate(puppets):
            said = "on" if n % 2 else "ghost"
            await listed(door.database, RoomId(UUID(room)), puppet.id, sharing=said)
            await there(
                door.database,
                RoomId(UUID(room)),
                puppet.id,
                source="qr",
                confidence="high",
                entered_ago_s=3_601,
            )
    await ready(door)
    before = await _told_to_a_host(attacker, rooms)
    placed = await _goes_home(victim)
    inside = [event["phase"] for event in placed["events"]]
    assert inside == ["inside"] * (0 if sharing == "off" else len(rooms)), "they were judged"
    await _window(door)
    assert await _told_to_a_host(attacker, rooms) == before
    for room in rooms:
        await attacker.done("PUT", f"/v1/events/{room}/roster/{victim.id}")
        for tail in ("/here", "/attendance", "/stats"):
            path = f"/v1/events/{room}{tail}"
            text = (await attacker.ask("GET", path)).text
            assert re.sub(r'"(as_of_ms|median_minutes)":[^,]*,', "", text) == before[path]


@pytest.mark.parametrize("by", ["a host", "themself"])
async def test_a_deed_about_who_is_there_by_default_begins_with_the_deed(
    door: Door, by: str
) -> None:
    """A host who invites somebody and checks them in is told what they would be of one who never came; so is one whose
    guest checks in by hand. Who then says that they share is there for others from their word on."""
    attacker = await door.someone()
    room = await _drawn(attacker, door, HERE)
    answers, event = [], f"/v1/events/{room}"
    for is_there in (True, False):
        victim = await door.someone()
        await victim.done("PUT", "/v1/me/place", json={"sharing": "on"})
        await ready(door)
        if is_there:
            assert (await _goes_home(victim))["events"][0]["phase"] == "inside"
        now_ms = door.clock.now_ms()
        if by == "a host":
            await attacker.done("PUT", f"{event}/roster/{victim.id}")
            deed = await attacker.done("POST", f"{event}/roster/{victim.id}/check-in")
        else:
            deed = await victim.done("POST", f"{event}/check-in", json={})
        [attendee] = (await attacker.done("GET", f"{event}/attendance"))["people"]
        told = (deed.pop("entered_ms") >= now_ms - 1, attendee["arrived_ms"] >= now_ms - 1)
        answers.append((deed, told, attendee["visits"], attendee["sources"], attendee["minutes"]))
        await victim.done("POST", f"{event}/check-out")
        await door.database.execute("DELETE FROM event_visits")
    assert answers[0] == answers[1]
    assert answers[0][1] == (True, True)
    ben = await door.someone()
    await ben.done("PUT", "/v1/me/place", json={"sharing": "on"})
    await ready(door)
    await _goes_home(ben)
    assert (await attacker.done("GET", f"{event}/here"))["count"] == 0
    await ben.done("PUT", f"{event}/rsvp", json={"answer": "going", "sharing": "on"})
    [named] = (await attacker.done("GET", f"{event}/here"))["people"]
    assert named["id"] == str(ben.id)


async def test_nothing_a_host_does_takes_a_ghosts_sheet_off(door: Door) -> None:
    """Not to put them out, nor to ask them again, nor to check them in; not even after they took back everything."""
    attacker = await door.someone()
    for source in ("qr", "gps"):
        room = await _event(door, attacker)
        victim = await _victim(door, room, "ghost")
        event = f"/v1/events/{room}"
        if source == "gps":
            await ready(door)
            assert (await _goes_home(victim))["events"][0]["phase"] == "inside"
        else:
            code = (await attacker.done("GET", f"{event}/code"))["code"]
            await victim.done("POST", f"{event}/check-in", json={"code": code})

        async def nobody(event: str = event, victim: Someone = victim) -> None:
            for tail in ("/here", "/attendance", "/stats"):
                answer = await attacker.done("GET", event + tail)
                assert not _is_named(victim, str(answer).replace("'", '"')), tail
                assert answer.get("count", answer.get("people")) in (0, [])

        await nobody()
        await attacker.done("POST", f"{event}/roster/{victim.id}/check-in")
        await nobody()
        await attacker.done("DELETE", f"{event}/roster/{victim.id}")
        await nobody()
        await attacker.done("PUT", f"{event}/roster/{victim.id}")
        await nobody()
        await attacker.done("POST", f"{event}/roster/{victim.id}/check-in")
        await nobody()
        await victim.done("PUT", f"{event}/rsvp", json={"answer": "no"})
        await nobody()


async def test_of_four_ghosts_a_host_is_told_nothing_and_of_five_that_they_are_five(
    door: Door,
) -> None:
    """No number, no figure; nor do two hosts, of whom one is blocked, see a difference."""
    host, other = await door.someone(), await door.someone()
    room = await _event(door, host)
    await belong(door.database, room, other.id, "moderator")
    ghosts = [await _victim(door, room, "ghost") for _ in range(K)]
    before = await _told_to_a_host(host, [str(room)])
    for one in ghosts[:-1]:
        await there(door.database, room, one.id, source="qr", confidence="high")
        assert await _told_to_a_host(host, [str(room)]) == before
    await there(door.database, room, ghosts[-1].id)
    for one in ghosts:
        await door.database.execute("INSERT INTO blocks VALUES ($1, $2)", one.id, other.id)
    for one in (host, other):
        here = await one.done("GET", f"/v1/events/{room}/here")
        stats = await one.done("GET", f"/v1/events/{room}/stats")
        assert (here["count"], here["unnamed"], here["people"]) == (K, K, [])
        assert (stats["people"], stats["present"], stats["peak"]["at_ms"] % WINDOW_MS) == (K, K, 0)


async def test_a_fence_that_moves_takes_no_consent_along(door: Door) -> None:
    """Who let a fence at the club judge them is judged by none around their home: they are told, and asked again."""
    attacker, victim = await door.someone(), await door.someone()
    club = Point(HERE.lat + 0.05, HERE.lon)
    room = await _drawn(attacker, door, club)
    event = f"/v1/events/{room}"
    await victim.done("PUT", f"{event}/rsvp", json={"answer": "going", "sharing": "on"})
    fence = {"type": "circle", "centre": {"lat": HERE.lat, "lon": HERE.lon}, "radius_m": 60.0}
    await attacker.done("PATCH", event, json={"fence": fence})
    await ready(door)
    assert (await victim.done("GET", event))["sharing"] == "off"
    assert (await _goes_home(victim))["events"] == []
    assert await visits_of(door.database, RoomId(UUID(room))) == []
    payload = await door.database.fetchval(
        "SELECT payload::text FROM jobs WHERE kind = 'event_notice' AND payload ->> 'state' = 'changed'"
    )
    assert '"fence"' in payload
    await victim.done("PUT", f"{event}/rsvp", json={"sharing": "on"})
    door.ground.placement.leaves.drop(victim.id)
    assert (await _goes_home(victim))["events"] == [{"room": room, "phase": "inside"}]
