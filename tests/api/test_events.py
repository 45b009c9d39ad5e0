"""Events: one object of room, time, place and roster, for hosts and for those who may know of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from muster.ids import CONTROL_ROOM
from tests.api.door import Door, Someone
from tests.api.gathering import answer, ask, log, made, status, terms

YARD = {"type": "circle", "centre": {"lat": 48.2, "lon": 16.37}, "radius_m": 80.0}
LAND = [[0.0, 40.0], [20.0, 40.0], [20.0, 60.0], [0.0, 60.0], [0.0, 40.0]]
BOW = [[16.0, 48.0], [16.01, 48.01], [16.01, 48.0], [16.0, 48.01], [16.0, 48.0]]


async def test_an_event_is_its_room(door: Door) -> None:
    """Made by one request: its id is the room's, its host is the owner and goes, and everything said is read back."""
    ada = await door.someone()
    said = terms(
        door, title="Open air", topic="bring a jacket", about="two lines\nof it", capacity=5,
        place_name="The yard", address="Street 1", point={"lat": 48.2, "lon": 16.37}, fence=YARD,
        visibility="public", dwell_ms=30_000, joins_on="entry",
    )  # fmt: skip
    event = await ada.done("POST", "/v1/events", json=said)
    assert {key: event[key] for key in said} == said
    assert (event["state"], event["role"], event["answer"]) == ("scheduled", "owner", "going")
    assert (event["owner"], event["going"], event["doors_at_ms"]) == (
        str(ada.id), 1, said["starts_at_ms"],
    )  # fmt: skip
    room = await ada.done("GET", f"/v1/rooms/{event['id']}")
    assert (room["kind"], room["title"], room["role"]) == ("event", "Open air", "owner")
    assert await ada.done("GET", f"/v1/events/{event['id']}") == event
    assert await ada.post(event["id"], "hello") == 2


async def test_the_same_key_makes_one_event(door: Door) -> None:
    """Also where the first answer was lost with all that was kept of it."""
    ada = await door.someone()
    key, said = {"headers": {"Idempotency-Key": "party"}}, terms(door)
    first = await ada.done("POST", "/v1/events", json=said, **key)
    await door.database.execute("DELETE FROM idempotency_keys")
    again = await ada.ask("POST", "/v1/events", json=said, **key)
    assert (again.status_code, again.json()) == (200, first)
    assert await door.database.fetchval("SELECT count(*) FROM events") == 1


async def test_a_change_is_one_entry_of_what_differs(door: Door) -> None:
    """Title and topic are the room's; versions grow; the same again is nothing; a cover is a picture of the host's."""
    ada = await door.someone()
    event = await made(ada, door, fence=YARD)
    path = f"/v1/events/{event}"
    changed = await ada.done("PATCH", path, json={"title": "New", "about": "a", "capacity": None})
    assert (changed["title"], changed["about"], changed["version"]) == ("New", "a", 2)
    assert (await ada.done("GET", f"/v1/rooms/{event}"))["title"] == "New"
    assert (await ada.done("PATCH", path, json={"title": "New"}))["version"] == 2
    wide = {**YARD, "radius_m": 90.0}
    assert (await ada.done("PATCH", path, json={"fence": wide, "about": "a"}))["fence"] == wide
    assert await log(door, event, "event") == [
        ("event", {"state": "scheduled", "changed": ["about", "title"], "title": "New"}),
        ("event", {"state": "scheduled", "changed": ["fence"]}),
    ]
    page = await ada.done("GET", f"/v1/rooms/{event}/history")
    assert [entry["kind"] for entry in page["entries"]] == ["join", "event", "event"]
    row = await door.database.fetchrow("SELECT version, fence_version FROM events")
    assert row is not None
    assert (row["version"], row["fence_version"]) == (3, 3)
    assert await status(ada, "PATCH", path, json={"cover": str(uuid4())}) == (409, "conflict")
    assert await status(ada, "PATCH", path, json={}) == (400, "bad_request")


