"""Registering phones for pushes, what people want of pushes, and the token of a notification extension."""

import asyncio
import secrets
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from api.pushing import stale
from muster.errors import Refused
from muster.extension import LIFE_S
from muster.ids import device_of
from muster.permission import ServiceRole
from muster.push_device import TOKEN, Privacy, TargetKind
from muster.registration import DEVICES_MOST, Disclosure, Registration
from muster.stale_devices import KIND
from tests.api.door import Door, Someone, phone

PUSH = "/v1/me/push"
WISHES = "/v1/me/push/wishes"
EXTENSION = "/v1/me/push/extension"
FCM = {
    "provider": "fcm",
    "environment": "production",
    "topic": "events-1234",
    "token": "dGVzdC10b2tlbg:APA91b" + "x" * 130,
}
FID = {**FCM, "target_kind": "fid", "token": "cVf0sDy4Q0-_abcdefghiJ"}


async def _devices(door: Door) -> list[tuple[UUID, str]]:
    """Whose each is and what token it has, which only lies sealed."""
    rows = await door.database.fetch(
        "SELECT person_id, device_id, token, token_sealed FROM push_devices ORDER BY seen_at"
    )
    assert [row[2] for row in rows] == [None] * len(rows)
    sealer = door.ground.sealer
    return [(row[0], sealer.open(row[3], TOKEN, row[1].bytes).decode()) for row in rows]


async def _has_push(one: Someone) -> bool:
    return (await one.ask("GET", PUSH)).status_code == 200


async def _told(one: Someone, kind: str) -> list[dict[str, Any]]:
    log = await one.done("GET", f"/v1/rooms/{one.id}/history", params={"after": 0, "limit": 100})
    return [entry["body"] for entry in log["entries"] if entry["kind"] == kind]


async def test_a_registration_is_the_whole_state_each_time(door: Door) -> None:
    """What is sent replaces what was there; the answer has all of it but the token; DELETE ends it, twice alike."""
    ada = await door.register("ada")
    assert (await ada.ask("GET", PUSH)).status_code == 404
    first = phone(token="AB" * 32, locale="pt_BR", zone="America/Sao_Paulo")
    for wanted in (first, first, phone(**FCM), phone(**FID)):
        said = await ada.ask("PUT", PUSH, json=wanted)
        assert said.status_code == 200, said.text
        assert wanted["token"].lower() not in said.text.lower()
        answer = said.json()
        kept = {**wanted, "target_kind": wanted.get("target_kind", "token")}
        kept = {key: value for key, value in kept.items() if key not in ("install", "token")}
        assert answer.pop("registered_at_ms") > 0
        assert answer == kept | {"locale": wanted["locale"].replace("_", "-")}
        assert await _devices(door) == [
            (ada.id, wanted["token"].lower() if wanted is first else wanted["token"])
        ]
    device = await door.database.fetchval("SELECT device_id FROM push_devices")
    assert device == device_of(ada.id, "phone")
    for _ in range(2):
        await ada.done("DELETE", PUSH)
        assert not await _has_push(ada)


WRONG: tuple[dict[str, Any], ...] = (
    {"token": "ab" * 31},
    {"token": "a" * 65},
    {"token": "ab" * 101},
    {"token": "xy" * 32},
    {"target_kind": "fid"},
    {"topic": "com example"},
    {"topic": "a/../b"},
    {**FCM, "environment": "sandbox"},
    {**FCM, "token": "short"},
    {**FCM, "token": "with blanks " * 5},
    {**FCM, "topic": "No"},
    {**FID, "token": "c" * 21},
    {"zone": "Europe/Nowhere"},
    {"zone": "../../etc/passwd"},
    {"zone": "Europe"},
    {"zone": "a\x00b"},
    {"locale": "?"},
    {"locale": "en_"},
    {"locale": "e" * 36},
    {"privacy": "some"},
    {"provider": "hms"},
    {"app_version": "2\u202e1"},
)


