"""Threads: a message, its replies, and how many there are."""

from uuid import uuid4

from tests.api.door import Door


async def test_a_thread_in_pages(door: Door) -> None:
    """Root and replies in order of seq, each once; history counts them on the root."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    root = await ada.post(room, "who comes?")
    replies = []
    for number in range(5):
        replies.append(await bob.post(room, str(number), reply_to=root))
        await ada.post(room, "meanwhile")
    nested = await ada.post(room, "to a reply", reply_to=replies[0])
    path = f"/v1/rooms/{room}/threads/{root}"
    first = await ada.done("GET", path, params={"limit": 3})
    assert (first["root"]["seq"], first["root"]["body"]["text"]) == (root, "who comes?")
    assert ([r["seq"] for r in first["replies"]], first["more"]) == (replies[:3], True)
    rest = await ada.done("GET", path, params={"limit": 3, "after": replies[2]})
    assert ([r["seq"] for r in rest["replies"]], rest["more"]) == (replies[3:], False)
    page = await ada.done("GET", f"/v1/rooms/{room}/history")
    counted = {e["seq"]: (e["replies"], e["last_reply"]) for e in page["entries"] if e["replies"]}
    assert counted == {root: (5, replies[-1]), replies[0]: (1, nested)}
    await bob.done("DELETE", f"/v1/rooms/{room}/messages/{replies[-1]}")
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{root}")
    left = await ada.done("GET", path)
    assert (left["root"]["replies"], left["root"]["last_reply"]) == (4, replies[3])
    assert (left["root"]["deleted_seq"] is not None, left["root"]["body"]) == (True, {})
    assert [r["seq"] for r in left["replies"]] == replies[:4]


async def test_a_thread_obeys_spans_and_blocks(door: Door) -> None:
    """What was said before I came or by whom I block is not there, neither as root nor as reply nor as a number."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", eve)
    before = await ada.post(room, "before")
    await ada.post(room, "early", reply_to=before)
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    late = await ada.post(room, "late", reply_to=before)
    root = await ada.post(room, "root")
    mine = await bob.post(room, "mine", reply_to=root)
    await eve.post(room, "hers", reply_to=root)
    hers = await eve.post(room, "her root")
    await ada.post(room, "to her", reply_to=hers)
    await bob.done("PUT", f"/v1/me/blocks/{eve.id}")
    for hidden in (before, hers, late + 1_000):
        assert (await bob.ask("GET", f"/v1/rooms/{room}/threads/{hidden}")).status_code == 404
    seen = await bob.done("GET", f"/v1/rooms/{room}/threads/{root}")
    assert [r["seq"] for r in seen["replies"]] == [mine]
    assert (seen["root"]["replies"], seen["root"]["last_reply"]) == (1, mine)
    everything = await ada.done("GET", f"/v1/rooms/{room}/threads/{root}")
    assert everything["root"]["replies"] == 2
    await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    assert (await bob.ask("GET", f"/v1/rooms/{room}/threads/{root}")).status_code == 404


async def test_what_is_no_message_has_no_thread(door: Door) -> None:
    """A join, nothing, a seq beyond the head, a room of others: the same 404."""
    ada = await door.someone()
    room = await ada.room()
    for place in (
        f"{room}/threads/1",
        f"{room}/threads/0",
        f"{room}/threads/99",
        f"{uuid4()}/threads/1",
    ):
        assert (await ada.ask("GET", f"/v1/rooms/{place}")).status_code == 404


async def test_counting_replies_stops_at_a_hundred(door: Door) -> None:
    """100 stands for that many or more."""
    ada = await door.someone()
    room = await ada.room()
    root = await ada.post(room, "root")
    await door.database.execute(
        """
        WITH posts AS (
            INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text, body)
            SELECT $1::uuid, $3 + i, 1 + i, 'post', $2::uuid, i::text, now(), 'words',
                   jsonb_build_object('reply_to', $3::bigint) FROM generate_series(1, 130) i
        ) UPDATE rooms SET head = $3 + 130, msg_no = 131, last_post = $3 + 130 WHERE room_id = $1::uuid
        """,
        room,
        ada.id,
        root,
    )
    thread = await ada.done("GET", f"/v1/rooms/{room}/threads/{root}", params={"limit": 200})
    assert (thread["root"]["replies"], thread["root"]["last_reply"]) == (100, root + 130)
    assert len(thread["replies"]) == 130
