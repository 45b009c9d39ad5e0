"""Drafts: the same on all devices, and never a burden on the log."""

from typing import Any

from tests.api.door import Door, Someone


async def _log(one: Someone) -> list[dict[str, Any]]:
    log = await one.done("GET", f"/v1/rooms/{one.id}/history", params={"after": 0, "limit": 200})
    return [entry for entry in log["entries"] if entry["kind"] == "draft"]


async def test_a_draft_is_kept_replaced_and_dropped(door: Door) -> None:
    """The last writer wins; what is unchanged makes no entry; only the last entry has its words."""
    ada = await door.register("ada")
    tablet = await door.log_in("ada", "tablet")
    room = await ada.room()
    draft = f"/v1/rooms/{room}/draft"
    assert await ada.done("GET", draft) == {"room": room}
    for one, text in ((ada, "see"), (ada, "see"), (tablet, "see you"), (ada, "see you at 8")):
        await one.done("PUT", draft, json={"text": text, "reply_to": 1})
    kept = await tablet.done("GET", draft)
    assert (kept["text"], kept["reply_to"]) == ("see you at 8", 1)
    told = await _log(ada)
    assert [entry["body"].get("text") for entry in told] == [None, None, "see you at 8"]
    assert kept["seq"] == told[-1]["seq"]
    # Sending clears nothing by itself.
    await ada.post(room, "see you at 8")
    assert (await ada.done("GET", draft))["text"] == "see you at 8"
    for _ in range(2):
        await ada.done("DELETE", draft)
    assert await ada.done("GET", draft) == {"room": room}
    assert [entry["body"].get("text") for entry in await _log(ada)] == [None] * 4
    await ada.done("PUT", draft, json={"text": ""})
    assert len(await _log(ada)) == 4


async def test_a_repeat_of_an_older_draft_does_not_undo_the_newer(door: Door) -> None:
    """The same Idempotency-Key is the same entry."""
    ada = await door.someone()
    draft = f"/v1/rooms/{await ada.room()}/draft"
    key = {"Idempotency-Key": "first"}
    await ada.done("PUT", draft, json={"text": "one"}, headers=key)
    await ada.done("PUT", draft, json={"text": "two"})
    await ada.done("PUT", draft, json={"text": "one"}, headers=key)
    assert (await ada.done("GET", draft))["text"] == "two"


async def test_who_leaves_loses_their_draft_there(door: Door) -> None:
    """Its words are nowhere, and coming back does not bring them back."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("public", bob)
    draft = f"/v1/rooms/{room}/draft"
    await bob.done("POST", f"/v1/rooms/{room}/join")
    await bob.done("PUT", draft, json={"text": "a secret"})
    await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    assert (await bob.ask("PUT", draft, json={"text": "more"})).status_code == 404
    assert (await bob.ask("GET", draft)).status_code == 404
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    assert await bob.done("GET", draft) == {"room": room}
    assert [entry["body"].get("text") for entry in await _log(bob)] == [None]


async def test_long_and_foreign_drafts(door: Door) -> None:
    """8,000 characters and no more; a list gives the beginning; nobody reads another's."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    draft = f"/v1/rooms/{room}/draft"
    assert (await ada.ask("PUT", draft, json={"text": "x" * 8_001})).status_code == 400
    await ada.done("PUT", draft, json={"text": "é" * 8_000})
    [listed] = (await ada.done("GET", "/v1/me/sync"))["drafts"]
    assert (listed["text"], listed["cut"]) == ("é" * 1_000, True)
    assert len((await ada.done("GET", draft))["text"]) == 8_000
    assert await bob.done("GET", draft) == {"room": room}
    assert (
        await ada.ask("PUT", f"/v1/rooms/{ada.id}/draft", json={"text": "x"})
    ).status_code == 404
