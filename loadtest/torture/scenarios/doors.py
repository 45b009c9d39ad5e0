"""Hubs and apis that die, stop, or are replaced by newer ones.

Owns these scenarios. Every process is found by its pid and started again as a supervisor would.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

from loadtest.torture.crowd import Place
from loadtest.torture.guest import Guest
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.server import Server
from loadtest.torture.traffic import Mix
from loadtest.torture.weather import Way, Weather

STOPPED_S: Final = (5.0, 8.0)
"""Longer than heartbeat and answer, longer than a lease, than a control log's poll."""


async def kill(stage: Stage, server: Server) -> None:
    """SIGKILL; gone is the end of the fault, for the system has to do without."""
    await stage.a_while(0.0, 1.0)
    async with stage.fault("kill", server.name) as ended:
        await server.kill()
        ended.proof["exit_code"] = server.exits[-1]


async def stop(stage: Stage, server: Server, least_s: float, most_s: float) -> None:
    """SIGSTOP for a while, and SIGCONT."""
    await stage.a_while(0.0, 1.0)
    async with stage.fault("stop", server.name) as ended:
        await frozen(stage, server, stage.random.uniform(least_s, most_s), ended.proof)


async def frozen(
    stage: Stage, server: Server, seconds: float, proof: dict[str, int | float | str | bool]
) -> None:
    """Stopped, seen to be, and going on."""
    loop = asyncio.get_running_loop()
    pid, began = server.pid, loop.time()
    server.freeze()
    try:
        if await stage.until(lambda: _is_stopped(pid), 5.0):
            await asyncio.sleep(seconds)
            proof["stopped_s"] = round(loop.time() - began, 2)
    finally:
        server.thaw()


def _is_stopped(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] in ("T", "t")


async def _hub_killed(stage: Stage) -> None:
    hub = stage.world.hubs[stage.fullest() - 1]
    await kill(stage, hub)
    await stage.acks(300)
    await hub.start()


async def _hub_stopped(stage: Stage) -> None:
    await stop(stage, stage.random.choice(stage.world.hubs), *STOPPED_S)


async def _apis_killed(stage: Stage) -> None:
    """One after the other: hubs compare all heads every half minute at the earliest, so that hides one at most."""
    for number in range(len(stage.world.apis)):
        await _api_killed(stage, number)
        await stage.acks(50)


async def _api_killed(stage: Stage, number: int) -> None:
    """What it says last in each room it commits and cannot publish; then it dies, and nobody says anything more."""
    api, name = stage.world.apis[number], f"api{number + 1}-redis"
    await stage.a_while(0.0, 1.0)
    async with stage.fault("drop", name) as dropped, stage.fault("kill", api.name) as killed:
        before = (await stage.world.links.tally(name)).dropped_bytes
        await stage.quiet()
        await stage.world.links.set(name, Weather(drop=True), Way.asks)
        async with asyncio.TaskGroup() as tasks:
            for place in stage.crowd.places:
                if (guest := _customer(stage, place, number)) is not None:
                    tasks.create_task(guest.tell(place.room, "a last word"))
        await api.kill()
        after = (await stage.world.links.tally(name)).dropped_bytes
        dropped.proof["bytes_dropped"] = after - before
        killed.proof["exit_code"] = api.exits[-1]
        await stage.world.links.mend(name)
        await api.start()
    await stage.hush("after an api died between commit and publication")


def _customer(stage: Stage, place: Place, api: int) -> Guest | None:
    """A member of the room who speaks to this api."""
    customers = stage.crowd.guests[api :: len(stage.world.apis)]
    return next((guest for guest in place.members if guest in customers), None)


async def renew(stage: Stage, door: Server) -> None:
    """A door is asked to end, and another takes its place."""
    async with stage.fault("term", door.name) as ended:
        began = asyncio.get_running_loop().time()
        await door.end(signal.SIGTERM)
        took_s = asyncio.get_running_loop().time() - began
        ended.proof["exit_code"] = door.exits[-1]
    stage.demand(door.exits[-1] == 0, f"{door.name} ended with {door.exits[-1]}, asked kindly")
    most_s = stage.world.drain_within_s + 3.0
    stage.demand(took_s < most_s, f"{door.name} took {took_s:.1f} s to end")
    await door.start()


async def deploy(stage: Stage) -> None:
    """One door after the other."""
    for door in (*stage.world.hubs, *stage.world.apis):
        await renew(stage, door)
        await stage.acks(100)


SCENARIOS: Final = (
    Scenario("hub_killed", "a hub is killed with SIGKILL", _hub_killed),
    Scenario("hub_stopped", "a hub is stopped with SIGSTOP for seconds", _hub_stopped),
    Scenario("rolling_deploy", "hubs and apis are replaced one after the other", deploy),
    Scenario(
        "api_killed",
        "apis die between commit and publication",
        _apis_killed,
        mix=Mix(rest_posts=500),
    ),
)
