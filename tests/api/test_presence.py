"""Presence by REST: what I want seen, and how my contacts are."""

from __future__ import annotations

from muster.devices import Key
from muster.presence import FOR_EVER_MS, Attention, Device, packed, unpacked
from muster.roll import Say
from muster.stores.postgres.presence import PostgresPresence
from muster.stores.redis.roll import RedisRoll
from tests.api.door import Door, Someone

GENERATION = b"g" * 16
ROUTE = "/v1/me/presence"


async def in_touch(door: Door, one: Someone, other: Someone) -> None:
    """The two are contacts."""
    await one.done("PUT", f"/v1/me/contacts/{other.id}")
    await other.done("PUT", f"/v1/me/contacts/{one.id}")


async def comes(door: Door, who: Someone, *, gone: bool = False) -> None:
    """A device of theirs is in, or out again, as a hub says it."""
    store, roll = PostgresPresence(door.ground.primary), door.ground.roll
    await roll.enter(b"h" * 16, GENERATION)
    profile = (await store.profiles([who.id.bytes]))[who.id.bytes]
    device = None if gone else Device(GENERATION, Attention.active, 1)
    await roll.say(GENERATION, [Say(Key(who.id.bytes, b"d" * 16), device, packed(profile))])


async def contact(who: Someone) -> dict[str, object]:
    """How the one contact of somebody is."""
    answer = await who.done("GET", "/v1/me/contacts/presence")
    assert answer["known"]
    [one] = answer["people"]
    return dict(one)


async def test_contacts_in_one_request(door: Door) -> None:
    """Who is there, with what they say; who went, with when, rounded."""
    ada, bob = await door.someone(), await door.someone()
    await in_touch(door, ada, bob)
    status = {"text": "lunch", "emoji": "🍜", "text_until_ms": FOR_EVER_MS}
    await bob.done("PATCH", ROUTE, json=status)
    assert (await contact(ada))["state"] == "offline"
    await comes(door, bob)
    assert await contact(ada) == {
        "person": str(bob.id),
        "state": "active",
        "busy_until_ms": 0,
        "seen_at_ms": None,
        **status,
    }
    await comes(door, bob, gone=True)
    now_ms = door.clock.now_ms()
    await PostgresPresence(door.ground.primary).seen({bob.id.bytes: now_ms})
    seen = await contact(ada)
    assert (seen["state"], seen["text"]) == ("offline", "")
    assert isinstance(seen["seen_at_ms"], int)
    assert now_ms - 300_000 < seen["seen_at_ms"] <= now_ms
    assert seen["seen_at_ms"] % 300_000 == 0


async def test_who_hides_looks_like_who_is_not_there(door: Door) -> None:
    """Invisible, seen by nobody: offline, without a last seen of now; blocked either way: not even listed."""
    ada, bob = await door.someone(), await door.someone()
    await in_touch(door, ada, bob)
    await comes(door, bob)
    absent = {"state": "offline", "busy_until_ms": 0, "text": "", "emoji": "", "text_until_ms": 0}
    absent |= {"person": str(bob.id), "seen_at_ms": None}
    await bob.done("PATCH", ROUTE, json={"invisible": True})
    assert await contact(ada) == absent
    await PostgresPresence(door.ground.primary).seen({bob.id.bytes: door.clock.now_ms()})
    assert await contact(ada) == absent, "of who is invisible nothing is written down"
    await bob.done("PATCH", ROUTE, json={"invisible": False})
    assert (await contact(ada))["state"] == "active"
    await PostgresPresence(door.ground.primary).seen({bob.id.bytes: door.clock.now_ms()})
    await bob.done("PATCH", "/v1/me/privacy", json={"online": "nobody"})
    assert await contact(ada) == absent, "nor when they were last seen"
    await bob.done("PUT", f"/v1/me/blocks/{ada.id}")
    for who in (ada, bob):
        assert (await who.done("GET", "/v1/me/contacts/presence"))["people"] == []


async def test_a_change_reaches_the_roll_at_once(door: Door) -> None:
    """Hubs read it from there; a version that grows keeps an older one from coming back."""
    ada = await door.someone()
    assert await ada.done("GET", ROUTE) == {
        "invisible": False,
        "busy_until_ms": 0,
        "text": "",
        "emoji": "",
        "text_until_ms": 0,
    }
    await comes(door, ada)
    await ada.done("PATCH", ROUTE, json={"busy_until_ms": 5})
    changed = await ada.done("PATCH", ROUTE, json={"text": "hi", "text_until_ms": 7})
    assert (changed["busy_until_ms"], changed["text"]) == (5, "hi"), "what is absent stays"
    profile = (await door.ground.roll.look([ada.id.bytes])).records[ada.id.bytes].profile
    assert (profile.version, profile.busy_until_ms, profile.text) == (2, 5, "hi")
    assert unpacked(packed(profile)) == profile
    await ada.done("PATCH", "/v1/me/privacy", json={"online": "everyone"})
    [row] = await door.database.fetch(
        "SELECT version FROM presence_profiles WHERE person_id = $1", ada.id
    )
    assert row[0] == 3, "who may see it is part of it, whichever release changes that"


async def test_bad_statuses_are_plain_errors(door: Door) -> None:
    """10 KB, a NUL, nothing at all, a time before time."""
    ada = await door.someone()
    for body in (
        {"text": "x" * 10_000},
        {"text": "x" * 101},
        {"emoji": "🎈" * 33},
        {"text": "a\x00b"},
        {},
        {"busy_until_ms": -1},
        {"invisible": "very"},
    ):
        answer = await ada.ask("PATCH", ROUTE, json=body)
        assert answer.status_code in (400, 413), (body, answer.text)
        assert answer.json()["detail"]
    assert (await ada.done("GET", ROUTE))["text"] == ""


async def test_a_redis_that_is_away_makes_nobody_offline(door: Door) -> None:
    """Nothing is known; and what I want seen is kept all the same."""
    ada, bob = await door.someone(), await door.someone()
    await in_touch(door, ada, bob)
    roll = door.ground.roll
    assert isinstance(roll, RedisRoll)
    roll._reads._nodes = roll._says._nodes = _Away()  # type: ignore[assignment]  # where no Redis is
    roll._reads._settled = roll._says._settled = False
    answer = await ada.done("GET", "/v1/me/contacts/presence")
    assert answer == {"known": False, "people": []}
    assert (await ada.done("PATCH", ROUTE, json={"invisible": True}))["invisible"]


class _Away:
    async def settle(self) -> None:
        raise OSError("nobody listens")
