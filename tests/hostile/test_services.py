"""Postgres that stops answering without going away, and goes away while somebody waits for it."""

import asyncio
from time import monotonic

import pytest

from loadtest.torture.link import linked
from loadtest.torture.weather import Way, Weather
from muster.errors import Refused
from muster.stores.migrate import migrate
from muster.stores.postgres.pool import Database, open_database
from muster.stores.reach import wait_for_installation
from proto.codes import Code

WITHIN_S = 2.0


async def _one_statement(database: Database) -> None:
    await database.fetchrow("SELECT 1")


async def _transaction(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.fetchrow("SELECT 1")


@pytest.mark.parametrize("work", [_one_statement, _transaction])
async def test_a_postgres_that_hangs_is_unavailable_within_two_seconds(
    database_url: str, work: object
) -> None:
    """Whoever asks is answered in time, every connection comes back, and the next Postgres is used at once."""
    assert callable(work)
    async with linked(database_url) as (link, url):
        database = await open_database(url, "test-hangs", 2, lambda _: None)
        await asyncio.gather(work(database), work(database))
        link.set(Way.answers, Weather(drop=True))

        async def refused() -> float:
            started = monotonic()
            with pytest.raises(Refused) as why:
                await work(database)
            assert why.value.code is Code.unavailable
            return monotonic() - started

        waited = await asyncio.gather(*(refused() for _ in range(4)))
        assert max(waited) < WITHIN_S
        link.mend()
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(work(database) for _ in range(4)))
        await database.close()


async def test_a_postgres_that_goes_away_before_its_schema_is_there_is_waited_for(
    empty_database_url: str,
) -> None:
    """A process at its start says what is wrong, and goes on by itself once it is mended."""
    said: list[str] = []
    news = asyncio.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        news.set()

    async def says(part: str) -> None:
        while not any(part in sentence for sentence in said):
            news.clear()
            await news.wait()

    async with linked(empty_database_url) as (link, url), asyncio.timeout(30):
        async with asyncio.TaskGroup() as tasks:
            joining = tasks.create_task(wait_for_installation(url, 4, say))
            await says("has no schema yet")
            link.refuse()
            await says("cannot reach Postgres at")
            link.mend()
            await migrate(empty_database_url)
        assert joining.result().lanes == 4