async def test_a_cover_is_seen_by_who_may_know_of_the_event(door: Door) -> None:
    """It is the room's picture, of the host's own; another one takes its place, and null takes it away."""
    ada, asked, other = [await door.someone() for _ in range(3)]
    event = await made(ada, door)
    await ask(ada, event, asked)

    async def picture() -> str:
        media = str(uuid4())
        await door.database.execute(
            "INSERT INTO media (media_id, owner, purpose, state, secret, type, bytes)"
            " VALUES ($1::uuid, $2, 'room_picture', 'ready', 's', 'image/jpeg', 9)",
            media,
            ada.id,
        )
        return media

    async def sees(who: Someone, media: str) -> bool:
        found = await who.done("POST", "/v1/media/lookup", json={"ids": [media]})
        return bool(found["media"])

    first, second = await picture(), await picture()
    for cover in (first, second):
        changed = await ada.done("PATCH", f"/v1/events/{event}", json={"cover": cover})
        assert changed["cover"] == cover
        assert (await ada.done("GET", f"/v1/rooms/{event}"))["picture"] == cover
        assert [await sees(who, cover) for who in (asked, other)] == [True, False]
    assert not await sees(asked, first)
    assert await status(asked, "POST", "/v1/events", json=terms(door, cover=second)) == (
        409, "conflict",
    )  # fmt: skip
    gone = await ada.done("PATCH", f"/v1/events/{event}", json={"cover": None})
    assert gone["cover"] is None
    bodies = [body for _, body in await log(door, event, "event")]
    assert [body["picture"] for body in bodies] == [first, second, str(UUID(int=0))]
    assert not await sees(asked, second)


async def test_the_control_log_tells_what_judging_needs(door: Door) -> None:
    """A fence, its times, who may be judged, the end; not words, and nothing of an event without a fence."""
    ada = await door.someone()
    plain, fenced = await made(ada, door), await made(ada, door, fence=YARD)

    async def told() -> int:
        told = await log(door, CONTROL_ROOM, "event")
        assert all(body == {"room": fenced} for _, body in told)
        return len(told)

    assert await told() == 1
    ends = (await ada.done("GET", f"/v1/events/{fenced}"))["ends_at_ms"]
    for change, entries in (
        ({"title": "x", "address": "y", "capacity": 3}, 1),
        ({"ends_at_ms": ends + 60_000}, 2),
        ({"visibility": "public"}, 3),
        ({"dwell_ms": 1_000}, 4),
        ({"fence": None}, 5),
        ({"fence": YARD}, 6),
    ):
        await ada.done("PATCH", f"/v1/events/{fenced}", json=change)
        await ada.done("PATCH", f"/v1/events/{plain}", json={**change, "fence": None})
        assert await told() == entries
    for event in (plain, fenced):
        await ada.done("POST", f"/v1/events/{event}/cancel")
    assert await told() == 7


async def test_who_may_know_of_an_event(door: Door) -> None:
    """Public: anybody whom the owner does not block. Else the roster. Nobody put out; to others it is not there."""
    ada, asked, blocked, other = [await door.someone() for _ in range(4)]
    await ada.done("PUT", f"/v1/me/blocks/{blocked.id}")
    for visibility, known in (("public", {asked, other}), ("link", {asked}), ("invited", {asked})):
        event = await made(ada, door, visibility=visibility)
        await ask(ada, event, asked)
        for who in (asked, blocked, other):
            seen = await status(who, "GET", f"/v1/events/{event}")
            said = await status(who, "PUT", f"/v1/events/{event}/rsvp", json={"answer": "maybe"})
            listed = await status(who, "GET", f"/v1/events/{event}/roster")
            came = await status(who, "POST", f"/v1/rooms/{event}/join")
            want = (200, "") if who in known else (404, "not_found")
            assert [seen, said, listed, came] == [want] * 4, (visibility, who.handle)
        await ada.done("DELETE", f"/v1/events/{event}/roster/{asked.id}")
        for method, path in (("GET", ""), ("GET", "/roster")):
            gone = await status(asked, method, f"/v1/events/{event}{path}")
            assert gone == (404, "not_found"), visibility
        assert (await status(asked, "POST", f"/v1/rooms/{event}/join"))[0] == 404
        await ask(ada, event, asked)
        assert (await answer(asked, event))["answer"] == "going"


