"""Rooms: making them, who is in them, and the list of mine."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.api.door import Door, Someone

LISTED = "muster_api_database_seconds_count"


async def _mine(someone: Someone, **query: Any) -> list[dict[str, Any]]:
    rooms: list[dict[str, Any]] = (await someone.done("GET", "/v1/me/rooms", params=query))["rooms"]
    return rooms


async def test_a_direct_room_is_made_once(door: Door) -> None:
    """Both ask at once, several times: one room, of both, with each other as its peer."""
    ada, bob = await door.register("ada"), await door.register("bob")
    asked = [
        one.ask("POST", "/v1/rooms", json={"kind": "direct", "peer": str(other.id)})
        for one, other in ((ada, bob), (bob, ada)) * 5
    ]
    answers = await asyncio.gather(*asked)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    [listed] = await _mine(ada)
    assert (listed["peer"]["handle"], listed["members"]) == ("bob", 2)


async def test_rooms_that_cannot_be(door: Door) -> None:
    """Nobody talks to themselves, to nobody, or without a title."""
    ada, bob = await door.register("ada"), await door.register("bob")
    bodies: list[tuple[dict[str, Any], int]] = [
        ({"kind": "direct"}, 400),
        ({"kind": "direct", "peer": str(ada.id)}, 400),
        ({"kind": "direct", "peer": str(uuid4())}, 404),
        ({"kind": "direct", "peer": str(bob.id), "title": "us"}, 400),
        ({"kind": "group"}, 400),
        ({"kind": "group", "title": "   "}, 400),
        ({"kind": "group", "title": "x" * 101}, 400),
        ({"kind": "group", "title": "x\u202ey"}, 400),
        ({"kind": "self", "title": "x"}, 400),
        ({"kind": "group", "title": "x", "people": [str(uuid4())]}, 404),
        ({"kind": "group", "title": "x", "people": [str(uuid4()) for _ in range(101)]}, 422),
    ]
    for body, status in bodies:
        answer = await ada.ask("POST", "/v1/rooms", json=body)
        assert answer.status_code == status, (body, answer.text)


async def test_a_room_from_invitation_to_archive(door: Door) -> None:
    """Invite, join, promote, rename, archive; each shows where it should."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("group", title="Friday")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    [invitation] = await _mine(bob)
    assert (invitation["role"], invitation["last_message"]) == ("invited", None)
    await bob.done("POST", f"/v1/rooms/{room}/join")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}/role", json={"role": "owner"})
    renamed = await bob.done("PATCH", f"/v1/rooms/{room}", json={"title": "Saturday"})
    assert (renamed["title"], renamed["role"]) == ("Saturday", "owner")
    members = await ada.done("GET", f"/v1/rooms/{room}/members")
    assert {one["handle"]: one["role"] for one in members["members"]} == {
        "ada": "owner",
        "bob": "owner",
    }
    await bob.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    late = await ada.ask("POST", f"/v1/rooms/{room}/messages", json={"client_id": "1", "text": "?"})
    assert (late.status_code, late.json()["name"]) == (409, "archived")


async def test_members_come_in_pages(door: Door) -> None:
    """The pages together hold everyone once."""
    ada = await door.register("ada")
    room = await ada.room("public")
    for _ in range(24):
        await (await door.someone()).done("POST", f"/v1/rooms/{room}/join")
    seen: list[str] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        query = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = await ada.done("GET", f"/v1/rooms/{room}/members", params=query)
        seen += [one["id"] for one in page["members"]]
        cursor = page["cursor"]
    assert len(seen) == len(set(seen)) == 25


async def test_public_rooms_are_found_and_others_are_not(door: Door) -> None:
    """A newcomer sees what may be joined, newest first, and nothing else."""
    ada = await door.register("ada")
    titles = {
        kind: await ada.room(kind, title=kind) for kind in ("group", "public", "announcement")
    }
    archived = await ada.room("public", title="over")
    await ada.done("PATCH", f"/v1/rooms/{archived}", json={"archived": True})
    newcomer = await door.someone()
    page = await newcomer.done("GET", "/v1/public-rooms")
    assert {one["id"] for one in page["rooms"]} == {titles["public"], titles["announcement"]}


async def test_the_list_counts_what_is_news_to_me(door: Door) -> None:
    """Not mine, not deleted, not by people I block; mentions and `here` count apart."""
    ada, bob, eve = [await door.register(handle) for handle in ("ada", "bob", "eve")]
    room = await ada.room("group", bob, eve)
    await ada.post(room, "mine")
    await bob.post(room, "one")
    await bob.post(room, "to you", mentions=[str(ada.id)])
    await bob.post(room, "to all", here=True)
    gone = await bob.post(room, "gone", mentions=[str(ada.id)])
    await bob.done("DELETE", f"/v1/rooms/{room}/messages/{gone}")
    await eve.post(room, "hidden", mentions=[str(ada.id)])
    [before] = await _mine(ada)
    assert (before["unread"], before["mentions"]) == (4, 3)
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    [blocking] = await _mine(ada)
    assert (blocking["unread"], blocking["mentions"]) == (3, 2)
    # The newest message she may see is the deleted one: its place is shown, its words are not.
    assert (blocking["last_message"]["seq"], blocking["last_message"]["text"]) == (gone, None)
    await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": blocking["head"]})
    [after] = await _mine(ada)
    assert (after["unread"], after["mentions"], after["read"]) == (0, 0, after["head"])


