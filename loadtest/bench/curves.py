"""What things cost as they grow: a delivery against the members of its room, a post against rooms and against hubs.

Owns these three series. One thing grows, the load stays: 10,000 deliveries a second. Must never compare points of
different runs: all of them are made by one call.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Final

from msgspec import Struct

from loadtest.bench.arena import Size
from loadtest.bench.crew import Load
from loadtest.bench.fanout import Ours, measure
from loadtest.bench.figures import end
from loadtest.peers.roster import FLOOR
from loadtest.peers.trial import Crowd, tried
from loadtest.percentiles import percentile
from loadtest.progress import Progress

DELIVERIES_PER_S: Final = 10_000
ROOM_RATE_PER_S: Final = 10
"""Posts per second and room: below what makes a hub join deliveries."""

MEMBERS: Final = 10
PEOPLE: Final = 1_000
ROOMS: Final = 200
AXES: Final = {
    "members": (10, 100, 1_000, 10_000),
    "rooms": (10, 100, 1_000, 10_000),
    "hubs": (1, 2, 3, 4),
}


class Point(Struct, frozen=True, kw_only=True):
    """Processor time in microseconds: of the hubs, and of all the server's processes.

    Per delivery where members grow, and then the floor's beside it; else per post with its ten deliveries.
    """

    at: int
    hub_us: float
    all_us: float
    floor_us: float | None = None
    ack_p99_ms: float
    failed: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest curves --help`."""
    parser.add_argument("--axis", choices=[*AXES, "all"], default="all", help="what grows")
    parser.add_argument("--most", type=int, default=10_000, help="leave out what is larger")
    parser.add_argument("--seconds", type=float, default=8, help="measured, per point")
    parser.add_argument("--warm", type=float, default=2, help="seconds before, not measured")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the points; the exit code is 1 if any post failed."""
    series = asyncio.run(_run(args))
    end(series, as_json=args.json)
    return int(any(point.failed for points in series.values() for point in points))


async def _run(args: argparse.Namespace) -> dict[str, list[Point]]:
    series: dict[str, list[Point]] = {}
    for axis in AXES if args.axis == "all" else (args.axis,):
        series[axis] = []
        for at in AXES[axis]:
            if at <= args.most:
                point = await _point(axis, at, args)
                series[axis].append(point)
                print(f"{axis} {at:,}: {_told(point)}")
    return series


def _told(point: Point) -> str:
    floor = "" if point.floor_us is None else f", the floor {point.floor_us}"
    return f"hubs {point.hub_us} us, all {point.all_us}{floor}; ack p99 {point.ack_p99_ms:.1f} ms"


async def _point(axis: str, at: int, args: argparse.Namespace) -> Point:
    size, rate = _load(axis, at)
    load = Load(rate, args.warm, args.seconds)
    ours = await measure(size, load, None, args.seed)
    if axis != "members":
        return _of(at, ours, ours.measured.delivered / max(1, ours.measured.acked))
    crowd = Crowd(at, DELIVERIES_PER_S / at, args.warm, args.seconds)
    (floor,) = await tried([FLOOR], crowd, Progress())
    return _of(at, ours, 1.0, floor.cpu_us_per_delivery)


def _load(axis: str, at: int) -> tuple[Size, float]:
    """How many of everything, and posts per second in all."""
    if axis == "members":
        rate = DELIVERIES_PER_S / at
        rooms = max(1, round(rate / ROOM_RATE_PER_S))
        return Size(sockets=rooms * at, rooms=rooms, members=at, hubs=1, workers=2), rate
    rooms, hubs = (at, 2) if axis == "rooms" else (ROOMS, at)
    people = min(PEOPLE, rooms * MEMBERS)
    size = Size(sockets=people, rooms=rooms, members=MEMBERS, hubs=hubs, workers=2)
    return size, DELIVERIES_PER_S / MEMBERS


def _of(at: int, ours: Ours, deliveries: float, floor_us: float | None = None) -> Point:
    measured = ours.measured
    return Point(
        at=at,
        hub_us=round(ours.hub_us * deliveries, 2),
        all_us=round(ours.all_us * deliveries, 2),
        floor_us=floor_us,
        ack_p99_ms=round(percentile(measured.ack_ms, 0.99), 2),
        failed=measured.failed + measured.lost_sockets,
    )
