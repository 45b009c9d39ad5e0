"""The claims of muster/stores/postgres/installation.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from muster.setting import SettingsError
from muster.stores.migrate import migrate
from muster.stores.postgres.installation import (
    Installation,
    installation,
    join_installation,
    new_generation,
)

FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_first_to_join_decides(connection: asyncpg.Connection) -> None:
    """Lanes and generation are recorded once; later processes read them."""
    assert await join_installation(connection, 16, FIRST) == Installation(16, FIRST)
    assert await join_installation(connection, 16, SECOND) == Installation(16, FIRST)
    assert await installation(connection) == Installation(16, FIRST)


async def test_other_lanes_are_refused(connection: asyncpg.Connection) -> None:
    """With a sentence that says what to set; nothing changes."""
    await join_installation(connection, 16, FIRST)
    with pytest.raises(SettingsError, match="set MUSTER_LANES=16"):
        await join_installation(connection, 8, SECOND)
    assert await installation(connection) == Installation(16, FIRST)


async def test_another_timeline_is_another_generation(connection: asyncpg.Connection) -> None:
    """As recorded by a server whose history ended elsewhere; once, not at every start."""
    await join_installation(connection, 16, FIRST)
    await connection.execute("UPDATE installation SET timeline = timeline + 1")
    assert await join_installation(connection, 16, SECOND) == Installation(16, SECOND)
    assert await join_installation(connection, 16, FIRST) == Installation(16, SECOND)


async def test_the_timeline_is_the_one_postgres_is_on(connection: asyncpg.Connection) -> None:
    """What is recorded agrees with the control file of a server that was never promoted."""
    await join_installation(connection, 16, FIRST)
    recorded = await connection.fetchval("SELECT timeline FROM installation")
    actual = await connection.fetchval("SELECT timeline_id FROM pg_control_checkpoint()")
    assert recorded == actual


async def test_a_restored_dump_is_another_generation(
    connection: asyncpg.Connection, empty_database_url: str
) -> None:
    """The very rows in tables made anew are another history; once, not at every start."""
    await join_installation(connection, 16, FIRST)
    row = await connection.fetchrow("SELECT * FROM installation")
    assert row is not None
    await migrate(empty_database_url)
    restored = await asyncpg.connect(empty_database_url)
    try:
        columns = ", ".join(row.keys())
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        await restored.execute(f"INSERT INTO installation ({columns}) VALUES ({places})", *row)
        assert await join_installation(restored, 16, SECOND) == Installation(16, SECOND)
        assert await join_installation(restored, 16, FIRST) == Installation(16, SECOND)
    finally:
        await restored.close()


async def test_an_installation_of_the_release_before_keeps_its_generation(
    connection: asyncpg.Connection,
) -> None:
    """It recorded no origin: that is noted at the first start, and a change after that is seen."""
    await join_installation(connection, 16, FIRST)
    await connection.execute("UPDATE installation SET origin = NULL")
    assert await join_installation(connection, 16, SECOND) == Installation(16, FIRST)
    await connection.execute("UPDATE installation SET origin = 'elsewhere'")
    assert await join_installation(connection, 16, SECOND) == Installation(16, SECOND)


async def test_an_operator_may_declare_a_new_generation(connection: asyncpg.Connection) -> None:
    """After a loss that neither timeline nor tables tell, such as a copied data directory."""
    await join_installation(connection, 16, FIRST)
    await new_generation(connection, SECOND)
    assert await join_installation(connection, 16, FIRST) == Installation(16, SECOND)
