"""Links that lose bytes, hold them, hand them out slowly, or break.

Owns these scenarios. Each fault shows in the link's own counters, or the run is void.
"""

from __future__ import annotations

from typing import Final

from loadtest.torture.scenario import Proof, Scenario, Stage
from loadtest.torture.weather import Tally, Way, Weather

_WAYS: Final = (Way.asks, Way.answers, None)


async def drop(stage: Stage, names: str, way: Way | None, least_s: float, most_s: float) -> None:
    """Bytes vanish, in one direction or both; then every connection that lost some is reset."""
    async with stage.fault("drop", f"{names} {way or 'both ways'}") as ended:
        before = await stage.world.links.tally(names)
        await stage.world.links.set(names, Weather(drop=True), way)
        await stage.a_while(least_s, most_s)
        await stage.world.links.mend(names)
        after = await stage.world.links.tally(names)
        ended.proof["bytes_dropped"] = after.dropped_bytes - before.dropped_bytes


async def hold(stage: Stage, names: str, least_s: float, most_s: float) -> None:
    """Nothing arrives, nothing is lost: it all comes later."""
    async with stage.fault("cut", names) as ended:
        before = await stage.world.links.tally(names)
        await stage.world.links.set(names, Weather(hold=True))
        await stage.a_while(least_s, most_s)
        await stage.world.links.mend(names)
        after = await stage.world.links.tally(names)
        ended.proof["connections_cut"] = after.held_connections - before.held_connections


async def refuse(stage: Stage, names: str, least_s: float, most_s: float) -> None:
    """RST to everybody who is connected, and to everybody who comes."""
    async with stage.fault("reset", names) as ended:
        before = await stage.world.links.tally(names)
        await stage.world.links.refuse(names)
        await stage.a_while(least_s, most_s)
        await stage.world.links.mend(names)
        after = await stage.world.links.tally(names)
        ended.proof["connections_cut"] = after.reset - before.reset
        ended.proof["refused"] = after.refused - before.refused


async def half_close(stage: Stage, names: str, way: Way) -> None:
    """One direction ends; the other is not told."""
    async with stage.fault("half_close", f"{names} {way}") as ended:
        before = await stage.world.links.tally(names)
        await stage.world.links.half_close(names, way)
        after = await stage.world.links.tally(names)
        ended.proof["connections_cut"] = after.half_closed - before.half_closed


async def partition_servers(stage: Stage) -> None:
    """A hub or an api loses sight of Postgres, then of Redis, each in a way of its own."""
    doors = [f"hub{n}" for n in range(1, len(stage.world.hubs) + 1)]
    for store in stage.random.sample(("postgres", "redis"), 2):
        names = f"{stage.random.choice(doors)}-{store}"
        match stage.random.randrange(4):
            case 0:
                await refuse(stage, names, 2.0, 4.0)
            case 1:
                await hold(stage, names, 2.0, 5.0)
            case _:
                await drop(stage, names, stage.random.choice(_WAYS), 2.0, 5.0)
        await stage.acks(150)


async def partition_clients(stage: Stage) -> None:
    """A third of the phones is in a tunnel: no FIN, no RST; then some that only half know it is over."""
    await drop(stage, f"client-hub{stage.fullest()}", stage.random.choice(_WAYS), 5.0, 8.0)
    await stage.acks(100)
    await hold(stage, f"client-hub{stage.fullest()}", 1.0, 3.0)
    await stage.acks(100)
    await half_close(stage, "client-hub*", stage.random.choice((Way.asks, Way.answers)))


async def slow_links(stage: Stage) -> None:
    """Far away, narrow, and byte by byte: nothing breaks, so nothing may be noticed but time."""
    await _slow(stage, "delay", Weather(delay_s=0.15, jitter_s=0.1), "client-hub*")
    await _slow(stage, "split", Weather(singly=24), "*-postgres")
    await _slow(stage, "throttle", Weather(bytes_per_s=200_000.0), f"client-hub{stage.fullest()}")
    await _slow(stage, "split", Weather(singly=8, delay_s=0.01, jitter_s=0.01), "client-*")
    await _slow(stage, "delay", Weather(delay_s=0.03, jitter_s=0.03), "hub*")


async def _slow(stage: Stage, kind: str, weather: Weather, names: str) -> None:
    async with stage.fault(kind, names) as ended:
        before = await stage.world.links.tally(names)
        await stage.world.links.set(names, weather)
        await stage.acks(250, 4.0)
        ended.proof |= _late(before, await stage.world.links.tally(names))
        await stage.world.links.mend(names)


def _late(before: Tally, after: Tally) -> Proof:
    return {
        "bytes_delayed": after.late_chunks - before.late_chunks,
        "segments": after.single_bytes - before.single_bytes,
    }


async def drop_acks(stage: Stage) -> None:
    """What was asked is done and nobody hears of it: on the way to phones, and from Postgres to hubs."""
    links, known = stage.world.links, stage.recorder.known
    async with stage.fault("acks_dropped", "client-hub* hub*-postgres") as ended:
        for _ in range(8):
            deaf = stage.random.choice((f"client-hub{stage.fullest()}", "hub*-postgres"))
            await links.set(deaf, Weather(drop=True), Way.answers)
            await stage.a_while(0.1, 0.4)
            await links.mend(deaf)
            await stage.acks(60, 5.0)
        ended.proof["acks_dropped"] = stage.recorder.known - known


SCENARIOS: Final = (
    Scenario("partition_servers", "hubs lose sight of Postgres and of Redis", partition_servers),
    Scenario("partition_clients", "a third of the phones is in a tunnel", partition_clients),
    Scenario("slow_links", "links are slow, narrow, byte by byte", slow_links),
    Scenario("acks_dropped", "answers vanish, again and again", drop_acks),
)
