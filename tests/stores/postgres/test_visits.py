"""Visits on a real Postgres: at most one is open, whoever says what at once, and each edge is told once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from time import time
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from muster.attendance import Confidence, Edge, Source
from muster.departures import PAGES_PER_JOB, Departures
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.op import Op, Outcome
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.visits import PostgresVisits
from muster.visits import OPS_AT_ONCE, Visits, op_of
from muster.writer import Writer
from proto.codes import Code
from tests.visiting import belong, gathering, listed, moved, over, visits_of
from tests.vocabulary import PATIENCE_S, Recorder, log_of, new_id, person, writing

GPS, HAND = Source.gps, Source.hand


class World:
    """A writer, what it publishes, and visits over both."""

    def __init__(
        self, pool: asyncpg.Pool, database: Database, writer: Writer, bus: Recorder
    ) -> None:
        self.pool = pool
        self.database = database
        self.writer = writer
        self.bus = bus
        self.visits = Visits(writer, PostgresVisits(database))

    async def guest(self, room: RoomId, sharing: str = "on", **more: Any) -> PersonId:
        """Somebody on the roster."""
        guest = await person(self.pool)
        await listed(self.pool, room, guest, sharing=sharing, **more)
        return guest

    async def departures(self) -> int:
        """Fire what waits of them; how many there were."""
        jobs = await PostgresJobs(self.database).take(["departures"], new_id(), 20)
        handler = Departures(self.visits, PostgresJobs(self.database))
        for job in jobs:
            await handler.fire(job)
        return len(jobs)


@asynccontextmanager
async def _world(url: str) -> AsyncIterator[World]:
    bus = Recorder()
    database = await open_database(url, "test", 4, lambda _: None)
    async with (
        asyncpg.create_pool(url, min_size=1, max_size=4) as pool,
        writing(url, publisher=bus) as writer,
    ):
        yield World(pool, database, writer, bus)
    await database.close()


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[World]:
    async with _world(database_url) as world:
        yield world


def _ms(ago_s: float = 0.0) -> int:
    return round((time() - ago_s) * 1000)


def _edge(room: RoomId, who: PersonId, is_enter: bool, ago_s: float, source: Source = GPS) -> Edge:
    return Edge(room, who, is_enter, _ms(ago_s), source, Confidence.medium)


async def test_an_edge_is_recorded_once_and_told_in_its_persons_log(on: World) -> None:
    """Coming twice is coming once, as is going; each change is an entry of their own log, with its evidence."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await on.guest(room)
    came, went = _edge(room, ada, True, 60), _edge(room, ada, False, 10)
    for edge, fresh, is_open in ((went, False, False), (came, True, True), (came, False, True),
                                 (_edge(room, ada, True, 30), False, True), (went, True, False),
                                 (went, False, False), (came, False, False)):  # fmt: skip
        [recorded] = await on.visits.record([edge])
        assert (recorded.is_fresh, recorded.is_open) == (fresh, is_open), edge
    [visit] = await visits_of(on.pool, room, ada)
    assert (visit["entered_ms"], visit["left_ms"]) == (came.at_ms, went.at_ms)
    assert (visit["source"], visit["confidence"], visit["left_source"]) == ("gps", "medium", "gps")
    log = await log_of(on.pool, RoomId(ada))
    assert [row["kind"] for row in log] == ["visit", "visit"]
    await on.bus.until(RoomId(ada), log[-1]["seq"])
    bodies = await on.pool.fetch("SELECT body FROM entries WHERE room_id = $1 ORDER BY seq", ada)
    assert f'"moment_ms": {came.at_ms}' in bodies[0]["body"]
    assert '"state": "left"' in bodies[1]["body"]


async def test_an_edge_said_again_after_the_next_one_opens_nothing(on: World) -> None:
    """A process that died after an enter is recorded says it again when the person has long left."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await on.guest(room)
    came = _edge(room, ada, True, 60)
    await on.visits.record([came, _edge(room, ada, False, 30)])
    [again] = await on.visits.record([came])
    assert (again.is_fresh, again.is_open) == (False, False)
    assert len(await visits_of(on.pool, room)) == 1


async def test_times_are_put_right(on: World) -> None:
    """Nobody leaves before they came, comes before they last left, or does either in the future."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await on.guest(room)
    await on.visits.record([_edge(room, ada, True, 100), _edge(room, ada, False, 200)])
    await on.visits.record([_edge(room, ada, True, 300), _edge(room, ada, False, -600)])
    first, second = await visits_of(on.pool, room)
    assert first["left_ms"] == first["entered_ms"] == second["entered_ms"]
    assert second["entered_ms"] < second["left_ms"] <= _ms()


