"""History pages and `changes`: every seq is covered once, folded, and cut to the reader's spans."""

import random
from typing import Any

import pytest

from tests.api.door import Door, Someone

Page = dict[str, Any]


async def _walk(someone: Someone, room: str, way: str, rng: random.Random) -> list[Page]:
    """All pages from one end to the other, each of a random size, checked to join without holes."""
    pages: list[Page] = []
    query: dict[str, int] = {"after": 0} if way == "after" else {}
    while True:
        query["limit"] = rng.randint(1, 9)
        page = await someone.done("GET", f"/v1/rooms/{room}/history", params=query)
        seqs = [entry["seq"] for entry in page["entries"]]
        assert seqs == sorted(seqs)
        assert all(page["from_seq"] <= seq <= page["to_seq"] for seq in seqs)
        if pages and way == "after":
            assert page["from_seq"] == pages[-1]["to_seq"] + 1
        elif pages:
            assert page["to_seq"] == pages[-1]["from_seq"] - 1
        pages.append(page)
        if not page["more"]:
            break
        query = {"after": page["to_seq"]} if way == "after" else {"before": page["from_seq"]}
    ordered = pages if way == "after" else pages[::-1]
    assert (ordered[0]["from_seq"], ordered[-1]["to_seq"]) == (1, ordered[-1]["head"])
    return ordered


def _entries(pages: list[Page]) -> list[dict[str, Any]]:
    return [entry for page in pages for entry in page["entries"]]


async def _live(someone: Someone, room: str, rng: random.Random, steps: int) -> dict[int, str]:
    """Post, edit, delete and react at random; the texts that must be read afterwards."""
    texts: dict[int, str] = {}
    alive: list[int] = []
    for step in range(steps):
        what = rng.choice(["post", "post", "edit", "delete", "react", "unreact"])
        if what == "post" or not alive:
            seq = await someone.post(room, f"words {step}")
            texts[seq] = f"words {step}"
            alive.append(seq)
            continue
        seq = rng.choice(alive)
        place = f"/v1/rooms/{room}/messages/{seq}"
        if what == "edit":
            texts[seq] = f"better {step}"
            await someone.done("PATCH", place, json={"text": texts[seq]})
        elif what == "delete":
            del texts[seq]
            alive.remove(seq)
            await someone.done("DELETE", place)
        else:
            method = "PUT" if what == "react" else "DELETE"
            await someone.done(method, f"{place}/reactions/%F0%9F%91%8D")
    return texts


@pytest.mark.parametrize("seed", range(3))
async def test_pages_both_ways_hold_the_same(door: Door, seed: int) -> None:
    """Whatever happened in a room, walking it in pages of any size, either way, reads the same."""
    rng = random.Random(seed)
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("public")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    texts = await _live(ada, room, rng, 40)
    forth = _entries(await _walk(bob, room, "after", rng))
    back = _entries(await _walk(bob, room, "before", rng))
    assert forth == back
    posts = {entry["seq"]: entry for entry in forth if entry["kind"] == "post"}
    assert {seq: p["body"]["text"] for seq, p in posts.items() if "text" in p["body"]} == texts
    tombs = [post for post in posts.values() if post["deleted_seq"] is not None]
    assert all(tomb["body"] == {} and tomb["reactions"] == [] for tomb in tombs)


@pytest.mark.parametrize("seed", range(3))
async def test_changes_bring_an_old_copy_up_to_date(door: Door, seed: int) -> None:
    """A copy of seqs 1 to N plus `changes?after=N` is what a fresh reader sees of 1 to N."""
    rng = random.Random(seed)
    ada = await door.someone()
    room = await ada.room("public")
    await _live(ada, room, rng, 20)
    copy = {entry["seq"]: entry for entry in _entries(await _walk(ada, room, "after", rng))}
    known = (await ada.done("GET", f"/v1/rooms/{room}"))["head"]
    await _live(ada, room, rng, 5)
    for seq in [seq for seq, entry in copy.items() if entry["kind"] == "post"][:3]:
        await ada.ask("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/x")
    after, more = known, True
    while more:
        changes = await ada.done("GET", f"/v1/rooms/{room}/changes", params={"after": after})
        assert changes["from_seq"] == after + 1
        copy |= {entry["seq"]: entry for entry in changes["entries"]}
        after, more = changes["to_seq"], changes["more"]
    fresh = {e["seq"]: e for e in _entries(await _walk(ada, room, "after", rng))}
    assert {seq: e for seq, e in copy.items() if seq <= known} == {
        seq: e for seq, e in fresh.items() if seq <= known
    }


