"""What one delivery costs: a large room on one hub, at a steady rate, beside the floor of one send() per member.

Owns this figure: processor time of the hub's process per entry delivered, from the operating system. Database and
bus are printed, and not in it: the floor has none. Must never call the room's own pace a delay: `added_p99_ms` is
what lies between the author's ack and a member's delivery.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from loadtest.bench import beside
from loadtest.bench.arena import CHECKED, Arena, Size, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.figures import end, processor, server_share
from loadtest.peers.roster import FLOOR, SERVERS
from loadtest.peers.trial import Crowd, Trial, tried
from loadtest.percentiles import spread_ms, told_ms
from loadtest.progress import Progress

ONE_ROOM: Final = Size(sockets=1_000, rooms=1, members=1_000, hubs=1, workers=2)
TIMED_SOCKETS: Final = 40


class Ours(NamedTuple):
    """What Muster did: processor time of the hub and of all its processes, per delivery.

    `kept_up` is the share of what was offered that was delivered while it was measured.
    """

    hub_us: float
    all_us: float
    kept_up: float
    measured: Measured
    spent: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest fanout --help`."""
    add_size(parser, ONE_ROOM)
    parser.add_argument("--rate", type=float, default=20, help="posts per second to the room")
    parser.add_argument("--seconds", type=float, default=20, help="measured")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, not measured")
    beside.add_option(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if any post failed."""
    args.sockets = max(args.sockets, args.members) if args.rooms == 1 else args.sockets
    ours, trials = asyncio.run(_run(args))
    floor, *others = trials
    beside.say(trials)
    end(_figures(ours, floor, others), as_json=args.json)
    return 0 if ours.measured.clean else 1


async def _run(args: argparse.Namespace) -> tuple[Ours, list[Trial]]:
    size = size_of(args)
    load = Load(args.rate, args.warm, args.seconds)
    ours = await measure(size, load, args.url, args.seed, settings_of(args))
    # The one who speaks to them is no member: as many deliveries a post as Muster's room has beside its author.
    crowd = Crowd(size.members - 1, args.rate, args.warm, args.seconds)
    peers = [FLOOR, *(SERVERS if args.peers else ())]
    return ours, await tried(peers, crowd, Progress())


async def measure(
    size: Size, load: Load, url: str | None, seed: int, settings: Mapping[str, str] = CHECKED
) -> Ours:
    """Muster under this load, with its deliveries timed."""
    every = max(1, size.sockets // TIMED_SOCKETS)
    async with (
        arena(size, url, seed, settings) as (here, tokens),
        here.crowd(tokens, size),
    ):
        timed = load._replace(timed=True, sharp=True, every=every)
        note = f"posting {load.rate_per_s:,.0f}/s to {size.members:,} members"
        measured = await here.make(timed, note)
    _say(measured, here)
    hubs = sum(share for name, share in here.spent.items() if name.startswith("hub "))
    us = load.run_s / measured.delivered * 1e6
    kept_up = min(1.0, measured.delivered / (load.rate_per_s * size.members * load.run_s))
    return Ours(hubs * us, server_share(here.spent) * us, kept_up, measured, here.spent)


def _figures(ours: Ours, floor: Trial, others: list[Trial]) -> dict[str, object]:
    """The floor's are null where it could not be measured."""
    bare = floor.cpu_us_per_delivery
    added = spread_ms(ours.measured.after_ms)
    delivery = spread_ms(sorted([*ours.measured.same_ms, *ours.measured.cross_ms]))
    return {
        "cpu_us_per_delivery": round(ours.hub_us, 2),
        "floor_cpu_us_per_delivery": bare,
        "ratio": None if bare is None else round(ours.hub_us / bare, 2),
        **{f"added_{name}": value for name, value in added.items()},
        "all_cpu_us_per_delivery": round(ours.all_us, 2),
        "kept_up": round(ours.kept_up, 3),
        "delivered_per_s": round(ours.measured.delivered / ours.measured.run_s, 1),
        "delivery_ms": delivery,
        "peers": [floor, *others],
        **processor(ours.spent),
    }


def _say(measured: Measured, here: Arena) -> None:
    for name, ordered_ms in (
        ("ack", measured.ack_ms),
        ("delivery", sorted([*measured.same_ms, *measured.cross_ms])),
        ("added", measured.after_ms),
    ):
        print(f"{name:>9} ms  {told_ms(ordered_ms)}")
    per_s = measured.delivered / measured.run_s
    print(f"delivered {per_s:,.0f}/s, not acked {measured.failed}, lost {measured.lost_sockets}")
    say_costs(here)
