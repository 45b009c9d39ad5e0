"""Sealed columns in Postgres: which there are, and how their rows are put under another key.

Owns that list and the SQL of muster.resealing.SealedStore. A column whose name ends in `_sealed` stands in the list and
has an index that begins with its key's id: a test looks. Must never open anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from muster import email, mails, oauth_flow, second_factor, service_keys, webhooks
from muster.facts import DataKeyFacts, SealFacts
from muster.push_device import TOKEN
from muster.resealing import Resealed, SealedColumn, SealedRow
from muster.stores.postgres.pool import Database

SEALED: Final = (
    SealedColumn(TOKEN, "device_id"),
    SealedColumn(second_factor.FIELD, "person_id"),
    SealedColumn(service_keys.FIELD, "key_id"),
    SealedColumn(email.FIELD, "email_id"),
    SealedColumn(mails.FIELD, "mail_id"),
    SealedColumn(oauth_flow.FIELD, "flow_id"),
    SealedColumn(webhooks.SECRETS, "webhook_id"),
)
"""All there are. Another one is a line here, and an index on (seal_key_v1(column), key) where it is made."""

_UNDER: Final = """
    SELECT {key}, {column} FROM {table} WHERE seal_key_v1({column}) = $1 AND {key} > $2 ORDER BY {key} LIMIT $3
"""
_REPLACE: Final = """
    WITH held AS (
        SELECT t.{key}, g.sealed FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) g (row, was, sealed)
        JOIN {table} t ON t.{key} = g.row AND t.{column} = g.was FOR NO KEY UPDATE OF t SKIP LOCKED
    )
    UPDATE {table} t SET {column} = h.sealed FROM held h WHERE t.{key} = h.{key}
"""
_KEYS: Final = """
    SELECT key_id, purpose, master, wrapped, extract(epoch FROM clock_timestamp() - seals_from)::float8
    FROM data_keys ORDER BY key_id
"""
_COUNT: Final = """
    SELECT seal_key_v1({column}), count(*) FROM {table} WHERE seal_key_v1({column}) IS NOT NULL GROUP BY 1
"""
_PLAIN: Final = """
    SELECT EXISTS (SELECT FROM installation WHERE push_tokens = 'both' OR secrets_alone_since IS NULL),
           (SELECT count(*) FROM push_devices WHERE token_sealed IS NULL),
           (SELECT count(*) FROM webhooks WHERE secrets_sealed IS NULL)
"""
_KNOWN: Final = """
    SELECT EXISTS (SELECT FROM information_schema.columns
                   WHERE table_schema = current_schema() AND table_name = 'webhooks' AND column_name = 'secrets_sealed')
"""
_CONTRACT: Final = """
    UPDATE installation SET push_tokens = 'sealed', secrets_alone_since = coalesce(secrets_alone_since, now())
    WHERE push_tokens = 'both' OR secrets_alone_since IS NULL
"""


class PostgresSealed:
    """See `muster.resealing.SealedStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def under(
        self, column: SealedColumn, key: int, after: UUID, most: int
    ) -> list[SealedRow]:
        rows = await self._database.fetch(_of(_UNDER, column), key, after, most)
        return [SealedRow(*row) for row in rows]

    async def replace(self, column: SealedColumn, rows: Sequence[Resealed]) -> int:
        columns = [list(each) for each in zip(*rows, strict=True)]
        if not columns:
            return 0
        tag = await self._database.execute(_of(_REPLACE, column), *columns)
        return int(tag.rsplit(" ", 1)[1])


async def read_seals(connection: asyncpg.Connection) -> SealFacts | None:
    """What there is; None on a database that knows not all seals of this release."""
    if not await connection.fetchval(_KNOWN):
        return None
    keys = await read_data_keys(connection)
    rows = {
        f"{column.field.table}.{column.field.column}": {
            row[0]: row[1] for row in await connection.fetch(_of(_COUNT, column))
        }
        for column in SEALED
    }
    [[beside, tokens, secrets]] = await connection.fetch(_PLAIN)
    return SealFacts(keys, rows, beside, tokens, secrets)


async def read_data_keys(connection: asyncpg.Connection) -> list[DataKeyFacts]:
    """The data keys, wrapped; none on a database that knows no seals."""
    if not await _knows_seals(connection):
        return []
    return [DataKeyFacts(*row) for row in await connection.fetch(_KEYS)]


async def _knows_seals(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass('data_keys') IS NOT NULL"))


async def contract(connection: asyncpg.Connection) -> bool:
    """Push tokens and secrets lie sealed alone from now on; false: they did already."""
    return bool(await connection.execute(_CONTRACT) == "UPDATE 1")


def _of(sql: str, column: SealedColumn) -> str:
    """Names are constants of ours."""
    table, name = column.field
    return sql.format(table=table, column=name, key=column.key)
