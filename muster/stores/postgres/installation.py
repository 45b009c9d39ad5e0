"""What the whole installation must agree on: how many lanes there are, and the log's generation.

Owns the one row of `installation`. The number of lanes is recorded once and never changes: hubs
with different numbers would talk past each other. The generation names one history of the log:
after a restore or a lossy failover seqs mean other entries, so positions of another generation get
a gap.
Must never be asked on the way of a message.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import asyncpg

from muster.setting import SettingsError
from muster.stores.postgres.entries import Fetches

# The timeline now written to, from the name of its file: after a promotion pg_control_checkpoint()
# still tells the old one until the next checkpoint, and on managed Postgres it may be out of reach.
_TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint"
_RECORD = f"""
    INSERT INTO installation (lanes, generation, timeline, origin) VALUES ($1, $2, {_TIMELINE}, origin_v1())
    ON CONFLICT DO NOTHING
"""  # noqa: S608  # a constant expression
_RENEW = f"""
    UPDATE installation SET timeline = {_TIMELINE}, origin = origin_v1(),
        generation = CASE WHEN timeline <> {_TIMELINE} OR origin <> origin_v1() THEN $1 ELSE generation END
    WHERE timeline <> {_TIMELINE} OR origin IS DISTINCT FROM origin_v1()
"""  # noqa: S608  # a constant expression
_REPLACE = f"""
    UPDATE installation SET generation = $1, timeline = {_TIMELINE}, origin = origin_v1()
"""  # noqa: S608  # a constant expression


class Installation(NamedTuple):
    """What is recorded."""

    lanes: int
    generation: UUID


async def join_installation(
    connection: asyncpg.Connection, lanes: int, fresh: UUID
) -> Installation:
    """Record this installation, or read what is recorded. Called by every process that starts.

    `fresh` (random) becomes the generation of a new installation, and of one whose Postgres is on another timeline
    than recorded, or whose tables were made anew since, as by a restored dump. Raises `SettingsError` when other
    lanes are recorded.
    """
    await connection.execute(_RECORD, lanes, fresh)
    await connection.execute(_RENEW, fresh)
    found = await installation(connection)
    if found.lanes != lanes:
        raise SettingsError(
            f"MUSTER_LANES is {lanes}, but this installation was made with {found.lanes} lanes and"
            f" keeps them: set MUSTER_LANES={found.lanes}."
        )
    return found


async def installation(database: Fetches) -> Installation:
    """What is recorded now; long-lived processes ask again after losing their connection.

    Raises `LookupError` where nothing has joined yet.
    """
    rows = await database.fetch("SELECT lanes, generation FROM installation")
    return Installation(rows[0][0], rows[0][1])


async def new_generation(connection: asyncpg.Connection, fresh: UUID) -> None:
    """Declare that the log may have lost entries, where nothing tells (muster generation)."""
    await connection.execute(_REPLACE, fresh)
