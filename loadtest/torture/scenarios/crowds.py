"""People who all come at once, who do not read, who are put out while they speak.

Owns these scenarios.
"""

from __future__ import annotations

from typing import Final

from loadtest.torture.crowd import Size
from loadtest.torture.metrics import sum_of
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.stalled import stalled
from loadtest.torture.traffic import Mix
from loadtest.torture.world import Shape

CUTS: Final = 4
TURNED_AWAY: Final = "muster_turned_away_total"
STALLED: Final = 24
EVICTED_WITHIN_S: Final = 25.0
KICKS: Final = 10

_LOUD: Final = Size(people=18, groups=3, group_members=18, publics=1, public_members=10, directs=2)


async def storm(stage: Stage) -> None:
    """Every socket breaks at once, and everybody comes back; again, and again."""
    for _ in range(CUTS):
        async with stage.fault("storm", "client-hub*") as ended:
            before = await stage.world.links.tally("client-hub*")
            await stage.world.links.reset("client-hub*")
            after = await stage.world.links.tally("client-hub*")
            ended.proof["sockets_cut"] = after.reset - before.reset
            await stage.a_while(0.1, 0.3)
        await stage.acks(250)


async def _storm_above_the_rate(stage: Stage) -> None:
    """Hubs let in fewer a second than come: some are told to come later, and all of them are back all the same."""
    hubs = stage.world.hubs
    before = await sum_of(hubs, TURNED_AWAY)
    await storm(stage)
    turned_away = await sum_of(hubs, TURNED_AWAY) - before
    stage.demand(turned_away > 0, "nobody was turned away: the storm was none")
    back = await stage.until(
        lambda: all(each.phone.online.is_set() for each in stage.crowd.devices)
    )
    stage.demand(back, "somebody who was turned away did not come back")


async def _stalled(stage: Stage) -> None:
    """Devices of people in loud rooms stop reading. Each is out within the time, and nobody else notices."""
    async with stage.fault("stall", "hub*") as ended, stalled(stage, STALLED) as readers:
        ended.proof["sockets_stalled"] = len(readers.sockets)
        await readers.shout(EVICTED_WITHIN_S)
        left = await readers.left()
        stage.demand(left == 0, f"{left} of {STALLED} sockets that read nothing are still served")


async def _raced(stage: Stage) -> None:
    async with stage.fault("kick_race", "public rooms") as ended:
        before = stage.crowd.kicks
        await stage.until(lambda: stage.crowd.kicks - before >= KICKS, 60.0)
        ended.proof["kicks"] = stage.crowd.kicks - before


SCENARIOS: Final = (
    Scenario(
        "reconnect_storm",
        "every socket breaks at once, again and again, and hubs let in fewer a second than come",
        _storm_above_the_rate,
        Shape(settings={"auths_per_s": 20.0, "auths_burst": 10.0}),
        size=Size(people=60, second=2, groups=15, publics=3, directs=10),
    ),
    Scenario(
        "stalled_readers",
        "devices stop reading",
        _stalled,
        Shape(settings={"outbox_bytes": 65_536, "socket_send_buffer": 8_192}),
        size=_LOUD,
        per_s=200.0,
    ),
    Scenario(
        "kicks_and_blocks",
        "people are put out and blocked while they speak",
        _raced,
        size=Size(people=24, groups=1, publics=6, public_members=12, directs=4),
        mix=Mix(rest_posts=50, moves=60, kicks=40, blocks=25),
    ),
)
