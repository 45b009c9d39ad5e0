"""Mentions: who is meant by the @names of a message, and that the counter agrees whatever becomes of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from muster.ids import RoomId
from muster.op import Op
from muster.permission import ALLOW, Action
from proto.entry import Body
from tests.api.door import Door, Someone


async def _body(one: Someone, room: str, seq: int) -> dict[str, Any]:
    page = await one.done("GET", f"/v1/rooms/{room}/history", params={"after": seq - 1, "limit": 1})
    body: dict[str, Any] = page["entries"][0]["body"]
    return body


async def _counts(one: Someone, room: str) -> tuple[int, int]:
    """Unread and mentions, alike in the list and in sync."""
    listed = {r["id"]: r for r in (await one.done("GET", "/v1/me/rooms"))["rooms"]}[room]
    line = {r["id"]: r for r in (await one.done("GET", "/v1/me/sync"))["rooms"]}[room]
    counts = listed["unread"], listed["mentions"]
    assert counts == (line.get("unread", 0), line.get("mentions", 0))
    return counts


async def test_handles_of_members_are_mentions(door: Door) -> None:
    """Whatever the case, with what the client named itself, each once; strangers and addresses are words."""
    ada = await door.register("Ada")
    bob, eve = await door.register("bob.b"), await door.register("eve")
    room = await ada.room("group", bob)
    a, b = str(ada.id), str(bob.id)
    for text, named, meant in (
        ("hello @ADA and @bob.b.", None, [a, b]),
        ("(@bob.b)", [a], [a, b]),
        ("@ada, @Ada; @ada!", [a], [a]),
        ("@eve is not here", None, None),
        ("mail me@ada or a/@ada", None, None),
        ("@ad @ @@ada", None, None),
    ):
        more = {} if named is None else {"mentions": named}
        seq = await bob.post(room, text, **more)
        body = await _body(ada, room, seq)
        assert (body["text"], body.get("mentions")) == (text, meant), text
        assert set(body) <= {"text", "mentions"}
    await ada.done("PUT", f"/v1/rooms/{room}/members/{eve.id}")
    seq = await bob.post(room, "@eve is invited and no member")
    assert "mentions" not in await _body(ada, room, seq)


async def test_at_most_fifty(door: Door) -> None:
    """Those the client named come first."""
    ada = await door.someone()
    others = [await door.someone(f"other{number}") for number in range(55)]
    room = await ada.room("group", *others)
    named = str(others[54].id)
    text = " ".join(f"@{other.handle}" for other in others)
    seq = await ada.post(room, text, mentions=[named])
    mentions = (await _body(ada, room, seq))["mentions"]
    assert mentions == [named, *(str(other.id) for other in others[:49])]


@pytest.mark.parametrize("kind", ["group", "public", "announcement"])
async def test_here_is_for_those_who_may(door: Door, kind: str) -> None:
    """By flag and by word alike: anybody in a group, moderators and owners elsewhere."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room(kind, bob)
    for one in (ada, bob):
        if kind == "announcement" and one is bob:
            continue
        for text, more in (("look @here!", {}), ("look", {"here": True})):
            seq = await one.post(room, text, **more)
            allowed = one is ada or kind == "group"
            assert (await _body(ada, room, seq)).get("here", False) is allowed
    assert await _counts(bob, room) == (2, 2)


async def test_the_counter_follows_edits_deletions_and_blocks(door: Door) -> None:
    """A mention edited in or out, a message taken back, an author hidden: both lists say the same."""
    ada, bob, eve = [await door.register(handle) for handle in ("ada", "bob", "eve")]
    room = await ada.room("group", bob, eve)
    one = await bob.post(room, "nothing yet")
    two = await bob.post(room, "for @ada")
    await eve.post(room, "also for @ada and @here")
    await ada.post(room, "my own @ada")
    assert await _counts(ada, room) == (3, 2)
    path = f"/v1/rooms/{room}/messages"
    await bob.done("PATCH", f"{path}/{one}", json={"text": "now for @Ada"})
    assert await _counts(ada, room) == (3, 3)
    # The same words again are the same message: no entry.
    again = await bob.done("PATCH", f"{path}/{one}", json={"text": "now for @Ada"})
    assert again["fresh"] is False
    await bob.done("PATCH", f"{path}/{two}", json={"text": "for nobody"})
    assert await _counts(ada, room) == (3, 2)
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await _counts(ada, room) == (2, 1)
    await bob.done("DELETE", f"{path}/{one}")
    assert await _counts(ada, room) == (1, 0)
    await ada.done("DELETE", f"/v1/me/blocks/{eve.id}")
    assert await _counts(ada, room) == (2, 1)
    head = (await ada.done("GET", f"/v1/rooms/{room}"))["head"]
    await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": head})
    assert await _counts(ada, room) == (0, 0)


async def test_a_mention_below_a_hundred_others_is_counted(door: Door) -> None:
    """Counting unread stops; the mentions among them are counted all the same."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("group", bob)
    await bob.post(room, "@ada!")
    head = (await ada.done("GET", f"/v1/rooms/{room}"))["head"]
    await door.database.execute(
        """
        WITH posts AS (
            INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)
            SELECT $1::uuid, $3 + i, 1 + i, 'post', $2::uuid, i::text, now(), 'words'
            FROM generate_series(1, 300) i
        ) UPDATE rooms SET head = $3 + 300, msg_no = 301, last_post = $3 + 300 WHERE room_id = $1::uuid
        """,
        room,
        bob.id,
        head,
    )
    assert await _counts(ada, room) == (100, 1)


async def test_what_does_not_ask_is_left_as_it_is(door: Door) -> None:
    """A hub of the release before sends bodies without a question: they are what they were."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("public")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    stranger = uuid4()
    body = Body(here=True, mentions=[stranger])
    op = Op("post", RoomId(UUID(room)), bob.id, "c", ALLOW[Action.post], "@ada", body)
    seq = (await door.ground.writer.submit(op)).seq
    kept = {"text": "@ada", "here": True, "mentions": [str(stranger)]}
    assert await _body(ada, room, seq) == kept
