"""How long a message takes from being due to each member of its room, half of them on another hub.

Owns these figures. Both clocks are one (CLOCK_MONOTONIC of this machine), so it cannot run across machines. Must
never leave out the members who wait longest.
"""

from __future__ import annotations

import argparse
import asyncio

from loadtest.bench.arena import Arena, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.figures import end, processor
from loadtest.bench.publish import ROOMS_OF_TEN
from loadtest.percentiles import percentile, spread_ms, told_ms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest latency --help`."""
    add_size(parser, ROOMS_OF_TEN)
    parser.add_argument("--rate", type=float, default=500, help="posts per second")
    parser.add_argument("--seconds", type=float, default=20, help="measured")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, not measured")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if any post failed."""
    figures, clean = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[dict[str, object], bool]:
    size = size_of(args)
    async with (
        arena(size, args.url, args.seed, settings_of(args)) as (here, tokens),
        here.crowd(tokens, size),
    ):
        load = Load(args.rate, args.warm, args.seconds, timed=True, sharp=True)
        measured = await here.make(load, f"posting {args.rate:,.0f}/s")
        _say(measured, here)
        every = sorted([*measured.same_ms, *measured.cross_ms])
        figures: dict[str, object] = {
            **spread_ms(every),
            "ack_ms": spread_ms(measured.ack_ms),
            "across_ms": spread_ms(measured.cross_ms),
            "late_ms": spread_ms(measured.late_ms),
            **processor(here.spent),
        }
        return figures, measured.clean


def _say(measured: Measured, here: Arena) -> None:
    rows = {
        "ack": measured.ack_ms,
        "delivery, same hub": measured.same_ms,
        "delivery, across": measured.cross_ms,
        "left late by": measured.late_ms,
    }
    for name, ordered_ms in rows.items():
        most = f"most {percentile(ordered_ms, 1.0):.2f}"
        print(f"{name:>20} ms  {len(ordered_ms):>8,}  {told_ms(ordered_ms)}  {most}")
    print(f"{'not acked':>20}  {measured.failed}, sockets lost {measured.lost_sockets}")
    say_costs(here)
