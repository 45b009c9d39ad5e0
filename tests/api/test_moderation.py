"""Silence, slow mode and bans from rooms, by the front door: who is kept from what, until when, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from muster.permission import Scope, ServiceRole
from proto.codes import Code
from tests.api.door import Door, Someone
from tests.api.opening import open_door
from tests.vocabulary import new_id

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Hall:
    """A public room of an owner, with a moderator and two members."""

    def __init__(self, room: str, owner: Someone, mod: Someone, ann: Someone, bob: Someone) -> None:
        self.room = room
        self.owner = owner
        self.mod = mod
        self.ann = ann
        self.bob = bob

    def path(self, rest: str) -> str:
        return f"/v1/rooms/{self.room}/{rest}"

    async def said(self, one: Someone, text: str = "words") -> tuple[int, Any]:
        """What posting is answered with."""
        answer = await one.ask("POST", self.path("messages"), json=_new(text))
        return answer.status_code, answer

    async def log(self) -> list[dict[str, Any]]:
        """Everything that happened, as the owner reads it."""
        page = await self.owner.done("GET", self.path("history"), params={"limit": 200})
        items: list[dict[str, Any]] = page["entries"]
        return items


def _new(text: str = "words") -> dict[str, Any]:
    return {"client_id": str(new_id()), "text": text}


@pytest_asyncio.fixture
async def hall(door: Door) -> AsyncIterator[Hall]:
    owner, mod, ann, bob = [await door.someone() for _ in range(4)]
    room = await owner.room("public", mod, ann, bob)
    await owner.done("PUT", f"/v1/rooms/{room}/members/{mod.id}/role", json={"role": "moderator"})
    yield Hall(room, owner, mod, ann, bob)


async def test_who_is_silenced_writes_nothing_and_is_told_until_when(
    door: Door, hall: Hall
) -> None:
    """Posts, polls, edits and emoji are refused; deleting and leaving are not; then they write again."""
    seq = await hall.ann.post(hall.room, "before")
    until = door.clock.now_ms() + HOUR_MS
    where = hall.path(f"members/{hall.ann.id}/silence")
    await hall.mod.done("PUT", where, json={"until_ms": until, "reason": "shouting"})
    refused = [
        await hall.ann.ask("POST", hall.path("messages"), json=_new()),
        await hall.ann.ask(
            "POST", hall.path("messages"), json={**_new(), "poll": {"options": ["a", "b"]}}
        ),
        await hall.ann.ask("PATCH", hall.path(f"messages/{seq}"), json={"text": "edited"}),
        await hall.ann.ask("PUT", hall.path(f"messages/{seq}/reactions/x")),
    ]
    for answer in refused:
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == Code.silenced
        assert 3_590 <= int(answer.headers["Retry-After"]) <= 3_600
        assert "until 20" in answer.json()["detail"]
    assert (await hall.said(hall.bob))[0] == 201
    assert (await hall.ann.done("GET", f"/v1/rooms/{hall.room}"))["silenced_until_ms"] == until
    await hall.ann.done("DELETE", hall.path(f"messages/{seq}"))
    [listed] = (await hall.mod.done("GET", hall.path("silences")))["silences"]
    assert (listed["person"], listed["until_ms"]) == (str(hall.ann.id), until)
    silence = next(one for one in await hall.log() if one["kind"] == "silence")
    assert (silence["author"], silence["subject"]) == (str(hall.mod.id), str(hall.ann.id))
    assert silence["body"] == {"until_ms": until}, "the room is told no reason"
    told = await door.database.fetchrow(
        "SELECT text, body FROM entries WHERE room_id = $1 AND kind = 'silence'", hall.ann.id
    )
    assert told is not None
    assert told["text"] == "shouting"
    await hall.mod.done("DELETE", where)
    assert (await hall.said(hall.ann))[0] == 201


async def test_a_silence_ends_by_itself_and_outlives_leaving(door: Door, hall: Hall) -> None:
    """Who leaves and comes again is silenced still; once its time is over they write."""
    where = hall.path(f"members/{hall.ann.id}/silence")
    await hall.mod.done("PUT", where, json={"until_ms": door.clock.now_ms() + HOUR_MS})
    await hall.ann.done("POST", hall.path("leave"))
    await hall.ann.done("POST", hall.path("join"))
    assert (await hall.said(hall.ann))[0] == 403
    await door.database.execute(
        "UPDATE members SET silenced_until = now() - interval '1 second' WHERE person_id = $1",
        hall.ann.id,
    )
    assert (await hall.said(hall.ann))[0] == 201
    assert (await hall.mod.done("GET", hall.path("silences")))["silences"] == []


async def test_who_outranks_whom(door: Door, hall: Hall) -> None:
    """Moderators act on members, owners on moderators too; nobody on an owner or themselves; times lie ahead."""
    soon = {"until_ms": door.clock.now_ms() + HOUR_MS}
    cases = [
        (hall.mod, hall.owner, 403),
        (hall.mod, hall.mod, 403),
        (hall.owner, hall.owner, 403),
        (hall.ann, hall.bob, 403),
        (hall.mod, hall.bob, 200),
        (hall.owner, hall.mod, 200),
    ]
    for actor, subject, want in cases:
        for rest, body in (
            (f"members/{subject.id}/silence", soon),
            (f"bans/{subject.id}", {}),
        ):
            got = await actor.ask("PUT", hall.path(rest), json=body)
            assert got.status_code == want, (rest, got.text)
    for until in (0, door.clock.now_ms() - 1, door.clock.now_ms() + 400 * 24 * HOUR_MS):
        late = {"until_ms": until}
        answer = await hall.owner.ask("PUT", hall.path(f"members/{hall.ann.id}/silence"), json=late)
        assert answer.status_code == 400
    stranger = await door.someone()
    silence = hall.path(f"members/{stranger.id}/silence")
    assert (await hall.owner.ask("PUT", silence, json=soon)).status_code == 404


async def test_staff_silence_everywhere_and_nobody_learns_who(door: Door, hall: Hall) -> None:
    """In every room, direct ones too; the silenced are told why, and see no author."""
    support = await door.someone(role=ServiceRole.support)
    body = {"person": str(hall.ann.id), "kind": "direct", "peer": str(hall.bob.id)}
    direct = (await hall.ann.done("POST", "/v1/rooms", json=body))["id"]
    where = f"/v1/people/{hall.ann.id}/silence"
    soon = {"until_ms": door.clock.now_ms() + HOUR_MS, "reason": "threats"}
    assert (await hall.owner.ask("PUT", where, json=soon)).status_code == 403
    await support.done("PUT", where, json=soon)
    for room in (hall.room, direct):
        answer = await hall.ann.ask("POST", f"/v1/rooms/{room}/messages", json=_new())
        assert answer.json()["code"] == Code.silenced
    row = await door.database.fetchrow(
        "SELECT author, text FROM entries WHERE room_id = $1 AND kind = 'silence'", hall.ann.id
    )
    assert row is not None
    assert (row["author"], row["text"]) == (UUID(int=0), "threats")
    await support.done("DELETE", where)
    assert (await hall.said(hall.ann))[0] == 201


async def test_slow_mode_tells_how_long_yet(door: Door, hall: Hall) -> None:
    """One message a minute for members, by any way of posting; moderators do not wait; a retry is answered as done."""
    await hall.mod.done("PATCH", f"/v1/rooms/{hall.room}", json={"slow_s": 60})
    assert (await hall.ann.done("GET", f"/v1/rooms/{hall.room}"))["slow_s"] == 60
    first = _new("first")
    made = await hall.ann.done("POST", hall.path("messages"), json=first)
    for body in (_new(), {**_new(), "poll": {"options": ["a", "b"]}}):
        answer = await hall.ann.ask("POST", hall.path("messages"), json=body)
        assert answer.status_code == 429, answer.text
        assert answer.json()["code"] == Code.slow_mode
        assert answer.json()["temporary"] is True
        assert 55 <= int(answer.headers["Retry-After"]) <= 60
    again = await hall.ann.done("POST", hall.path("messages"), json=first)
    assert (again["seq"], again["fresh"]) == (made["seq"], False)
    assert [(await hall.said(one))[0] for one in (hall.bob, hall.mod, hall.mod)] == [201] * 3
    await door.database.execute("UPDATE slow_marks SET posted_at = posted_at - interval '1 minute'")
    assert (await hall.said(hall.ann))[0] == 201
    await hall.mod.done("PATCH", f"/v1/rooms/{hall.room}", json={"slow_s": 0})
    assert (await hall.said(hall.ann))[0] == 201
    assert await door.database.fetchval("SELECT count(*) FROM slow_marks") == 0
    settings = [one["body"] for one in await hall.log() if one["kind"] == "settings"]
    assert settings == [{"slow_s": 60}, {"slow_s": 0}]


async def test_slow_mode_and_silence_hold_under_racing_posts_at_two_doors(
    door: Door, hall: Hall, database_url: str, redis_url: str
) -> None:
    """Forty posts at once by two processes are one; and none is numbered after a silence."""
    async with open_door(database_url, redis_url) as other:
        twin = Someone(other, hall.ann.id, "twin", hall.ann.token)
        await hall.mod.done("PATCH", f"/v1/rooms/{hall.room}", json={"slow_s": 3600})
        racing = [
            one.ask("POST", hall.path("messages"), json=_new()) for one in (hall.ann, twin) * 20
        ]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*racing))
        assert statuses == [201] + [429] * 39
        await hall.mod.done("PATCH", f"/v1/rooms/{hall.room}", json={"slow_s": 0})
        until = {"until_ms": door.clock.now_ms() + HOUR_MS}
        silence = hall.mod.ask("PUT", hall.path(f"members/{hall.ann.id}/silence"), json=until)
        racing = [
            one.ask("POST", hall.path("messages"), json=_new()) for one in (hall.ann, twin) * 10
        ]
        done = await asyncio.gather(*racing[:10], silence, *racing[10:])
        at = done[10].json()["seq"]
    assert {one.status_code for one in done} <= {200, 201, 403}
    last = await door.database.fetchval(
        "SELECT coalesce(max(seq), 0) FROM entries WHERE room_id = $1 AND author = $2 AND kind = 'post'",
        UUID(hall.room),
        hall.ann.id,
    )
    assert last < at
    assert (await hall.said(hall.ann))[0] == 403


async def test_who_is_banned_comes_back_by_no_way_until_it_is_lifted(
    door: Door, hall: Hall
) -> None:
    """Not by themselves, by link, or by invitation; a moderator may lift it, and then they may come."""
    link = (await hall.owner.done("POST", hall.path("links"), json={}))["code"]
    ban = hall.path(f"bans/{hall.ann.id}")
    await hall.mod.done("PUT", ban, json={"reason": "spam"})
    assert (await hall.ann.ask("POST", hall.path("join"))).status_code == 404
    assert (await hall.ann.ask("POST", f"/v1/links/{link}/join")).status_code == 404
    invited = await hall.bob.ask("PUT", hall.path(f"members/{hall.ann.id}"))
    assert (invited.status_code, "banned" in invited.json()["detail"]) == (409, True)
    assert (await hall.ann.ask("GET", hall.path("bans"))).status_code == 404
    [listed] = (await hall.mod.done("GET", hall.path("bans")))["bans"]
    assert (listed["person"], listed["until_ms"], listed["reason"]) == (
        str(hall.ann.id),
        None,
        "spam",
    )
    assert (await hall.mod.done("PUT", ban, json={}))["fresh"] is False
    await hall.mod.done("DELETE", ban)
    await hall.ann.done("POST", hall.path("join"))
    assert (await hall.said(hall.ann))[0] == 201


async def test_a_ban_ends_by_itself(door: Door, hall: Hall) -> None:
    """For who was never in as well; when its time is over, they come in as anybody does."""
    dan = await door.someone()
    soon = {"until_ms": door.clock.now_ms() + HOUR_MS}
    for one in (hall.ann, dan):
        await hall.mod.done("PUT", hall.path(f"bans/{one.id}"), json=soon)
        assert (await one.ask("POST", hall.path("join"))).status_code == 404
    await door.database.execute("UPDATE room_bans SET until = now()")
    for one in (hall.ann, dan):
        await one.done("POST", hall.path("join"))
    assert (await hall.mod.done("GET", hall.path("bans")))["bans"] == []


async def test_the_app_brings_nobody_in_who_is_banned(door: Door) -> None:
    """A service key puts people into rooms; who is banned there is refused, with the reason."""
    owner, ann = await door.someone(), await door.someone()
    room = await owner.room("group", ann)
    server = await door.service(Scope.rooms)
    await owner.done("PUT", f"/v1/rooms/{room}/bans/{ann.id}", json={})
    answer = await server.ask("PUT", f"/v1/service/rooms/{room}/members/{ann.id}", json={})
    assert answer.status_code == 409, answer.text