@pytest.mark.parametrize("when", ["before", "after", "ended", "cancelled"])
async def test_an_event_that_is_not_open_takes_no_enter(on: World, when: str) -> None:
    """Before doors, after its end, when it was ended or cancelled; but whoever is there may still leave."""
    host = await person(on.pool)
    ends_in_s = -1 if when == "after" else 3_600
    room = await gathering(
        on.pool, host, doors_in_s=60 if when == "before" else -3_600, ends_in_s=ends_in_s
    )
    ada, ben = await on.guest(room), await on.guest(room)
    await on.pool.execute(
        "INSERT INTO event_visits VALUES ($1, $2, 1, now(), NULL, 'gps', 'medium', NULL)", room, ben
    )
    if when in ("ended", "cancelled"):
        await on.pool.execute(
            "UPDATE events SET state = $2, over_at = now() WHERE room_id = $1", room, when
        )
    entered, left = await on.visits.record([_edge(room, ada, True, 1), _edge(room, ben, False, 0)])
    assert (entered.is_fresh, entered.is_open) == (False, False)
    assert (left.is_fresh, left.is_open) == (True, False)
    with pytest.raises(Refused, match="from when doors open until the event is over") as refused:
        await on.visits.deed(_edge(room, ada, True, 0, HAND), "hand")
    assert refused.value.code is Code.conflict


@pytest.mark.parametrize(
    ("sharing", "default", "source", "fresh"),
    [
        ("on", None, GPS, True),
        ("ghost", None, GPS, True),
        ("off", "on", GPS, False),
        ("off", None, Source.region, False),
        (None, "ghost", GPS, True),
        (None, "off", GPS, False),
        (None, None, GPS, False),
        ("off", None, HAND, True),
        (None, None, Source.qr, True),
    ],
)
async def test_without_leave_no_fix_brings_anybody_in(
    on: World, sharing: str | None, default: str | None, source: Source, fresh: bool
) -> None:
    """Also where leave was taken back after the fix was judged; what somebody does by hand is their own deed."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await person(on.pool)
    if sharing is not None:
        await listed(on.pool, room, ada, sharing=sharing)
    if default is not None:
        await on.pool.execute("INSERT INTO place_defaults VALUES ($1, $2)", ada, default)
    [recorded] = await on.visits.record([_edge(room, ada, True, 1, source)])
    assert recorded.is_fresh is recorded.is_open is fresh


async def test_a_default_is_for_public_events_alone(on: World) -> None:
    """And who may not know of an event does not enter it."""
    room = await gathering(on.pool, await person(on.pool), visibility="invited")
    ada = await person(on.pool)
    await on.pool.execute("INSERT INTO place_defaults VALUES ($1, 'on')", ada)
    for source in (GPS, HAND, Source.qr):
        [recorded] = await on.visits.record([_edge(room, ada, True, 1, source)])
        assert not recorded.is_fresh
    await listed(on.pool, room, ada, sharing="on")
    assert (await on.visits.record([_edge(room, ada, True, 1)]))[0].is_fresh
    ben = await on.guest(room)
    await belong(on.pool, room, ben, "kicked")
    assert not (await on.visits.record([_edge(room, ben, True, 1)]))[0].is_fresh


async def test_only_a_host_speaks_for_somebody_else(on: World) -> None:
    """Judged in the transaction: who was a host a moment ago is none now."""
    host = await person(on.pool)
    room = await gathering(on.pool, host)
    ada, ben, stranger = await on.guest(room), await on.guest(room), await person(on.pool)
    edge = _edge(room, ada, True, 0, Source.host)
    with pytest.raises(Refused) as refused:
        await on.visits.deed(edge, "one", ben)
    assert refused.value.code is Code.permission_denied
    with pytest.raises(Refused) as refused:
        await on.visits.deed(_edge(room, stranger, True, 0, Source.host), "two", host)
    assert refused.value.code is Code.not_found
    # The host's client id is not the person's own: one of theirs under the same name hinders nothing.
    await on.writer.submit(op_of(_edge(room, ada, True, 0, HAND), "one"))
    await on.writer.submit(op_of(_edge(room, ada, False, 0, HAND), "out"))
    assert (await on.visits.deed(edge, "one", host)).is_fresh


async def test_better_evidence_is_kept(on: World) -> None:
    """Who is here by their own word and then shows the code is here by the code; worse evidence changes nothing."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await on.guest(room)
    for source, confidence in (("hand", "low"), ("qr", "high"), ("gps", "medium")):
        edge = Edge(room, ada, True, _ms(), Source(source), Confidence(confidence))
        await on.visits.record([edge])
    [visit] = await visits_of(on.pool, room)
    assert (visit["source"], visit["confidence"]) == ("qr", "high")
    assert len(await log_of(on.pool, RoomId(ada))) == 1