async def test_the_last_message_is_cut(door: Door) -> None:
    """A list shows 120 characters, whatever they are."""
    ada = await door.register("ada")
    room = await ada.room()
    await ada.post(room, "\U0001f600" * 500)
    [listed] = await _mine(ada)
    assert listed["last_message"]["text"] == "\U0001f600" * 120


async def test_unread_stops_at_a_hundred(door: Door) -> None:
    """Beyond that a client shows 99+, and counting costs no more."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("group", bob)
    await door.database.execute(
        """
        WITH posts AS (
            INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)
            SELECT $1::uuid, 2 + i, i, 'post', $2::uuid, i::text, now(), 'words'
            FROM generate_series(1, 1200) i
        ) UPDATE rooms SET head = 1202, msg_no = 1200, last_post = 1202 WHERE room_id = $1::uuid
        """,
        room,
        bob.id,
    )
    [listed] = await _mine(ada)
    assert listed["unread"] == 100


async def test_the_list_pages_and_costs_one_query(door: Door) -> None:
    """However many rooms: one use of the database, every room once, the newest first."""
    ada = await door.someone()
    costs = []
    rooms: list[dict[str, Any]] = []
    for more in (1, 40):
        for _ in range(more):
            await ada.room()
        before = door.counted(LISTED)
        rooms = await _mine(ada)
        costs.append(door.counted(LISTED) - before)
    assert costs == [1, 1]
    assert len(rooms) == 41
    paged: list[str] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        page = await ada.done("GET", "/v1/me/rooms", params=query)
        paged += [one["id"] for one in page["rooms"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert paged == [one["id"] for one in rooms]


async def test_the_list_is_not_sent_twice(door: Door) -> None:
    """If-None-Match with the ETag gets 304 until something changes."""
    ada = await door.register("ada")
    room = await ada.room()
    first = await ada.ask("GET", "/v1/me/rooms")
    condition = {"If-None-Match": first.headers["ETag"]}
    again = await ada.ask("GET", "/v1/me/rooms", headers=condition)
    assert (again.status_code, again.content) == (304, b"")
    await ada.post(room, "news")
    assert (await ada.ask("GET", "/v1/me/rooms", headers=condition)).status_code == 200


async def test_mute_and_level(door: Door) -> None:
    """Until a time, or what may be told of at all; null unmutes."""
    ada = await door.register("ada")
    room = await ada.room()
    wanted = {"until_ms": 1_900_000_000_000, "level": "mentions"}
    await ada.done("PUT", f"/v1/rooms/{room}/mute", json=wanted)
    [muted] = await _mine(ada)
    assert (muted["muted_until_ms"], muted["level"]) == (1_900_000_000_000, "mentions")
    await ada.done("PUT", f"/v1/rooms/{room}/mute", json={"level": "all"})
    [heard] = await _mine(ada)
    assert (heard["muted_until_ms"], heard["level"]) == (None, "all")


async def test_a_block_is_invisible_to_the_blocked(door: Door) -> None:
    """Invited by somebody I block: they are told it is done, and I hear nothing."""
    ada, eve = await door.register("ada"), await door.register("eve")
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    room = await eve.room()
    await eve.done("PUT", f"/v1/rooms/{room}/members/{ada.id}")
    assert await _mine(ada) == []
    assert [one["handle"] for one in (await ada.done("GET", "/v1/me/blocks"))["people"]] == ["eve"]
    await ada.done("DELETE", f"/v1/me/blocks/{eve.id}")
    await eve.done("PUT", f"/v1/rooms/{room}/members/{ada.id}")
    assert [one["role"] for one in await _mine(ada)] == ["invited"]


async def test_how_far_the_other_has_read(door: Door) -> None:
    """Told in direct rooms; not from somebody's Requests, and not across a block either way."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = (await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(bob.id)}))["id"]
    group = await ada.room("group", bob)
    seq = await ada.post(room, "psst")

    async def told(one: Someone) -> int | None:
        read: int | None = {r["id"]: r for r in await _mine(one)}[room]["peer_read"]
        return read

    await bob.done("PUT", f"/v1/rooms/{room}/read", json={"seq": seq})
    assert await told(ada) is None
    answer = await bob.post(room, "yes?")
    assert (await told(ada), await told(bob)) == (seq, 1)
    await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": answer})
    assert (await told(ada), await told(bob)) == (seq, answer)
    assert {r["id"]: r for r in await _mine(ada)}[group]["peer_read"] is None
    await bob.done("PUT", f"/v1/me/blocks/{ada.id}")
    assert (await told(ada), await told(bob)) == (None, None)
