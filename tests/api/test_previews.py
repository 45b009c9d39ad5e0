"""Link previews from the message to history: looked at once, by a job that no crash loses, and gone with the link."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from api.assembly import previewing
from muster.jobs import JobMetrics, Runner
from tests.api.door import Door, Someone
from tests.api.opening import open_door
from tests.fakes.web import Web, page, web

LINK = "http://a.example/x"
CARD = {"link": LINK, "url": LINK, "site": "a.example", "title": "A page"}


@pytest_asyncio.fixture
async def near() -> AsyncIterator[Web]:
    """A web whose pages all say the same."""
    async with web() as running:
        running.pages["/x"] = page("<title>A page</title>")
        yield running


def _runner(door: Door, near: Web) -> Runner:
    return previewing(door.ground, random.Random(1), near.reader(), JobMetrics(CollectorRegistry()))


async def _items(someone: Someone, room: str) -> list[dict[str, Any]]:
    page = await someone.done("GET", f"/v1/rooms/{room}/history")
    return [entry for entry in page["entries"] if entry["kind"] == "post"]


async def _previews(someone: Someone, room: str) -> list[Any]:
    return [item["preview"] for item in await _items(someone, room)]


async def _log(door: Door, room: str) -> list[tuple[Any, Any]]:
    rows = await door.database.fetch(
        "SELECT author, body FROM entries WHERE room_id = $1::uuid AND kind = 'preview' ORDER BY seq",
        room,
    )
    return [(str(author), None if body is None else json.loads(body)) for author, body in rows]


def _counted(door: Door, why: str) -> float:
    name = "muster_link_previews_total"
    return door.ground.registry.get_sample_value(name, {"why": why}) or 0.0


async def test_a_link_is_looked_at_once_its_message_is_committed(door: Door, near: Web) -> None:
    """An entry by the message's author, folded into it; words without a link are looked at by nobody."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await ada.post(room, "no link here, nor www.a.example")
    seq = await ada.post(room, f"look: {LINK}!")
    runner = _runner(door, near)
    assert await runner.round() == 1
    assert await runner.round() == 0
    assert await _previews(bob, room) == [None, CARD]
    assert await _log(door, room) == [(str(ada.id), {"preview": CARD})]
    changes = await bob.done("GET", f"/v1/rooms/{room}/changes", params={"after": seq})
    assert [item["preview"] for item in changes["entries"]] == [CARD]
    assert _counted(door, "shown") == 1
    [listed] = (await bob.done("GET", "/v1/me/rooms"))["rooms"]
    assert (listed["unread"], listed["last_message"]["seq"]) == (2, seq)


async def test_a_link_is_fetched_once_a_day(door: Door, near: Web) -> None:
    """Whoever posts it, in whatever room; after that it may have changed."""
    ada, bob = await door.someone(), await door.someone()
    rooms = [await one.room() for one in (ada, bob, ada)]
    runner = _runner(door, near)
    for one, room in zip((ada, bob, ada), rooms, strict=True):
        await one.post(room, LINK)
        await runner.round()
    assert near.asked == ["a.example/x"]
    assert await _previews(bob, rooms[1]) == [CARD]
    left = await door.database.fetchval("SELECT until - now() FROM link_pages")
    assert 86_000 < left.total_seconds() <= 86_400
    await door.database.execute("UPDATE link_pages SET until = now()")
    await ada.post(rooms[0], LINK)
    await runner.round()
    assert len(near.asked) == 2


async def test_a_page_that_fails_is_left_alone_for_an_hour(door: Door, near: Web) -> None:
    """No preview, no error, no second try, by whomever; and no job stays behind."""
    ada = await door.someone()
    room = await ada.room()
    runner = _runner(door, near)
    near.pages["/x"] = page("", status="503 Not now")
    for _ in range(3):
        await ada.post(room, LINK)
    while await runner.round():
        await door.database.execute("UPDATE jobs SET next_at = now()")
    assert near.asked == ["a.example/x"]
    assert await door.database.fetchval("SELECT count(*) FROM jobs") == 0
    assert (_counted(door, "no page"), _counted(door, "known")) == (1, 2)
    left = await door.database.fetchval("SELECT until - now() FROM link_pages")
    assert 3_500 < left.total_seconds() <= 3_600


async def test_the_inside_is_not_looked_at(door: Door, near: Web) -> None:
    """The metadata of a cloud, however it is named: no connection, no preview."""
    ada = await door.someone()
    room = await ada.room()
    near.names["inside.example"] = [["169.254.169.254"]]
    for link in ("http://169.254.169.254/latest/", "http://inside.example/", "http://2852039166/"):
        await ada.post(room, link)
    await _runner(door, near).round()
    assert (near.dialled, _counted(door, "forbidden")) == ([], 3)
    assert await _log(door, room) == []


async def test_a_job_that_fires_twice_shows_once(door: Door, near: Web) -> None:
    """Its process died after the commit, or another had it meanwhile."""
    ada = await door.someone()
    room = await ada.room()
    await ada.post(room, LINK)
    kept = await door.database.fetchrow("SELECT * FROM jobs")
    runner = _runner(door, near)
    for _ in range(2):
        assert await runner.round() == 1
        await door.database.execute(
            "INSERT INTO jobs SELECT * FROM jsonb_populate_record(NULL::jobs, to_jsonb($1::jobs))",
            kept,
        )
    assert len(await _log(door, room)) == 1


