"""The claims of muster/stores/postgres/leases.py and muster/republish.py.

Leases are written by commit_batch_v1 itself, as by a writer that died between COMMIT and XADD.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from threading import Thread
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from muster.bus import Unpublished
from muster.errors import Refused
from muster.lane import LaneEntry
from muster.permission import ALLOW, Action
from muster.republish import Republisher
from muster.stores.postgres.entries import Range
from muster.stores.postgres.leases import ENTRIES_MOST, PostgresLeases, cut
from muster.stores.postgres.pool import Database, open_database
from proto.codec import MSGPACK
from proto.frames import Entry
from tests.fakes.bus import FakeBus
from tests.fakes.listener import following
from tests.stores.redis.bus_over import bus_over

ADA = UUID(int=77)
OVER, RUNNING = -1, 60_000


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url, "test", 4, lambda _: None)
    try:
        yield database
    finally:
        await database.close()


@pytest_asyncio.fixture
async def room(database: Database) -> UUID:
    return await _room(database)


async def _room(database: Database) -> UUID:
    room = uuid4()
    await database.execute("INSERT INTO rooms (room_id, kind) VALUES ($1, 'public')", room)
    await database.execute(
        "INSERT INTO members (room_id, person_id, relation) VALUES ($1, $2, 'member')", room, ADA
    )
    return room


async def _commit(
    database: Database, room: UUID, texts: Sequence[str], lease_ms: int, writer: UUID | None = None
) -> None:
    """Commit posts and say nothing to anyone."""
    count = len(texts)
    await database.fetch(
        "SELECT * FROM commit_batch_v1($1, $2, '{}', '{}', '{}', ARRAY[$3::uuid],"
        " array_fill('post'::text, ARRAY[$4::int]), array_fill($3::uuid, ARRAY[$4]),"
        " array_fill($5::uuid, ARRAY[$4]), $6, $7, array_fill(NULL::text, ARRAY[$4]),"
        " array_fill(NULL::uuid, ARRAY[$4]), array_fill(NULL::bigint, ARRAY[$4]),"
        " array_fill(NULL::text, ARRAY[$4]), array_fill($8::bigint, ARRAY[$4]),"
        " array_fill(0::bigint, ARRAY[$4]))",
        writer or uuid4(),
        lease_ms,
        room,
        count,
        ADA,
        [uuid4().hex for _ in texts],
        list(texts),
        ALLOW[Action.post],
    )


async def _leases(database: Database) -> int:
    [[count]] = await database.fetch("SELECT count(*) FROM publish_leases")
    return int(count)


def _republisher(database: Database, bus: FakeBus) -> Republisher:
    return Republisher(PostgresLeases(database), bus, CollectorRegistry(), random.Random(1))


def _texts(entries: Sequence[LaneEntry]) -> list[str | None]:
    frames = [MSGPACK.decode_server(entry.data) for entry in entries]
    return [frame.body.text for frame in frames if isinstance(frame, Entry)]


async def test_what_a_dead_writer_committed_reaches_the_tails(
    database: Database, room: UUID, redis_url: str
) -> None:
    """Over a real Redis, by the loop that every process runs, within the five seconds promised."""
    async with bus_over(redis_url) as bus, following(bus.tail) as heard:
        await _commit(database, room, ["one", "two"], OVER)
        republisher = Republisher(
            PostgresLeases(database), bus.publisher, CollectorRegistry(), random.Random(1)
        )
        async with asyncio.TaskGroup() as group, asyncio.timeout(5):
            running = group.create_task(republisher.run())
            await heard.until(lambda: heard.seqs(room.bytes) == [1, 2])
            running.cancel()
        assert _texts(heard.told) == ["one", "two"]


async def test_a_lease_that_runs_is_left_alone(database: Database, room: UUID) -> None:
    """Its writer lives, as far as anybody knows."""
    bus = FakeBus()
    await _commit(database, room, ["mine"], RUNNING)
    assert await _republisher(database, bus).round() == 0
    assert not bus.published
    assert await _leases(database) == 1


async def test_a_lease_goes_with_what_it_names(database: Database) -> None:
    """Several rooms and writers: everything is published once, and no lease is left."""
    bus = FakeBus()
    rooms = [await _room(database) for _ in range(4)]
    for room in rooms:
        await _commit(database, room, ["a", "b", "c"], OVER)
    assert await _republisher(database, bus).round() == 12
    assert await _leases(database) == 0
    for room in rooms:
        assert [e.seq for e in bus.published if e.room == room.bytes] == [1, 2, 3]


async def test_a_lease_of_nothing_is_swept(database: Database, room: UUID) -> None:
    """A batch that changed nothing leaves an empty lease; it hides no other."""
    bus = FakeBus()
    writer = uuid4()
    await database.execute(
        "INSERT INTO publish_leases VALUES ($1, now() - interval '1 hour', '{}', '{}', '{}')",
        writer,
    )
    await _commit(database, room, ["after"], OVER)
    assert await _republisher(database, bus).round() == 1
    assert await _leases(database) == 0


async def test_a_long_lease_goes_in_parts(database: Database, room: UUID) -> None:
    """No part is larger than a transaction may be; all of it goes, in order."""
    bus = FakeBus()
    await _commit(database, room, ["x"] * (2 * ENTRIES_MOST + 7), OVER)
    leases = PostgresLeases(database)
    assert await leases.hand_over(bus.publish) == ENTRIES_MOST
    assert await _leases(database) == 1
    assert await leases.hand_over(bus.publish) == ENTRIES_MOST
    assert await leases.hand_over(bus.publish) == 7
    assert await leases.hand_over(bus.publish) == 0
    assert [entry.seq for entry in bus.published] == list(range(1, 2 * ENTRIES_MOST + 8))


async def test_a_bus_that_is_away_leaves_the_lease(database: Database, room: UUID) -> None:
    """Unpublished is raised, the row stays; when the bus is back, the entries go."""
    bus = FakeBus()
    everywhere = frozenset(range(bus.table.lanes))
    await _commit(database, room, ["later"], OVER)
    bus.go_away(everywhere)
    republisher = _republisher(database, bus)
    with pytest.raises(Unpublished):
        await republisher.round()
    assert await _leases(database) == 1
    bus.come_back(everywhere)
    assert await republisher.round() == 1
    assert await _leases(database) == 0


async def test_two_takers_never_take_the_same_lease(database: Database, room: UUID) -> None:
    """While one publishes, the other finds nothing and does not wait."""
    other = await _room(database)
    await _commit(database, room, ["first"], OVER)
    bus = FakeBus()
    leases = PostgresLeases(database)
    counts: list[int] = []

    async def publish(entries: Sequence[LaneEntry]) -> None:
        counts.append(await leases.hand_over(bus.publish))
        await _commit(database, other, ["second"], OVER)
        counts.append(await leases.hand_over(bus.publish))
        await bus.publish(entries)

    assert await leases.hand_over(publish) == 1
    assert counts == [0, 1]
    assert _texts(bus.published) == ["second", "first"]


async def test_a_deleted_message_is_published_without_its_words(
    database: Database, room: UUID
) -> None:
    """The row as it is: seq and author stay, the body is empty."""
    bus = FakeBus()
    await _commit(database, room, ["secret"], OVER)
    await database.execute(
        "UPDATE entries SET text = NULL, deleted_seq = 2 WHERE room_id = $1", room
    )
    assert await _republisher(database, bus).round() == 1
    [frame] = [MSGPACK.decode_server(entry.data) for entry in bus.published]
    assert isinstance(frame, Entry)
    assert (frame.seq, frame.author, frame.body.text) == (1, ADA, None)


async def test_a_taker_that_stops_in_the_middle_holds_nobody_up(
    database: Database, database_url: str, room: UUID
) -> None:
    """This loop stands still inside `publish`: Postgres ends it, and the writer's batch goes on."""
    writer = uuid4()
    await _commit(database, room, ["one"], OVER, writer)
    # Behind a pooler no setting comes with the connection: the limits must be the transaction's.
    pooled = await open_database(database_url, "pooled", 1, lambda _: None, pgbouncer=True)

    async def write_again() -> None:
        living = await open_database(database_url, "living", 1, lambda _: None)
        try:
            for _ in range(3):  # its statement_timeout is shorter than what it may have to wait
                with suppress(Refused):
                    await _commit(living, room, ["two"], RUNNING, writer)
                    return
        finally:
            await living.close()
        raise AssertionError("the lease is still locked")

    async def stand_still(_: Sequence[LaneEntry]) -> None:
        outside = Thread(target=asyncio.run, args=(write_again(),))
        outside.start()
        outside.join()

    with pytest.raises(Refused):
        await PostgresLeases(pooled).hand_over(stand_still)
    await pooled.close()
    [[head]] = await database.fetch("SELECT head FROM rooms WHERE room_id = $1", room)
    assert head == 2
    assert await _leases(database) == 1


async def test_a_bus_that_hangs_is_cut_off(database: Database, room: UUID) -> None:
    """Whatever `publish` does, the lease is free again within two seconds, and not deleted."""
    await _commit(database, room, ["one"], OVER)

    async def hang(_: Sequence[LaneEntry]) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(2.5):
        with pytest.raises(Refused):
            await PostgresLeases(database).hand_over(hang)
    bus = FakeBus()
    assert await _republisher(database, bus).round() == 1


_RANGES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=6)


@given(_RANGES, st.integers(1, 30))
def test_cutting_loses_and_repeats_nothing(sizes: list[tuple[int, int]], most: int) -> None:
    """The parts together are the whole; the first is as large as it may be."""
    ranges = [Range(UUID(int=n), after, after + size) for n, (after, size) in enumerate(sizes)]
    now, later = cut(ranges, most)

    def spelled(parts: Sequence[Range]) -> list[tuple[UUID, int]]:
        return [(r.room, seq) for r in parts for seq in range(r.after + 1, r.upto + 1)]

    assert spelled(now) + spelled(later) == spelled(ranges)
    assert len(spelled(now)) == min(most, len(spelled(ranges)))