async def test_by_its_link_one_comes_onto_the_roster(door: Door) -> None:
    """And no further: who has a link has not said yes. One use each; hosts make links, guests do not."""
    ada, bob, eve, blocked = [await door.someone() for _ in range(4)]
    event = await made(ada, door, visibility="link")
    await ada.done("PUT", f"/v1/me/blocks/{blocked.id}")
    code = (await ada.done("POST", f"/v1/rooms/{event}/links", json={"uses": 1}))["code"]
    assert (await status(blocked, "POST", f"/v1/links/{code}/join"))[0] == 404
    for _ in range(2):
        await bob.done("POST", f"/v1/links/{code}/join")
    assert (await status(eve, "POST", f"/v1/links/{code}/join"))[0] == 404
    seen = await bob.done("GET", f"/v1/events/{event}")
    assert (seen["answer"], seen["role"]) == ("invited", "none")
    assert (await status(bob, "GET", f"/v1/rooms/{event}/history"))[0] == 404
    assert (await answer(bob, event))["role"] == "member"
    assert (await status(bob, "POST", f"/v1/rooms/{event}/links", json={}))[0] == 403
    notices = await log(door, bob.id, "notice")
    assert notices == [("notice", {"room": event, "state": "invited", "title": "an event"})]


BAD: list[dict[str, Any]] = [
    {"ends_at_ms": 1},
    {"starts_at_ms": -1},
    {"ends_at_ms": 2**53 - 1},
    {"starts_at_ms": 2**53 - 1, "ends_at_ms": 2**53 - 1},
    {"doors_at_ms": 2**53 - 1},
    {"starts_at_ms": 1_000_000_000_000, "doors_at_ms": 1_000_000_000_000},
    {"zone": "Nowhere/Else"},
    {"capacity": 0},
    {"fence": {**YARD, "radius_m": 0}},
    {"fence": {**YARD, "radius_m": 5_000_000}},
    {"fence": {**YARD, "centre": {"lat": 91, "lon": 0}}},
    {"fence": {"type": "polygon", "rings": [BOW]}},
    {"fence": {"type": "polygon", "rings": [BOW[:3]]}},
    {"fence": {"type": "polygon", "rings": [[[16.0, 48.0]] * 4]}},
    {"fence": {"type": "polygon", "rings": [LAND]}},
    {"fence": {"type": "polygon", "rings": []}},
    {"fence": {"type": "square", "side": 3}},
    {"point": {"lat": 91, "lon": 0}},
    {"point": {"lat": "north", "lon": 0}},
    {"visibility": "secret"},
    {"joins_on": "whim"},
    {"title": " "},
    {"cover": "no"},
]


@pytest.mark.parametrize("wrong", BAD, ids=str)
async def test_a_bad_event_is_a_plain_error(door: Door, wrong: dict[str, Any]) -> None:
    """400 with a sentence, whether it is made so or changed to it; and nothing is made, or changed."""
    ada = await door.someone()
    assert await status(ada, "POST", "/v1/events", json=terms(door, **wrong)) == (
        400, "bad_request",
    )  # fmt: skip
    event = await made(ada, door)
    assert await status(ada, "PATCH", f"/v1/events/{event}", json=wrong) == (400, "bad_request")
    assert await door.database.fetchval("SELECT sum(version) FROM events") == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_what_is_no_number_is_no_fence(door: Door, number: str) -> None:
    """A radius, a corner, a point: refused with a sentence."""
    ada = await door.someone()
    headers = {"Content-Type": "application/json"}
    for wrong in (
        {"fence": {**YARD, "radius_m": 7.5}},
        {"fence": {"type": "polygon", "rings": [[[7.5, 48.0], *BOW[1:]]]}},
        {"point": {"lat": 7.5, "lon": 16.0}},
    ):
        body = json.dumps(terms(door, **wrong)).replace("7.5", number)
        answer = await ada.ask("POST", "/v1/events", content=body, headers=headers)
        assert (answer.status_code, answer.json()["name"]) == (400, "bad_request")
        assert answer.json()["detail"]
    assert await door.database.fetchval("SELECT count(*) FROM events") == 0


