"""Service keys in Postgres.

Owns the SQL of muster.service_keys.ServiceKeyStore, and what the command line asks. Must never hold a secret, only
its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from muster.permission import Scope
from muster.service_keys import KEYS_MOST, NewKey, ServiceKey
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

_LIVE: Final = """
    SELECT key_id, name, scopes, expires_at, secret_hash, signing_sealed FROM service_keys
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) ORDER BY key_id LIMIT $1
"""
_USED: Final = "UPDATE service_keys SET used_at = now() WHERE key_id = $1"
# Of a key that signs not even a hash is kept: also for the release before its word is nobody's.
_ADD: Final = """
    INSERT INTO service_keys (key_id, name, secret_hash, scopes, expires_at, signing_sealed)
    SELECT $1, $2, CASE WHEN $7::bytea IS NULL THEN $3::bytea ELSE sha256($7) END, $4::text[], $5, $7
    WHERE (SELECT count(*) FROM service_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
          < $6
"""
_ALL: Final = """
    SELECT key_id, name, scopes, created_at, expires_at, used_at, revoked_at, signing_sealed IS NOT NULL
    FROM service_keys
    ORDER BY revoked_at IS NOT NULL, key_id LIMIT 1000
"""
_REVOKE: Final = (
    "UPDATE service_keys SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL"
)
_SCOPES: Final = frozenset(scope.value for scope in Scope)


class PostgresServiceKeys:
    """See `muster.service_keys.ServiceKeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live(self, most: int) -> Sequence[ServiceKey]:
        rows = await self._database.fetch(_LIVE, most)
        return [
            ServiceKey(
                row[0],
                row[1],
                # A scope that a newer release knows is nothing here.
                frozenset(Scope(scope) for scope in row[2] if scope in _SCOPES),
                None if row[3] is None else to_ms(row[3]),
                row[4],
                row[5],
            )
            for row in rows
        ]

    async def used(self, key: UUID) -> None:
        await self._database.execute(_USED, key)


class Listed(NamedTuple):
    """A key as it is listed."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    signs: bool


async def add(
    database: asyncpg.Connection,
    new: NewKey,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None,
    signing_key: bytes | None = None,
) -> bool:
    """Keep a new key; false if there are KEYS_MOST. `signing_key`: sealed, of one that signs."""
    names = [scope.value for scope in scopes]
    tag = await database.execute(
        _ADD, new.id, name, new.secret_hash, names, expires_at, KEYS_MOST, signing_key
    )
    return bool(tag == "INSERT 0 1")


async def listed(database: asyncpg.Connection) -> list[Listed]:
    """All keys, those that work first."""
    return [Listed(*row) for row in await database.fetch(_ALL)]


async def revoke(database: asyncpg.Connection, key: UUID) -> bool:
    """End a key; false if there is none that works."""
    return bool(await database.execute(_REVOKE, key) == "UPDATE 1")
