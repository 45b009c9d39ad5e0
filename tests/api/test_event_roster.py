"""The roster of an event: places are given once, who waits moves up in turn, and who is on it sees whom they may."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.api.door import Door, Someone
from tests.api.gathering import answer, ask, fired, log, made, rows, status


async def _standing(door: Door, event: str) -> dict[str, str]:
    """Answers by person."""
    rows = await door.database.fetch(
        "SELECT person_id, answer FROM event_roster WHERE room_id = $1::uuid", event
    )
    return {str(row[0]): row[1] for row in rows}


async def _names(reader: Someone, event: str, **query: Any) -> list[str]:
    page = await reader.done("GET", f"/v1/events/{event}/roster", params=query)
    return [guest["handle"] for guest in page["guests"]]


async def test_the_last_two_places_are_given_once(door: Door) -> None:
    """Six say yes at once to an event with room for its host and two: two go, four wait, in the order they stand."""
    ada, *guests = [await door.someone() for _ in range(7)]
    event = await made(ada, door, visibility="public", capacity=3)
    seen = await asyncio.gather(*(answer(guest, event) for guest in guests))
    assert sorted(one["answer"] for one in seen) == ["going"] * 2 + ["waitlist"] * 4
    last = await ada.done("GET", f"/v1/events/{event}")
    assert (last["going"], last["waitlist"]) == (3, 4)
    # Who waits is not in the room, who goes is.
    assert {one["role"] for one in seen if one["answer"] == "waitlist"} == {"none"}
    assert {one["role"] for one in seen if one["answer"] == "going"} == {"member"}
    waiting = await _names(ada, event, answer="waitlist")
    assert len(waiting) == 4


async def test_who_has_waited_longest_moves_up(door: Door) -> None:
    """At once on the roster; the job then tells them, once, and lets them into the room."""
    ada, first, second, third = [await door.someone() for _ in range(4)]
    event = await made(ada, door, visibility="public", capacity=2)
    for guest in (first, second, third):
        await answer(guest, event)
    assert [(await answer(one, event))["answer"] for one in (second, third)] == ["waitlist"] * 2
    gone = await answer(first, event, "no")
    assert (gone["answer"], gone["role"]) == ("no", "left")
    moved = await second.done("GET", f"/v1/events/{event}")
    assert (moved["answer"], moved["role"]) == ("going", "none")
    for _ in range(2):
        await fired(door)
    moved = await second.done("GET", f"/v1/events/{event}")
    assert (moved["answer"], moved["role"]) == ("going", "member")
    up = ("notice", {"room": event, "state": "waitlist_up", "title": "an event"})
    assert await log(door, second.id, "notice") == [up]
    assert await log(door, third.id, "notice") == []
    await ada.done("PATCH", f"/v1/events/{event}", json={"capacity": None})
    await fired(door)
    assert await log(door, third.id, "notice") == [up]
    assert set((await _standing(door, event)).values()) == {"going", "no"}


async def test_a_hundred_and_more_move_up_together(door: Door) -> None:
    """More than one page of them: each is told once, and a job that fires again tells nobody."""
    ada = await door.someone()
    event = await made(ada, door, visibility="public", capacity=1)
    await door.database.execute(
        """
        WITH crowd AS (
            INSERT INTO people (person_id, handle, handle_shown, name)
            SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n, 'c' FROM generate_series(1, 230) n
            RETURNING person_id
        ), logs AS (
            SELECT add_self_log_v1(person_id), person_id FROM crowd
        ) INSERT INTO event_roster (room_id, person_id, answer) SELECT $1::uuid, person_id, 'waitlist' FROM logs
        """,
        event,
    )
    await ada.done("PATCH", f"/v1/events/{event}", json={"capacity": 221})
    for _ in range(2):
        await fired(door)
    told = "SELECT count(*), count(DISTINCT room_id) FROM entries WHERE kind = 'notice'"
    assert await rows(door, told) == (220, 220)
    seen = await ada.done("GET", f"/v1/events/{event}")
    assert (seen["going"], seen["waitlist"]) == (221, 10)
    assert (await ada.done("GET", f"/v1/rooms/{event}"))["members"] == 221
    assert await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'event_up'") == 0


@pytest.mark.parametrize("seed", range(3))
async def test_never_more_than_there_is_room_for(door: Door, seed: int) -> None:
    """Whatever is said and done, several at once: never over capacity, and nobody waits for a free place."""
    rng = random.Random(seed)
    ada, *guests = [await door.someone() for _ in range(9)]
    capacity = 3
    event = await made(ada, door, visibility="public", capacity=capacity)

    async def act(guest: Someone) -> None:
        match rng.randrange(8):
            case 0:
                path = f"/v1/events/{event}/roster/{guest.id}"
                await ada.ask("DELETE", path)
                await ada.ask("PUT", path)
            case 1:
                await guest.ask("POST", f"/v1/rooms/{event}/leave")
            case _:
                said = rng.choice(["going", "going", "maybe", "no"])
                await guest.ask("PUT", f"/v1/events/{event}/rsvp", json={"answer": said})

    for step in range(12):
        await asyncio.gather(*(act(guest) for guest in rng.sample(guests, 4)))
        if step % 4 == 3:
            capacity = max(capacity, rng.randint(2, 6))
            await ada.done("PATCH", f"/v1/events/{event}", json={"capacity": capacity})
        said = list((await _standing(door, event)).values())
        assert said.count("going") <= capacity
        assert "waitlist" not in said or said.count("going") == capacity
        seen = await ada.done("GET", f"/v1/events/{event}")
        assert [seen[key] for key in ("going", "maybe", "waitlist", "invited")] == [
            said.count(key) for key in ("going", "maybe", "waitlist", "invited")
        ]
    await fired(door)
    stray = await door.database.fetch(
        "SELECT g.answer FROM event_roster g LEFT JOIN members m USING (room_id, person_id)"
        " WHERE g.answer = 'waitlist' AND m.relation IN ('member', 'moderator') OR g.owed"
    )
    assert [row[0] for row in stray if row[0] != "waitlist"] == []


async def test_a_smaller_event_puts_nobody_out(door: Door) -> None:
    """Fewer places than go: nobody else comes until there is one."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    event = await made(ada, door, visibility="public")
    await answer(bob, event)
    await ada.done("PATCH", f"/v1/events/{event}", json={"capacity": 1})
    assert (await answer(eve, event))["answer"] == "waitlist"
    assert (await answer(bob, event, "no"))["going"] == 1
    assert (await eve.done("GET", f"/v1/events/{event}"))["answer"] == "waitlist"
    await answer(ada, event, "no")
    assert (await eve.done("GET", f"/v1/events/{event}"))["answer"] == "going"


