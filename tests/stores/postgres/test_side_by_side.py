"""Processes of the release before go on committing on the newer schema, by the function they know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest_asyncio

from muster import submit
from muster.batch import Lease
from muster.ids import CONTROL_ROOM, direct_room
from muster.op import NewRoom, Op
from muster.stores.postgres.batch import arguments
from tests.vocabulary import new_id, person, post, writing

KINDS_OF_0001 = frozenset(
    """
    post edit delete react unreact join leave kick role settings room_added room_removed invited
    read mute block unblock profile revoke ban unban
    """.split()  # noqa: SIM905  # a list of 20 quoted words reads worse
)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _commit(database: asyncpg.Connection, op: Op, lock: UUID) -> list[asyncpg.Record]:
    """What release 0001 does with one op; it locks the op's room and one self log."""
    places = ", ".join(f"${number}" for number in range(1, 18))
    values = list(arguments(Lease(new_id(), ()), [op]))
    values[5] = [op.room, lock]
    return await database.fetch(f"SELECT status, kind FROM commit_batch_v1({places})", *values)


async def test_the_release_before_writes_what_it_can_read(
    database: asyncpg.Connection, database_url: str
) -> None:
    """Rooms, messages and blocks by commit_batch_v1, between contacts made by the newer release."""
    ada, bob = await person(database), await person(database)
    async with writing(database_url) as writer:
        for one, other in ((ada, bob), (bob, ada)):
            await writer.submit(submit.contact(one, other, str(new_id())))
        room = direct_room(ada, bob)
        new = NewRoom("direct", "all", "", "", [bob])
        made = await _commit(database, submit.create(ada, room, "made", new), ada)
        said = await _commit(database, post(ada, room, "said"), ada)
        blocked = await _commit(database, submit.block(ada, bob, "block"), ada)
        assert [row["status"] for row in (made[0], said[0], blocked[0])] == ["ok"] * 3
        assert {row["kind"] for row in (*made, *said, *blocked)} <= KINDS_OF_0001
        # The newer release repeats the block, and the contact goes then.
        assert (await writer.submit(submit.block(ada, bob, "again"))).room == CONTROL_ROOM
    states = await database.fetch("SELECT state FROM contacts")
    assert [row["state"] for row in states] == ["removed"] * 2