async def test_what_cannot_be_is_a_plain_problem(door: Door) -> None:
    """400, with a sentence that says what is wrong and never repeats a token."""
    ada = await door.someone()
    for wrong in WRONG:
        wanted = phone(**wrong)
        refused = await ada.ask("PUT", PUSH, json=wanted)
        assert (refused.status_code, refused.json()["name"]) == (400, "bad_request"), wrong
        assert wanted["token"] not in refused.text
    assert not await _has_push(ada)


async def test_another_install_id_than_the_sessions_is_refused(door: Door) -> None:
    """A device is registered by the session that is on it."""
    ada = await door.someone()
    assert (await ada.ask("PUT", PUSH, json=phone(install="tablet"))).status_code == 409


async def test_a_phone_belongs_to_whoever_registered_last(door: Door) -> None:
    """Somebody else logs in on the same phone: its token rings for them alone, whoever comes at the same moment."""
    token = secrets.token_hex(32)
    ada = await door.registered("ada", token=token)
    bob = await door.registered("bob", token=token)
    assert await _devices(door) == [(bob.id, token)]
    assert not await _has_push(ada)
    both = (one.ask("PUT", PUSH, json=phone(token=token)) for one in (ada, bob) * 5)
    assert {answer.status_code for answer in await asyncio.gather(*both)} == {200}
    assert [kept for _, kept in await _devices(door)] == [token]
    # The same token in another world is another phone.
    await ada.done("PUT", PUSH, json=phone(token=token, environment="production"))
    assert {person for person, _ in await _devices(door)} >= {ada.id}


async def test_a_person_has_so_many_devices_at_most(door: Door) -> None:
    """The one not seen for longest goes."""
    ada = await door.register("ada")
    for number in range(DEVICES_MOST + 1):
        await door.database.execute(
            "INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind,"
            " locale, zone, seen_at, session_id) VALUES ($1, $2, '', 'fcm', 'production', 'p', $3, 'token', 'en',"
            " 'UTC', now() - make_interval(hours => $4), $5)",
            uuid4(),
            ada.id,
            f"old-{number:02}",
            number + 1,
            uuid4(),
        )
    await ada.done("PUT", PUSH, json=phone())
    rows = await door.database.fetch("SELECT token FROM push_devices")
    kept = [row[0] for row in rows]
    assert len(kept) == DEVICES_MOST
    assert "old-18" in kept
    assert {"old-19", "old-20"}.isdisjoint(kept)


async def test_logging_out_ends_pushes_there_and_nowhere_else(door: Door) -> None:
    """By oneself, from another device, everywhere, by staff: the row goes with the session, in one transaction."""
    ada, tablet = await door.registered("ada"), await door.registered("ada", "tablet")
    await ada.done("DELETE", "/v1/sessions/current")
    assert len(await _devices(door)) == 1
    assert await _has_push(tablet)
    # A token that is still good for a moment registers nothing any more, heard of or not.
    assert (await ada.ask("PUT", PUSH, json=phone())).status_code == 401
    ada = await door.registered("ada")
    mine = (await ada.done("GET", "/v1/me/sessions"))["sessions"]
    [current] = [each["id"] for each in mine if each["current"]]
    await tablet.done("DELETE", f"/v1/me/sessions/{current}")
    assert [person for person, _ in await _devices(door)] == [ada.id]
    await door.registered("ada")
    await tablet.done("DELETE", "/v1/sessions")
    assert await _devices(door) == []
    bob = await door.registered("bob")
    admin = await door.someone(role=ServiceRole.admin)
    await admin.done("PUT", f"/v1/people/{bob.id}/ban")
    assert await _devices(door) == []


