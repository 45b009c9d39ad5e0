"""Which level a room has for somebody: what they chose, else what rooms of its kind begin with."""

from typing import Any

import pytest

from muster.permission import Relation, RoomKind
from tests.api.door import Door, Someone

KINDS = (
    (RoomKind.direct, "all"),
    (RoomKind.group, "all"),
    (RoomKind.public, "mentions"),
    (RoomKind.announcement, "mentions"),
    (RoomKind.event, "mentions"),
)
LOUD = """
    SELECT person_id FROM members WHERE room_id = $1 AND chosen_level = 'all'
        AND relation IN ('member', 'moderator', 'owner')
"""


async def _levels(one: Someone) -> set[str]:
    """By both lists; sync leaves `all` out."""
    mine = (await one.done("GET", "/v1/me/rooms"))["rooms"]
    synced = (await one.done("GET", "/v1/me/sync"))["rooms"]
    return {room["level"] for room in mine} | {room.get("level", "all") for room in synced}


async def _entry(one: Someone) -> dict[str, Any]:
    log = await one.done("GET", f"/v1/rooms/{one.id}/history", params={"before": 2**40})
    body: dict[str, Any] = log["entries"][-1]["body"]
    return body


@pytest.mark.parametrize(("kind", "begins"), KINDS)
async def test_a_room_begins_with_the_level_of_its_kind(
    door: Door, kind: RoomKind, begins: str
) -> None:
    """Until something is chosen, and again when that is taken back; the entry says what is then in force."""
    ada = await door.someone()
    room = await door.bare_room(kind, ada.id)
    await door.relate(room, ada.id, Relation.member, 1)
    assert await _levels(ada) == {begins}
    for level in ("all", "mentions", "none", "all"):
        await ada.done("PUT", f"/v1/rooms/{room}/mute", json={"level": level})
        assert await _levels(ada) == {level}
        assert (await _entry(ada))["level"] == level
        # What the release before reads.
        assert (
            await door.database.fetchval("SELECT level FROM members WHERE room_id = $1", room)
            == level
        )
    await ada.done("PUT", f"/v1/rooms/{room}/mute", json={"until_ms": 1_900_000_000_000})
    assert "level" not in await _entry(ada)
    assert [row[0] for row in await door.database.fetch(LOUD, room)] == [ada.id]
    await ada.done("PUT", f"/v1/rooms/{room}/mute", json={"level": "default"})
    assert await _levels(ada) == {begins}
    assert (await _entry(ada))["level"] == begins
    assert await door.database.fetch(LOUD, room) == []


async def test_the_loud_ones_of_a_large_room_are_found_without_its_members(door: Door) -> None:
    """Two of 20,000: a handful of pages is read."""
    ada = await door.someone()
    room = await door.bare_room(RoomKind.public, ada.id)
    await door.database.execute(
        "INSERT INTO members (room_id, person_id, relation, chosen_level)"
        " SELECT $1, gen_random_uuid(), 'member', CASE WHEN n <= 2 THEN 'all' END FROM generate_series(1, 20000) n",
        room,
    )
    await door.database.execute("ANALYZE members")
    plan = await door.database.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {LOUD}", room)
    assert "members_loud" in plan
    assert len(await door.database.fetch(LOUD, room)) == 2
