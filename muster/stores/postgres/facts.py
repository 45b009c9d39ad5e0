"""Reading what `muster doctor` judges: settings, connections, schema, leases, clocks.

Owns those queries. Must never change anything, and must work on a Postgres that Muster never saw: whatever is not
there reads as None.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from muster.clock import Clock
from muster.facts import Lease, PostgresFacts, ReplicaFacts
from muster.stores import migrations

_SETTINGS: Final = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "synchronous_standby_names",
    "max_connections",
    "superuser_reserved_connections",
)
# As our role and database have it: what the doors get.
_SETTING: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)"
_CONNECTIONS: Final = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY application_name
"""
_STANDBYS: Final = """
    SELECT count(*), coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 FROM pg_stat_replication
    WHERE state = 'streaming'
"""
_TABLES: Final = """
    SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('installation') IS NOT NULL,
           to_regclass('publish_leases') IS NOT NULL
"""
_INSTALLATION: Final = "SELECT lanes, generation::text, timeline FROM installation"
# An empty lease owes nothing: its writer was idle.
_OVERDUE: Final = """
    SELECT extract(epoch FROM clock_timestamp() - until)::float8, cardinality(rooms) FROM publish_leases
    WHERE until < clock_timestamp() AND cardinality(rooms) > 0 ORDER BY until LIMIT 1000
"""
_AUDIT: Final = "SELECT coalesce(has_table_privilege(to_regclass('audit')::oid, 'UPDATE'), false)"
_WAL_FILE: Final = "SELECT pg_walfile_name(pg_current_wal_lsn())"
_CLOCK: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8"
_REPLAYED: Final = """
    SELECT pg_is_in_recovery(),
           CASE WHEN pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn() THEN 0
                ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)
           END::float8
"""


async def read_postgres(connection: asyncpg.Connection, clock: Clock) -> PostgresFacts:
    """The facts of the server and database behind `connection`."""
    [[has_revision, has_installation, has_leases]] = await connection.fetch(_TABLES)
    recovering = bool(await connection.fetchval("SELECT pg_is_in_recovery()"))
    [[standbys, standby_lag_s]] = await connection.fetch(_STANDBYS)
    recorded = await connection.fetchrow(_INSTALLATION) if has_installation else None
    lanes, generation, recorded_timeline = recorded or (None, None, None)
    revision = None
    if has_revision:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    overdue = await connection.fetch(_OVERDUE) if has_leases else []
    return PostgresFacts(
        version=int(await connection.fetchval("SHOW server_version_num")),
        settings={row[0]: row[1] for row in await connection.fetch(_SETTING, _SETTINGS)},
        recovering=recovering,
        connections={row[0]: row[1] for row in await connection.fetch(_CONNECTIONS)},
        standbys=standbys,
        standby_lag_s=standby_lag_s,
        revision=revision,
        newest=newest_revision(),
        lanes=lanes,
        generation=generation,
        recorded_timeline=recorded_timeline,
        timeline=None if recovering else await _timeline(connection),
        overdue=[Lease(*row) for row in overdue],
        clock_apart_ms=await _clock_apart_ms(connection, clock),
        audit_rewritable=await connection.fetchval(_AUDIT),
    )


async def read_replica(connection: asyncpg.Connection) -> ReplicaFacts:
    """How far a standby is."""
    [row] = await connection.fetch(_REPLAYED)
    return ReplicaFacts(*row)


def newest_revision() -> str:
    """The newest schema that this release knows."""
    config = Config()
    config.set_main_option("script_location", str(Path(*migrations.__path__)).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head() or ""


async def _timeline(connection: asyncpg.Connection) -> int | None:
    """The timeline now written to; managed Postgres may not tell."""
    try:
        name = await connection.fetchval(_WAL_FILE)
    except asyncpg.InsufficientPrivilegeError:
        return None
    return int(name[:8], 16)


async def _clock_apart_ms(connection: asyncpg.Connection, clock: Clock) -> float:
    """Its clock less ours, taken in the middle of the question."""
    started, before = clock.monotonic(), clock.now_ms()
    theirs = float(await connection.fetchval(_CLOCK))
    return theirs - (before + (clock.monotonic() - started) * 500)
