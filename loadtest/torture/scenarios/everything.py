"""The mixed hour: whatever can go wrong on a stack of the ordinary shape, in an order that only the seed knows.

Owns the list of what may be mixed. It is made of runs of a few minutes, each judged by itself, so that the first
breach stops it near its cause.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from loadtest.torture.crowd import Size
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios import crowds, doors, postgres, redis, wires
from loadtest.torture.traffic import Mix

ATTACKS_PER_RUN: Final = 6


async def _killed(stage: Stage) -> None:
    server = stage.random.choice([*stage.world.hubs, *stage.world.apis])
    await doors.kill(stage, server)
    await stage.a_while(0.5, 3.0)
    await server.start()


async def _stopped(stage: Stage) -> None:
    world = stage.world
    server = stage.random.choice([*world.hubs, *world.apis, world.postgres, world.redis])
    await doors.stop(stage, server, 2.0, 8.0)


_ATTACKS: Final[tuple[Callable[[Stage], Awaitable[None]], ...]] = (
    _killed,
    _stopped,
    doors.deploy,
    redis.restart,
    redis.flush,
    redis.trim,
    postgres.restart,
    postgres.lock,
    wires.partition_servers,
    wires.partition_clients,
    wires.slow_links,
    wires.drop_acks,
    crowds.storm,
)


async def _mixed(stage: Stage) -> None:
    for attack in stage.random.sample(_ATTACKS, ATTACKS_PER_RUN):
        await attack(stage)
        await stage.acks(stage.random.randrange(50, 400))


SCENARIOS: Final = (
    Scenario(
        "soup",
        "everything at random",
        _mixed,
        size=Size(people=24, groups=6, publics=3),
        mix=Mix(kicks=10, moves=20, blocks=6),
        attack_within_s=600.0,
        recover_within_s=45.0,
    ),
)