async def test_reactions_are_counted(door: Door) -> None:
    """Per emoji how many, whether I did, in the order they first came; blocked people's not."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", bob, eve)
    seq = await ada.post(room, "cake?")
    for one, emoji in ((bob, "yes"), (eve, "yes"), (eve, "no"), (ada, "yes")):
        await one.done("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/{emoji}")

    async def reactions(reader: Someone) -> list[dict[str, Any]]:
        page = await reader.done("GET", f"/v1/rooms/{room}/history", params={"after": seq - 1})
        counted: list[dict[str, Any]] = page["entries"][0]["reactions"]
        return counted

    yes, no = {"emoji": "yes", "count": 3}, {"emoji": "no", "count": 1}
    assert await reactions(ada) == [{**yes, "mine": True}, {**no, "mine": False}]
    await bob.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await reactions(bob) == [{**yes, "count": 2, "mine": True}]


async def test_a_newcomer_of_a_group_reads_from_their_join(door: Door) -> None:
    """What was said before, and while they were away, is covered and not shown."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group")
    await ada.post(room, "before")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    await ada.post(room, "during")
    await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    assert (await bob.ask("GET", f"/v1/rooms/{room}/history")).status_code == 404
    await ada.post(room, "away")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    await ada.post(room, "again")
    rng = random.Random(0)
    for way in ("after", "before"):
        pages = await _walk(bob, room, way, rng)
        said = [e["body"]["text"] for e in _entries(pages) if e["kind"] == "post"]
        assert said == ["during", "again"]


async def test_blocked_people_are_left_out(door: Door) -> None:
    """For the blocker alone, and only while the block holds."""
    ada, eve = await door.someone(), await door.someone()
    room = await ada.room("group", eve)
    seq = await eve.post(room, "hello")

    async def posts(reader: Someone) -> list[int]:
        pages = await _walk(reader, room, "after", random.Random(0))
        return [e["seq"] for e in _entries(pages) if e["kind"] == "post"]

    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert (await posts(ada), await posts(eve)) == ([], [seq])
    await ada.done("DELETE", f"/v1/me/blocks/{eve.id}")
    assert await posts(ada) == [seq]


async def test_long_stretches_without_items_are_walked_through(door: Door) -> None:
    """Thousands of folded entries make pages without items, each of which gets further."""
    ada = await door.someone()
    room = await ada.room("public")
    first = await ada.post(room, "first")
    await door.database.execute(
        """
        WITH noise AS (
            INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, body, target)
            SELECT $1::uuid, $3::bigint + i, 1, CASE i % 2 WHEN 1 THEN 'react' ELSE 'unreact' END,
                   $2::uuid, 'noise' || i, now(), '{"emoji": "x"}', $3::bigint
            FROM generate_series(1, 12000) i
        ) UPDATE rooms SET head = $3::bigint + 12000 WHERE room_id = $1::uuid
        """,
        room,
        ada.id,
        first,
    )
    last = await ada.post(room, "last")
    rng = random.Random(0)
    for way in ("after", "before"):
        pages = await _walk(ada, room, way, rng)
        assert [e["seq"] for e in _entries(pages) if e["kind"] == "post"] == [first, last]
        assert len(pages) < 30


async def test_positions_beyond_the_log(door: Door) -> None:
    """Asking past the end, before the beginning, or both ways at once is answered plainly."""
    ada = await door.someone()
    room = await ada.room("public")
    end = await ada.done("GET", f"/v1/rooms/{room}/history", params={"after": 2**53 - 1})
    assert (end["from_seq"], end["to_seq"], end["more"], end["entries"]) == (2, 1, False, [])
    start = await ada.done("GET", f"/v1/rooms/{room}/history", params={"before": 0})
    assert (start["to_seq"], start["more"], start["entries"]) == (-1, False, [])
    both = await ada.ask("GET", f"/v1/rooms/{room}/history", params={"before": 5, "after": 1})
    assert both.status_code == 400


async def test_pointers_move_forward_only_and_not_past_the_head(door: Door) -> None:
    """An old or impossible position changes nothing."""
    ada = await door.someone()
    room = await ada.room()
    head = [await ada.post(room, "words") for _ in range(3)][-1]
    for seq, read in ((2, 2), (1, 2), (2**53 - 1, head)):
        await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": seq})
        await ada.done("PUT", f"/v1/rooms/{room}/received", json={"seq": seq})
        [listed] = (await ada.done("GET", "/v1/me/rooms"))["rooms"]
        received = await door.database.fetchval("SELECT received FROM device_pointers")
        assert (listed["read"], received) == (max(read, 1), max(read, 1))


async def test_ones_own_log_is_read_like_any_room_and_nobody_elses_is(door: Door) -> None:
    """After a gap a device fetches its self log here; to others it is a room that is not there."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group")
    page = await ada.done("GET", f"/v1/rooms/{ada.id}/history")
    assert [(entry["kind"], entry["body"]["room"]) for entry in page["entries"]] == [
        ("room_added", room)
    ]
    assert (await bob.ask("GET", f"/v1/rooms/{ada.id}/history")).status_code == 404
    mine = await ada.done("GET", "/v1/me/rooms")
    assert [summary["id"] for summary in mine["rooms"]] == [room]
