"""What presence costs, and whether it can be believed: people with two devices come and go, then a hub dies.

Owns these figures. `edges_per_s`: devices that connected or went, per second of coming and going; `cpu_us_per_edge`:
all processor time of hubs, Redis and Postgres meanwhile, per such edge (sockets, tokens and admission included).
`false_edges`: changes that any watcher was told beyond the least that could be told, the dead hub's people included;
`converge_s`: from the fault (by default a hub's death) until every watcher's picture is the truth. Must never count a
watcher of the hub that died.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from random import Random
from time import monotonic
from typing import Final, NamedTuple

import asyncpg
import redis.asyncio as redis
import uvloop

from loadtest.bench import costs
from loadtest.bench.comings import DEVICES, Comer, Comings
from loadtest.bench.limits import open_many_files
from loadtest.bench.people import Cast
from loadtest.bench.sight import Sight, seats
from loadtest.progress import Progress
from loadtest.stack import Stack, muster_up

HUBS: Final = 3
SETTLED_WITHIN_S: Final = 60.0
CONVERGED_WITHIN_S: Final = 90.0
BAR_S: Final = 35.0
STOPPED_S: Final = 40.0
WOKEN_S: Final = 20.0
CHANGES_PER_STORY: Final = 2.5
SETTINGS: Final = {"MUSTER_RATE_LIMITS": "0", "MUSTER_ACCESS_TOKEN_S": "7200"}


class Figures(NamedTuple):
    """What is printed."""

    people: int
    edges_per_s: float
    cpu_us_per_edge: float
    false_edges: int
    converge_s: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest presence --help`."""
    parser.add_argument("--people", type=int, default=5_000, help="with two devices each")
    parser.add_argument(
        "--per-minute", type=int, default=10_000, help="connects and disconnects a minute"
    )
    parser.add_argument("--seconds", type=float, default=60, help="of coming and going")
    parser.add_argument("--opens", type=float, default=400, help="connects per second at first")
    parser.add_argument(
        "--fault", choices=tuple(FAULTS), default="kill", help="what happens to a hub, or to Redis"
    )
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 where anybody was told what was not so."""
    open_many_files()
    figures = uvloop.run(_run(args))
    if args.json:
        print(json.dumps(figures._asdict()))
    else:
        for name, value in figures._asdict().items():
            print(f"{name:>16}  {value}")
    good = figures.false_edges == 0 and figures.converge_s is not None
    return 0 if good and (figures.converge_s or 0.0) <= BAR_S else 1


async def _run(args: argparse.Namespace) -> Figures:
    progress, random = Progress(), Random(args.seed)
    progress.show(0, 1, "starting Muster")
    async with muster_up(HUBS, SETTINGS) as stack:
        comings, tokens = await _people(stack, args, progress, random)
        await _connect(comings, args.opens, progress)
        sight = Sight(comings)
        await sight.open(tokens, stack.hub_urls)
        await _settled(sight)
        sight.begin()
        spent_s, churned_s, edges = await _churn(stack, comings, args, progress)
        await _settled(sight)
        before = sum(comings.turns.values())
        converge_s = await FAULTS[args.fault](stack, comings, sight, progress)
        told, false = sight.judged()
        progress.end()
        print(
            f"{len(comings.people):,} people, {edges:,} connects and disconnects in {churned_s:.0f} s; to be told at "
            f"least {before:,} times, then {sum(comings.turns.values()) - before:,} by the fault; "
            f"each was told {told:,} times in all"
        )
    return Figures(
        len(comings.people),
        round(edges / churned_s, 1),
        round(spent_s * 1e6 / max(edges, 1), 1),
        false,
        converge_s,
    )


async def _people(
    stack: Stack, args: argparse.Namespace, progress: Progress, random: Random
) -> tuple[Comings, list[str]]:
    cast = Cast(stack.data, random)
    made = await cast.register(args.people + 1, lambda share: progress.show(share, 1, "people"))
    connection = await asyncpg.connect(stack.found.database_url)
    await connection.execute("UPDATE people SET may_see_online = 'everyone'")
    await connection.close()
    watcher, *ids = made
    people = [Comer(p, [cast.token(p, f"device {n}") for n in range(DEVICES)]) for p in ids]
    tokens = [cast.token(watcher, f"watcher {n}") for n in range(seats(len(ids), HUBS))]
    return Comings(people, stack.hub_urls, random), tokens


async def _connect(comings: Comings, per_s: float, progress: Progress) -> None:
    total = DEVICES * len(comings.people)
    async with asyncio.TaskGroup() as tasks:
        for number, comer in enumerate(comings.people):
            for device in range(DEVICES):
                tasks.create_task(comings.come(comer, device))
            progress.show(DEVICES * number, total, "connecting")
            await asyncio.sleep(DEVICES / per_s)


async def _churn(
    stack: Stack, comings: Comings, args: argparse.Namespace, progress: Progress
) -> tuple[float, float, int]:
    """Stories at a rate that makes so many changes; processor seconds, seconds, changes."""
    roots = {"muster": stack.found.pid}
    before, began, changes = costs.processor_s(roots)["muster"], monotonic(), comings.changes
    begun = 0
    async with asyncio.TaskGroup() as tasks:
        while (passed := monotonic() - began) < args.seconds:
            progress.show(passed, args.seconds, "coming and going")
            while begun * CHANGES_PER_STORY < args.per_minute / 60 * passed:
                tasks.create_task(comings.story())
                begun += 1
            await asyncio.sleep(0.05)
        # What has begun by now ends, and is not counted.
        spent = costs.processor_s(roots)["muster"] - before
        made, seconds = comings.changes - changes, monotonic() - began
    return spent, seconds, made


async def _kill(stack: Stack, comings: Comings, sight: Sight, progress: Progress) -> float | None:
    """Half of a dead hub's devices stay away; seconds until everybody alive sees the truth."""
    progress.show(0, 1, "a hub dies")
    await stack.kill_hub(1)
    killed_at = monotonic()
    await comings.bereft(0, 0.5)
    agree = await sight.agrees(CONVERGED_WITHIN_S)
    return round(monotonic() - killed_at, 1) if agree else None


