"""How many posts a second are committed and delivered: an open loop of small messages into many rooms.

The rate is fixed beforehand and every time counts from the moment a post was due. All of the server's checks are on.
`--search` looks for the highest rate at which 99 of 100 acks come within 100 ms and none is missing. Owns these
figures. Must never count a post that was not acked.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from msgspec import Struct

from loadtest.bench import disk
from loadtest.bench.arena import Arena, Size, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.figures import end, processor, server_share
from loadtest.bench.said import Said, asked
from loadtest.bench.search import Search
from loadtest.percentiles import spread_ms, told_ms

HOLDS_MS: Final = 100.0
"""The bar of `--search`: p99 of acks."""

ROOMS_OF_TEN: Final = Size(sockets=400, rooms=200, members=10, hubs=2, workers=2)
SETTLE_S: Final = 1.0


class Figures(Struct, frozen=True, kw_only=True):
    """What is printed. `fsync_us` is None where the server's disk is not ours to try.

    `cpu_us_per_post` is of all the server's processes, deliveries included; without the load. Pauses are of the hubs'
    garbage collectors during the load; the longest is since they were ready.
    """

    offered_per_s: float
    acked_per_s: float
    delivered_per_s: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    fsync_us: float | None
    cpu_us_per_post: float | None
    gc_pauses: int
    gc_pause_ms: float
    gc_longest_ms: float
    processor: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest publish --help`."""
    add_size(parser, ROOMS_OF_TEN)
    parser.add_argument("--rate", type=float, default=5_000, help="posts offered per second")
    parser.add_argument("--seconds", type=float, default=15, help="measured, per rate")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, not measured")
    parser.add_argument("--search", action="store_true", help="find the highest rate that holds")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures."""
    figures = asyncio.run(_run(args))
    end(msgspec.structs.asdict(figures), as_json=args.json)
    return 0


async def _run(args: argparse.Namespace) -> Figures:
    size = size_of(args)
    async with arena(size, args.url, args.seed, settings_of(args)) as (here, tokens):
        fsync_us = None if here.data is None else disk.fsync_us(here.data)
        async with here.crowd(tokens, size):

            async def at(rate: float) -> Figures:
                load = Load(rate, args.warm, args.seconds)
                before = await asked(here.hub_urls)
                measured = await here.make(load, f"publishing {rate:,.0f}/s")
                said = (await asked(here.hub_urls)).since(before)
                figures = _figures(measured, fsync_us, said, here.spent)
                _say(measured, figures, here)
                return figures

            return await (_search(at, args.rate) if args.search else at(args.rate))


async def _search(at: Callable[[float], Awaitable[Figures]], first: float) -> Figures:
    search = Search(first)
    best: Figures | None = None
    while (rate := search.next()) is not None:
        figures = await at(rate)
        held = figures.p99_ms <= HOLDS_MS and figures.acked_per_s >= 0.98 * figures.offered_per_s
        search.tried(rate, held=held)
        if held:
            best = figures
        elif best is None and rate <= 100:
            return figures
        await asyncio.sleep(SETTLE_S)
    assert best is not None, "the search goes on until something holds"
    return best


def _figures(
    measured: Measured, fsync_us: float | None, said: Said, spent: dict[str, float]
) -> Figures:
    acked_per_s = measured.acked / measured.run_s
    counted = acked_per_s > 0 and server_share(spent) > 0
    figures = {
        "offered_per_s": round(measured.offered / measured.run_s, 1),
        "acked_per_s": round(acked_per_s, 1),
        "delivered_per_s": round(measured.delivered / measured.run_s, 1),
        **spread_ms(measured.ack_ms),
        "fsync_us": fsync_us,
        "cpu_us_per_post": round(server_share(spent) / acked_per_s * 1e6, 1) if counted else None,
        "gc_pauses": said.gc_pauses,
        "gc_pause_ms": said.gc_pause_ms,
        "gc_longest_ms": said.gc_longest_ms,
        **processor(spent),
    }
    return msgspec.convert(figures, Figures)


def _say(measured: Measured, figures: Figures, here: Arena) -> None:
    print(
        f"offered {figures.offered_per_s:,.0f}/s  acked {figures.acked_per_s:,.0f}/s  "
        f"delivered {figures.delivered_per_s:,.0f}/s  unanswered {measured.unanswered}  refused {measured.refused}  "
        f"sockets lost {measured.lost_sockets}"
    )
    print(f"{'ack':>6} ms  {told_ms(measured.ack_ms)}\n{'late':>6} ms  {told_ms(measured.late_ms)}")
    say_costs(here)
