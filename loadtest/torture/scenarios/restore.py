"""A database put back to an earlier point, as an operator does it: everything down, the backup in, a new generation.

Owns this scenario. What was acked after the backup is gone, and everybody is told so: positions of another generation
get a gap.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.traffic import Mix
from muster.stores.postgres.installation import new_generation

_GENERATION: Final = "SELECT generation::text FROM installation"
_HEADS: Final = "SELECT room_id, head FROM rooms"


async def _restored(stage: Stage) -> None:
    world = stage.world
    cluster = world.directory / "postgres" / "postgres" / "cluster"
    backup = world.directory / "backup"
    await asyncio.to_thread(_snapshot, stage, cluster, backup)
    await stage.acks(400)
    async with stage.fault("restore", "postgres") as ended:
        ended.proof["generation_before"] = (await stage.sql(_GENERATION))[0][0]
        doors = [*world.hubs, *world.apis]
        async with asyncio.TaskGroup() as tasks:
            for door in doors:
                tasks.create_task(door.end(signal.SIGTERM))
        await world.postgres.end(signal.SIGINT)
        await asyncio.to_thread(_put_back, backup, cluster)
        stage.crowd.forget()
        await world.postgres.start()
        ended.kept = {row["room_id"]: row["head"] for row in await stage.sql(_HEADS)}
        connection = await asyncpg.connect(world.database_url)
        await new_generation(connection, uuid4())
        await connection.close()
        ended.proof["generation_after"] = (await stage.sql(_GENERATION))[0][0]
        async with asyncio.TaskGroup() as tasks:
            for door in doors:
                tasks.create_task(door.start())


def _snapshot(stage: Stage, cluster: Path, backup: Path) -> None:
    """The disk as it is at one moment: every process that writes stands still meanwhile."""
    shutil.rmtree(backup, ignore_errors=True)
    stage.world.postgres.freeze()
    try:
        shutil.copytree(cluster, backup)
    finally:
        stage.world.postgres.thaw()
    (backup / "postmaster.pid").unlink(missing_ok=True)


def _put_back(backup: Path, cluster: Path) -> None:
    shutil.rmtree(cluster)
    shutil.copytree(backup, cluster)


SCENARIOS: Final = (
    Scenario(
        "log_restored",
        "the database is put back to an earlier point",
        _restored,
        mix=Mix(blocks=0),  # which of them the backup had, nobody is told
        fresh=True,
    ),
)
