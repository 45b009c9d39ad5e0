"""The claims of muster/services/postgres.py and redis.py: what the embedded services promise."""

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "100"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
async def test_postgres_has_the_setting(postgres_url: str, setting: str, value: str) -> None:
    """An ack means COMMIT with fsync, and nobody comes in from outside."""
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT current_setting($1)", setting) == value
    finally:
        await connection.close()


async def test_postgres_folds_case_in_every_script(postgres_url: str) -> None:
    """Handles are unique case-folded; the C locale alone would fold ASCII only."""
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT lower($1::text)", "ÄÖΣЖ") == "äöσж"
    finally:
        await connection.close()


async def test_postgres_lets_nobody_in_without_the_password(postgres_url: str) -> None:
    """Other accounts of this machine reach the port, not the data."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_url, password="guess")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxmemory", "268435456"),
        ("maxmemory-policy", "noeviction"),
        ("appendonly", "no"),
        ("save", ""),
        ("bind", "127.0.0.1"),
    ],
)
async def test_redis_has_the_setting(redis_url: str, name: str, value: str) -> None:
    """A bus that keeps nothing and evicts nothing."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        assert await client.config_get(name) == {name: value}


async def test_redis_lets_nobody_in_without_the_password(redis_url: str) -> None:
    """A socket on loopback is open to every account of the machine."""
    async with Redis.from_url(redis_url.replace("redis://:", "redis://:x")) as client:
        with pytest.raises(AuthenticationError):
            await client.ping()
