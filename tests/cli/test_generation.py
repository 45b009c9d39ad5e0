"""The claims of `muster generation`: a new history of the log is begun by hand, and only when asked."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from muster.cli.__main__ import main
from muster.stores.postgres.installation import installation, join_installation


async def _generation(url: str, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["generation", *arguments], {"MUSTER_DATABASE_URL": url})


async def test_it_is_shown_and_stays_until_a_new_one_is_asked_for(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the processes that start after that find the new one."""
    connection = await asyncpg.connect(database_url)
    try:
        first = (await join_installation(connection, 16, UUID(int=1))).generation
        assert await _generation(database_url) == 0
        assert f"generation {first}" in capsys.readouterr().out
        assert await _generation(database_url, "--renew") == 0
        second = (await installation(connection)).generation
        assert second != first
        assert f"generation {second}" in capsys.readouterr().out
        assert (await join_installation(connection, 16, UUID(int=2))).generation == second
    finally:
        await connection.close()


async def test_an_installation_that_never_started_has_none(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, not a traceback."""
    assert await _generation(database_url) == 1
    assert "no process of Muster has started" in capsys.readouterr().err
