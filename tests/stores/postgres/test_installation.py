"""The claims of muster/stores/postgres/installation.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from muster.config import SettingsError
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


async def test_an_operator_may_declare_a_new_generation(connection: asyncpg.Connection) -> None:
    """After restoring a dump, which no timeline tells."""
    await join_installation(connection, 16, FIRST)
    await new_generation(connection, SECOND)
    assert await join_installation(connection, 16, FIRST) == Installation(16, SECOND)
