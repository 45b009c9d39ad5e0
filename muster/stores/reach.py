"""Owns waiting for a Postgres or a Redis that does not answer yet.

Absent at start is no reason to give up: it says which and where, and tries until it appears.
It never shows a password.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisError

from muster.backoff import pause_s
from muster.config import hide_password
from muster.stores.postgres.installation import Installation, join_installation

_TRY_WITHIN_S = 5.0
_FIRST_PAUSE_S = 0.5
_MOST_PAUSE_S = 10.0
_ASK_AGAIN_S = 1.0
_NO_SCHEMA = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
)
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def wait_for_database(url: str, say: Callable[[str], None]) -> None:
    """Return once Postgres at `url` lets us in."""

    async def attempt() -> None:
        connection = await asyncpg.connect(url, timeout=_TRY_WITHIN_S, statement_cache_size=0)
        await connection.close(timeout=_TRY_WITHIN_S)

    await _until(attempt, f"Postgres at {hide_password(url)}", say)


async def wait_for_installation(url: str, lanes: int, say: Callable[[str], None]) -> Installation:
    """The lanes and the generation, once Postgres is there and has a schema; it may go away meanwhile.

    Raises what `join_installation` does for another number of lanes.
    """
    while True:
        await wait_for_database(url, say)
        try:
            connection = await asyncpg.connect(url, timeout=_TRY_WITHIN_S, statement_cache_size=0)
            try:
                async with asyncio.timeout(_TRY_WITHIN_S):
                    return await join_installation(connection, lanes, uuid4())
            finally:
                connection.terminate()
        except _NO_SCHEMA:
            say(
                "the database has no schema yet, or an older one: 'muster migrate' makes it; asking again"
            )
        except _AWAY as error:
            say(f"Postgres at {hide_password(url)} went away: {type(error).__name__}; asking again")
        await asyncio.sleep(_ASK_AGAIN_S)


async def wait_for_redis(url: str, say: Callable[[str], None], *, cluster: bool = False) -> None:
    """Return once Redis at `url` answers a PING."""

    async def attempt() -> None:
        client = RedisCluster.from_url(url) if cluster else Redis.from_url(url)
        async with client:
            await client.ping()

    await _until(attempt, f"Redis at {hide_password(url)}", say)


async def _until(
    attempt: Callable[[], Awaitable[None]], what: str, say: Callable[[str], None]
) -> None:
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    failures = 0
    while True:
        try:
            async with asyncio.timeout(_TRY_WITHIN_S):
                await attempt()
                return
        except TimeoutError:
            reason = f"no answer within {_TRY_WITHIN_S:.0f} s"
        except (*_AWAY, RedisError) as error:
            reason = str(error) or type(error).__name__
        failures += 1
        pause = pause_s(failures, rng, first_s=_FIRST_PAUSE_S, most_s=_MOST_PAUSE_S)
        say(f"cannot reach {what}: {reason}; trying again in {pause:.1f} s")
        await asyncio.sleep(pause)
