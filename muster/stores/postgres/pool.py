"""The connections that read, and write what is no log: few, lent for one statement or one short transaction.

Owns how they are opened, how long anything may take, and that whatever goes wrong is `unavailable`.
Must never be asked for anything while a transaction of the same request is open: 4 connections serve all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from muster.deadline import Deadline
from muster.errors import Refused, unavailable
from muster.telemetry import get_logger

WITHIN_S: Final = 1.9
"""Waiting for a connection, and the statement, together: a request is answered within 2 s."""

CONNECT_WITHIN_S: Final = 1.5
STATEMENT_TIMEOUT_MS: Final = 1_700
LOCK_TIMEOUT_MS: Final = 1_000
IDLE_IN_TRANSACTION_MS: Final = 3_000
"""A process that is stopped between two statements lets its locks go after this."""

_log = get_logger()

_UNREACHABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


class _Connection(asyncpg.Connection):
    """Nothing here changes a session, so nothing is reset when a connection is given back: a round trip less."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections to one Postgres, opened when first needed."""

    def __init__(self, pool: asyncpg.Pool, observe: Callable[[float], None]) -> None:
        """`observe` is told the seconds each use took, waiting for a connection included."""
        self._pool = pool
        self._observe = observe

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """All rows of one statement. Raises `Refused`: `unavailable`."""
        async with self.lent() as connection:
            return await connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """The first row of one statement. Raises `Refused`: `unavailable`."""
        async with self.lent() as connection:
            return await connection.fetchrow(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        """One statement's command tag. Raises `Refused`: `unavailable`."""
        async with self.lent() as connection:
            return await connection.execute(sql, *values)

    async def ping(self) -> None:
        """Raises `Refused`: `unavailable` unless Postgres answers."""
        await self.fetchrow("SELECT 1")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PoolConnectionProxy]:
        """A few reads that all see the same moment. Raises `Refused`: `unavailable`."""
        async with self._within(isolation="repeatable_read", readonly=True) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnectionProxy]:
        """A few statements, all or none. Raises `Refused`: `unavailable`, outcome unknown."""
        async with self._within() as connection:
            yield connection

    @asynccontextmanager
    async def _within(self, **how: Any) -> AsyncIterator[PoolConnectionProxy]:
        async with self.lent() as connection:
            transaction = connection.transaction(**how)
            await transaction.start()
            try:
                yield connection
            except asyncio.CancelledError:
                raise  # the connection ends, and the transaction with it
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    async def close(self) -> None:
        """Give statements in flight a moment, then end all connections."""
        try:
            async with Deadline(WITHIN_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection for a few statements that need no transaction. Raises `Refused`: `unavailable`."""
        started = time.perf_counter()
        try:
            async with Deadline(WITHIN_S):
                connection = await self._pool.acquire()
                try:
                    yield connection
                except asyncio.CancelledError:
                    # asyncpg would ask the server to stop the statement and wait for it: without end, if that is
                    # the server that does not answer.
                    connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)
        except _UNREACHABLE as error:
            _log.warning("postgres does not answer", error=type(error).__name__)
            raise unavailable("the database") from None
        finally:
            self._observe(time.perf_counter() - started)


async def open_database(
    url: str,
    name: str,
    size: int,
    observe: Callable[[float], None],
    *,
    pgbouncer: bool = False,
) -> Database:
    """A pool that connects when it is needed: Postgres may be absent now. `name`: for pg_stat_activity.

    Behind a transaction pooler nothing is prepared and no setting is sent: it would refuse them. There the role's
    own settings (ALTER ROLE ... SET statement_timeout) hold, besides our deadline.
    """
    settings = {"application_name": name}
    if not pgbouncer:
        settings |= {
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            "jit": "off",
            # Planning over all partitions anew costs more than running; nothing here depends on values.
            "plan_cache_mode": "force_generic_plan",
        }
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=CONNECT_WITHIN_S,
        statement_cache_size=0 if pgbouncer else 100,
        server_settings=settings,
        connection_class=_Connection,
    )
    return Database(pool, observe)


class Replica:
    """Reads that may be a little old: from the replica while it answers, else from the primary."""

    def __init__(self, primary: Database, replica: Database | None) -> None:
        self._primary = primary
        self._replica = replica

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """As `Database.fetch`. What the replica knows nothing of is asked of the primary: it may be news."""
        if self._replica is not None:
            try:
                rows = await self._replica.fetch(sql, *values)
            except Refused:
                rows = []
            if rows:
                return rows
        return await self._primary.fetch(sql, *values)
