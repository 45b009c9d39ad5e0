"""What one thing costs each part: a post, a delivery, an entry that a hub reads and has nobody for.

Two loads of the same rate, rooms of two and rooms of many, on a hub with everybody: two equations give the hub's cost
of a post and of a delivery. A third is of a busy day: what a second hub, which has nobody, spends beyond its rest is
what an entry for nobody costs, and Postgres and Redis are asked then. Owns these figures, which docs/scaling.md is
worked out from. Must never guess what it can measure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import replace
from time import monotonic
from typing import Final, NamedTuple

import asyncpg

from loadtest.bench import costs
from loadtest.bench.arena import Arena, Size, arena
from loadtest.bench.crew import Load, Measured

SMALL: Final = Size(sockets=400, rooms=400, members=2, hubs=2, workers=1)
LARGE: Final = replace(SMALL, rooms=40, members=40)
REST_S: Final = 5.0
WARM_S: Final = 2.0
_FACTS: Final = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, pg_database_size(current_database())"


class Figures(NamedTuple):
    """Processor time in us, bytes. Redis: of one post, with two hubs that read it and an api that does not."""

    hub_us_per_post: float
    hub_us_per_delivery: float
    hub_us_per_skipped: float
    hub_us_per_socket_s: float
    postgres_us_per_post: float
    redis_us_per_post: float
    wal_bytes_per_post: float
    disk_bytes_per_post: float


class Spent(NamedTuple):
    """One load: per post, in us where it is processor time."""

    delivered: float
    hub: float
    onlooker: float
    postgres: float
    redis: float
    wal_bytes: float
    disk_bytes: float
    idle_per_socket_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest unit --help`."""
    parser.add_argument("--rate", type=float, default=500, help="posts per second, calm")
    parser.add_argument("--busy", type=float, default=5_000, help="posts per second, busy")
    parser.add_argument("--seconds", type=float, default=15, help="measured, each load")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures."""
    small = asyncio.run(_spent(SMALL, args.rate, args))
    large = asyncio.run(_spent(LARGE, args.rate, args))
    busy = asyncio.run(_spent(SMALL, args.busy, args))
    figures = solved(small, large, busy)
    if args.json:
        print(json.dumps(figures._asdict()))
    else:
        for key, value in figures._asdict().items():
            print(f"{key:>22}  {value}")
    return 0


def solved(small: Spent, large: Spent, busy: Spent) -> Figures:
    """The costs that explain the three loads."""
    per_delivery = (large.hub - small.hub) / (large.delivered - small.delivered)
    return Figures(
        round(small.hub - small.delivered * per_delivery, 1),
        round(per_delivery, 2),
        round(busy.onlooker, 2),
        round((small.idle_per_socket_s + large.idle_per_socket_s + busy.idle_per_socket_s) / 3, 2),
        round(busy.postgres, 1),
        round(busy.redis, 2),
        round(busy.wal_bytes),
        round(busy.disk_bytes),
    )


async def _spent(size: Size, rate: float, args: argparse.Namespace) -> Spent:
    async with arena(size, None, args.seed) as (here, tokens):
        base_s = await _rest(here)
        async with here.crowd(tokens, size, hubs=1):
            rest_s = await _rest(here)
            before = await _facts(here)
            load = Load(rate, WARM_S, args.seconds)
            measured = await here.make(load, f"rooms of {size.members}")
            after = await _facts(here)
    return _per_post(here, measured, (base_s, rest_s), (before, after))


def _per_post(
    here: Arena,
    measured: Measured,
    idle: tuple[dict[str, float], dict[str, float]],
    facts: tuple[tuple[int, int], tuple[int, int]],
) -> Spent:
    posts_per_s = measured.acked / measured.run_s
    hub, onlooker = sorted(name for name in here.spent if name.startswith("hub "))
    base, rest = idle
    posts = posts_per_s * (measured.run_s + WARM_S)
    (wal_before, disk_before), (wal_after, disk_after) = facts

    def us(name: str) -> float:
        return (here.spent[name] - rest[name]) / posts_per_s * 1e6

    sockets = SMALL.sockets
    return Spent(
        measured.delivered / max(1, measured.acked),
        us(hub),
        us(onlooker),
        sum(us(name) for name in here.spent if name.startswith("postgres")),
        sum(us(name) for name in here.spent if name.startswith("redis")),
        (wal_after - wal_before) / posts,
        (disk_after - disk_before) / posts,
        max(0.0, rest[hub] - base[hub]) / sockets * 1e6,
    )


async def _rest(here: Arena) -> dict[str, float]:
    """Share of a core that each part spends while nothing is asked of it."""
    before, began = costs.processor_s(here.pids), monotonic()
    await asyncio.sleep(REST_S)
    after, ended = costs.processor_s(here.pids), monotonic()
    return {name: (after[name] - before[name]) / (ended - began) for name in here.pids}


async def _facts(here: Arena) -> tuple[int, int]:
    """Bytes of log written and of database so far."""
    connection = await asyncpg.connect(here.database_url)
    try:
        facts = await connection.fetchrow(_FACTS)
    finally:
        await connection.close()
    assert facts is not None
    return int(facts[0]), int(facts[1])
