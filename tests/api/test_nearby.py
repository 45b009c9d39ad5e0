"""Finding public events: what is near, at some time, by title; held against a plain walk over all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest
from structlog.testing import capture_logs

from muster.fence import fence_of
from muster.grid import snapped
from muster.point import Point, distance_m
from muster.venue import Circle, Polygon, Shape
from tests.api.door import Door, Someone
from tests.api.gathering import HOUR_MS, made, status

FIND = "/v1/events"
VIENNA = Point(48.2082, 16.3738)
CENTRES = (VIENNA, Point(-16.8, 179.999), Point(89.97, 10.0), Point(-89.99, -120.0))


async def _found(one: Someone, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    at: dict[str, Any] = {}
    while True:
        page = await one.done("GET", FIND, params={**query, **at})
        found += page["found"]
        if page["cursor"] is None:
            return found
        at = {"cursor": page["cursor"]}


async def _titles(one: Someone, **query: Any) -> list[str]:
    return [each["event"]["title"] for each in await _found(one, **query)]


def _near(point: Point) -> str:
    return f"{point.lat:.7f},{point.lon:.7f}"


def _places(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Points, circles and squares around places where longitudes jump or meet."""
    for centre in CENTRES:
        for n in range(10):
            lat = max(-90.0, min(90.0, centre.lat + rng.uniform(-0.2, 0.2)))
            lon = (centre.lon + rng.uniform(-0.3, 0.3) + 180) % 360 - 180
            if n % 3 == 0:
                yield {"point": {"lat": lat, "lon": lon}}
            elif n % 3 == 1 or abs(lat) > 89:
                shape = {"lat": lat, "lon": lon}
                yield {
                    "fence": {"type": "circle", "centre": shape, "radius_m": rng.uniform(30, 9_000)}
                }
            else:
                ring = [[lon, lat], [lon + 0.02, lat], [lon + 0.02, lat + 0.02], [lon, lat + 0.02]]
                ring = [[(x + 180) % 360 - 180, y] for x, y in ring]
                yield {"fence": {"type": "polygon", "rings": [[*ring, ring[0]]]}}


def _shape(place: dict[str, Any]) -> Shape | None:
    fence = place.get("fence")
    if fence is None:
        return None
    if fence["type"] == "circle":
        centre = fence["centre"]
        return Circle(Point(centre["lat"], centre["lon"]), fence["radius_m"])
    return Polygon([[(x, y) for x, y in ring] for ring in fence["rings"]])


def _away(here: Point, place: dict[str, Any]) -> float:
    shape = _shape(place)
    if shape is None:
        return distance_m(here, Point(place["point"]["lat"], place["point"]["lon"]))
    return max(0.0, fence_of(shape).distance_m(here.lat, here.lon))


async def test_what_is_found_is_what_a_walk_over_all_events_finds(door: Door) -> None:
    """Random places, also at the date line and the poles, radii and times: the same events, in order, with distances."""
    rng = random.Random(5)
    ada, eve = await door.someone(), await door.someone()
    now = door.clock.now_ms()
    all_: list[tuple[str, int, int, dict[str, Any]]] = []
    for place in _places(rng):
        starts = now + rng.randrange(1, 100) * HOUR_MS
        ends = starts + rng.randrange(1, 30) * HOUR_MS
        event = await made(
            ada, door, visibility="public", starts_at_ms=starts, ends_at_ms=ends, **place
        )
        all_.append((event, starts, ends, place))
    for centre in CENTRES * 4:
        asked = Point(
            max(-90.0, min(90.0, centre.lat + rng.uniform(-0.1, 0.1))),
            (centre.lon + rng.uniform(-0.1, 0.1) + 180) % 360 - 180,
        )
        radius = rng.choice((500, 4_000, 20_000, 100_000))
        since = now + rng.randrange(90) * HOUR_MS
        until = since + rng.randrange(1, 60) * HOUR_MS
        here = snapped(Point(round(asked.lat, 7), round(asked.lon, 7)))
        there = sorted(
            (starts, event, ceil(_away(here, place) / 100) * 100)
            for event, starts, ends, place in all_
            if _away(here, place) <= radius and starts < until and ends > since
        )
        query = {
            "near": _near(asked),
            "radius_m": radius,
            "from": since,
            "to": until,
            "limit": rng.choice((1, 3, 100)),
        }
        found = await _found(eve, **query)
        said = [(f["event"]["starts_at_ms"], f["event"]["id"], f["distance_m"]) for f in found]
        assert said == there
        nearest = await _found(eve, **query, order="distance")
        assert [(f["distance_m"], f["event"]["id"]) for f in nearest] == [
            (away, event) for away, _, event in sorted((a, s, e) for s, e, a in there)
        ]
    anywhere = await _found(eve, limit=7)
    assert [(f["event"]["starts_at_ms"], f["event"]["id"]) for f in anywhere] == sorted(
        (starts, event) for event, starts, _, _ in all_
    )
    assert {f["distance_m"] for f in anywhere} == {None}


