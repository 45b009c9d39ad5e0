"""What a backup asks of Postgres: who it is, whether its log is being received, and what was recovered.

Owns those statements and our replication slot, which keeps the log on the server until it was received. Must never be
asked on the way of a message.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import asyncpg

from muster.facts import SlotFacts

SLOT: Final = "muster_backup"
APPLICATION: Final = "muster-backup"

_SERVER: Final = """
    SELECT (SELECT system_identifier::text FROM pg_control_system()),
           ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint,
           current_setting('server_version_num')::int,
           (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
           session_user::text, current_database()::text,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint
"""
_SLOT_STATUS: Final = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1"
_MAKE_SLOT: Final = "SELECT pg_create_physical_replication_slot($1, true)"
_DROP_SLOT: Final = "SELECT pg_drop_replication_slot($1)"
_KEPT_FROM: Final = (
    "SELECT (restart_lsn - '0/0')::bigint FROM pg_replication_slots WHERE slot_name = $1"
)
_RECEIVED: Final = """
    SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint,
           (SELECT (max(write_lsn) - '0/0')::bigint FROM pg_stat_replication
            WHERE application_name = $1 AND state = 'streaming'),
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint
"""
_RECOVERED: Final = """
    SELECT NOT pg_is_in_recovery(), (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint
"""
_PASSWORD: Final = "SELECT format('ALTER ROLE %I PASSWORD %L', session_user, $1::text)"  # noqa: S105  # a statement
_SLOT: Final = """
    SELECT active, wal_status = 'lost', coalesce(pg_current_wal_flush_lsn() - restart_lsn, 0)::bigint
    FROM pg_replication_slots WHERE slot_name = $1
"""
_ARCHIVES: Final = "SELECT current_setting('archive_mode') <> 'off'"


class Server(NamedTuple):
    """A server, as it is now."""

    system: str
    timeline: int
    version: int
    segment_bytes: int
    role: str
    database: str
    now_ms: int


class Receiving(NamedTuple):
    """How far its log is, and how much of it was received; None: nobody receives it."""

    flushed: int
    received: int | None
    now_ms: int


class Recovered(NamedTuple):
    """Whether recovery is over, and when the last commit was made that it brought back."""

    is_over: bool
    last_ms: int | None


async def read_server(connection: asyncpg.Connection) -> Server:
    """The primary behind `connection`."""
    [row] = await connection.fetch(_SERVER)
    return Server(*row)


async def ensure_slot(connection: asyncpg.Connection) -> bool:
    """Our slot is there afterwards; whether it is a new one, so that some of the log may be lost."""
    rows = await connection.fetch(_SLOT_STATUS, SLOT)
    lost = bool(rows) and rows[0][0] == "lost"
    if lost:
        await connection.fetch(_DROP_SLOT, SLOT)
    if lost or not rows:
        await connection.fetch(_MAKE_SLOT, SLOT)
    return lost or not rows


async def read_kept_from(connection: asyncpg.Connection) -> int:
    """From which position on our slot keeps the log: what lies before it was received, by whomever."""
    return int(await connection.fetchval(_KEPT_FROM, SLOT) or 0)


async def read_receiving(connection: asyncpg.Connection) -> Receiving:
    """How receiving the log goes."""
    [row] = await connection.fetch(_RECEIVED, APPLICATION)
    return Receiving(*row)


async def read_recovered(connection: asyncpg.Connection) -> Recovered:
    """How recovering goes."""
    [row] = await connection.fetch(_RECOVERED)
    return Recovered(*row)


async def set_password(connection: asyncpg.Connection, password: str) -> None:
    """Of the role that is connected."""
    await connection.execute(await connection.fetchval(_PASSWORD, password))


async def read_slot(connection: asyncpg.Connection) -> SlotFacts | None:
    """Our slot, if there is one."""
    rows = await connection.fetch(_SLOT, SLOT)
    return SlotFacts(*rows[0]) if rows else None


async def archives_itself(connection: asyncpg.Connection) -> bool:
    """Whether somebody else's archiving is set up on that server."""
    return bool(await connection.fetchval(_ARCHIVES))
