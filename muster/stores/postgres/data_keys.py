"""Data keys in Postgres, wrapped.

Owns the SQL of muster.data_keys.DataKeyStore. When one begins to seal goes by Postgres' clock. Must never see one
unwrapped.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from muster.clock import Clock
from muster.data_keys import DataKeys, WrappedKey
from muster.envelope import Envelope
from muster.ids import SystemRandom
from muster.master import Masters
from muster.stores.postgres.pool import Database

_ALL: Final = """
    SELECT key_id, purpose, master, wrapped, extract(epoch FROM seals_from - clock_timestamp())::float8
    FROM data_keys ORDER BY key_id
"""
_ADD: Final = """
    INSERT INTO data_keys (key_id, purpose, master, wrapped, seals_from)
    VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5)) ON CONFLICT DO NOTHING
"""
_REWRAP: Final = """
    UPDATE data_keys SET master = $3, wrapped = $4 WHERE key_id = $1 AND master = $2
"""


def data_keys(
    database: Database, masters: Masters, clock: Clock, registry: CollectorRegistry
) -> DataKeys:
    """A process' data keys; it knows none before `begin`, and no new ones unless it runs."""
    random = SystemRandom()
    envelope = Envelope(clock, random, registry)
    return DataKeys(PostgresDataKeys(database), masters, envelope, clock, random)


class PostgresDataKeys:
    """See the contract named above."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[WrappedKey]:
        return [WrappedKey(*row) for row in await self._database.fetch(_ALL)]

    async def add(self, key: WrappedKey) -> bool:
        values = (key.id, key.purpose, key.master, key.wrapped, key.in_s)
        return await self._database.execute(_ADD, *values) != "INSERT 0 0"

    async def rewrap(self, key: WrappedKey, was: str) -> None:
        await self._database.execute(_REWRAP, key.id, was, key.master, key.wrapped)