async def _flush(stack: Stack, comings: Comings, sight: Sight, progress: Progress) -> float | None:
    """Redis forgets everything while people come and go; seconds until everybody sees the truth again."""
    progress.show(0, 1, "Redis forgets")
    began = monotonic()
    async with redis.Redis.from_url(stack.found.redis_url, protocol=2) as client:
        await client.flushall()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(len(comings.people) // 20):
            tasks.create_task(comings.story())
            await asyncio.sleep(0.02)
    agree = await sight.agrees(CONVERGED_WITHIN_S)
    return round(monotonic() - began, 1) if agree else None


async def _stop(stack: Stack, comings: Comings, sight: Sight, progress: Progress) -> float | None:
    """A hub is stopped beyond its lease; half of its devices come back elsewhere, and then it wakes."""
    progress.show(0, 1, "a hub is stopped")
    stack.signal_hub(1, signal.SIGSTOP)
    stopped_at = monotonic()
    try:
        sight.leave(0, HUBS)
        await comings.bereft(0, 0.5)
        agree = await sight.agrees(CONVERGED_WITHIN_S)
        took_s = monotonic() - stopped_at
        await asyncio.sleep(max(0.0, STOPPED_S - took_s))
    finally:
        stack.signal_hub(1, signal.SIGCONT)
    await asyncio.sleep(WOKEN_S)  # whatever it still believes, it says by then
    agree = agree and await sight.agrees(CONVERGED_WITHIN_S)
    return round(took_s, 1) if agree else None


async def _settled(sight: Sight) -> None:
    if not await sight.agrees(SETTLED_WITHIN_S):
        raise RuntimeError("presence does not settle; nothing can be measured")


FAULTS: Final = {"kill": _kill, "flushall": _flush, "stop": _stop}