async def test_when_an_answer_lets_one_in(door: Door) -> None:
    """Going and maybe where the host wants that, and `no` leaves; else the room is joined by hand."""
    ada, bob = await door.someone(), await door.someone()
    for joins_on, role in (("answer", "member"), ("entry", "none"), ("never", "none")):
        event = await made(ada, door, joins_on=joins_on)
        await ask(ada, event, bob)
        assert (await status(bob, "POST", f"/v1/rooms/{event}/join"))[0] == 404
        assert (await answer(bob, event, "maybe"))["role"] == role
        await bob.done("POST", f"/v1/rooms/{event}/join")
        assert (await answer(bob, event))["role"] == "member"
        assert (await answer(bob, event, "no"))["role"] == "left"
        assert (await answer(ada, event, "no"))["role"] == "owner"


async def test_whom_one_sees_on_a_roster(door: Door) -> None:
    """Hosts everybody; others the hosts, who is going or may and lets them, and nobody across a block."""
    ada, open_, shy, mate, waits, blocker, me = people = [
        await door.someone(handle)
        for handle in ("ada", "open", "shy", "mate", "waits", "blocker", "me")
    ]
    event = await made(ada, door, visibility="public", capacity=6)
    for guest, circle in (
        (open_, "everyone"),
        (blocker, "everyone"),
        (waits, "everyone"),
        (shy, "nobody"),
    ):
        await guest.done("PATCH", "/v1/me/privacy", json={"events": circle})
    for one, other in ((mate, me), (me, mate)):
        await one.done("PUT", f"/v1/me/contacts/{other.id}")
    for guest in (open_, shy, mate, blocker, me, waits):
        await answer(guest, event)
    await blocker.done("PUT", f"/v1/me/blocks/{me.id}")
    assert await _names(ada, event) == ["ada", "open", "shy", "mate", "blocker", "me", "waits"]
    assert await _names(me, event) == ["ada", "open", "mate", "me"]
    assert await _names(await door.someone(), event) == ["ada", "open", "blocker"]
    assert await _names(ada, event, answer="waitlist") == ["waits"]
    assert await _names(waits, event, answer="waitlist") == ["waits"]
    await me.done("PUT", f"/v1/me/blocks/{open_.id}")
    assert await _names(me, event) == ["ada", "mate", "me"]
    page = await ada.done("GET", f"/v1/events/{event}/roster", params={"limit": 4})
    rest = {"limit": 4, "cursor": page["cursor"]}
    assert len(page["guests"]) == 4
    assert await _names(ada, event, **rest) == ["blocker", "me", "waits"]
    assert len(people) == 7