async def test_two_devices_that_come_at_once_are_one_visit(on: World, database_url: str) -> None:
    """And one entry: two processes, each with the person's edge from another phone."""
    room = await gathering(on.pool, await person(on.pool))
    guests = [await on.guest(room) for _ in range(20)]
    async with _world(database_url) as other:
        for is_enter in (True, False, True):
            both = await asyncio.gather(
                *(
                    each.visits.record([_edge(room, one, is_enter, ago) for one in guests])
                    for each, ago in ((on, 2), (other, 1))
                )
            )
            assert all(one.is_fresh != two.is_fresh for one, two in zip(*both, strict=True))
            assert all(one.is_open is is_enter for recorded in both for one in recorded)
    assert len(await visits_of(on.pool, room)) == 2 * len(guests)
    for one in guests:
        assert len(await log_of(on.pool, RoomId(one))) == 3


async def test_who_comes_while_the_event_ends_is_not_left_behind(on: World) -> None:
    """Enters and the end at once, many times: afterwards no visit is open, and no enter was taken after the end."""
    host = await person(on.pool)
    taken = 0
    for _ in range(4):
        room = await gathering(on.pool, host)
        guests = [await on.guest(room) for _ in range(8)]
        edges = [_edge(room, one, True, 0) for one in guests]
        recorded, *_ = await asyncio.gather(on.visits.record(edges), _end(on, room))
        taken += sum(one.is_fresh for one in recorded)
        assert not any(visit["left_ms"] is None for visit in await visits_of(on.pool, room))
        assert len(await visits_of(on.pool, room)) == sum(one.is_fresh for one in recorded)
    assert taken > 0


async def _end(on: World, room: RoomId) -> None:
    """As the life cycle and the job do it, without a pause between."""
    async with asyncio.timeout(PATIENCE_S):
        while not await visits_of(on.pool, room):  # noqa: ASYNC110  # asking is what waits here
            await asyncio.sleep(0)
    await over(on.pool, room)
    assert await on.departures() == 1


