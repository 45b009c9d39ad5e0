"""Owns bringing a database forward to the newest schema.

Every process may try at once: one transaction holds the whole way forward and begins with a
lock that the others wait for and then find nothing left to do. It never goes backwards.

A step waits for a table that is in use (a dump, a long report) no longer than LOCK_S: whoever comes after it waits
behind it, the release before too. Then all it had done is undone, and it is tried again.
"""

import asyncio
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from muster.stores.migrations.execute import MigrationError

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK = 0x6D757374_00000001  # "must" and a number: any constant that nothing else locks
_CONNECT_WITHIN_S = 10.0
LOCK_S: Final = 3.0
_BUSY: Final = frozenset({"55P03", "40P01"})
"""Not had within LOCK_S; or given up for somebody who held one table and waited for another."""

_SEARCH_LANGUAGE = text("SELECT set_search_language_v1(:language)")


class Patience(NamedTuple):
    """How long one lock is waited for, how often all is tried, and the pause between."""

    lock_s: float = LOCK_S
    tries: int = 20
    pause_s: float = 3.0


PATIENCE: Final = Patience()


class _Busy(Exception):
    """A table is in use; the message is Postgres' own."""


async def migrate(
    database_url: str, search_language: str | None = None, patience: Patience = PATIENCE
) -> str:
    """Bring the database at `database_url` forward; the revision it is at afterwards.

    Another `search_language` than it has makes the search index anew, while writers wait. A step that does
    not run, a table that stays in use, or a database that lets us do too little, is a `MigrationError`; one that is
    not there is whatever the driver raises.
    """

    async def connect() -> asyncpg.Connection:
        # asyncpg reads the URL itself, so that every libpq parameter (sslmode ...) works. No
        # prepared statements: the connection may go through a transaction pooler.
        return await asyncpg.connect(
            database_url, timeout=_CONNECT_WITHIN_S, statement_cache_size=0
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        for left in reversed(range(patience.tries)):
            try:
                return await _once(engine, search_language, patience.lock_s)
            except _Busy as busy:
                if not left:
                    raise MigrationError(f"a table stays in use, try again later: {busy}") from None
            await asyncio.sleep(patience.pause_s)
        raise MigrationError("nothing was tried")
    finally:
        await engine.dispose()


async def _once(engine: AsyncEngine, search_language: str | None, lock_s: float) -> str:
    """All of the way, or nothing. Raises `_Busy`, `MigrationError`."""
    try:
        async with engine.begin() as connection:
            # Of the transaction, not the session: a pooler may hand the session to somebody else.
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(lock_s * 1_000)}")
            revision = await connection.run_sync(_forward)
            if search_language is not None:
                await connection.execute(_SEARCH_LANGUAGE, {"language": search_language})
            return revision
    except MigrationError as error:
        if getattr(error.__cause__, "sqlstate", None) in _BUSY:
            raise _Busy(str(error)) from None
        raise
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _BUSY:
            raise _Busy(str(error.orig)) from None
        raise MigrationError(f"the database refuses: {error.orig}") from error


def _forward(connection: Connection) -> str:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    command.upgrade(config, "head")
    return MigrationContext.configure(connection).get_current_revision() or "none"
