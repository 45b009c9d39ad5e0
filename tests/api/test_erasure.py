"""Erasure: nothing of somebody is left but their pseudonym, and others are told of it through the logs."""

from __future__ import annotations

import asyncio
import io
import random
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from api.forgetting import erasing, exporter
from api.rounds import rounds
from muster import email, exporting
from muster.depot import Depot, Served
from muster.erasing import Erasing, Tools
from muster.held_rows import BY_NAME
from muster.permission import ServiceRole
from muster.stores.postgres.erasing import PostgresErasing
from muster.stores.postgres.exporting import PostgresExports
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import Database
from muster.stores.postgres.sessions import ADD
from muster.stores.redis.forgetting import RedisForgetting
from tests.api import footprints, gathering
from tests.api.door import PASSWORD, Door, Someone
from tests.api.footprints import MARK
from tests.api.opening import open_door

SAID: dict[str, Any] = {"terms_version": "1", "consents": ("analytics=3",)}


@pytest_asyncio.fixture
async def home(database_url: str, fresh_redis_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """A door whose depot can be looked into, and where accounts go at once."""
    settings = {**SAID, "media_dir": tmp_path / "depot", "erasure_days": 0.0}
    async with open_door(database_url, fresh_redis_url, **settings) as opened:
        yield opened


def forgetter(door: Door, depot: Any = None) -> Erasing:
    """As the process has it, but that it does not wait until lanes are read."""
    on = door.ground
    elsewhere = RedisForgetting(on.settings.redis_url, False, random.Random(1))
    tools = Tools(depot or on.media.depot, elsewhere, on.metrics.privacy)
    store = PostgresErasing(on.primary)
    return Erasing(store, tools, PostgresJobs(on.primary), on.clock, settle_s=0.0)


async def copied(door: Door, her: Someone) -> zipfile.ZipFile:
    """The copy somebody asks for, made and downloaded."""
    asked = await her.ask("POST", "/v1/me/export", json={"password": PASSWORD})
    assert asked.status_code == 202, asked.text
    assert await exporter(door.ground).round()
    [export] = (await her.done("GET", "/v1/me/exports"))["exports"]
    assert export["state"] == "ready"
    archive = await door.client.get(export["url"])
    assert archive.status_code == 200
    return zipfile.ZipFile(io.BytesIO(archive.content))


async def test_a_copy_holds_everything_and_after_an_erasure_only_the_pseudonym_is_left(
    home: Door, tmp_path: Path
) -> None:
    """Somebody who used every feature: every table with a rule has rows of theirs, or this test is behind."""
    traces = await footprints.somebody(home)
    her, database = traces.her, home.database
    archive = await copied(home, her)
    held = await footprints.held(database, her.id)
    assert [name for name, count in held.items() if not count] == []
    for name, count in held.items():
        lines = footprints.lines(archive.read(f"data/{name}.jsonl"))
        assert len(lines) >= min(count, 1), name
        closed = BY_NAME[name].closed.split()
        assert all(column not in line for line in lines for column in closed), name
    whole = b"".join(archive.read(name) for name in archive.namelist())
    for word in (
        "edited",
        "later",
        "note",
        "draft",
        "between us",
        "bytes",
        "report",
        "a poll",
        "street",
    ):
        assert f"{MARK} {word}".encode() in whole, word
    assert footprints.ADDRESS.encode() in whole
    assert traces.token.encode() not in whole
    assert b"about her" not in whole, "what others told moderators is theirs"

    assert len(await footprints.kept_in_redis(home, MARK.encode(), her.id.bytes)) >= 4
    assert footprints.lying_in(tmp_path / "depot", MARK.encode())
    answer = await her.ask("DELETE", "/v1/me", json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    assert await forgetter(home).round() == 1
    assert await forgetter(home).round() == 0

    blind = (home.ground.sealer.blind(footprints.ADDRESS.encode(), email.FIELD)).hex()
    for name, rows in (await footprints.dumped(database)).items():
        for part in (MARK, traces.token, blind, PASSWORD):
            at = rows.find(part.encode())
            assert at < 0, (name, part, rows[max(0, at - 200) : at + 100])
    for name, count in (await footprints.held(database, her.id)).items():
        assert (
            not count or BY_NAME[name].fate != "delete" or name in ("contacts", "members", "spans")
        ), name
    assert await footprints.kept_in_redis(home, MARK.encode(), her.id.bytes) == []
    assert footprints.lying_in(tmp_path / "depot", MARK.encode()) == []
    assert [path for path in (tmp_path / "depot").rglob("*") if path.is_file()] == []


async def test_others_are_told_by_entries_that_they_know(home: Door) -> None:
    """A phone of a friend's sees messages deleted, somebody gone from contacts and rooms; numbers have no holes."""
    traces = await footprints.somebody(home)
    her, friend, group = traces.her, traces.friend, traces.group
    before = (await friend.done("GET", f"/v1/rooms/{group}"))["head"]
    await her.ask("DELETE", "/v1/me", json={"password": PASSWORD})
    await forgetter(home).round()
    rows = await home.database.fetch(
        "SELECT seq, kind, author FROM entries WHERE room_id = $1::uuid ORDER BY seq", group
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    kinds = [row["kind"] for row in rows if row["seq"] > before and row["author"] == her.id]
    assert kinds.count("delete") == 3
    assert kinds.count("unreact") == 1
    assert kinds[-1] == "leave"
    owed = await home.database.fetch("SELECT rooms FROM publish_leases")
    assert any(str(room) == group for row in owed for room in row["rooms"]), "published by others"
    page = await friend.done("GET", f"/v1/rooms/{group}/history")
    assert all(MARK not in str(entry) for entry in page["entries"])
    gone = await friend.done("GET", f"/v1/people/{her.id}")
    assert gone["name"] == "Deleted person"
    contacts = await friend.done("GET", "/v1/me/contacts")
    assert contacts["contacts"] == []
    event = await friend.done("GET", f"/v1/events/{traces.event}")
    assert (event["state"], event["title"], event["about"]) == ("cancelled", "", "")


async def test_logging_in_within_the_days_of_grace_takes_it_back(
    database_url: str, redis_url: str
) -> None:
    """All sessions end at once; whoever comes back stays, and their things with them."""
    async with open_door(database_url, redis_url) as door:
        ada = await door.register("ada")
        wrong = await ada.ask("DELETE", "/v1/me", json={"password": "something else"})
        assert wrong.status_code == 403
        await footprints.addressed(door, ada)
        ends = await ada.ask("DELETE", "/v1/me", json={"password": PASSWORD})
        assert ends.status_code == 202
        due = ends.json()["erase_at_ms"]
        assert abs(due - door.clock.now_ms() - 7 * 86_400_000) < 60_000
        mails = await door.database.fetch("SELECT kind FROM mails")
        assert [row[0] for row in mails] == ["leaving"]
        await door.heard()
        assert (await ada.ask("GET", "/v1/me")).status_code == 401
        assert await erasing(door.ground).round() == 0
        back = await door.log_in("ada")
        assert await door.database.fetchval("SELECT count(*) FROM erasures") == 0
        assert (await back.done("GET", "/v1/me"))["handle"] == "ada"


async def test_an_erasure_goes_on_wherever_it_was_left(home: Door) -> None:
    """A process may die after any statement: begun again from every step, it ends the same."""
    traces = await footprints.somebody(home)
    await traces.her.ask("DELETE", "/v1/me", json={"password": PASSWORD})
    eraser, database = forgetter(home), home.database
    await eraser.round()
    rows = await footprints.dumped(database)
    for step in ("person", "contacts", "rooms", "traces", "media", "rows", "self_log", "members"):
        await database.execute(
            "UPDATE erasures SET step = $1, room_id = NULL, done_at = NULL", step
        )
        assert await eraser.round() == 1, step
    again = await footprints.dumped(database)
    same = {name for name in rows if rows[name] == again[name]}
    assert {name for name in rows if name.startswith("entries")} <= same


async def test_staff_erase_for_somebody_and_may_take_it_back(home: Door) -> None:
    """Both stand in the audit, until the person is forgotten; nobody without the role may."""

    ada, bob = await home.register("ada"), await home.register("bob")
    support = await home.someone("support", ServiceRole.support)
    path = f"/v1/people/{ada.id}/erasure"
    assert (await bob.ask("PUT", path, json={})).status_code == 403
    async with home.ground.primary.lent() as connection:
        await connection.execute(
            "SELECT ask_erasure_v1($1, $2, 3, 'by letter')", ada.id, support.id
        )
    await support.done("DELETE", path)
    assert (await support.ask("DELETE", path)).status_code == 409
    answer = await support.ask("PUT", path, json={"reason": "by letter", "at_once": True})
    assert answer.status_code == 202
    acts = await home.database.fetch("SELECT action FROM audit ORDER BY n")
    assert [row[0] for row in acts] == ["erase", "spare", "erase"]
    assert await forgetter(home).round() == 1
    assert await home.database.fetchval("SELECT count(*) FROM audit_words") == 0
    assert await home.database.fetchval("SELECT count(*) FROM audit") == 3


async def test_one_copy_is_made_at_a_time_and_so_many_a_day(home: Door) -> None:
    """Asked again while one is made: `conflict`; after it: `limit_exceeded`. A wrong password: nothing."""
    ada = await home.register("ada")
    proof = {"password": PASSWORD}
    assert (await ada.ask("POST", "/v1/me/export", json={"password": "no"})).status_code == 403
    assert (await ada.ask("POST", "/v1/me/export", json=proof)).status_code == 202
    assert (await ada.ask("POST", "/v1/me/export", json=proof)).status_code == 409
    assert await exporter(home.ground).round()
    assert (await ada.ask("POST", "/v1/me/export", json=proof)).status_code == 422
    [notice] = (await ada.done("GET", "/v1/me/notices"))["notices"]
    assert (notice["state"], notice["link"]) == ("export_ready", "/me/exports")


async def test_a_copy_whose_maker_died_is_made_by_another_and_goes_after_its_days(
    home: Door, tmp_path: Path
) -> None:
    """A lease that ran out is taken again; past `export_days` the bytes are out of the depot."""
    ada = await home.register("ada")
    await ada.ask("POST", "/v1/me/export", json={"password": PASSWORD})
    run = home.database.execute
    await run(
        "UPDATE exports SET lease = gen_random_uuid(), leased_until = now() + interval '1 hour'"
    )
    maker = exporter(home.ground)
    assert not await maker.round()
    await run("UPDATE exports SET leased_until = now() - interval '1 second'")
    assert await maker.round()
    assert [path for path in (tmp_path / "depot").rglob("*-archive") if path.is_file()]
    await run("UPDATE exports SET expires_at = now() - interval '1 second'")
    assert not await maker.round()
    [export] = (await ada.done("GET", "/v1/me/exports"))["exports"]
    assert (export["state"], export["url"]) == ("gone", None)
    assert not [path for path in (tmp_path / "depot").rglob("*-archive") if path.is_file()]


async def test_a_copy_that_is_long_on_its_way_stays_ours(
    home: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process would begin it anew, and each would take away what the other put."""
    monkeypatch.setattr(exporting, "LEASE_S", 1.0)
    ada = await home.register("ada")
    await ada.ask("POST", "/v1/me/export", json={"password": PASSWORD})
    on = home.ground
    depot = _Slowly(on.media.depot, on.primary)
    maker = exporter(on._replace(media=on.media._replace(depot=depot)))
    assert await maker.round()
    [export] = (await ada.done("GET", "/v1/me/exports"))["exports"]
    assert export["state"] == "ready"


class _Slowly:
    """A depot that takes until the lease under which the archive was made is over."""

    def __init__(self, depot: Depot, database: Database) -> None:
        self._depot = depot
        self._database = database

    async def put(self, place: str, path: Path, served: Served) -> None:
        await self._database.fetch(
            "SELECT pg_sleep(extract(epoch FROM leased_until - clock_timestamp()) + 0.05) FROM exports"
        )
        assert not await PostgresExports(self._database).take(uuid4(), 9.0)
        await self._depot.put(place, path, served)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._depot, name)


async def test_consents_are_noted_with_their_version_and_may_be_taken_back(home: Door) -> None:
    """Also those that sharing one's place is, by themselves."""
    ada = await home.register("ada")
    path = "/v1/me/consents/analytics"
    stale = await ada.ask("PUT", path, json={"given": True, "version": "2"})
    assert stale.status_code == 409
    unknown = await ada.ask("PUT", "/v1/me/consents/else", json={"given": True, "version": "2"})
    assert unknown.status_code == 404
    given = await ada.done("PUT", path, json={"given": True, "version": "3"})
    assert [(one["purpose"], one["version"]) for one in given["given"]] == [("analytics", "3")]
    again = await ada.done("PUT", path, json={"given": True, "version": "3"})
    assert again == given
    await ada.done("PUT", "/v1/me/place", json={"sharing": "on"})
    back = await ada.done("PUT", path, json={"given": False})
    assert [(one["purpose"], one["given"]) for one in back["history"]] == [
        ("analytics", "off"),
        ("place", "on"),
        ("analytics", "on"),
    ]
    assert [one["purpose"] for one in back["given"]] == ["place"]


async def test_consents_of_long_ago_are_in_force_still(home: Door) -> None:
    """However much was said of other things since: the history is cut, what holds is not."""
    ada = await home.register("ada")
    said = {"given": True, "version": "3"}
    await ada.done("PUT", "/v1/me/consents/analytics", json=said)
    await home.database.execute(
        "INSERT INTO consents (person_id, purpose, given)"
        " SELECT $1, 'place', CASE n % 2 WHEN 0 THEN 'off' ELSE 'on' END FROM generate_series(1, 600) n",
        ada.id,
    )
    told = await ada.done("GET", "/v1/me/consents")
    assert [one["purpose"] for one in told["given"]] == ["analytics"]
    assert len(told["history"]) == 500


async def test_rounds_are_jobs_that_wish_for_the_next_and_wait_until_lanes_are_read(
    home: Door,
) -> None:
    """What others see goes in the first round; what logs themselves still say, a minute later."""
    ada = await home.register("ada")
    room = await ada.room("group")
    await ada.post(room, "words")
    await ada.ask("DELETE", "/v1/me", json={"password": PASSWORD})
    for chain in rounds(home.ground):
        await chain.begin()
    run = home.database.execute
    due = "UPDATE jobs SET due_at = now(), next_at = now() WHERE kind IN ('erasures', 'retention')"
    await run(due)
    home.clock.ahead_s += 120
    taken = await gathering.fired(home)
    assert (taken["erasures"], taken["retention"]) == (1, 1)
    step = "SELECT step, done_at IS NULL FROM erasures"
    assert tuple(await home.database.fetchrow(step) or ()) == ("settle", True)
    handle = await home.database.fetchval("SELECT handle FROM people WHERE person_id = $1", ada.id)
    assert handle == f"deleted-{ada.id.hex}"
    kinds = await home.database.fetch(
        "SELECT kind FROM jobs WHERE kind IN ('erasures', 'retention')"
    )
    assert sorted(row[0] for row in kinds) == ["erasures", "retention"]
    await run("UPDATE erasures SET step_at = now() - interval '2 minutes'")
    await run(due)
    home.clock.ahead_s += 120
    await gathering.fired(home)
    assert tuple(await home.database.fetchrow(step) or ()) == ("members", False)
    assert home.counted("muster_erasures_total", outcome="done") == 1


async def test_once_its_time_has_come_no_login_takes_an_erasure_back(home: Door) -> None:
    """Also before a process has begun: whoever logs in meanwhile, as an app does by itself, is out again."""
    ada = await home.register("ada")
    assert (await ada.ask("DELETE", "/v1/me", json={"password": PASSWORD})).status_code == 202
    await home.log_in("ada")
    assert await forgetter(home).round() == 1
    assert await home.database.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_login_at_the_moment_of_an_erasure_leaves_no_session(home: Door) -> None:
    """One that is not committed yet ends with the others; one that comes later finds nobody."""
    ada = await home.register("ada")
    first, later = (_session(ada) for _ in range(2))
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    async with asyncio.TaskGroup() as tasks, home.ground.primary.transaction() as connection:
        await connection.execute(ADD, *first)
        tasks.create_task(PostgresErasing(home.ground.primary).forget_person(ada.id))
        async with asyncio.timeout(5):
            while not await home.database.fetchval(waits):
                pass
    await home.database.execute(ADD, *later)
    assert not await home.database.fetchval(
        "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
    )


def _session(of: Someone) -> tuple[Any, ...]:
    until = datetime.now(UTC) + timedelta(days=1)
    return (uuid4(), of.id, uuid4(), "", "", "", until, uuid4().bytes, until, None)


async def test_nothing_that_was_to_be_said_later_is_said_by_whom_is_forgotten(home: Door) -> None:
    """In a direct room they stay, so a message that is due after its words went would stay as well."""
    her, friend = await home.register("her"), await home.register("friend")
    body = {"kind": "direct", "people": [str(friend.id)]}
    direct = (await her.done("POST", "/v1/rooms", json=body))["id"]
    soon = home.clock.now_ms() + gathering.HOUR_MS
    later = {"client_id": "later", "at_ms": soon, "text": "I am still here"}
    await her.done("POST", f"/v1/rooms/{direct}/scheduled", json=later)
    await PostgresErasing(home.ground.primary).forget_person(her.id)
    assert await home.database.fetchval("SELECT count(*) FROM jobs WHERE owner = $1", her.id) == 0


async def test_a_copy_holds_no_room_as_it_is_without_them_and_no_report_about_them(
    home: Door,
) -> None:
    """What was said in a room since they were put out is not theirs; who reported them stays with the moderators."""
    her, friend = await home.register("her"), await home.register("friend")
    group = await friend.room("group", her, title="with her")
    await friend.done("DELETE", f"/v1/rooms/{group}/members/{her.id}")
    await friend.done("PATCH", f"/v1/rooms/{group}", json={"title": "without her"})
    body = {"kind": "direct", "people": [str(friend.id)]}
    direct = (await her.done("POST", "/v1/rooms", json=body))["id"]
    said = await her.post(direct, "a threat")
    about = {"reason": "spam", "room": direct, "seq": said}
    await friend.done("POST", "/v1/reports", json=about)
    async with home.ground.primary.lent() as connection:
        support = await home.someone("support", ServiceRole.support)
        report = await connection.fetchval("SELECT report_id FROM reports")
        await connection.fetchval(
            "SELECT settle_report_v1($1, $2, NULL, NULL, '', false)", report, support.id
        )
    archive = await copied(home, her)
    rooms = footprints.lines(archive.read("data/rooms.jsonl"))
    assert {row["room_id"] for row in rooms} == {str(her.id), direct}
    acts = footprints.lines(archive.read("data/audit.jsonl"))
    assert [(row["action"], row["report"]) for row in acts] == [("kick", None)]
    assert await home.database.fetchval("SELECT count(*) FROM audit WHERE report IS NOT NULL") == 1


async def test_media_are_removed_few_at_a_time(home: Door) -> None:
    """A depot has one deadline for all keys of a call: of hundreds at once a bucket would never be rid."""
    her = await home.register("her")
    for _ in range(12):
        await footprints.uploaded(home, her)
    await her.ask("DELETE", "/v1/me", json={"password": PASSWORD})
    counted = _Counted(home.ground.media.depot)
    eraser = forgetter(home, counted)
    assert await eraser.round() == 1
    assert sum(counted.calls) == 12 * 4
    assert max(counted.calls) <= 40
    assert await home.database.fetchval("SELECT count(*) FROM media") == 0


class _Counted:
    """A depot, and how many keys each removal was of."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self.calls: list[int] = []

    async def remove(self, keys: Sequence[str]) -> None:
        self.calls.append(len(keys))
        await self._depot.remove(keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._depot, name)
