"""Who may write to whom, what lies in Requests until it is answered, and who is as if they were not there."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.door import Door, Someone

PRIVACY = "/v1/me/privacy"


async def _set(one: Someone, **settings: str) -> dict[str, str]:
    changed: dict[str, str] = await one.done("PATCH", PRIVACY, json=settings)
    return changed


async def _befriend(one: Someone, other: Someone) -> None:
    await one.done("PUT", f"/v1/me/contacts/{other.id}")
    await other.done("PUT", f"/v1/me/contacts/{one.id}")


async def _direct(one: Someone, other: Someone) -> str:
    body = {"kind": "direct", "peer": str(other.id)}
    room: str = (await one.done("POST", "/v1/rooms", json=body))["id"]
    return room


async def _is_request(one: Someone, room: str) -> bool:
    rooms: list[dict[str, Any]] = (await one.done("GET", "/v1/me/rooms"))["rooms"]
    [request] = [each["request"] for each in rooms if each["id"] == room]
    return bool(request)


async def _told(one: Someone, kind: str) -> list[dict[str, Any]]:
    log = await one.done("GET", f"/v1/rooms/{one.id}/history", params={"after": 0, "limit": 100})
    return [entry["body"] for entry in log["entries"] if entry["kind"] == kind]


async def test_settings_begin_careful_and_are_changed_one_by_one(door: Door) -> None:
    """What is not named stays; a change is in the self log, a change of nothing is not."""
    ada = await door.register("ada")
    near = dict.fromkeys(("message", "find", "online", "events"), "contacts")
    assert await ada.done("GET", PRIVACY) == near | {"find_by_handle": "everyone"}
    for _ in range(2):
        changed = await _set(ada, message="room-mates", online="nobody")
        assert (changed["message"], changed["online"], changed["find"]) == (
            "room-mates",
            "nobody",
            "contacts",
        )
    assert len(await _told(ada, "privacy")) == 1
    for body in ({}, {"message": "friends"}, {"message": None}):
        assert (await ada.ask("PATCH", PRIVACY, json=body)).status_code == 400


async def test_a_stranger_lands_in_requests_until_answered(door: Door) -> None:
    """The receiver alone sees it so, on every device; a word of theirs is a yes."""
    ada, eve = await door.register("ada"), await door.register("eve")
    room = await _direct(eve, ada)
    await eve.post(room, "hello?")
    assert (await _is_request(ada, room), await _is_request(eve, room)) == (True, False)
    assert await _told(ada, "request") == [{"room": room, "state": "requested"}]
    await ada.done("PUT", f"/v1/rooms/{room}/read", json={"seq": 2})
    assert await _is_request(ada, room)
    await ada.post(room, "who are you?")
    assert not await _is_request(ada, room)


async def test_a_request_is_accepted_by_a_word_or_with_the_contact(door: Door) -> None:
    """Both tell the other devices, once."""
    ada, bob, eve = [await door.register(handle) for handle in ("ada", "bob", "eve")]
    of_eve, of_bob = await _direct(eve, ada), await _direct(bob, ada)
    for _ in range(2):
        await ada.done("POST", f"/v1/rooms/{of_eve}/accept")
    await _befriend(bob, ada)
    assert not await _is_request(ada, of_eve)
    assert not await _is_request(ada, of_bob)
    assert [(body["room"], body["state"]) for body in await _told(ada, "request")] == [
        (of_eve, "requested"),
        (of_bob, "requested"),
        (of_eve, "accepted"),
        (of_bob, "accepted"),
    ]
    assert (await ada.ask("POST", f"/v1/rooms/{uuid4()}/accept")).status_code == 404


@pytest.mark.parametrize(
    ("circle", "near"),
    [
        ("everyone", {"contact", "mate", "passer-by", "stranger"}),
        ("room-mates", {"contact", "mate"}),
        ("contacts", {"contact"}),
    ],
)
async def test_who_writes_without_asking(door: Door, circle: str, near: set[str]) -> None:
    """Whom the circle holds is no request; sharing a room that anyone may join is not enough."""
    ada = await door.someone()
    people = {name: await door.someone() for name in ("contact", "mate", "passer-by", "stranger")}
    await _befriend(ada, people["contact"])
    await ada.room("group", people["mate"])
    await ada.room("public", people["passer-by"])
    await _set(ada, message=circle)
    asked = {
        name for name, one in people.items() if not await _is_request(ada, await _direct(one, ada))
    }
    assert asked == near


async def test_who_lets_nobody_near_is_not_there(door: Door) -> None:
    """The same answer as for an id nobody has: making rooms, inviting. Rooms that are stay as they are."""
    ada, bob = await door.register("ada"), await door.register("bob")
    await _befriend(ada, bob)
    group = await bob.room()
    before = await _direct(bob, ada)
    await _set(ada, message="nobody")
    assert await _direct(bob, ada) == before
    eve = await door.register("eve")
    for body in ({"kind": "direct", "peer": "?"}, {"kind": "group", "title": "x", "people": ["?"]}):
        answers = []
        for who in (ada.id, uuid4()):
            wanted = {
                key: str(who) if value == "?" else [str(who)] if value == ["?"] else value
                for key, value in body.items()
            }
            answers.append(await eve.ask("POST", "/v1/rooms", json=wanted))
        assert answers[0].status_code == answers[1].status_code == 404
        assert answers[0].json() == answers[1].json()
    invited = [
        await bob.ask("PUT", f"/v1/rooms/{group}/members/{who}") for who in (ada.id, uuid4())
    ]
    assert invited[0].status_code == 404
    assert invited[0].json() == invited[1].json()
    assert [each["id"] for each in (await ada.done("GET", "/v1/me/rooms"))["rooms"]] == [before]


async def test_whom_one_blocks_lands_in_requests_even_so(door: Door) -> None:
    """Whatever the circle: somebody blocked is not let near, and does not learn it."""
    ada, eve = await door.register("ada"), await door.register("eve")
    await _set(ada, message="everyone")
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    room = await _direct(eve, ada)
    assert (await _is_request(ada, room), await _is_request(eve, room)) == (True, False)
