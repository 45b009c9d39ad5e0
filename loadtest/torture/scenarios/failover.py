"""A Redis whose replica takes over without what it was cut off from.

Owns this scenario: the replica does not know the last seconds, and nobody tells.
"""

from __future__ import annotations

from typing import Final

from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.weather import Weather
from loadtest.torture.world import Shape


async def _failed_over(stage: Stage) -> None:
    world = stage.world
    assert world.replica is not None
    first, second = world.redis_of(world.redis), world.redis_of(world.replica)
    async with stage.fault("cut", "replica-primary") as cut:
        await world.links.set("replica-primary", Weather(hold=True))
        await stage.acks(300)
        cut.proof["connections_cut"] = (await world.links.tally("replica-primary")).held_connections
        async with stage.fault("failover", "redis") as ended:
            ended.proof["primary_before"] = first.port
            await world.redis.kill()
            await stage.a_while(0.2, 1.5)
            await second.ask("REPLICAOF", "NO", "ONE")
            await world.links.redirect("hub*-redis", second.port)
            await world.links.redirect("api*-redis", second.port)
            ended.proof["primary_after"] = second.port
            ended.proof["role"] = await second.told("replication", "role")


SCENARIOS: Final = (
    Scenario(
        "redis_failover",
        "Redis dies, a replica that was cut off takes over",
        _failed_over,
        Shape(redis="pair"),
        fresh=True,
    ),
)