async def test_what_is_over_is_over(door: Door) -> None:
    """Nobody answers, is asked or changes it any more; calling off again changes nothing, and its room talks on."""
    ada, bob = await door.someone(), await door.someone()
    event = await made(ada, door)
    await ask(ada, event, bob)
    path = f"/v1/events/{event}"
    assert await status(ada, "POST", f"{path}/end") == (409, "conflict")
    first = await ada.done("POST", f"{path}/cancel")
    again = await ada.done("POST", f"{path}/cancel")
    assert (first["fresh"], again["fresh"]) == (True, False)
    for method, at, body in (
        ("PUT", "/rsvp", {"answer": "going"}),
        ("PATCH", "", {"title": "on after all"}),
        ("POST", "/end", None),
        ("PUT", f"/roster/{uuid4()}", None),
    ):
        asker = bob if at == "/rsvp" else ada
        code = await status(asker, method, path + at, json=body)
        assert code in {(409, "conflict"), (404, "not_found")}, at
    seen = await bob.done("GET", path)
    assert (seen["state"], seen["over_at_ms"] is None) == ("cancelled", False)
    assert await log(door, event, "event") == [("event", {"state": "cancelled"})]
    await ada.post(event, "sorry")


async def test_a_change_and_the_end_at_once_are_one_after_the_other(door: Door) -> None:
    """Whichever is first: the log says so, and nothing is changed after the event was called off."""
    ada, bob = await door.someone(), await door.someone()
    for _ in range(5):
        event = await made(ada, door)
        await ask(ada, event, bob)
        await bob.done("PUT", f"/v1/events/{event}/rsvp", json={"answer": "going"})
        await ada.done("PUT", f"/v1/events/{event}/hosts/{bob.id}")
        path = f"/v1/events/{event}"
        first, last = await asyncio.gather(
            status(ada, "PATCH", path, json={"title": "moved"}),
            status(bob, "POST", f"{path}/cancel"),
        )
        said = [body["state"] for _, body in await log(door, event, "event")]
        assert said[-1] == "cancelled"
        assert first == ((200, "") if len(said) == 2 else (409, "conflict"))
        assert last == (200, "")


async def test_what_my_place_is_for(door: Door) -> None:
    """By default for public events, and per event; nobody else sees it, and my other devices are told."""
    ada, bob = await door.someone(), await door.someone()
    assert await bob.done("GET", "/v1/me/place") == {"sharing": "off"}
    for _ in range(2):
        await bob.done("PUT", "/v1/me/place", json={"sharing": "ghost"})
    assert await bob.done("GET", "/v1/me/place") == {"sharing": "ghost"}
    event = await made(ada, door, visibility="public")
    early = await status(bob, "PUT", f"/v1/events/{event}/rsvp", json={"sharing": "on"})
    assert early == (400, "bad_request")
    assert (await answer(bob, event, "maybe"))["sharing"] == "off"
    seen = await answer(bob, event, None, sharing="on")
    assert (seen["answer"], seen["sharing"]) == ("maybe", "on")
    assert (await answer(bob, event, "no"))["sharing"] == "off"
    told = [body for _, body in await log(door, bob.id, "event")]
    assert told == [{}, *({"room": event, "state": state} for state in ("maybe", "maybe", "no"))]
    assert "sharing" not in (await ada.done("GET", f"/v1/events/{event}/roster"))["guests"][0]


async def test_a_public_event_makes_nobody_a_room_mate(door: Door) -> None:
    """Its room is open to anybody; that of another event makes its members room-mates as a group does."""
    ada, bob = await door.someone(), await door.someone()
    for visibility, mates in (("public", False), ("invited", True)):
        event = await made(ada, door, visibility=visibility)
        await ask(ada, event, bob)
        await answer(bob, event)
        asked = "SELECT allows_v1('room-mates', $1, $2)"
        assert await door.database.fetchval(asked, ada.id, bob.id) is mates
        await door.database.execute("DELETE FROM members WHERE room_id = $1::uuid", event)
