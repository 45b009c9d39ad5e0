"""Who is there, while hubs die and sleep and Redis forgets: nobody is told what is not so, and in the end all see it.

Owns these scenarios. They bring people of their own, beside the traffic: each with two devices over all hubs, and
watchers on every hub. Who comes back within the grace time makes no change; who stays away is gone within lease and
sweep.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from loadtest.bench.comings import DEVICES, Comer, Comings
from loadtest.bench.sight import Sight, seats
from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.torture.http import http_to
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios.doors import frozen
from loadtest.torture.scenarios.redis import flush

PEOPLE: Final = 20
STORIES: Final = 20
STORY_EVERY_S: Final = 0.1
WITHIN_S: Final = 10.0
SETTLED_WITHIN_S: Final = 40.0
GONE_WITHIN_S: Final = 35.0 + 5.0
"""Lease and sweep, and as much again as a machine under torture may be late."""

STOPPED_S: Final = 38.0
WOKEN_S: Final = 20.0
"""Whatever a hub that woke still believes, it has said by then."""


class Scene:
    """The people of one run, and who watches them."""

    def __init__(self, stage: Stage, comings: Comings, sight: Sight) -> None:
        self.stage = stage
        self.comings = comings
        self.sight = sight

    async def talk(self) -> None:
        """People come and go for a while."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STORIES):
                tasks.create_task(self.comings.story())
                await asyncio.sleep(STORY_EVERY_S)

    async def judge(self, what: str, within_s: float) -> None:
        """All see the truth in time, and were told nothing beyond it."""
        agrees = await self.sight.agrees(within_s)
        self.stage.demand(agrees, f"presence is not the truth {within_s:.0f} s after {what}")
        false = self.sight.judged().false
        self.stage.demand(not false, f"{false} changes were told that were none, around {what}")


@asynccontextmanager
async def _scene(stage: Stage) -> AsyncIterator[Scene]:
    world, run = stage.world, secrets.token_hex(3)
    async with http_to(world.api_urls[0], WITHIN_S) as http:

        async def login(name: str, device: int) -> Login:
            account = Account(f"{name}_{run}", "a long enough password", install=f"device {device}")
            return Login(account, Rest(http, stage.random))

        async def somebody(name: str, devices: int) -> Comer:
            logins = [await login(name, device) for device in range(devices)]
            await logins[0].register()
            tokens = [await one.token() for one in logins]
            await logins[0].rest.show_to("everyone")
            return Comer(logins[0].person, tokens)

        people = await asyncio.gather(*(somebody(f"comer{n}", DEVICES) for n in range(PEOPLE)))
        watcher = await somebody("watcher", seats(PEOPLE, len(world.hub_urls)))
    comings = Comings(list(people), world.hub_urls, stage.random)
    for comer in people:
        for device in range(DEVICES):
            await comings.come(comer, device)
    sight = Sight(comings)
    await sight.open(watcher.tokens, world.hub_urls)
    try:
        stage.demand(await sight.agrees(SETTLED_WITHIN_S), "presence never settled")
        sight.begin()
        yield Scene(stage, comings, sight)
    finally:
        for each in people:
            for socket in each.sockets:
                if socket is not None:
                    socket.drop()
        for one in sight.watchers:
            one.drop()


def _with_people(attack: Callable[[Scene], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
    async def staged(stage: Stage) -> None:
        async with _scene(stage) as scene:
            await scene.talk()
            await scene.judge("people came and went", SETTLED_WITHIN_S)
            await attack(scene)

    return staged


async def _killed(scene: Scene) -> None:
    hub = scene.stage.world.hubs[0]
    async with scene.stage.fault("kill", hub.name) as ended:
        await hub.kill()
        ended.proof["exit_code"] = hub.exits[-1]
    await scene.comings.bereft(0, 0.5)
    await scene.judge("a hub was killed", GONE_WITHIN_S)
    await hub.start()


async def _flushed(scene: Scene) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scene.talk())
        await flush(scene.stage)
    await scene.judge("FLUSHALL", SETTLED_WITHIN_S)


async def _stopped(scene: Scene) -> None:
    hub, hubs = scene.stage.world.hubs[0], len(scene.stage.world.hubs)
    async with scene.stage.fault("stop", hub.name) as stopped, asyncio.TaskGroup() as tasks:
        tasks.create_task(frozen(scene.stage, hub, STOPPED_S, stopped.proof))
        scene.sight.leave(0, hubs)
        await scene.comings.bereft(0, 0.5)
        await scene.judge("a hub was stopped", GONE_WITHIN_S)
    await asyncio.sleep(WOKEN_S)
    await scene.judge("it woke", SETTLED_WITHIN_S)


SCENARIOS: Final = (
    Scenario("presence_hub_killed", "a hub dies while people come and go",
             _with_people(_killed), attack_within_s=240.0),
    Scenario("presence_flushed", "Redis forgets who is there",
             _with_people(_flushed), attack_within_s=240.0),
    Scenario("presence_hub_stopped", "a hub sleeps beyond its lease, and wakes",
             _with_people(_stopped), attack_within_s=300.0),
)  # fmt: skip