async def test_only_what_anybody_may_find_is_found(door: Door) -> None:
    """Not what is for some, is over or called off; never across a block of a host, whoever blocks, nor for the kicked."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    place = {"point": {"lat": VIENNA.lat, "lon": VIENNA.lon}}
    at = {"near": _near(VIENNA)}
    for visibility in ("public", "link", "invited"):
        await made(ada, door, title=visibility, visibility=visibility, **place)
    off = await made(ada, door, title="off", visibility="public", **place)
    await made(bob, door, title="bobs", visibility="public", **place)
    await ada.done("POST", f"/v1/events/{off}/cancel")
    assert sorted(await _titles(eve, **at)) == sorted(await _titles(eve)) == ["bobs", "public"]
    await eve.done("PUT", f"/v1/me/blocks/{ada.id}")
    assert await _titles(eve, **at) == ["bobs"]
    await bob.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await _titles(eve) == await _titles(eve, **at, order="distance") == []
    assert sorted(await _titles(ada)) == ["bobs", "public"]
    await eve.done("DELETE", f"/v1/me/blocks/{ada.id}")
    [event] = [f["event"]["id"] for f in await _found(eve)]
    await eve.done("PUT", f"/v1/events/{event}/rsvp", json={"answer": "going"})
    [line] = await _found(ada, q="publ")
    assert (line["event"]["going"], line["event"]["is_host"]) == (2, True)
    await ada.done("DELETE", f"/v1/events/{event}/roster/{eve.id}")
    assert await _titles(eve, **at) == []


async def test_titles_are_found_by_how_their_words_begin(door: Door) -> None:
    """All words, in any case and order; signs are no operators; alone or near somewhere."""
    ada = await door.someone()
    place = {"point": {"lat": VIENNA.lat, "lon": VIENNA.lon}}
    for title in ("Rock'n'Roll Night", "Quiet night of böllers", "Chess"):
        await made(ada, door, title=title, visibility="public", **place)
    for words, expected in (
        ("nig", ["Quiet night of böllers", "Rock'n'Roll Night"]),
        ("NIGHT rock", ["Rock'n'Roll Night"]),
        ("böll", ["Quiet night of böllers"]),
        ("chess & !night", []),
        ("ess", []),
    ):
        assert sorted(await _titles(ada, q=words)) == expected
        assert sorted(await _titles(ada, q=words, near=_near(VIENNA))) == expected
    assert await _titles(ada, q="chess", near="10,10") == []


@pytest.mark.parametrize(
    "query",
    [
        {"near": "91,0"},
        {"near": "0,180.5"},
        {"near": "nan,0"},
        {"near": "1e3,0"},
        {"near": "48.2"},
        {"radius_m": 100},
        {"radius_m": 1_000_000},
        {"from": 5, "to": 5},
        {"from": -1},
        {"order": "distance"},
        {"q": "!&|"},
        {"cursor": "x"},
        {"near": "0,0", "order": "distance", "cursor": "x"},
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused(door: Door, query: dict[str, Any]) -> None:
    """With a sentence, and without the position in it."""
    ada = await door.someone()
    response = await ada.ask("GET", FIND, params=query)
    assert (response.status_code, response.json()["name"]) == (400, "bad_request")
    assert "91" not in response.text


async def test_an_attacker_learns_the_cell_and_no_more(door: Door) -> None:
    """Whatever is asked from wherever in a cell, in whatever order, by radius, distance or page: the same bytes."""
    rng = random.Random(9)
    ada, eve = await door.someone(), await door.someone()
    for place in _places(rng):
        await made(ada, door, visibility="public", **place)
    for centre in CENTRES[:2]:
        home = snapped(centre)
        same = [
            point
            for point in (
                Point(home.lat + rng.uniform(-0.004, 0.004), home.lon + rng.uniform(-0.004, 0.004))
                for _ in range(60)
            )
            if abs(point.lon) <= 180 and snapped(point) == home
        ]
        assert len(same) > 10
        for radius in (500, 3_000, 3_100, 9_999, 60_000):
            for order in ("start", "distance"):
                query = {"radius_m": radius, "order": order, "from": 0, "limit": 5}
                answers = {
                    (await eve.ask("GET", FIND, params={**query, "near": _near(point)})).content
                    for point in same[:6]
                }
                assert len(answers) == 1
        # And the answers of different cells do differ: there is something to be learned from.
        far = Point(home.lat + 0.05, home.lon)
        asked = {"radius_m": 60_000, "order": "distance"}
        assert await _found(eve, near=_near(far), **asked) != await _found(
            eve, near=_near(home), **asked
        )


async def test_where_somebody_asked_from_is_in_no_log_line(door: Door) -> None:
    """Neither of a request that succeeds nor of one that is refused: a line has the route, and no query."""
    ada = await door.someone()
    with capture_logs() as lines:
        await ada.done("GET", FIND, params={"near": "48.2082,16.3738"})
        await ada.ask("GET", FIND, params={"near": "48.2082,916.3738"})
    asked = [line for line in lines if line.get("route") == FIND]
    assert [line["status"] for line in asked] == [200, 400]
    assert not any("48.2" in str(line) or "16.3738" in str(line) for line in lines)
    rows = await door.database.fetch("SELECT query FROM pg_stat_activity")
    assert not any("48.2082" in (row[0] or "") for row in rows)


async def test_too_much_to_put_in_order_is_refused(door: Door) -> None:
    """More than a thousand candidates have no order of distance; in that of time they are paged through."""
    ada = await door.someone()
    event = await made(ada, door, visibility="public", point={"lat": 1.0, "lon": 1.0})
    await door.database.execute(
        "WITH made AS (INSERT INTO rooms (room_id, kind, title)"
        " SELECT gen_random_uuid(), 'event', 'copy ' || n FROM generate_series(1, 1005) n RETURNING room_id)"
        " INSERT INTO events (room_id, visibility, doors_at, starts_at, ends_at, zone, lat, lon, area, secret)"
        " SELECT m.room_id, visibility, doors_at, starts_at, ends_at, zone, 1 + random() * 0.2, lon,"
        " box(point(lon, lat), point(lon, lat + 0.2)), secret FROM made m, events e WHERE e.room_id = $1::uuid",
        event,
    )
    near = {"near": "1.0,1.0", "radius_m": 100_000}
    refused = await status(ada, "GET", FIND, params={**near, "order": "distance"})
    assert refused == (422, "limit_exceeded")
    assert len(await _found(ada, **near, limit=100)) == 1006
    # A page whose candidates are all too far is short, and says where to go on.
    short = await ada.done("GET", FIND, params={**near, "radius_m": 500, "limit": 100})
    assert len(short["found"]) < 100
    assert short["cursor"] is not None