async def test_the_next_session_of_a_device_takes_its_registration_over(door: Door) -> None:
    """Revoking the session before does not end it then: the next one refreshed, or registered."""
    token = secrets.token_hex(32)
    await door.registered("ada", token=token)
    again = await door.log_in("ada")
    refresh = {"refresh_token": again.refresh_token}
    answer = await door.client.post("/v1/sessions/refresh", json=refresh)
    again.token = answer.json()["access_token"]
    sessions = (await again.done("GET", "/v1/me/sessions"))["sessions"]
    for each in sessions:
        if not each["current"]:
            await again.done("DELETE", f"/v1/me/sessions/{each['id']}")
    assert await _devices(door) == [(again.id, token)]


async def test_a_device_is_seen_once_a_day(door: Door) -> None:
    """By refreshing; a second time on the same day nothing is written."""
    ada = await door.registered("ada")
    version = "SELECT xmin::text || ' ' || seen_at FROM push_devices"
    before = await door.database.fetchval(version)
    told = {"refresh_token": ada.refresh_token}
    told = (await door.client.post("/v1/sessions/refresh", json=told)).json()
    assert await door.database.fetchval(version) == before
    door.clock.ahead_s += 25 * 3_600
    told = {"refresh_token": told["refresh_token"]}
    assert (await door.client.post("/v1/sessions/refresh", json=told)).status_code == 200
    later = (
        "SELECT seen_at > now() + '24h' AND session_until > seen_at + '7d 23h' FROM push_devices"
    )
    assert await door.database.fetchval(later) is True


async def test_pushes_go_on_after_a_session_ended_by_age(door: Door) -> None:
    """Registered still, and told as such, until nobody used the device for 60 days; the sweep keeps itself going."""
    await door.registered("ada")
    bob = await door.registered("bob")
    over = "SELECT session_until <= now() + make_interval(secs => 86400 * $1) FROM push_devices"
    days = door.ground.settings.refresh_days
    for later, want in ((days, False), (days + 1.01, True)):
        rows = await door.database.fetch(over, later)
        assert [row[0] for row in rows] == [want] * 2, later
    sweeper = stale(door.ground)
    age = (
        "UPDATE push_devices SET seen_at = now() - make_interval(days => $1) WHERE person_id <> $2"
    )
    await door.database.execute(age, 59, bob.id)
    assert await sweeper.sweep() == 0
    await door.database.execute(age, 61, bob.id)
    await sweeper.begin()
    await sweeper.begin()
    assert await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = $1", KIND) == 1
    assert await sweeper.sweep() == 1
    assert [person for person, _ in await _devices(door)] == [bob.id]


async def test_wishes_are_changed_one_by_one_and_told_to_my_other_devices(door: Door) -> None:
    """Defaults first; a change is in the self log and in sync, a change of nothing is not."""
    ada = await door.register("ada")
    plain = {"level": "all", "quiet_from_min": 0, "quiet_to_min": 0, "urgent_through": False}
    assert await ada.done("GET", WISHES) == plain
    begun = await ada.done("GET", "/v1/me/sync")
    assert begun["push"] == {} or begun["push"] == plain
    assert await ada.done("PATCH", WISHES, json={"level": "all"}) == plain
    assert await _told(ada, "push") == []
    quiet = {"quiet_from_min": 1_320, "quiet_to_min": 420}
    for _ in range(2):
        assert await ada.done("PATCH", WISHES, json=quiet) == plain | quiet
    assert len(await _told(ada, "push")) == 1
    loud = {"level": "mentions", "urgent_through": True}
    assert await ada.done("PATCH", WISHES, json=loud) == plain | quiet | loud
    since = {"since": begun["seq"], "generation": begun["generation"]}
    assert (await ada.done("GET", "/v1/me/sync", params=since))["push"] == plain | quiet | loud
    after = {"since": (await ada.done("GET", "/v1/me/sync"))["seq"]}
    assert "push" not in await ada.done("GET", "/v1/me/sync", params=after)
    for body in ({}, {"level": "some"}, {"quiet_from_min": 1_440}, {"quiet_to_min": -1}):
        assert (await ada.ask("PATCH", WISHES, json=body)).status_code == 400