async def test_who_is_asked_is_told_and_a_block_stays_invisible(door: Door) -> None:
    """Once; who blocks the host hears nothing and the host sees no difference; who is near to nobody is not there."""
    ada, bob, shut, away = [await door.someone() for _ in range(4)]
    event = await made(ada, door)
    await shut.done("PUT", f"/v1/me/blocks/{ada.id}")
    await away.done("PATCH", "/v1/me/privacy", json={"message": "nobody"})
    for _ in range(2):
        await ask(ada, event, bob, shut)
    assert (await status(ada, "PUT", f"/v1/events/{event}/roster/{away.id}"))[0] == 404
    told = [("notice", {"room": event, "state": "invited", "title": "an event"})]
    assert [await log(door, one.id, "notice") for one in (bob, shut, away)] == [told, [], []]
    assert (await status(shut, "GET", f"/v1/events/{event}"))[0] == 404
    [guest] = [
        g
        for g in (await ada.done("GET", f"/v1/events/{event}/roster"))["guests"]
        if not g["is_host"]
    ]
    assert (guest["id"], guest["answer"], guest["invited_by"]) == (
        str(bob.id),
        "invited",
        str(ada.id),
    )


async def test_the_owner_makes_hosts(door: Door) -> None:
    """A host is a moderator of the room, whichever way they became one, and may what hosts may; a guest may not."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    event = await made(ada, door)
    await ask(ada, event, bob, eve)
    path = f"/v1/events/{event}"
    assert await status(bob, "PUT", f"{path}/hosts/{eve.id}") == (404, "not_found")
    await ada.done("PUT", f"{path}/hosts/{bob.id}")
    assert (await bob.done("GET", path))["role"] == "moderator"
    await bob.done("PATCH", path, json={"about": "by bob"})
    assert await status(bob, "PUT", f"{path}/hosts/{eve.id}") == (403, "permission_denied")
    assert await status(bob, "DELETE", f"{path}/roster/{ada.id}") == (403, "permission_denied")
    hosts = [g["id"] for g in (await ada.done("GET", f"{path}/roster"))["guests"] if g["is_host"]]
    assert hosts == [str(ada.id), str(bob.id)]
    await ada.done("DELETE", f"{path}/hosts/{bob.id}")
    assert await status(bob, "PATCH", path, json={"about": "x"}) == (403, "permission_denied")
    assert await status(ada, "DELETE", f"{path}/hosts/{ada.id}") == (409, "conflict")
    role = f"/v1/rooms/{event}/members/{bob.id}/role"
    await ada.done("PUT", role, json={"role": "moderator"})
    hosts = [g["id"] for g in (await bob.done("GET", f"{path}/roster"))["guests"] if g["is_host"]]
    assert hosts == [str(ada.id), str(bob.id)]


async def test_who_is_put_out_leaves_a_place(door: Door) -> None:
    """By the event's route or the room's: off the roster, out of the room, and who waits moves up."""
    ada, bob, eve, dan = [await door.someone() for _ in range(4)]
    event = await made(ada, door, visibility="public", capacity=2)
    for guest in (bob, eve, dan):
        await answer(guest, event)
    await ada.done("DELETE", f"/v1/events/{event}/roster/{bob.id}")
    await fired(door)
    assert (await eve.done("GET", f"/v1/events/{event}"))["role"] == "member"
    await ada.done("DELETE", f"/v1/rooms/{event}/members/{eve.id}")
    assert await _standing(door, event) == {str(ada.id): "going", str(dan.id): "going"}
    for gone in (bob, eve):
        assert (await status(gone, "PUT", f"/v1/events/{event}/rsvp", json={"answer": "going"}))[
            0
        ] == 404
    assert ("event", {"room": event, "state": "removed"}) in await log(door, bob.id, "event")
    never = await door.someone()
    assert (await status(ada, "DELETE", f"/v1/events/{event}/roster/{never.id}"))[0] == 404
