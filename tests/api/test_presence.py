"""Presence by REST: what I want seen, and how my contacts and others are."""

from __future__ import annotations

from uuid import UUID, uuid4

from muster.devices import Key
from muster.presence import FOR_EVER_MS, Attention, Device, packed, unpacked
from muster.roll import Say
from muster.stores.postgres.presence import PostgresPresence
from muster.stores.redis.roll import RedisRoll
from tests.api.door import Door, Someone

GENERATION = b"g" * 16
ROUTE = "/v1/me/presence"
LOOKUP = "/v1/presence/lookup"


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


async def looked_up(door: Door, who: Someone, *others: Someone | UUID) -> dict[UUID, object]:
    """How these are, as this person is told, without their ids."""
    ids = [other if isinstance(other, UUID) else UUID(str(other.id)) for other in others]
    body = {"people": [str(one) for one in ids]}
    answer = await who.done("POST", LOOKUP, json=body)
    assert answer["known"]
    found = {UUID(one.pop("person")): one for one in answer["people"]}
    assert list(found) == list(dict.fromkeys(ids)), "each once, in the order asked for"
    return found


async def test_anybody_can_be_looked_up_and_shows_what_they_let_be_seen(door: Door) -> None:
    """By circle: everybody's, a room-mate's, a contact's; and I am as I am, invisible or not."""
    ada, open_, mate, contact_, hidden = [await door.someone() for _ in range(5)]
    await in_touch(door, ada, contact_)
    await open_.done("PATCH", "/v1/me/privacy", json={"online": "everyone"})
    await mate.done("PATCH", "/v1/me/privacy", json={"online": "room-mates"})
    await hidden.done("PATCH", "/v1/me/privacy", json={"online": "everyone"})
    everybody = (open_, mate, contact_, hidden, ada)
    for who in everybody:
        await comes(door, who)
    for who in (hidden, ada):
        await who.done("PATCH", ROUTE, json={"invisible": True})
    seen = await looked_up(door, ada, *everybody, open_)
    states = [one["state"] for one in seen.values() if isinstance(one, dict)]
    assert states == ["active", "offline", "active", "offline", "active"]
    await ada.room("group", mate)
    assert (await looked_up(door, ada, mate))[mate.id] == seen[open_.id]


async def test_whom_one_may_not_see_is_as_if_they_did_not_exist(door: Door) -> None:
    """A stranger, a blocked person, a blocker, who hides: the same bytes as an id that is nobody's."""
    ada, stranger, blocked, blocker, gone = [await door.someone() for _ in range(5)]
    for who in (blocked, blocker):
        await who.done("PATCH", "/v1/me/privacy", json={"online": "everyone"})
    for who in (stranger, blocked, blocker, gone):
        await comes(door, who)
        await PostgresPresence(door.ground.primary).seen({who.id.bytes: door.clock.now_ms()})
    await comes(door, gone, gone=True)
    await ada.done("PUT", f"/v1/me/blocks/{blocked.id}")
    await blocker.done("PUT", f"/v1/me/blocks/{ada.id}")
    nobody = uuid4()
    seen = await looked_up(door, ada, stranger, blocked, blocker, gone, nobody)
    assert all(one == seen[nobody] for one in seen.values())
    assert seen[nobody] == {
        "state": "offline",
        "busy_until_ms": 0,
        "text": "",
        "emoji": "",
        "text_until_ms": 0,
        "seen_at_ms": None,
    }


async def test_some_hundreds_are_looked_up_at_once_and_no_more(door: Door) -> None:
    """500 are answered; 501, ten thousand, none and what is no id are plain errors."""
    ada = await door.someone()
    many = [str(uuid4()) for _ in range(10_000)]
    answer = await ada.done("POST", LOOKUP, json={"people": many[:500]})
    assert [one["person"] for one in answer["people"]] == many[:500]
    for people in (many[:501], many, [], ["ada"], None):
        refused = await ada.ask("POST", LOOKUP, json={"people": people})
        assert refused.status_code in (400, 413), refused.text
        assert refused.json()["detail"]