async def test_an_event_that_waits_for_an_enter_finds_it(on: World) -> None:
    """The lock: an end that comes while an enter is not committed yet waits, and the enter is there when it goes on."""
    room = await gathering(on.pool, await person(on.pool))
    ada = await on.guest(room)
    async with on.pool.acquire() as one, on.pool.acquire() as two:
        transaction = one.transaction()
        await transaction.start()
        body = '{"room": "%s", "state": "entered", "source": "gps", "confidence": "medium", "moment_ms": %d}'
        await one.execute("SELECT visit_v1(1, $1, 'c', $2::text::jsonb)", ada, body % (room, _ms()))
        await two.execute("SET lock_timeout = '100ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await over(two, room)  # type: ignore[arg-type]  # a connection lent by the pool
        await transaction.commit()
        await over(two, room)  # type: ignore[arg-type]  # a connection lent by the pool
    assert await on.departures() == 1
    assert [visit["left_source"] for visit in await visits_of(on.pool, room)] == ["closing"]


async def test_closing_ends_every_visit_once_and_tells_each(on: World) -> None:
    """More than one page, said twice, from another process too: each has one end and one entry of it."""
    room, elsewhere = [await gathering(on.pool, await person(on.pool)) for _ in range(2)]
    await _crowd(on, room, OPS_AT_ONCE + 7)
    ada = await on.guest(elsewhere)
    await on.visits.record([_edge(elsewhere, ada, True, 1)])
    at_ms = _ms()
    closed = await asyncio.gather(
        *(on.visits.close_all(room, at_ms, Source.closing) for _ in range(2))
    )
    assert sum(closed) == OPS_AT_ONCE + 7
    assert await on.visits.close_all(room, at_ms, Source.closing) == 0
    visits = await visits_of(on.pool, room)
    assert {(visit["left_ms"], visit["left_source"]) for visit in visits} == {(at_ms, "closing")}
    told = await on.pool.fetchval(
        "SELECT count(*) FROM entries WHERE body ->> 'source' = 'closing'"
    )
    assert told == OPS_AT_ONCE + 7
    assert [one.person for one in await on.visits.open_visits(None, 10)] == [ada]


async def test_a_moved_fence_ends_what_was_before_it(on: World) -> None:
    """Once, by its job; who was judged by the new fence stays."""
    room = await gathering(on.pool, await person(on.pool))
    ada, ben = await on.guest(room), await on.guest(room)
    await on.visits.record([_edge(room, ada, True, 60)])
    await moved(on.pool, room)
    await on.visits.record([_edge(room, ben, True, -600)])
    assert await on.departures() == 1
    visits = {visit["person_id"]: visit for visit in await visits_of(on.pool, room)}
    assert (visits[ada]["left_source"], visits[ben]["left_source"]) == ("moved", None)
    assert await on.departures() == 0


async def test_departures_go_on_where_one_job_is_not_enough(on: World) -> None:
    """A job ends so many pages and no more; the next job goes on after them. A job that fires again finds nothing."""
    room = await gathering(on.pool, await person(on.pool))
    await _crowd(on, room, 3)
    pages: list[PersonId | None] = []

    class Slow:
        """One visit is a page."""

        async def close_some(
            self, room: RoomId, at_ms: int, source: Source, after: PersonId | None
        ) -> tuple[int, PersonId | None]:
            pages.append(after)
            last = PersonId(new_id()) if len(pages) <= PAGES_PER_JOB else None
            return 1, last

    kept = PostgresJobs(on.database)
    await over(on.pool, room)
    [job] = await kept.take(["departures"], new_id(), 20)
    await Departures(Slow(), kept).fire(job)
    [following] = await kept.take(["departures"], new_id(), 20)
    await Departures(Slow(), kept).fire(following)
    assert len(pages) == PAGES_PER_JOB + 1
    assert pages[0] is None
    assert len(set(pages)) == len(pages)
    handler = Departures(on.visits, kept)
    for _ in range(2):
        await handler.fire(_again(job))
    assert [visit["left_source"] for visit in await visits_of(on.pool, room)] == ["closing"] * 3
    assert await kept.take(["departures"], new_id(), 20) == []


def _again(job: Job) -> Job:
    return Job(job.id, job.kind, job.owner, job.payload, job.attempts + 1, job.due_ms, 0.0)


async def _crowd(on: World, room: RoomId, count: int) -> None:
    """So many people who are there."""
    await on.pool.execute(
        """
        WITH crowd AS (SELECT gen_random_uuid() AS id FROM generate_series(1, $2)),
        people AS (INSERT INTO people (person_id, handle, handle_shown, name)
                   SELECT id, id::text, id::text, 'somebody' FROM crowd),
        visits AS (INSERT INTO event_visits SELECT $1, id, 1, now() - interval '1 hour', NULL, 'gps', 'medium', NULL
                   FROM crowd)
        SELECT add_self_log_v1(id) FROM crowd
        """,
        room,
        count,
    )


class Dying:
    """A writer whose process dies before ops of one kind."""

    def __init__(self, writer: Writer, kind: str) -> None:
        self._writer = writer
        self._kind = kind

    async def submit(self, op: Op) -> Outcome:
        if op.kind == self._kind:
            raise Refused(Code.unavailable, "dead")
        return await self._writer.submit(op)


@pytest.mark.parametrize(
    ("joins_on", "relation", "joins"),
    [("entry", None, True), ("entry", "invited", True), ("entry", "left", False), ("entry", "member", False),
     ("answer", None, False), ("never", None, False)],
)  # fmt: skip
async def test_who_enters_is_put_into_the_room_where_the_event_wants_it(
    on: World, joins_on: str, relation: str | None, joins: bool
) -> None:
    """Also when the process that recorded the enter died before that; not who left the room on purpose."""
    room = await gathering(on.pool, await person(on.pool), joins_on=joins_on)
    ada = await on.guest(room)
    if relation is not None:
        await belong(on.pool, room, ada, relation)
    edge = _edge(room, ada, True, 5)
    if joins:
        with pytest.raises(Refused):
            await Visits(Dying(on.writer, "join"), PostgresVisits(on.database)).record([edge])
        [recorded] = await on.visits.record([edge])
        assert (recorded.is_fresh, recorded.joins) == (False, True)
    [recorded] = await on.visits.record([edge])
    assert not recorded.joins
    now = await on.pool.fetchval(
        "SELECT relation FROM members WHERE room_id = $1 AND person_id = $2", room, ada
    )
    assert now == ("member" if joins else relation)


@pytest.mark.parametrize(
    ("sharing", "default", "source", "joins"),
    [("on", None, GPS, True), ("off", None, HAND, True), ("ghost", None, GPS, False), ("ghost", None, HAND, False),
     (None, "on", GPS, False), (None, "on", HAND, True), (None, "ghost", Source.qr, False)],
)  # fmt: skip
async def test_the_room_is_told_of_nobody_who_is_not_named(
    on: World, sharing: str | None, default: str | None, source: Source, joins: bool
) -> None:
    """A ghost, and who is there by default alone, is not put into it: a join tells who came, and when."""
    room = await gathering(on.pool, await person(on.pool), joins_on="entry")
    ada = await person(on.pool)
    if sharing is not None:
        await listed(on.pool, room, ada, sharing=sharing)
    if default is not None:
        await on.pool.execute("INSERT INTO place_defaults VALUES ($1, $2)", ada, default)
    [recorded] = await on.visits.record([_edge(room, ada, True, 5, source)])
    assert (recorded.is_fresh, recorded.joins) == (True, joins)
    there = await on.pool.fetchval(
        "SELECT count(*) FROM members WHERE room_id = $1 AND person_id = $2", room, ada
    )
    assert there == joins


async def test_open_visits_come_in_pages(on: World) -> None:
    """All of them, once, in order, over events."""
    rooms = [await gathering(on.pool, await person(on.pool)) for _ in range(3)]
    for room in rooms:
        await _crowd(on, room, 4)
    seen: list[tuple[RoomId, PersonId]] = []
    while page := await on.visits.open_visits(seen[-1] if seen else None, 5):
        seen += [(visit.room, visit.person) for visit in page]
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 12


@pytest.mark.parametrize("seed", range(3))
async def test_any_sequence_of_edges_leaves_at_most_one_open_visit(on: World, seed: int) -> None:
    """Whatever is said, in any order, again, late, by several: visits of one person never overlap, so their durations
    add up to the time there was somebody; and their log tells exactly the edges that were written."""
    rng = random.Random(seed)
    room = await gathering(on.pool, await person(on.pool))
    guests = [await on.guest(room) for _ in range(4)]
    began_ms = _ms(600)
    said: list[Edge] = []
    for _ in range(25):
        some = [
            Edge(
                room,
                rng.choice(guests),
                rng.random() < 0.5,
                began_ms + rng.randrange(600_000),
                rng.choice((GPS, HAND, Source.region, Source.host)),
                rng.choice(list(Confidence)),
            )
            for _ in range(rng.randrange(1, 6))
        ]
        some += rng.sample(said, min(len(said), rng.randrange(3)))
        said += some
        for recorded in await on.visits.record(some):
            assert not (
                recorded.is_fresh and recorded.edge.source is Source.host and recorded.edge.is_enter
            )
    now_ms = _ms()
    for one in guests:
        visits = await visits_of(on.pool, room, one)
        assert [visit["number"] for visit in visits] == list(range(1, len(visits) + 1))
        assert all(visit["left_ms"] is not None for visit in visits[:-1])
        spans = [(visit["entered_ms"], visit["left_ms"] or now_ms) for visit in visits]
        assert all(entered <= left for entered, left in spans)
        assert all(left <= entered for (_, left), (entered, _) in pairwise(spans))
        there = sum(left - entered for entered, left in spans)
        assert there <= (spans[-1][1] - spans[0][0] if spans else 0) <= now_ms - began_ms
        told = await log_of(on.pool, RoomId(one))
        assert len(told) == sum(1 + (visit["left_ms"] is not None) for visit in visits)
