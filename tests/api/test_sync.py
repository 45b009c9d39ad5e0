"""Sync: everything in one answer, then only what changed, and nothing of it grows with the rooms but the lines."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from asyncpg.connection import LoggedQuery

from muster.stores.postgres.installation import join_installation, new_generation
from muster.sync import SINCE_MOST
from tests.api.door import Door, Someone
from tests.api.opening import LANES

SYNC = "/v1/me/sync"


async def _sync(one: Someone, **query: Any) -> dict[str, Any]:
    """All pages as one answer, with the position of the first."""
    whole: dict[str, Any] = await one.done("GET", SYNC, params=query)
    cursor = whole["cursor"]
    while cursor is not None:
        page = await one.done("GET", SYNC, params={**query, "cursor": cursor})
        for name in ("rooms", "contacts", "drafts"):
            whole[name] = whole.get(name, []) + page.get(name, [])
        assert page["anew"] is False
        cursor = page["cursor"]
    return whole


def _since(held: dict[str, Any]) -> dict[str, Any]:
    return {
        "since": held["seq"],
        "generation": held["generation"],
        "at_ms": held["server_time_ms"] + 60_000,  # nothing moved by the clock: only what is named
    }


def _rooms(answer: dict[str, Any]) -> set[str]:
    return {room["id"] for room in answer.get("rooms", [])}


async def test_a_cold_start_is_one_call(door: Door) -> None:
    """Who I am, whom I know, my rooms as the list has them, drafts, notices, and where my log stands."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("group", bob)
    await bob.post(room, "hello @ada")
    await bob.done("PUT", f"/v1/me/contacts/{ada.id}")
    await ada.done("PUT", f"/v1/rooms/{room}/draft", json={"text": "well", "reply_to": 3})
    whole = await _sync(ada)
    assert (whole["anew"], whole["me"]["handle"]) == (True, "ada")
    assert whole["privacy"]["find_by_handle"] == "everyone"
    [line] = whole["rooms"]
    [listed] = (await ada.done("GET", "/v1/me/rooms"))["rooms"]
    assert {name: listed[name] for name in line} == line
    assert (line["unread"], line["mentions"]) == (1, 1)
    assert "request" not in line
    assert [each["state"] for each in whole["contacts"]] == ["incoming"]
    assert [(d["room"], d["text"], d["reply_to"]) for d in whole["drafts"]] == [(room, "well", 3)]
    assert [(n["kind"], n["person"]["handle"]) for n in whole["notices"]] == [("contact", "bob")]
    log = await ada.done("GET", f"/v1/rooms/{ada.id}/history", params={"after": 0})
    assert whole["seq"] == log["head"]


async def test_changes_are_only_what_changed(door: Door) -> None:
    """Each thing that one device does is what the other is told, and nothing else."""
    ada, bob = await door.register("ada"), await door.register("bob")
    rooms = [await ada.room("group", bob) for _ in range(4)]
    held = await _sync(ada)
    nothing = await ada.done("GET", SYNC, params=_since(held))
    assert set(nothing) == {
        *("anew", "generation", "seq", "server_time_ms", "cursor", "notices_read")
    }
    await ada.done("PUT", f"/v1/rooms/{rooms[0]}/mute", json={"level": "none"})
    await ada.done("PUT", f"/v1/rooms/{rooms[1]}/draft", json={"text": "well"})
    await ada.done("PATCH", "/v1/me", json={"name": "Ada"})
    await ada.done("PUT", f"/v1/me/contacts/{bob.id}")
    await ada.done("POST", f"/v1/rooms/{rooms[2]}/leave")
    changed = await _sync(ada, **_since(held))
    assert (changed["anew"], changed["me"]["name"]) == (False, "Ada")
    assert "privacy" not in changed
    assert (_rooms(changed), changed["gone"]) == ({rooms[0]}, [rooms[2]])
    assert [each["state"] for each in changed["contacts"]] == ["requested"]
    assert [(each["room"], each["text"]) for each in changed["drafts"]] == [(rooms[1], "well")]
    await ada.done("DELETE", f"/v1/rooms/{rooms[1]}/draft")
    await ada.done("DELETE", f"/v1/me/contacts/{bob.id}")
    changed = await _sync(ada, **_since(changed))
    assert changed["drafts"] == [{"room": rooms[1]}]
    assert [each["state"] for each in changed["contacts"]] == ["removed"]


async def test_rooms_that_moved_are_told_by_time(door: Door) -> None:
    """A message makes no entry of the self log: the room is among the changes all the same."""
    ada, bob = await door.register("ada"), await door.register("bob")
    await ada.room("group", bob)
    loud = await ada.room("group", bob)
    held = await _sync(ada)
    # As if both had been silent for a minute.
    await door.database.execute("UPDATE rooms SET last_at = last_at - interval '1 minute'")
    await bob.post(loud, "news")
    for query in ({}, {"at_ms": held["server_time_ms"]}):
        changed = await _sync(ada, since=held["seq"], **query)
        assert changed["anew"] is False
        assert _rooms(changed) == {loud}, query


