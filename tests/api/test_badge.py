"""The badge that a push carries is what sync says: unread of rooms that are not muted, mentions in those that are."""

from typing import Any
from uuid import UUID

from muster.owed import Key
from muster.push_device import Provider
from muster.stores.postgres.owed import PostgresOwed
from tests.api.door import Door, Someone


def _of_lines(sync: dict[str, Any]) -> int:
    now_ms = sync["server_time_ms"]
    return sum(
        room.get("mentions" if room.get("muted_until_ms", 0) > now_ms else "unread", 0)
        for room in sync["rooms"]
    )


async def test_the_badge_is_what_sync_says(door: Door) -> None:
    """Also right after another device has read, muted or lifted a mute, and with somebody blocked."""
    ada, bob, eve = (
        await door.register("ada"),
        await door.register("bob"),
        await door.register("eve"),
    )
    rooms = [
        await bob.room("group", ada, eve),
        await bob.room("public", ada),
        await bob.room("group", ada),
    ]
    await ada.done("POST", f"/v1/rooms/{rooms[1]}/join")
    for room in rooms:
        await bob.post(room, "hello")
        await bob.post(room, "hello @ada")
    await eve.post(rooms[0], "hello @ada")
    store = PostgresOwed(door.ground.primary, door.ground.sealer)

    async def badge(one: Someone) -> int:
        keys = [Key(one.id.bytes, UUID(room).bytes) for room in rooms]
        badges = {owed.badge for owed in await store.owed(Provider.apns, keys)}
        [same] = badges
        assert same == _of_lines(await one.done("GET", "/v1/me/sync"))
        return same

    before = await badge(ada)
    later = (await ada.done("GET", "/v1/me/sync"))["server_time_ms"] + 60_000
    await ada.done("PUT", f"/v1/rooms/{rooms[0]}/mute", json={"until_ms": later})
    assert await badge(ada) == before - 1
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await badge(ada) == before - 2
    await ada.done("PUT", f"/v1/rooms/{rooms[0]}/mute", json={"until_ms": 0})
    assert await badge(ada) == before - 1
    head = (await ada.done("GET", f"/v1/rooms/{rooms[2]}"))["head"]
    await ada.done("PUT", f"/v1/rooms/{rooms[2]}/read", json={"seq": head})
    assert await badge(ada) == before - 3
