"""Pins: entries like any other, bounded, and gone with their message."""

from typing import Any

from tests.api.door import Door, Someone


async def _pins(someone: Someone, room: str) -> list[tuple[int, str]]:
    listed = await someone.done("GET", f"/v1/rooms/{room}/pins")
    return [(pin["message"]["seq"], pin["message"]["body"]["text"]) for pin in listed["pins"]]


async def _log(someone: Someone, room: str) -> list[tuple[str, Any]]:
    page = await someone.done("GET", f"/v1/rooms/{room}/history")
    return [
        (entry["kind"], entry["body"]["target"])
        for entry in page["entries"]
        if entry["kind"] in ("pin", "unpin")
    ]


async def test_pinning_is_an_entry_and_a_list(door: Door) -> None:
    """Everybody reads the list, newest pin first; the log tells who did what to which message."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    one, two = [await bob.post(room, text) for text in ("one", "two")]
    done = [await ada.done("PUT", f"/v1/rooms/{room}/pins/{seq}") for seq in (two, one)]
    assert [each["seq"] for each in done] == [two + 1, two + 2]
    assert await _pins(bob, room) == [(one, "one"), (two, "two")]
    [pin, _] = (await bob.done("GET", f"/v1/rooms/{room}/pins"))["pins"]
    assert (pin["pinned_by"], pin["pinned_seq"]) == (str(ada.id), two + 2)
    await ada.done("DELETE", f"/v1/rooms/{room}/pins/{two}")
    await bob.done("PATCH", f"/v1/rooms/{room}/messages/{one}", json={"text": "better"})
    assert await _pins(bob, room) == [(one, "better")]
    assert await _log(bob, room) == [("pin", two), ("pin", one), ("unpin", two)]


async def test_what_changes_nothing_is_no_entry(door: Door) -> None:
    """Pinned twice, or unpinned when it was not: the seq in force, and nothing new."""
    ada = await door.someone()
    room = await ada.room()
    seq = await ada.post(room, "words")
    path = f"/v1/rooms/{room}/pins/{seq}"
    assert (await ada.done("DELETE", path))["fresh"] is False
    first, second = [await ada.done("PUT", path) for _ in range(2)]
    assert (second["fresh"], second["seq"]) == (False, first["seq"])
    assert await _log(ada, room) == [("pin", seq)]


async def test_a_retry_is_the_same_entry(door: Door) -> None:
    """By its Idempotency-Key, also after it was unpinned meanwhile."""
    ada = await door.someone()
    room = await ada.room()
    path = f"/v1/rooms/{room}/pins/{await ada.post(room, 'words')}"
    key = {"headers": {"Idempotency-Key": "k"}}
    first = await ada.done("PUT", path, **key)
    await ada.done("DELETE", path)
    assert (await ada.done("PUT", path, **key))["seq"] == first["seq"]
    assert await _pins(ada, room) == []


async def test_a_deleted_message_loses_its_pin(door: Door) -> None:
    """It is not listed, counts no longer, and cannot be pinned again."""
    ada = await door.someone()
    room = await ada.room()
    seqs = [await ada.post(room, f"words {n}") for n in range(52)]
    for seq in seqs[:50]:
        await ada.done("PUT", f"/v1/rooms/{room}/pins/{seq}")
    answer = await ada.ask("PUT", f"/v1/rooms/{room}/pins/{seqs[50]}")
    assert (answer.status_code, answer.json()["name"]) == (422, "limit_exceeded")
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{seqs[0]}")
    assert len(await _pins(ada, room)) == 49
    await ada.done("PUT", f"/v1/rooms/{room}/pins/{seqs[51]}")
    assert len(await _pins(ada, room)) == 50
    assert (await ada.ask("PUT", f"/v1/rooms/{room}/pins/{seqs[0]}")).status_code == 404


async def test_only_messages_in_sight_are_pinned(door: Door) -> None:
    """Not joins, not what is not there, not what was said before a moderator came; readers see theirs alone."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", eve)
    before = await ada.post(room, "before")
    await ada.done("PUT", f"/v1/rooms/{room}/pins/{before}")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    joined = (await bob.done("POST", f"/v1/rooms/{room}/join"))["seq"]
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}/role", json={"role": "moderator"})
    for seq in (before, joined, 99, 0):
        assert (await bob.ask("PUT", f"/v1/rooms/{room}/pins/{seq}")).status_code == 404, seq
    since = await eve.post(room, "since")
    await bob.done("PUT", f"/v1/rooms/{room}/pins/{since}")
    assert await _pins(bob, room) == [(since, "since")]
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await _pins(ada, room) == [(before, "before")]
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    answer = await ada.ask("PUT", f"/v1/rooms/{room}/pins/{since}")
    assert (answer.status_code, answer.json()["name"]) == (409, "archived")
