"""A Redis that loses everything, or nothing, or time.

Owns these scenarios. What Redis had is never asked for again: Postgres has it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from loadtest.torture.redis import OpenRedis
from loadtest.torture.scenario import LOOK_EVERY_S, Scenario, Stage
from loadtest.torture.scenarios.doors import STOPPED_S, frozen, stop
from loadtest.torture.world import Shape
from muster.lanes import LaneTable

LANES: Final = LaneTable(16)
KEPT_OF_A_LANE: Final = 0
FLUSHES: Final = 3
EPOCH_WITHIN_S: Final = 10.0


async def restart(stage: Stage) -> None:
    """SIGKILL, a pause, and there it is again, with what its log holds if it has one."""
    server = stage.world.redis
    redis = stage.world.redis_of(server)
    await stage.a_while(0.0, 1.0)
    async with stage.fault("restart", server.name) as ended:
        ended.proof["run_id_before"] = await redis.told("server", "run_id")
        await server.kill()
        await redis.close()
        await stage.a_while(0.2, 2.5)
        await server.start()
        await redis.loaded()
        ended.proof["run_id_after"] = await redis.told("server", "run_id")
        ended.proof["streams"] = await _streams(redis)


async def flush(stage: Stage) -> None:
    """FLUSHALL; the end is when somebody has made the lanes anew."""
    redis = stage.world.redis_of(stage.world.redis)
    await stage.a_while(0.0, 1.0)
    async with stage.fault("flush", "redis") as ended:
        ended.proof["keys_before"] = int(str(await redis.ask("DBSIZE")))
        before = await _epoch(redis)
        await redis.ask("FLUSHALL")
        after, loop = before, asyncio.get_running_loop()
        deadline = loop.time() + EPOCH_WITHIN_S
        while loop.time() < deadline and after in (before, ""):
            after = await _epoch(redis)
            await asyncio.sleep(LOOK_EVERY_S)
        ended.proof |= {"epoch_before": before, "epoch_after": after}


async def trim(stage: Stage) -> None:
    """While a hub is stopped, the lanes are cut to less than what it has not read."""
    hub = stage.random.choice(stage.world.hubs)
    redis = stage.world.redis_of(stage.world.redis)
    seconds = stage.random.uniform(3.0, 5.0)
    async with (
        stage.fault("stop", hub.name) as stopped,
        stage.fault("trim", "redis") as trimmed,
        asyncio.TaskGroup() as tasks,
    ):
        freezing = tasks.create_task(frozen(stage, hub, seconds, stopped.proof))
        await stage.acks(200, seconds / 2)
        gone = 0
        stage.traffic.hush(on=True)
        while not freezing.done():
            gone += await _cut(redis)
            await asyncio.sleep(LOOK_EVERY_S)
        trimmed.proof["entries_trimmed"] = gone
    await stage.hush("after the lanes were cut")


async def _trimmed(stage: Stage) -> None:
    """Twice: hubs compare all heads every half minute at the earliest, and that may hide one."""
    for _ in range(2):
        await trim(stage)
        await stage.acks(50)


async def _cut(redis: OpenRedis) -> int:
    gone = [await redis.ask("XTRIM", lane, "MAXLEN", KEPT_OF_A_LANE) for lane in LANES.streams]
    return sum(int(str(count)) for count in gone)


async def _epoch(redis: OpenRedis) -> str:
    """Of the first lane; empty where it is gone."""
    epoch = await redis.ask("GET", LANES.epochs[0])
    return "" if epoch is None else str(epoch)


async def _streams(redis: OpenRedis) -> int:
    return int(str(await redis.ask("EXISTS", *LANES.streams)))


async def _flushed(stage: Stage) -> None:
    for _ in range(FLUSHES):
        await flush(stage)
        await stage.a_while(0.0, 1.2)
        await stage.hush("after FLUSHALL")
        await stage.acks(100)


async def _stopped(stage: Stage) -> None:
    """Posts are acked all the while: an ack stands on Postgres alone."""
    acked = stage.recorder.acked
    await stop(stage, stage.world.redis, *STOPPED_S)
    acked = stage.recorder.acked - acked
    stage.demand(acked > 100, f"{acked} acks while Redis was stopped")


SCENARIOS: Final = (
    Scenario("redis_killed_aof", "Redis is killed; its log brings most back",
             restart, Shape(aof=True)),
    Scenario("redis_killed_empty", "Redis is killed and comes back empty", restart),
    Scenario("redis_flushed", "FLUSHALL, again and again", _flushed),
    Scenario("redis_stopped", "Redis is stopped with SIGSTOP for seconds", _stopped),
    Scenario("lanes_trimmed", "the lanes are cut while a hub is stopped", _trimmed),
)  # fmt: skip
