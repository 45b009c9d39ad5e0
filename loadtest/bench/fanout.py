"""What one delivery costs: a large room on one hub, at a steady rate, beside the floor of one send() per member.

Owns this figure: processor time of the hub's process per entry delivered, from the operating system. Database and
bus are printed, and not in it: the floor has none. Must never call the room's own pace a delay: `added_p99_ms` is
what lies between the author's ack and a member's delivery.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Final, NamedTuple

from loadtest.bench.arena import Arena, Size, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured, shown
from loadtest.peers import floor

ONE_ROOM: Final = Size(sockets=1_000, rooms=1, members=1_000, hubs=1, workers=2)
TIMED_SOCKETS: Final = 40
FRAME_BYTES: Final = 247
"""A post of 128 bytes as a WebSocket frame to a msgpack client."""


class Figures(NamedTuple):
    """What is printed; the floor's are null where it could not be measured (peers/floor.py)."""

    cpu_us_per_delivery: float
    floor_cpu_us_per_delivery: float | None
    ratio: float | None
    added_p99_ms: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest fanout --help`."""
    add_size(parser, ONE_ROOM)
    parser.add_argument("--rate", type=float, default=20, help="posts per second to the room")
    parser.add_argument("--seconds", type=float, default=20, help="measured")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, not measured")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if any post failed."""
    args.sockets = max(args.sockets, args.members) if args.rooms == 1 else args.sockets
    figures, clean = asyncio.run(_run(args))
    if args.json:
        print(json.dumps(figures._asdict()))
    else:
        for key, value in figures._asdict().items():
            print(f"{key:>28}  {value}")
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[Figures, bool]:
    size = size_of(args)
    every = max(1, size.sockets // TIMED_SOCKETS)
    async with (
        arena(size, args.url, args.seed, settings_of(args)) as (here, tokens),
        here.crowd(tokens, size),
    ):
        load = Load(args.rate, args.warm, args.seconds, timed=True, sharp=True, every=every)
        measured = await here.make(load, f"posting {args.rate:,.0f}/s to {size.members:,} members")
    _say(measured, here)
    spent_s = sum(share for name, share in here.spent.items() if name.startswith("hub "))
    ours = spent_s * args.seconds / measured.delivered * 1e6
    bare = await floor.cost_us(size.members - 1, args.rate, args.seconds, FRAME_BYTES)
    return Figures(
        round(ours, 2),
        None if bare is None else round(bare, 2),
        None if bare is None else round(ours / bare, 2),
        shown(measured.after_ms, 0.99),
    ), measured.clean


def _say(measured: Measured, here: Arena) -> None:
    for name, ordered_ms in (
        ("ack", measured.ack_ms),
        ("delivery", sorted([*measured.same_ms, *measured.cross_ms])),
        ("added", measured.after_ms),
    ):
        parts = "  ".join(
            f"p{share * 100:g} {shown(ordered_ms, share)}" for share in (0.5, 0.95, 0.99, 0.999)
        )
        print(f"{name:>9} ms  {parts}")
    per_s = measured.delivered / measured.run_s
    print(f"delivered {per_s:,.0f}/s, not acked {measured.failed}, lost {measured.lost_sockets}")
    say_costs(here)
