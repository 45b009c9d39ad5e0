"""Owns the real services every test may use: one Postgres and one Redis per process of the run, ours alone.

It never touches a database or a Redis it did not start: a developer's own stay as they are.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.ports import reserved_ports
from muster.services.child import Child, ServiceFailedError
from muster.services.postgres import EmbeddedPostgres
from muster.services.redis import EmbeddedRedis
from muster.stores.migrate import migrate
from tests.fixtures.databases import Databases, database, execute

pytest_plugins = [
    "tests.fixtures.backups",
    "tests.fixtures.bytecode",
    "tests.fixtures.cluster",
    "tests.fixtures.heap",
    "tests.fixtures.parallel",
    "tests.fixtures.properties",
    "tests.fixtures.restartable",
    "tests.fixtures.stillness",
]

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
    await execute(postgres_url, f"CREATE DATABASE {_TEMPLATE}")
    await migrate(database(postgres_url, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres_url: str, migrated_template: str) -> Databases:
    """Databases at the newest schema, lent and taken back."""
    return Databases(postgres_url, migrated_template)


@pytest_asyncio.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A database of the test's own, at the newest schema, unknown to anybody else before and afterwards."""
    url = await databases.lend()
    try:
        yield url
    finally:
        await databases.give_back(url)


@pytest_asyncio.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """A database of the test's own with nothing in it, gone afterwards."""
    name = f"muster_test_{secrets.token_hex(8)}"
    await execute(postgres_url, f"CREATE DATABASE {name}")
    try:
        yield database(postgres_url, name)
    finally:
        await execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def fresh_redis_url(tmp_path: Path) -> AsyncIterator[str]:
    """A Redis of the test's own, empty; it costs about 50 ms."""
    async with _running(EmbeddedRedis(tmp_path / "redis", print)) as url:
        yield url


@pytest.fixture
def own_port() -> Iterator[int]:
    """A port that nobody listens on unless the test does, and nobody else ever."""
    with reserved_ports(1) as port:
        yield port


@asynccontextmanager
async def _running(service: EmbeddedPostgres | EmbeddedRedis) -> AsyncIterator[str]:
    child = await _started(service)
    try:
        await service.finish()
        yield service.url
    finally:
        await child.stop()


async def _started(service: EmbeddedPostgres | EmbeddedRedis) -> Child:
    """Running and ready. The port is a guess, so it may take more than one."""
    for tries_left in reversed(range(service.first_starts)):
        child = await Child.start(await service.program())
        try:
            await child.until_ready(service.ready, service.ready_within_s)
            return child
        except ServiceFailedError:
            await child.stop()
            if not tries_left:
                raise
    raise AssertionError("a service starts at least once")
