"""The claims of muster/sorting.py: words wait aside, and are sorted into the index by whoever comes first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from muster.errors import unavailable
from muster.sorting import AWAY_S, EVERY_S, PARTS, Sorting
from muster.stores.migrate import migrate
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.search import PostgresSorting
from tests.sim.time import JumpingLoop, passing
from tests.stores.postgres.rows import put_room

_LOCK = (
    "SELECT pg_advisory_xact_lock(hashtextextended('sort_search', n)) FROM generate_series(0, 15) n"
)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url, "test", 2, lambda _: None)
    try:
        yield database
    finally:
        await database.close()


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _sorted(database: Database) -> int:
    pages = [await PostgresSorting(database).sort(part, PARTS) for part in range(PARTS)]
    return sum(page or 0 for page in pages)


async def test_what_waits_is_sorted_in_once(
    database: Database, connection: asyncpg.Connection
) -> None:
    """All parts together are the whole index; a second round finds nothing."""
    for _ in range(20):
        await put_room(connection, uuid4(), UUID(int=1), 5)
    assert await _sorted(database) > 0
    assert await _sorted(database) == 0


async def test_a_part_that_somebody_sorts_is_left_alone(
    database: Database, connection: asyncpg.Connection
) -> None:
    """Nobody waits for it."""
    await put_room(connection, uuid4(), UUID(int=1), 5)
    async with connection.transaction():
        await connection.execute(_LOCK)
        assert [await PostgresSorting(database).sort(part, PARTS) for part in range(PARTS)] == [
            None
        ] * PARTS
    assert await _sorted(database) > 0


async def test_the_lists_are_long_in_every_language(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """So that no commit sorts: the index made anew has the same."""
    for language in ("english", "simple"):
        await migrate(database_url, language)
        options = await connection.fetch(
            "SELECT c.reloptions FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'entries_search'::regclass"
        )
        assert len(options) == PARTS
        assert all("gin_pending_list_limit=8192" in row["reloptions"] for row in options)


def test_it_goes_round_and_outlives_a_store_that_is_away() -> None:
    """Every part in its turn, about once a second; after a refusal it pauses, and goes on."""
    asked: list[tuple[int, float]] = []

    class Store:
        async def sort(self, part: int, parts: int) -> int | None:
            asked.append((part, asyncio.get_running_loop().time()))
            if len(asked) == parts:
                raise unavailable("the database")
            return 0

    async def play() -> None:
        async with asyncio.TaskGroup() as tasks:
            sorting = tasks.create_task(Sorting(Store(), random.Random(1)).run())
            await passing(30.0)
            sorting.cancel()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(play())
    assert [part for part, _ in asked] == [n % PARTS for n in range(len(asked))]
    assert asked[PARTS - 1][1] - asked[0][1] <= 1.5 * EVERY_S
    assert asked[PARTS][1] - asked[PARTS - 1][1] >= 0.75 * AWAY_S
    assert len(asked) > 5 * PARTS
