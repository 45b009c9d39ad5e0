"""The claims of commit_fresh_v1: it does what commit_batch_v4 would, or nothing, and is not tried in vain for long."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from muster.batch import Lease, Lost, Poisoned, Range
from muster.ids import PersonId, RoomId
from muster.op import Committed, Op
from muster.stores.postgres.batch import (
    _COMMIT,
    CAREFUL_BATCHES,
    PostgresBatchConnection,
    arguments,
)
from tests.vocabulary import new_id, person, post, room_of, writing

TEXTS = ("words", "for @here", "you, @peer_of_all and @nobody", "see https://example.org/", ".")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[PostgresBatchConnection]:
    opened = PostgresBatchConnection(database_url, "test-fresh")
    yield opened
    await opened.close()


class World:
    """Four rooms and five people; in the second world everything is the same but the ids of the rooms."""

    def __init__(self, people: Sequence[PersonId], rooms: Sequence[RoomId]) -> None:
        self.people = people
        self.rooms = rooms

    def posts(self, seed: int) -> list[Op]:
        """A batch: mostly fresh; some ids come again, two people may not, one room is archived, one slow."""
        rng = random.Random(seed)
        bad = rng.random() < 0.5
        ops = []
        for n in range(rng.randint(1, 12)):
            room = self.rooms[rng.randrange(4 if bad else 2)]
            author = self.people[rng.randrange(5 if bad else 3)]
            known = bad and rng.random() < 0.3
            client = f"c{rng.randrange(seed * 20 + 1)}" if known else f"c{seed * 20 + n}"
            ops.append(post(author, room, client, rng.choice(TEXTS)))
        return sorted(ops, key=lambda op: self.rooms.index(op.room))

    def told(self, rows: Sequence[Committed]) -> list[tuple[object, ...]]:
        """Answers, but for times and ids of rooms."""
        return sorted(
            (row.idx, row.status, self.rooms.index(row.room), row.seq, row.msg_no, row.kind, row.author, str(row.body))
            for row in rows
        )  # fmt: skip

    async def stands(self, database: asyncpg.Connection) -> list[list[tuple[object, ...]]]:
        """The logs and heads of its rooms."""
        found = []
        for room in self.rooms:
            log = await database.fetch(
                "SELECT seq, msg_no, kind, author, client_id, text, body FROM entries"
                " WHERE room_id = $1 AND kind = 'post' ORDER BY seq",
                room,
            )
            heads = await database.fetch(
                "SELECT head, msg_no, last_post, last_at = (SELECT max(at) FROM entries e"
                " WHERE e.room_id = r.room_id) FROM rooms r WHERE room_id = $1",
                room,
            )
            found += [[tuple(row) for row in log], [tuple(row) for row in heads]]
        return found


async def _worlds(url: str, database: asyncpg.Connection) -> list[World]:
    people = [await person(database, name) for name in ("", "peer_of_all", "", "", "")]
    worlds = []
    async with writing(url) as writer:
        for _ in range(2):
            members = [*people[:3], people[4]]
            rooms = [await room_of(writer, *members) for _ in range(4)]
            worlds.append(World(people, rooms))
    archived = [world.rooms[2] for world in worlds]
    await database.execute(
        "UPDATE rooms SET archived_at = now() WHERE room_id = ANY ($1::uuid[])", archived
    )
    slow = [world.rooms[3] for world in worlds]
    await database.execute("UPDATE rooms SET slow_s = 60 WHERE room_id = ANY ($1::uuid[])", slow)
    silenced = "UPDATE members SET silenced_until = now() + interval '1 hour' WHERE person_id = $1"
    await database.execute(silenced, people[4])
    return worlds


async def _long_way(
    database: asyncpg.Connection, world: World, ops: Sequence[Op], lease: Lease
) -> list[tuple[object, ...]]:
    rows = await database.fetch(_COMMIT, *arguments(lease, ops))
    return sorted(
        (idx, status, world.rooms.index(RoomId(room)), seq, msg_no, kind, author, body is not None)
        for idx, status, room, seq, msg_no, _, kind, author, _, _, body in rows
    )


async def _committed(
    connection: PostgresBatchConnection, lease: Lease, ops: list[Op]
) -> list[Committed]:
    """As a writer does it: a batch of which the answer did not come in time is repeated."""
    while True:
        with suppress(Lost):
            return await connection.commit(lease, ops)


async def test_the_short_way_does_what_the_long_one_does(
    database_url: str, database: asyncpg.Connection
) -> None:
    """Random batches into two worlds: the same answers, logs, heads and leases, whatever is in a batch."""
    short, long = await _worlds(database_url, database)
    writers = [new_id(), new_id()]
    for seed in range(1, 40):
        carry = [Range(short.rooms[0], 1, seed)] if seed % 3 == 0 else []
        # A new one each time, so that no batch before this one keeps it from trying.
        connection = PostgresBatchConnection(database_url, "test-fresh")
        rows = await _committed(connection, Lease(writers[0], carry), short.posts(seed))
        await connection.close()
        carried = [Range(long.rooms[0], 1, seed) for _ in carry]
        slow = await _long_way(database, long, long.posts(seed), Lease(writers[1], carried))
        assert [(*row[:7], row[7] != "None") for row in short.told(rows)] == slow, seed
        leases = []
        for writer, world in zip(writers, (short, long), strict=True):
            [lease] = await database.fetch(
                "SELECT rooms, from_seqs, to_seqs, until > now() AS ahead FROM publish_leases"
                " WHERE writer = $1",
                writer,
            )
            ranges = zip(lease["rooms"], lease["from_seqs"], lease["to_seqs"], strict=True)
            places = [(world.rooms.index(room), start, end) for room, start, end in ranges]
            leases.append((sorted(places), lease["ahead"]))
        assert leases[0] == leases[1], seed
        assert await short.stands(database) == await long.stands(database), seed


async def test_nothing_is_done_where_not_all_is_fresh(
    database: asyncpg.Connection, database_url: str, connection: PostgresBatchConnection
) -> None:
    """One that is known, or refused, among others: the others are numbered once, by the long way."""
    ada, eve = await person(database), await person(database)
    async with writing(database_url) as writer:
        room = await room_of(writer, ada)
    first = await connection.commit(Lease(new_id(), []), [post(ada, room, "a")])
    ops = [post(ada, room, "b"), post(ada, room, "a"), post(eve, room, "c"), post(ada, room, "d")]
    rows = await connection.commit(Lease(new_id(), []), ops)
    assert [row.status for row in sorted(rows, key=lambda row: row.idx)] == [
        "ok",
        "known",
        "not_found",
        "ok",
    ]
    assert [row.seq for row in sorted(rows, key=lambda row: row.idx)] == [3, first[0].seq, 0, 4]


@pytest.mark.parametrize("sqlstate", ["MU001", "23505"])
async def test_the_short_way_is_not_tried_in_vain_for_long(
    database: asyncpg.Connection,
    database_url: str,
    connection: PostgresBatchConnection,
    sqlstate: str,
) -> None:
    """Who sends what is refused, or known, makes one batch in many be done twice, and no more."""
    ada = await person(database)
    async with writing(database_url) as writer:
        room = await room_of(writer, ada)
    source: str = await database.fetchval(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'commit_fresh_v1'"
    )
    await database.execute("CREATE SEQUENCE tries")
    raising = f"BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}';"
    await database.execute(source.replace("BEGIN", raising, 1))
    for n in range(CAREFUL_BATCHES + 2):
        [row] = await connection.commit(Lease(new_id(), []), [post(ada, room, f"m{n}")])
        assert (row.status, row.seq) == ("ok", n + 2)
    assert await database.fetchval("SELECT last_value FROM tries") == 2


async def test_a_message_that_cannot_be_stored_is_said_to_be_poison(
    database: asyncpg.Connection, database_url: str, connection: PostgresBatchConnection
) -> None:
    """By the short way too, so that the writer halves the batch; nothing of it is stored."""
    ada = await person(database)
    async with writing(database_url) as writer:
        room = await room_of(writer, ada)
    ops = [post(ada, room, "good"), post(ada, room, "bad", "nul: \x00")]
    with pytest.raises(Poisoned):
        await connection.commit(Lease(UUID(int=1), []), ops)
    assert await database.fetchval("SELECT head FROM rooms WHERE room_id = $1", room) == 1
