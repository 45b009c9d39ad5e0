"""A Redis Cluster whose lanes move from node to node under load.

Owns this scenario. A lane's slot is moved with its stream, as redis-cli does.
"""

from __future__ import annotations

from typing import Final

from loadtest.torture.cluster import PRIMARIES
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios.redis import LANES
from loadtest.torture.world import Shape

MOVES: Final = 4


async def _moved(stage: Stage) -> None:
    cluster = stage.world.cluster
    assert cluster is not None
    await stage.a_while(0.0, 1.0)
    async with stage.fault("slots", "cluster") as ended:
        ended.proof["slots_moved"] = moved = 0
        for lane in stage.random.sample(range(LANES.lanes), MOVES):
            slot = LANES.slots[lane]
            source = await cluster.holder(slot)
            target = (source + stage.random.randrange(1, PRIMARIES)) % PRIMARIES
            await cluster.move(slot, target)
            moved += await cluster.holder(slot) == target
            await stage.acks(60)
        ended.proof["slots_moved"] = moved


SCENARIOS: Final = (
    Scenario(
        "slots_moved",
        "lanes move between the nodes of a Redis Cluster",
        _moved,
        Shape(redis="cluster"),
    ),
)
