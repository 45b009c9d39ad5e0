"""A Postgres that goes away at once, stands still, or is held up.

Owns these scenarios. What was acked stands; what was not is asked again with the same client id.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import asyncpg

from loadtest.torture.scenario import LOOK_EVERY_S, Scenario, Stage
from loadtest.torture.scenarios.doors import STOPPED_S, stop

_STARTED: Final = "SELECT pg_postmaster_start_time()::text AS at"
_WAITING: Final = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
_LOCK: Final = "SELECT room_id FROM rooms WHERE room_id = ANY ($1::uuid[]) FOR UPDATE"


async def restart(stage: Stage) -> None:
    """As `pg_ctl -m immediate`: no checkpoint, no goodbye; then it replays its log."""
    server = stage.world.postgres
    await stage.a_while(0.0, 1.0)
    async with stage.fault("database_restart", "postgres") as ended:
        ended.proof["started_before"] = (await stage.sql(_STARTED))[0]["at"]
        await server.end(signal.SIGQUIT)
        await stage.a_while(0.0, 1.5)
        await server.start()
        ended.proof["started_after"] = (await stage.sql(_STARTED))[0]["at"]


async def lock(stage: Stage) -> None:
    """Somebody holds the heads of half the rooms, and takes their time."""
    places = stage.crowd.places
    rooms = [place.room for place in stage.random.sample(places, max(1, len(places) // 2))]
    loop = asyncio.get_running_loop()
    async with stage.fault("lock", "postgres") as ended:
        holder = await asyncpg.connect(stage.world.database_url)
        waited = 0
        try:
            async with holder.transaction():
                await holder.execute("SET LOCAL lock_timeout = 0")
                await holder.fetch(_LOCK, rooms)
                until = loop.time() + stage.random.uniform(3.0, 6.0)
                while loop.time() < until:
                    waited = max(waited, (await stage.sql(_WAITING))[0]["n"])
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            holder.terminate()
        ended.proof["waited"] = waited


async def _stopped(stage: Stage) -> None:
    await stop(stage, stage.world.postgres, *STOPPED_S)


SCENARIOS: Final = (
    Scenario("postgres_restarted", "Postgres is stopped at once and started again", restart),
    Scenario("postgres_stopped", "Postgres is stopped with SIGSTOP for seconds", _stopped),
    Scenario("postgres_locked", "somebody holds half the rooms' heads for seconds", lock),
)