async def test_an_extension_reads_what_was_pushed_and_nothing_else(door: Door) -> None:
    """A message of somebody else's in a room of mine, with its room and author; not mine, not old, not elsewhere."""
    ada, bob = await door.registered("ada"), await door.register("bob")
    room = await bob.room("group", ada, title="garden")
    await ada.done("POST", f"/v1/rooms/{room}/join")
    said, mine = await bob.post(room, "shall we?"), await ada.post(room, "yes")
    other = await bob.room("group", title="without ada")
    hidden = await bob.post(other, "not for ada")
    grant = await ada.done("POST", EXTENSION)
    assert grant["expires_in"] == LIFE_S
    narrow = Someone(door, ada.id, "ada", grant["token"])
    at = f"/v1/rooms/{room}/messages"
    shown = await narrow.done("GET", f"{at}/{said}")
    assert (shown["title"], shown["kind"], shown["author_name"]) == ("garden", "group", "bob")
    assert (shown["entry"]["seq"], shown["entry"]["body"]["text"]) == (said, "shall we?")
    assert (await ada.done("GET", f"{at}/{mine}"))["entry"]["body"]["text"] == "yes"
    for path in (
        f"{at}/{mine}",
        f"{at}/{said - 1}",
        f"{at}/{mine + 1}",
        f"/v1/rooms/{other}/messages/{hidden}",
        f"/v1/rooms/{ada.id}/messages/1",
    ):
        assert (await narrow.ask("GET", path)).status_code == 404, path
    await bob.done("DELETE", f"{at}/{said}")
    gone = (await narrow.done("GET", f"{at}/{said}"))["entry"]
    assert gone["deleted_seq"]
    assert "text" not in gone["body"]
    await door.database.execute(
        "UPDATE entries SET at = at - interval '31 days' WHERE room_id = $1 AND seq = $2",
        UUID(room),
        said,
    )
    assert (await narrow.ask("GET", f"{at}/{said}")).status_code == 404


async def test_an_extensions_token_ends_with_what_it_was_made_for(door: Door) -> None:
    """Unregistered, logged out, another owner, a newer session, 30 days: 401 at once, and never a new one by itself."""
    token = secrets.token_hex(32)

    async def registered() -> tuple[Someone, Someone]:
        ada = await door.registered("ada", token=token)
        grant = await ada.done("POST", EXTENSION)
        return ada, Someone(door, ada.id, "ada", grant["token"])

    async def status(narrow: Someone) -> int:
        path = f"/v1/rooms/{uuid4()}/messages/1"
        return (await narrow.ask("GET", path)).status_code

    ada, narrow = await registered()
    assert await status(narrow) == 404
    await ada.done("DELETE", PUSH)
    assert await status(narrow) == 401
    assert (await ada.ask("POST", EXTENSION)).status_code == 404
    ada, narrow = await registered()
    await ada.done("DELETE", "/v1/sessions/current")
    assert await status(narrow) == 401
    _, narrow = await registered()
    await door.registered("bob", token=token)
    assert await status(narrow) == 401
    _, narrow = await registered()
    _, newer = await registered()
    assert (await status(narrow), await status(newer)) == (401, 404)
    door.clock.ahead_s += LIFE_S
    late = await newer.ask("GET", f"/v1/rooms/{uuid4()}/messages/1")
    assert (late.status_code, late.json()["name"]) == (401, "token_expired")
    with pytest.raises(Refused, match="not an access token"):
        door.tokens().verify(newer.token)  # what hubs ask


def test_rest_says_every_privacy_there_is() -> None:
    """And none besides."""
    assert get_args(Disclosure) == tuple(privacy.value for privacy in Privacy)


def test_no_repr_shows_a_token() -> None:
    """What may reach a log line by mistake holds none."""
    state = phone()
    assert state["token"] not in repr(Registration(**state, target_kind=TargetKind.token))
