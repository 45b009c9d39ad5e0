"""Where the services are that a command asks: in the settings, else what `muster up` runs here.

Owns this order. It never starts anything, and it never prints a password.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import asyncpg

from muster.config import Settings, hide_password
from muster.services import runfile

NAME: Final = "muster-cli"
CONNECT_WITHIN_S: Final = 5.0
STATEMENT_WITHIN_S: Final = 30.0
UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What asking Postgres raises when it is not there, or refuses."""


def located(settings: Settings) -> Settings:
    """The settings, with what a running `muster up` uses where they name nothing."""
    running = runfile.read(settings.data_dir)
    if running is None:
        return settings
    return replace(
        settings,
        database_url=settings.database_url or running.database_url,
        redis_url=settings.redis_url or running.redis_url,
        keys_dir=settings.keys_dir or Path(running.keys_dir),
    )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the command's own. Raises one of `UNREACHABLE`."""
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_WITHIN_S,
        command_timeout=STATEMENT_WITHIN_S,
        statement_cache_size=0,  # it may go through a transaction pooler
        server_settings={"application_name": NAME},
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_WITHIN_S)


async def with_database(
    settings: Settings, ask: Callable[[asyncpg.Connection], Awaitable[int]]
) -> int:
    """What `ask` answers; 2 and a sentence when no database is known, 1 when it is not there."""
    if not settings.database_url:
        return complain("no database: set MUSTER_DATABASE_URL, or run 'make up' here first", 2)
    try:
        async with connected(settings.database_url) as connection:
            return await ask(connection)
    except asyncpg.UndefinedTableError:
        return complain("the database has no schema yet: run 'muster migrate'", 1)
    except UNREACHABLE as error:
        where = hide_password(settings.database_url)
        return complain(f"no answer from Postgres at {where}: {reason(error)}", 1)


def reason(error: BaseException) -> str:
    """What an exception says, or at least its name."""
    return str(error) or type(error).__name__


def complain(sentence: str, code: int) -> int:
    """Say why not; the exit code."""
    print(f"muster: {sentence}", file=sys.stderr)
    return code
