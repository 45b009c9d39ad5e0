"""Retention: what is old goes from the beginning of logs, and readers are told where these begin."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from api.assembly import orphaned
from api.forgetting import retaining
from muster.errors import unavailable
from muster.ids import RoomId
from muster.permission import RoomKind
from muster.retention import Retention, Terms
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import Database
from muster.stores.postgres.retention import PostgresRetention
from tests.api.door import Door
from tests.api.footprints import MARK, uploaded
from tests.api.opening import open_door


@pytest_asyncio.fixture
async def brief(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """Where messages of groups stay for two days."""
    async with open_door(
        database_url,
        redis_url,
        keep_group_days=2.0,
        keep_sessions_days=10.0,
        keep_reasons_days=10.0,
    ) as opened:
        yield opened


async def _aged(door: Door, room: str, upto: int, days: int = 3) -> None:
    await door.database.execute(
        "UPDATE entries SET at = at - $3 * interval '1 day' WHERE room_id = $1::uuid AND seq <= $2",
        room,
        upto,
        days,
    )


async def test_old_messages_go_with_what_hangs_on_them_and_young_ones_stay(brief: Door) -> None:
    """Of rooms of this kind alone; numbers are not given again; what was uploaded is collected."""
    ada, bob = await brief.register("ada"), await brief.register("bob")
    group = await ada.room("group", bob)
    media, _ = await uploaded(brief, ada)
    old = await ada.post(group, f"{MARK} old", attachments=[str(media)])
    await bob.done("PUT", f"/v1/rooms/{group}/messages/{old}/reactions/🎉")
    last = await ada.post(group, "which?", poll={"options": ["a", "b"]})
    await _aged(brief, group, last)
    young = await bob.post(group, "young")
    public = await ada.room("public")
    await _aged(brief, public, await ada.post(public, "stays"))
    await retaining(brief.ground).round()
    rows = await brief.database.fetch("SELECT seq FROM entries WHERE room_id = $1::uuid", group)
    assert [row[0] for row in rows] == [young]
    for table in ("reactions", "polls"):
        count = f"SELECT count(*) FROM {table} WHERE room_id = $1::uuid"  # names above
        assert await brief.database.fetchval(count, group) == 0
    assert await brief.database.fetchval(
        "SELECT count(*) FROM entries WHERE room_id = $1::uuid", public
    )
    assert await orphaned(brief.ground).collect() == 1
    assert brief.counted("muster_retention_removed_total", what="entries") == young - 1
    assert await ada.post(group, "next") == young + 1


async def test_a_reader_from_below_the_cut_gets_a_page_that_says_where_the_log_begins(
    brief: Door,
) -> None:
    """Forwards, backwards, by changes and by search: nothing loops, and nothing old is shown."""
    ada, bob = await brief.register("ada"), await brief.register("bob")
    group = await ada.room("group", bob)
    last = [await ada.post(group, f"{MARK} {number}") for number in range(5)][-1]
    await ada.done("GET", f"/v1/rooms/{group}/history")  # a page that may be kept in memory
    await _aged(brief, group, last)
    young = await bob.post(group, "young")
    await retaining(brief.ground).round()
    history = f"/v1/rooms/{group}/history"
    for query in ("", "?after=1", "?after=0", f"?before={young + 1}"):
        page = await ada.done("GET", history + query)
        assert [entry["seq"] for entry in page["entries"]] == [young], query
        assert not page["more"], query
    below = await ada.done("GET", f"{history}?before=3")
    assert (below["entries"], below["more"]) == ([], False)
    found = await ada.done("GET", f"/v1/search?q={MARK}")
    assert found["hits"] == []


async def test_sessions_and_reasons_that_are_old_go_and_the_audit_stays(brief: Door) -> None:
    """A session that lives, however old, stays."""
    ada, bob = await brief.register("ada"), await brief.register("bob")
    group = await ada.room("group", bob)
    until = {"until_ms": brief.clock.now_ms() + 3_600_000, "reason": f"{MARK} why"}
    await ada.done("PUT", f"/v1/rooms/{group}/members/{bob.id}/silence", json=until)
    run = brief.database.execute
    await run("ALTER TABLE audit DISABLE TRIGGER audit_stays")
    await run("UPDATE audit SET at = at - interval '11 days'")
    await run("ALTER TABLE audit ENABLE TRIGGER audit_stays")
    await run("UPDATE sessions SET created_at = created_at - interval '30 days'")
    await run(
        "UPDATE sessions SET revoked_at = now() - interval '11 days' WHERE person_id = $1", bob.id
    )
    await retaining(brief.ground).round()
    kept = await brief.database.fetch("SELECT person_id FROM sessions")
    assert [row[0] for row in kept] == [ada.id]
    assert await brief.database.fetchval("SELECT count(*) FROM audit") == 1
    assert await brief.database.fetchval("SELECT count(*) FROM audit_words") == 0


async def test_a_room_that_does_not_end_in_time_is_done_in_smaller_parts_or_keeps_no_other_waiting(
    brief: Door,
) -> None:
    """What hangs on many messages may be more than one statement can remove: every later room would stay for ever."""
    ada, bob = await brief.register("ada"), await brief.register("bob")
    slow, stuck, last = sorted([await ada.room("group", bob) for _ in range(3)])
    for room in (slow, stuck, last):
        await _aged(brief, room, await ada.post(room, f"{MARK} old"))
    on = brief.ground
    store, terms = _Slow(on.primary, {slow: 20, stuck: 0}), Terms({RoomKind.group: 2.0}, 10.0, 10.0)
    jobs = PostgresJobs(on.primary)
    await Retention(store, jobs, on.clock, on.metrics.privacy, terms).round()
    left = await brief.database.fetch(
        "SELECT DISTINCT room_id FROM entries JOIN rooms USING (room_id) WHERE rooms.kind = 'group'"
    )
    assert [str(row[0]) for row in left] == [stuck]


class _Slow(PostgresRetention):
    """Postgres, that cannot do more than so many of a room in time."""

    def __init__(self, database: Database, most: dict[str, int]) -> None:
        super().__init__(database)
        self._manages = most

    async def retain(self, room: RoomId, days: float, most: int) -> int:
        if most > self._manages.get(str(room), most):
            raise unavailable("the database")
        return await super().retain(room, days, most)
