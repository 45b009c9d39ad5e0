"""Owns the real services every test may use: one Postgres and one Redis per run, ours alone.

It never touches a database or a Redis it did not start: a developer's own stay as they are.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from muster.services.child import Child
from muster.services.postgres import EmbeddedPostgres
from muster.services.redis import EmbeddedRedis
from muster.stores.migrate import migrate

pytest_plugins = ["tests.fixtures.cluster", "tests.fixtures.restartable"]

_TEMPLATE = "muster_template"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real Postgres for the whole run; the URL is of a database that tests leave alone."""
    async with _running(EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), print)) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real Redis for the whole run, never emptied: use names of your own."""
    async with _running(EmbeddedRedis(tmp_path_factory.mktemp("redis"), print)) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_template(postgres_url: str) -> str:
    """The name of a database at the newest schema, to be copied and never connected to."""
    await _execute(postgres_url, f"CREATE DATABASE {_TEMPLATE}")
    await migrate(_database(postgres_url, _TEMPLATE))
    return _TEMPLATE


@pytest_asyncio.fixture
async def database_url(postgres_url: str, migrated_template: str) -> AsyncIterator[str]:
    """A database of the test's own, at the newest schema, gone afterwards."""
    async with _fresh_database(postgres_url, f"TEMPLATE {migrated_template}") as url:
        yield url


@pytest_asyncio.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """A database of the test's own with nothing in it, gone afterwards."""
    async with _fresh_database(postgres_url, "") as url:
        yield url


@pytest_asyncio.fixture
async def fresh_redis_url(tmp_path: Path) -> AsyncIterator[str]:
    """A Redis of the test's own, empty; it costs about 50 ms."""
    async with _running(EmbeddedRedis(tmp_path / "redis", print)) as url:
        yield url


@asynccontextmanager
async def _running(service: EmbeddedPostgres | EmbeddedRedis) -> AsyncIterator[str]:
    child = await Child.start(await service.program())
    try:
        await child.until_ready(service.ready, service.ready_within_s)
        await service.finish()
        yield service.url
    finally:
        await child.stop()


@asynccontextmanager
async def _fresh_database(postgres_url: str, options: str) -> AsyncIterator[str]:
    name = f"muster_test_{secrets.token_hex(8)}"
    await _execute(postgres_url, f"CREATE DATABASE {name} {options}")
    try:
        yield _database(postgres_url, name)
    finally:
        await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _database(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"
