"""Notices: what others and timers did that concerns me, and how far I have seen it."""

import asyncio
import random
import time
from typing import Any

from api.assembly import timers
from tests.api.door import Door, Someone

NOTICES = "/v1/me/notices"


async def _told(one: Someone, **query: Any) -> list[dict[str, Any]]:
    notices: list[dict[str, Any]] = (await one.done("GET", NOTICES, params=query))["notices"]
    return notices


async def test_what_others_do_is_told_and_what_i_do_is_not(door: Door) -> None:
    """Invited, put in, promoted, kicked, asked, accepted, written to: each once, with where it leads."""
    ada, bob, eve = [await door.register(handle) for handle in ("ada", "bob", "eve")]
    invited = await ada.room("group", title="Friday")
    await ada.done("PUT", f"/v1/rooms/{invited}/members/{bob.id}")
    put = await ada.room("group", bob, title="Trip")
    await ada.done("PUT", f"/v1/rooms/{put}/members/{bob.id}/role", json={"role": "moderator"})
    await ada.done("DELETE", f"/v1/rooms/{invited}/members/{bob.id}")
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await bob.done("PUT", f"/v1/me/contacts/{eve.id}")
    await eve.done("PUT", f"/v1/me/contacts/{bob.id}")
    direct = (await eve.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(bob.id)}))[
        "id"
    ]
    mine = await bob.room("group", ada)
    await bob.done("POST", f"/v1/rooms/{mine}/leave")
    told = await _told(bob)
    assert [(n["kind"], n.get("state"), n["room_id"], n.get("title")) for n in reversed(told)] == [
        ("invited", None, invited, None),  # kicked since: the title is not his to see
        ("room_added", None, put, "Trip"),
        ("role", None, put, "Trip"),
        ("room_removed", None, invited, None),
        ("contact", "incoming", None, None),
        ("contact", "accepted", None, None),
        ("room_added", None, direct, None),
    ]
    assert {n["person"]["handle"] for n in told} == {"ada", "eve"}
    assert all(n["event_id"] is None for n in told)
    by_kind = {n["kind"]: n for n in told}
    assert by_kind["role"]["role"] == "moderator"
    assert by_kind["invited"]["link"] == f"/rooms/{invited}"
    assert by_kind["room_added"]["link"].startswith("/rooms/")
    assert by_kind["contact"]["link"] == f"/people/{ada.id}"
    removed = by_kind["room_removed"]
    assert removed["link"] == f"/rooms/{invited}/{removed['seq']}"


async def test_a_request_and_a_reminder_are_notices(door: Door) -> None:
    """A stranger's room, and what a timer tells; the echo of my own contact request is none."""
    ada, eve = await door.register("ada"), await door.register("eve")
    await ada.done("PUT", f"/v1/me/contacts/{eve.id}")
    room = (await eve.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(ada.id)}))["id"]
    kinds = [(n["kind"], n["room_id"]) for n in await _told(ada)]
    assert kinds == [("request", room), ("room_added", room)]
    await door.database.execute("DELETE FROM jobs")
    body = {"at_ms": time.time_ns() // 1_000_000 + 60_000, "room": room, "seq": 1, "note": "call"}
    await ada.done("POST", "/v1/me/reminders", json=body)
    await door.database.execute("UPDATE jobs SET next_at = now()")
    runner = timers(door.ground, random.Random(1))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        while not (told := [n for n in await _told(ada) if n["kind"] == "reminder"]):
            pass
        running.cancel()
    assert (told[0]["text"], told[0]["room_id"], told[0]["seq"]) == ("call", room, 1)


async def test_pages_since_and_what_is_seen(door: Door) -> None:
    """The newest first, each once; the marker is an entry that other devices get, and only moves forward."""
    ada, bob = await door.someone(), await door.someone()
    rooms = [await ada.room("group", bob) for _ in range(7)]
    # Read pointers between them are passed over.
    for room in rooms:
        await bob.done("PUT", f"/v1/rooms/{room}/read", json={"seq": 3})
    first = await bob.done("GET", NOTICES, params={"limit": 4})
    last = await bob.done("GET", NOTICES, params={"limit": 4, "cursor": first["cursor"]})
    listed = [*first["notices"], *last["notices"]]
    assert [n["room_id"] for n in listed] == rooms[::-1]
    assert (last["cursor"], first["read"]) == (None, 0)
    middle = listed[3]["notice"]
    assert [n["room_id"] for n in await _told(bob, since=middle)] == rooms[:3:-1]
    await bob.done("PUT", f"{NOTICES}/read", json={"seq": middle})
    await bob.done("PUT", f"{NOTICES}/read", json={"seq": 1})
    seen = await bob.done("GET", NOTICES)
    assert (seen["read"], seen["seq"]) == (middle, first["seq"] + 1)
    log = await bob.done("GET", f"/v1/rooms/{bob.id}/history", params={"before": seen["seq"] + 1})
    assert (log["entries"][-1]["kind"], log["entries"][-1]["body"]) == (
        "read",
        {"room": str(bob.id), "at_seq": middle},
    )
    assert (await bob.done("GET", "/v1/me/sync"))["notices_read"] == middle


async def test_whom_i_block_is_not_told_of(door: Door) -> None:
    """Their invitation disappears with the block, and is there again without it."""
    ada, eve = await door.someone(), await door.someone()
    room = await eve.room()
    await eve.done("PUT", f"/v1/rooms/{room}/members/{ada.id}")
    for method, count in (("PUT", 0), ("DELETE", 1)):
        await ada.done(method, f"/v1/me/blocks/{eve.id}")
        assert len(await _told(ada)) == count
