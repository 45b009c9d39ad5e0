"""The words tests of erasure speak: somebody who used every feature, with a mark on every word, and who looks for it.

Owns that person and the search. What this door has no way to (a hub's presence, a login half done) is written where it
lies. Must never judge what is found: tests do.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from redis.asyncio import Redis

from muster import email, mails, oauth_flow
from muster.depot import MEDIA, Served, key
from muster.held_rows import ROWS
from muster.holdings import Fate, Find
from muster.ids import PersonId, device_of
from muster.permission import ServiceRole
from muster.roll import bucket_of as roll_bucket
from muster.stores.postgres.exporting import select
from muster.stores.redis.roll_commands import RollKeys
from muster.stores.redis.standing_commands import StandingKeys
from muster.stores.redis.standing_commands import bucket_of as standing_bucket
from tests.api import gathering
from tests.api.door import Door, Someone, phone

MARK = "zq7canary"
ADDRESS = f"{MARK}@mail.example"
PASSWORD_FACTOR = "JBSWY3DPEHPK3PXP"


class Traces(NamedTuple):
    """Somebody who used everything, who else was there, and where."""

    her: Someone
    friend: Someone
    rival: Someone
    group: str
    alone: str
    event: str
    token: str
    media: UUID
    media_secret: str


async def somebody(door: Door) -> Traces:
    """Everything a person can do, done, with a mark on each word."""
    her, friend, rival = (
        await door.register(f"{MARK}-her"),
        await door.register("friend"),
        await door.register("rival"),
    )
    group = await friend.room("group", her, rival, title="their group")
    token = secrets.token_hex(32)
    await _herself(door, her, token)
    media, secret = await _talk(door, her, friend, group)
    event = await _events(door, her, friend)
    alone = await her.room("group", title=f"{MARK} alone")
    await her.post(alone, f"{MARK} to nobody")
    await _order(door, her, friend, rival, group)
    await _by_hand(door, her, friend)
    await _redis(door, her)
    return Traces(her, friend, rival, group, alone, event, token, media, secret)


async def _herself(door: Door, her: Someone, token: str) -> None:
    profile, once = {"name": f"{MARK} name", "bio": f"{MARK} bio"}, {"Idempotency-Key": f"{MARK}-1"}
    await her.done("PATCH", "/v1/me", json=profile, headers=once)
    await her.done("PUT", "/v1/me/push", json=phone(token=token, locale="de-AT"))
    await her.done("PATCH", "/v1/me/push/wishes", json={"level": "mentions"})
    await her.done(
        "PATCH", "/v1/me/presence", json={"text": f"{MARK} busy", "emoji": "🎺", "invisible": True}
    )
    await her.done("PUT", "/v1/me/consents/analytics", json={"given": True, "version": "3"})
    await her.done("POST", "/v1/me/agreements", json={"terms": "1"})
    assert (await her.ask("GET", "/v1/audit")).status_code == 403  # a security event
    await her.done("POST", "/v1/me/events/calendar")
    await her.done("PUT", "/v1/me/place", json={"sharing": "ghost"})


async def _talk(door: Door, her: Someone, friend: Someone, group: str) -> tuple[UUID, str]:
    room = f"/v1/rooms/{group}"
    media, secret = await uploaded(door, her)
    first = await her.post(group, f"{MARK} first", attachments=[str(media)], meta={MARK: MARK})
    await her.done("PATCH", f"{room}/messages/{first}", json={"text": f"{MARK} edited"})
    theirs = await friend.post(group, "what do you say?")
    await her.done("PUT", f"{room}/messages/{theirs}/reactions/{MARK}")
    await friend.done("PUT", f"{room}/messages/{first}/reactions/🎉")
    for anonymous in (False, True):
        poll = {"options": ["one", "two"], "anonymous": anonymous}
        asked = await friend.post(group, "which?", poll=poll)
        await her.done("PUT", f"{room}/messages/{asked}/vote", json={"choices": [1]})
    closed = await friend.post(group, "which was it?", poll={"options": ["one", "two"]})
    await her.done("PUT", f"{room}/messages/{closed}/vote", json={"choices": [0]})
    await friend.done("POST", f"{room}/messages/{closed}/close")
    await her.post(group, f"{MARK} a poll", poll={"options": [f"{MARK} a", f"{MARK} b"]})
    await her.done("PUT", f"{room}/draft", json={"text": f"{MARK} draft"})
    soon = door.clock.now_ms() + gathering.HOUR_MS
    later = {"client_id": f"{MARK}-later", "at_ms": soon, "text": f"{MARK} later"}
    await her.done("POST", f"{room}/scheduled", json=later)
    reminder = {"at_ms": soon, "room": group, "seq": theirs, "note": f"{MARK} note"}
    await her.done("POST", "/v1/me/reminders", json=reminder)
    await her.done("PUT", f"{room}/received", json={"seq": theirs})
    await her.done("PUT", f"{room}/read", json={"seq": theirs})
    direct = (
        await her.done("POST", "/v1/rooms", json={"kind": "direct", "people": [str(friend.id)]})
    )["id"]
    await her.post(direct, f"{MARK} between us")
    await friend.done("PUT", f"/v1/me/contacts/{her.id}")
    await her.done("PUT", f"/v1/me/contacts/{friend.id}")
    return media, secret


async def uploaded(door: Door, her: Someone) -> tuple[UUID, str]:
    """A file of hers, checked and there."""
    media, secret = uuid4(), secrets.token_hex(16)
    path = Path(door.ground.settings.media_dir or "/tmp") / f"upload-{media}"  # noqa: S108  # a test's own
    path = Path("/tmp") / f"muster-test-{media}" if not path.parent.exists() else path  # noqa: S108
    path.write_bytes(f"{MARK} bytes".encode())
    place = key(MEDIA, media, secret, "full")
    await door.ground.media.depot.put(place, path, Served("text/plain", "notes.txt"))
    path.unlink()
    await door.database.execute(
        "INSERT INTO media (media_id, owner, purpose, state, secret, type, name, bytes, blurhash)"
        " VALUES ($1, $2, 'file', 'ready', $3, 'text/plain', $4, 20, $4)",
        media,
        her.id,
        secret,
        f"{MARK}.txt",
    )
    return media, secret


async def _events(door: Door, her: Someone, friend: Someone) -> str:
    now = door.clock.now_ms()
    on = {"visibility": "public", "doors_at_ms": now - 60_000, "starts_at_ms": now + 60_000}
    hers = await gathering.made(
        her,
        door,
        title=f"{MARK} at home",
        about=f"{MARK} about",
        place_name=f"{MARK} place",
        address=f"{MARK} street",
        **on,
    )
    await gathering.answer(friend, hers)
    theirs = await gathering.made(friend, door, **on)
    await gathering.answer(her, theirs, sharing="on")
    await her.done("POST", f"/v1/events/{theirs}/check-in", json={})
    return hers


async def _order(door: Door, her: Someone, friend: Someone, rival: Someone, group: str) -> None:
    said = await rival.post(group, "you are all wrong")
    about = {"reason": "spam", "room": group, "seq": said, "note": f"{MARK} report"}
    await her.done("POST", "/v1/reports", json=about)
    hers = await her.post(group, f"{MARK} worse")
    about = {"reason": "spam", "room": group, "seq": hers, "note": f"{MARK} about her"}
    await friend.done("POST", "/v1/reports", json=about)
    await friend.done("PUT", f"/v1/rooms/{group}/members/{her.id}/role", json={"role": "moderator"})
    await her.done("PUT", f"/v1/rooms/{group}/pins/{said}")
    members = f"/v1/rooms/{group}/members"
    until = {"until_ms": door.clock.now_ms() + gathering.HOUR_MS, "reason": f"{MARK} shouting"}
    await her.done("PUT", f"{members}/{rival.id}/silence", json=until)
    bans = f"/v1/rooms/{group}/bans"
    await her.done("PUT", f"{bans}/{rival.id}", json={"reason": f"{MARK} ban"})
    await her.done("POST", f"/v1/rooms/{group}/links", json={})
    await her.done("PUT", f"/v1/me/blocks/{rival.id}")
    slow = await friend.room("group", her, title="slow")
    await friend.done("PATCH", f"/v1/rooms/{slow}", json={"slow_s": 5})
    await her.post(slow, f"{MARK} slowly")
    barred = await friend.room("group", her, title="without her")
    await friend.done(
        "PUT", f"/v1/rooms/{barred}/bans/{her.id}", json={"reason": f"{MARK} out with her"}
    )
    support = await door.someone("support", ServiceRole.support)
    await support.done("PUT", f"/v1/people/{her.id}/silence", json=until)


async def _by_hand(door: Door, her: Someone, friend: Someone) -> None:
    """What needs another service, a mailbox or a hub."""
    sealer, run = door.ground.sealer, door.database.execute
    mail, flow = uuid4(), uuid4()
    blind = sealer.blind(ADDRESS.encode(), email.FIELD)
    await addressed(door, her)
    to = sealer.seal(ADDRESS.encode(), mails.FIELD, mail.bytes)
    await run(
        "INSERT INTO mails (mail_id, kind, language, person_id, to_sealed, to_blind, about, expires_at)"
        " VALUES ($1, 'verify', 'de', $2, $3, $4, $5, now())",
        mail,
        her.id,
        to,
        blind,
        MARK,
    )
    said = sealer.seal(MARK.encode(), oauth_flow.FIELD, flow.bytes)
    await run(
        "INSERT INTO oauth_flows (flow_id, provider, challenge, redirect, person_id, said_sealed, expires_at)"
        " VALUES ($1, 'github', 'c', $2, $3, $4, now())",
        flow,
        f"https://{MARK}.example/",
        her.id,
        said,
    )
    await run("INSERT INTO externals VALUES ('github', $1, $2)", f"{MARK}-subject", her.id)
    await run("INSERT INTO grants VALUES ('\\x01', $1, now() + interval '1 day')", her.id)
    await run(
        "INSERT INTO half_logins VALUES ('\\x02', $1, $2, $3, '1', 'ios', 0, now())",
        her.id,
        uuid4(),
        MARK,
    )
    await run(
        "INSERT INTO second_factors (person_id, secret_sealed, confirmed_at) VALUES ($1, '\\x00', NULL)",
        her.id,
    )
    await run(
        "INSERT INTO erasures (person_id, asked_as, due_at) VALUES ($1, 'self', now() + interval '1 day')",
        her.id,
    )
    await run("INSERT INTO recovery_codes VALUES ($1, '\\x03')", her.id)
    await run("INSERT INTO last_seen VALUES ($1, now())", her.id)
    await run(
        "UPDATE sessions SET app = $2, version = $2, platform = $2 WHERE person_id = $1",
        her.id,
        MARK,
    )
    await run(
        "INSERT INTO push_notified (room_id, person_id, provider, seq)"
        " SELECT room_id, $1, 'apns', 1 FROM members WHERE person_id = $1 ON CONFLICT DO NOTHING",
        her.id,
    )


async def addressed(door: Door, who: Someone) -> None:
    """With an address that is verified."""
    sealer, address = door.ground.sealer, uuid4()
    await door.database.execute(
        "INSERT INTO emails VALUES ($1, $2, $3, $4, 'de', now(), now())",
        address,
        who.id,
        sealer.seal(ADDRESS.encode(), email.FIELD, address.bytes),
        sealer.blind(ADDRESS.encode(), email.FIELD),
    )


async def _redis(door: Door, her: Someone) -> None:
    roll, standings, person = RollKeys(), StandingKeys(), her.id.bytes
    client = Redis.from_url(door.ground.settings.redis_url)
    bucket, standing = roll_bucket(person), standing_bucket(her.id)
    await client.hset(roll.person(bucket, person), "p", MARK)
    await client.set(roll.goodbyes(bucket, person), MARK)
    await client.hset(standings.person(standing, her.id), uuid4().bytes, MARK)
    await client.zadd(standings.due[standing], {person + uuid4().bytes: 1})
    await client.aclose()


async def held(database: asyncpg.Connection, person: PersonId) -> dict[str, int]:
    """How many rows each rule finds of somebody."""
    found = {}
    for rule in ROWS:
        if rule.find is Find.none or rule.fate is Fate.nobody:
            continue
        statement = "SELECT count(*) FROM entries t WHERE t.author = $1 OR t.room_id = $1"
        values: tuple[Any, ...] = (person,)
        if rule.name != "entries":
            statement = f"SELECT count(*) FROM ({select(rule)}) q"  # made of rules
            values = (person, 0)
        found[rule.name] = await database.fetchval(statement, *values)
    return found


async def dumped(database: asyncpg.Connection) -> dict[str, bytes]:
    """Every row of every table, as text."""
    tables = await database.fetch(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
        " AND c.relnamespace = 'public'::regnamespace"
    )
    found = {}
    for [name] in tables:
        rows = await database.fetch(f'SELECT t::text FROM "{name}" t')  # from the catalog
        found[name] = "\n".join(row[0] for row in rows).encode()
    return found


async def kept_in_redis(door: Door, *parts: bytes) -> list[bytes]:
    """Keys of Redis that hold one of these, in their name or in what they keep; lanes have aged out."""
    client = Redis.from_url(door.ground.settings.redis_url)
    found = []
    async for name in client.scan_iter(count=1000):
        if name.endswith(b":lane"):
            continue
        whole = name + (await client.dump(name) or b"")
        if any(part in whole for part in parts):
            found.append(name)
    await client.aclose()
    return found


def lying_in(directory: Path, part: bytes) -> list[Path]:
    """Files below that hold this."""
    return [path for path in directory.rglob("*") if path.is_file() and part in path.read_bytes()]


def lines(data: bytes) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in data.splitlines()]


def device(person: PersonId) -> UUID:
    """Of the phone that everybody here has."""
    return device_of(person, "phone")