async def test_a_position_that_tells_nothing_begins_anew(door: Door) -> None:
    """Another generation, too far behind, beyond the end, or a change of everything."""
    await join_installation(door.database, LANES, uuid4())
    ada, bob = await door.register("ada"), await door.register("bob")
    await ada.room("group", bob)
    held = await _sync(ada)
    assert (await _sync(ada, **_since(held)))["anew"] is False
    for wrong in (
        {"since": 0},
        {"since": held["seq"] + 1},
        {"since": held["seq"], "generation": str(uuid4())},
    ):
        answer = await _sync(ada, **wrong)
        assert answer["anew"], wrong
        assert _rooms(answer) == _rooms(held)
    await ada.done("PUT", f"/v1/me/blocks/{bob.id}")
    blocking = await _sync(ada, **_since(held))
    assert (blocking["anew"], blocking["blocked"]) == (True, [str(bob.id)])
    held = await _sync(ada)
    for first, last, anew in ((1, SINCE_MOST, False), (SINCE_MOST + 1, SINCE_MOST + 1, True)):
        await door.database.execute(
            """
            WITH told AS (
                INSERT INTO entries (room_id, seq, msg_no, kind, author, at)
                SELECT $1::uuid, $2 + n, 0, 'privacy', $1::uuid, now()
                FROM generate_series($3::int, $4::int) n
            ) UPDATE rooms SET head = $2 + $4 WHERE room_id = $1::uuid
            """,
            ada.id,
            held["seq"],
            first,
            last,
        )
        assert (await _sync(ada, **_since(held)))["anew"] is anew
    held = await _sync(ada)
    await new_generation(door.database, uuid4())
    restored = await _sync(ada, **_since(held))
    assert restored["anew"]
    assert restored["generation"] != held["generation"]


async def test_pages_hold_everything_once(door: Door) -> None:
    """Rooms and contacts side by side, whichever are more; a chain of changes that must begin anew says so."""
    ada = await door.someone()
    others = [await door.someone() for _ in range(9)]
    rooms = {await ada.room() for _ in range(5)}
    for other in others:
        await ada.done("PUT", f"/v1/me/contacts/{other.id}")
    for limit in (2, 3, 5, 100):
        whole = await _sync(ada, limit=limit)
        assert sorted(room["id"] for room in whole["rooms"]) == sorted(rooms)
        assert sorted(each["person"] for each in whole["contacts"]) == sorted(
            str(other.id) for other in others
        )
    query = {"since": 1, "limit": 2}
    first = await ada.done("GET", SYNC, params=query)
    assert (first["anew"], len(first["rooms"])) == (False, 2)
    await ada.done("PUT", f"/v1/me/blocks/{others[0].id}")
    second = await ada.done("GET", SYNC, params={**query, "cursor": first["cursor"]})
    assert (second["anew"], second["me"]["handle"]) == (True, ada.handle)
    bad = await ada.ask("GET", SYNC, params={"cursor": "nonsense"})
    assert bad.status_code == 400


class Asked:
    """What one connection was asked between BEGIN and COMMIT; what else uses the pool is not of that."""

    def __init__(self, queries: list[str]) -> None:
        self.queries = queries
        self._within = False

    def note(self, record: LoggedQuery) -> None:
        self._within = self._within or record.query.startswith("BEGIN")
        if self._within:
            self.queries.append(record.query)
        self._within = self._within and not record.query.startswith("COMMIT")


async def test_the_number_of_queries_does_not_grow_with_rooms(door: Door) -> None:
    """Counted on the connections themselves, for everything and for changes."""
    ada = await door.someone()
    await ada.room()
    queries: list[str] = []
    async with AsyncExitStack() as pool:
        for _ in range(4):
            connection = await pool.enter_async_context(door.ground.primary.lent())
            connection.add_query_logger(Asked(queries).note)
    # A new connection asks once what types there are.
    await asyncio.gather(*(ada.done("GET", SYNC, params={"since": 1}) for _ in range(12)))
    counts = []
    for more in (1, 60):
        for _ in range(more):
            await ada.room()
        for query in ({}, {"since": 1}):
            queries.clear()
            answer = await ada.done("GET", SYNC, params=query)
            counts.append(len(queries))
            assert queries[-1].startswith("COMMIT")
            assert len(answer["rooms"]) in (2, 62)
    assert counts == [7, 8, 7, 8]


async def test_a_hundred_lines_are_at_most_50_kb(door: Door) -> None:
    """Direct rooms with a contact each, somebody's name, and a last message of usual length."""
    ada = await door.someone()
    for number in range(100):
        other = await door.someone(f"somebody_{number}")
        made = await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(other.id)})
        await ada.post(made["id"], "I will be there at eight, shall I bring something?")
    answer = await ada.ask("GET", SYNC)
    assert len(answer.json()["rooms"]) == 100
    assert len(answer.content) <= 50_000


@pytest.mark.parametrize("header", ["ios/2.9", "web/0", "garbage", "/"])
async def test_nobody_is_asked_for_a_version_by_default(door: Door, header: str) -> None:
    """Without a setting every app is served, whatever it calls itself."""
    ada = await door.someone()
    assert (await ada.ask("GET", "/v1/me", headers={"Muster-Client": header})).status_code == 200
