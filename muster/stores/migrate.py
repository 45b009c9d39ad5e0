"""Owns bringing a database forward to the newest schema.

Every process may try at once: one transaction holds the whole way forward and begins with a
lock that the others wait for and then find nothing left to do. It never goes backwards.
"""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from muster.stores.migrations.execute import MigrationError

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK = 0x6D757374_00000001  # "must" and a number: any constant that nothing else locks
_CONNECT_WITHIN_S = 10.0
_SEARCH_LANGUAGE = text("SELECT set_search_language_v1(:language)")


async def migrate(database_url: str, search_language: str | None = None) -> str:
    """Bring the database at `database_url` forward; the revision it is at afterwards.

    Another `search_language` than it has makes the search index anew, while writers wait. A step that does
    not run, or a database that lets us do too little, is a `MigrationError`; one that is not there is whatever
    the driver raises.
    """

    async def connect() -> asyncpg.Connection:
        # asyncpg reads the URL itself, so that every libpq parameter (sslmode ...) works. No
        # prepared statements: the connection may go through a transaction pooler.
        return await asyncpg.connect(
            database_url, timeout=_CONNECT_WITHIN_S, statement_cache_size=0
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Of the transaction, not the session: a pooler may hand the session to somebody else.
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            revision = await connection.run_sync(_forward)
            if search_language is not None:
                await connection.execute(_SEARCH_LANGUAGE, {"language": search_language})
            return revision
    except DBAPIError as error:
        raise MigrationError(f"the database refuses: {error.orig}") from error
    finally:
        await engine.dispose()


def _forward(connection: Connection) -> str:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    command.upgrade(config, "head")
    return MigrationContext.configure(connection).get_current_revision() or "none"