async def test_an_edit_takes_the_preview_with_its_link(door: Door, near: Web) -> None:
    """At once, from history and the log; another link gets its own, and one that stays keeps what it has."""
    ada = await door.someone()
    room = await ada.room()
    runner = _runner(door, near)
    near.pages["b.example/"] = page("<title>Another</title>")
    path = f"/v1/rooms/{room}/messages/{await ada.post(room, LINK)}"
    await runner.round()
    await ada.done("PATCH", path, json={"text": f"still {LINK}"})
    assert await _previews(ada, room) == [CARD]
    await runner.round()
    assert len(await _log(door, room)) == 1
    await ada.done("PATCH", path, json={"text": "see http://b.example/ instead"})
    assert await _previews(ada, room) == [None]
    assert await _log(door, room) == [(str(ada.id), None)]
    await runner.round()
    assert [card["title"] for card in await _previews(ada, room)] == ["Another"]
    await ada.done("PATCH", path, json={"text": "nothing"})
    assert await _previews(ada, room) == [None]
    assert await runner.round() == 0


async def test_a_deletion_takes_the_preview(door: Door, near: Web) -> None:
    """Its words go from history and from the log; one that comes too late finds no message."""
    ada = await door.someone()
    room = await ada.room()
    runner = _runner(door, near)
    first = await ada.post(room, LINK)
    await runner.round()
    second = await ada.post(room, LINK)
    for seq in (first, second):
        await ada.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    assert await runner.round() == 1
    assert await _previews(ada, room) == [None, None]
    assert await _log(door, room) == [(str(ada.id), None)]
    assert await door.database.fetchval("SELECT count(*) FROM previews") == 0


async def test_a_message_that_changes_while_its_page_is_read_gets_no_preview(
    door: Door, near: Web
) -> None:
    """Judged under the room's lock by the words that stand then."""
    ada = await door.someone()
    room = await ada.room()
    path = f"/v1/rooms/{room}/messages/{await ada.post(room, LINK)}"
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        writer.write(page("<title>Late</title>"))

    near.pages["/x"] = slow
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_runner(door, near).round())
        await asked.wait()
        await ada.done("PATCH", path, json={"text": "nothing"})
        go_on.set()
    assert (await _log(door, room), _counted(door, "gone")) == ([], 1)


@pytest.mark.parametrize("how", ["kicked", "archived"])
async def test_nothing_of_an_author_comes_after_their_kick(door: Door, near: Web, how: str) -> None:
    """Nor anything in an archived room."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await bob.post(room, LINK)
    if how == "kicked":
        await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    else:
        await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    assert await _runner(door, near).round() == 1
    assert (await _log(door, room), _counted(door, "gone")) == ([], 1)


async def test_who_posts_links_without_end_gets_no_more_previews(door: Door, near: Web) -> None:
    """Of the same author so many pages are fetched; the others are not kept waiting."""
    ada = await door.someone()
    room = await ada.room()
    for n in range(30):
        await ada.post(room, f"http://n{n}.example/x")
        near.names[f"n{n}.example"] = [[f"8.8.{n}.8"]]
    runner = _runner(door, near)
    while await runner.round():
        continue
    assert 20 <= len(near.asked) <= 24
    assert await door.database.fetchval("SELECT count(*) FROM jobs") == 0


async def test_two_at_the_same_page_ask_once(door: Door, near: Web) -> None:
    """The second comes back when the first is done."""
    ada = await door.someone()
    room = await ada.room()
    for _ in range(2):
        await ada.post(room, LINK)
    runner = _runner(door, near)
    await runner.round()
    await door.database.execute("UPDATE jobs SET next_at = now()")
    await runner.round()
    assert near.asked == ["a.example/x"]
    assert await _previews(ada, room) == [CARD, CARD]


async def test_a_pile_of_old_links_is_not_looked_at(door: Door, near: Web) -> None:
    """A preview of what was said long ago is of no use."""
    ada = await door.someone()
    room = await ada.room()
    await ada.post(room, LINK)
    await door.database.execute("UPDATE jobs SET due_at = now() - interval '11 minutes'")
    await _runner(door, near).round()
    assert (near.asked, _counted(door, "late")) == ([], 1)


async def test_where_previews_are_off_nothing_is_asked(
    database_url: str, redis_url: str, near: Web
) -> None:
    """One setting, for the whole installation."""
    async with open_door(database_url, redis_url, link_previews=False) as door:
        ada = await door.someone()
        room = await ada.room()
        await ada.post(room, LINK)
        assert await _runner(door, near).round() == 1
        assert (near.asked, near.resolved, _counted(door, "off")) == ([], [], 1)
        assert await door.database.fetchval("SELECT count(*) FROM jobs") == 0


async def test_the_block_that_hides_a_message_hides_its_preview(door: Door, near: Web) -> None:
    """Also in a list of pins; others see both."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await bob.post(room, LINK)
    await _runner(door, near).round()
    await ada.done("PUT", f"/v1/rooms/{room}/pins/{seq}")
    [pin] = (await ada.done("GET", f"/v1/rooms/{room}/pins"))["pins"]
    assert pin["message"]["preview"] == CARD
    await ada.done("PUT", f"/v1/me/blocks/{bob.id}")
    assert await _previews(ada, room) == []
    assert await _previews(bob, room) == [CARD]


async def test_old_pages_are_forgotten(door: Door, near: Web) -> None:
    """Whoever claims a page sweeps some that count no longer."""
    ada = await door.someone()
    room = await ada.room()
    await door.database.execute(
        "INSERT INTO link_pages SELECT sha256(n::text::bytea), NULL, true, now() - interval '1 day'"
        " FROM generate_series(1, 60) n"
    )
    await ada.post(room, LINK)
    await _runner(door, near).round()
    assert await door.database.fetchval("SELECT count(*) FROM link_pages") == 11
