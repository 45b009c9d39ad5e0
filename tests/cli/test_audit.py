"""The claims of `muster audit`: what was done, by whom, and whether the record was touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from muster import moderation
from muster.cli.__main__ import main
from muster.clock import SystemClock
from tests.cli.sql import execute
from tests.vocabulary import person, room_of, writing


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _audit(url: str, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["audit", *arguments], {"MUSTER_DATABASE_URL": url})


async def test_an_operator_reads_what_was_done_and_whether_it_was_touched(
    database: asyncpg.Connection, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whom, about whom, in which room, why; one changed row is named, and the exit code says so."""
    ada, bob = await person(database, "ada"), await person(database, "bob")
    until = SystemClock().now_ms() + 3_600_000
    async with writing(database_url) as writer:
        room = await room_of(writer, ada, bob)
        what = moderation.measure("too loud", until)
        await writer.submit(moderation.silence(ada, room, bob, "s", what))
        await writer.submit(moderation.room_ban(ada, room, bob, "b", moderation.measure("")))
    capsys.readouterr()  # what the writer logged
    assert await _audit(database_url, "--by", "ada", "--about", "bob", "--room", str(room)) == 0
    ban, silence = capsys.readouterr().out.splitlines()
    assert f"owner {ada}  room_ban  about {bob}  in {room}" in ban
    assert all(part in silence for part in ("  silence  ", " until 20", "'too loud'"))
    assert await _audit(database_url, "--about", "ada") == 0
    assert "nothing of that kind" in capsys.readouterr().out
    assert await _audit(database_url, "--by", "nobody_at_all") == 1
    assert await _audit(database_url, "--check") == 0
    assert "2 rows in 1 chains: none was changed" in capsys.readouterr().out
    touched = "SET session_replication_role = replica; UPDATE audit SET actor = subject WHERE n = 1"
    await execute(database_url, touched)
    assert await _audit(database_url, "--check") == 1
    told = capsys.readouterr()
    assert f"row 1 of {room}: it was changed" in told.out
    assert "1 rows of 2 do not hold" in told.err
