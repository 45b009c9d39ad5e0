"""My events: in lists, in notices, in sync, and as calendars read them."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from prometheus_client import CollectorRegistry

from api.assembly import timers
from muster.jobs import JobMetrics
from tests.api.door import Door, Someone
from tests.api.gathering import HOUR_MS, answer, ask, made, status
from tests.muster.test_icalendar import parsed, plain

MINE = "/v1/me/events"
FEED = MINE + "/calendar"


async def _list(one: Someone, which: str, limit: int = 100) -> list[str]:
    """Titles, by all pages."""
    titles: list[str] = []
    query: dict[str, Any] = {"list": which, "limit": limit}
    while True:
        page = await one.done("GET", MINE, params=query)
        titles += [event["title"] for event in page["events"]]
        if page["cursor"] is None:
            return titles
        query["cursor"] = page["cursor"]


async def _told(one: Someone) -> list[dict[str, Any]]:
    notices: list[dict[str, Any]] = (await one.done("GET", "/v1/me/notices"))["notices"]
    return notices


async def _fired(door: Door) -> None:
    """What is due is done."""
    await door.database.execute("UPDATE jobs SET next_at = now() WHERE kind LIKE 'event%'")
    runner = timers(door.ground, random.Random(1), JobMetrics(CollectorRegistry()))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        while await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'event_notice'"):
            pass
        running.cancel()


async def test_each_list_holds_what_i_have_said(door: Door) -> None:
    """The first to start first, by pages; what I said no to is in none; what was called off stays until its time."""
    ada, bob = await door.someone(), await door.someone()
    now = door.clock.now_ms()
    times = {
        title: {"starts_at_ms": now + n * HOUR_MS, "ends_at_ms": now + (n + 1) * HOUR_MS}
        for n, title in enumerate(("asked", "may", "waits", "goes", "no"), start=1)
    }
    events = {
        title: await made(ada, door, title=title, capacity=1 if title == "waits" else None, **when)
        for title, when in times.items()
    }
    for event in events.values():
        await ask(ada, event, bob)
    for title, said in (("may", "maybe"), ("waits", "going"), ("goes", "going"), ("no", "no")):
        await answer(bob, events[title], said)
    await made(bob, door, title="mine")
    assert await _list(bob, "upcoming", 2) == ["asked", "may", "waits", "goes", "mine"]
    for which, expected in (
        ("hosting", ["mine"]),
        ("invited", ["asked"]),
        ("maybe", ["may"]),
        ("waitlist", ["waits"]),
        ("going", ["goes", "mine"]),
        ("past", []),
    ):
        assert await _list(bob, which) == expected
    assert await _list(ada, "hosting", 2) == ["asked", "may", "waits", "goes", "no"]
    await ada.done("POST", f"/v1/events/{events['goes']}/cancel")
    [line] = [
        event for event in (await bob.done("GET", MINE))["events"] if event["id"] == events["goes"]
    ]
    assert (line["state"], line["answer"], line["is_host"]) == ("cancelled", "going", False)
    await door.database.execute(
        "UPDATE events SET doors_at = doors_at - interval '2 days', starts_at = starts_at - interval '2 days',"
        " ends_at = ends_at - interval '2 days' WHERE room_id = ANY ($1::uuid[])",
        [events["goes"], events["may"], events["asked"], events["no"]],
    )
    assert await _list(bob, "upcoming") == ["waits", "mine"]
    assert await _list(bob, "past", 1) == ["goes", "may"]
    await door.database.execute(
        "INSERT INTO event_visits (room_id, person_id, number, entered_at, source, confidence)"
        " VALUES ($1::uuid, $2, 1, now(), 'hand', 'high')",
        events["asked"],
        bob.id,
    )
    assert await _list(bob, "past", 2) == ["goes", "may", "asked"]
    assert await status(bob, "GET", MINE, params={"list": "all"}) == (400, "bad_request")


async def test_what_an_event_tells_is_a_notice(door: Door) -> None:
    """Invited, changed, called off: each leads to the event, says what has changed, and where its room says it."""
    ada, bob = await door.register("ada"), await door.register("bob")
    event = await made(ada, door, title="Walk", place_name="here")
    await ask(ada, event, bob)
    [invited] = await _told(bob)
    assert (invited["kind"], invited["state"], invited["link"]) == (
        "notice", "invited", f"/events/{event}",
    )  # fmt: skip
    assert (invited["event_id"], invited["room_id"], invited["seq"]) == (event, event, None)
    assert (invited["title"], invited["person"]["handle"]) == ("Walk", "ada")
    await ada.done("PATCH", f"/v1/events/{event}", json={"place_name": "there", "title": "Run"})
    await _fired(door)
    changed = (await _told(bob))[0]
    assert (changed["state"], changed["changed"], changed["seq"]) == ("changed", ["place_name"], 2)
    assert (changed["title"], changed.get("person")) == ("Run", None)
    await answer(bob, event)
    await ada.done("PUT", f"/v1/events/{event}/hosts/{bob.id}")
    role = (await _told(bob))[0]
    assert (role["kind"], role["event_id"], role["role"]) == ("role", event, "moderator")
    await ada.done("POST", f"/v1/events/{event}/cancel")
    await _fired(door)
    assert [n.get("state") for n in await _told(bob)] == [
        "cancelled", None, "changed", "invited",
    ]  # fmt: skip
    assert not [n for n in await _told(ada) if n["kind"] == "notice"]
    room = await ada.room("group", bob)
    assert (await _told(bob))[0]["event_id"] is None, room


async def test_sync_tells_notices_and_makes_no_room_of_an_invitation(door: Door) -> None:
    """An event that I am asked to has no line among my rooms yet; what is told of it comes with what is new."""
    ada, bob = await door.someone(), await door.someone()
    await bob.room()
    begun = await bob.done("GET", "/v1/me/sync")
    event = await made(ada, door)
    await ask(ada, event, bob)
    since = {"since": begun["seq"], "generation": begun["generation"]}
    news = await bob.done("GET", "/v1/me/sync", params=since)
    assert not news["anew"]
    assert event not in [room["id"] for room in news["rooms"]]
    assert news.get("gone", []) == []
    assert [(n["state"], n["event_id"]) for n in news["notices"]] == [("invited", event)]
    await answer(bob, event)
    news = await bob.done("GET", "/v1/me/sync", params=since)
    assert event in [room["id"] for room in news["rooms"]]


async def test_an_event_is_a_calendars(door: Door) -> None:
    """Of whoever may know of it; it grows with each change, and is called off in place."""
    ada, bob = await door.someone(), await door.someone()
    event = await made(
        ada, door, title="Böllern; laut", about="x" * 100, point={"lat": 48.2, "lon": 16.37}
    )
    path = f"/v1/events/{event}/calendar"
    assert await status(bob, "GET", path) == (404, "not_found")
    response = await ada.ask("GET", path)
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    [got] = parsed(response.content)
    assert (got["UID"], got["SEQUENCE"], got["STATUS"]) == (event, "1", "CONFIRMED")
    assert (plain(got["SUMMARY"]), plain(got["DESCRIPTION"])) == ("Böllern; laut", "x" * 100)
    assert got["GEO"] == "48.200000;16.370000"
    await ada.done("POST", f"/v1/events/{event}/cancel")
    [got] = parsed((await ada.ask("GET", path)).content)
    assert (got["SEQUENCE"], got["STATUS"]) == ("2", "CANCELLED")


async def test_a_calendar_follows_my_events_by_an_address(door: Door) -> None:
    """Without a token: what I come to and host, not what I am only asked to. A new address ends the one before."""
    ada, bob = await door.someone(), await door.someone()
    asked, goes, off = [await made(ada, door, title=title) for title in ("asked", "goes", "off")]
    await ask(ada, asked, bob)
    for event in (goes, off):
        await ask(ada, event, bob)
        await answer(bob, event)
    await ada.done("POST", f"/v1/events/{off}/cancel")
    first = (await bob.done("POST", FEED))["path"]
    response = await door.client.get(first)
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert {(got["SUMMARY"], got["STATUS"]) for got in parsed(response.content)} == {
        ("goes", "CONFIRMED"),
        ("off", "CANCELLED"),
    }
    second = (await bob.done("POST", FEED))["path"]
    assert first != second
    assert (await door.client.get(first)).status_code == 404
    assert (await door.client.get(second)).status_code == 200
    kept = await door.database.fetchval("SELECT encode(code_hash, 'escape') FROM calendar_feeds")
    assert second.rsplit("/", 1)[1] not in kept
    await door.database.execute("UPDATE people SET banned_at = now() WHERE person_id = $1", bob.id)
    assert (await door.client.get(second)).status_code == 404
    await door.database.execute("UPDATE people SET banned_at = NULL WHERE person_id = $1", bob.id)
    await bob.done("DELETE", FEED)
    assert (await door.client.get(second)).status_code == 404
    empty = (await (await door.someone()).done("POST", FEED))["path"]
    assert parsed((await door.client.get(empty)).content) == []
