"""How soon people are back after a hub is gone: it is killed, or asked to end, and its people resume on the other.

Posts go on meanwhile. Times count from the kill; with `--how term` from the moment each was told to go. Owns these
figures. Must never count somebody as back before they have everything up to the heads that the resume named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from array import array
from random import Random
from time import monotonic
from typing import Final, NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from loadtest.bench import costs
from loadtest.bench.arena import Arena, Size, arena
from loadtest.bench.crew import ENDS_WITHIN_S, STARTS_AFTER_S, Crew
from loadtest.bench.orders import Compare, Compared, Step, Watched
from loadtest.percentiles import percentile
from muster.stores.redis.roll import RedisRoll, roll_at

THREE_ROOMS_EACH: Final = Size(sockets=5_000, rooms=1_500, members=10, hubs=2, workers=2)
PROGRAM: Final = "loadtest.bench.returners"
_SIGNALS: Final = {"kill": signal.SIGKILL, "term": signal.SIGTERM}
_MARKS: Final = (0.5, 0.9, 0.99, 0.999, 1.0)
_USES: Final = "muster_hub_database_seconds_count"
_LOOK_EVERY_S: Final = 0.25

SWEPT_S: Final = 38.0
"""Longer than a dead hub's lease and its sweep: whatever presence makes of its end has happened by then."""


class Figures(NamedTuple):
    """What is printed. `presence_events`: changes of anybody's presence on the roll, until a dead hub's lease is over;
    everybody came back, so each of them is false."""

    resumed_99_s: float
    lost: int
    duplicated: int
    presence_events: int
    resumed_50_s: float
    resumed_90_s: float
    resumed_999_s: float
    resumed_most_s: float
    people: int
    away: int
    unanswered: int
    refusals: int
    queries_per_person: float
    hub_cpu_ms_per_person: float
    hub_cpu_most: float


class _Watch(NamedTuple):
    """What the hubs that stayed did: processor time (all hubs) at each look, uses of the database before and after.

    `uses_per_s`, `cores`: what the posts alone cost, before. `waited`: share of the time in which a hub that stayed
    was ready to run and had no core.
    """

    gone_at: float
    edges: int
    uses: float
    uses_per_s: float
    cores: float
    waited: float
    looks: list[tuple[float, float]]

    def spent_s(self, upto: float) -> float:
        """Processor time from the end of the hub up to then, beyond what it was before."""
        first = self.looks[0]
        last = next((look for look in self.looks if look[0] >= upto), self.looks[-1])
        return last[1] - first[1] - self.cores * (last[0] - first[0])

    def shares(self, hubs: int) -> list[float]:
        """Of one core, per look and hub."""
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return [(b[1] - a[1]) / (b[0] - a[0]) / hubs for a, b in pairs]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest resume --help`."""
    size = THREE_ROOMS_EACH
    parser.add_argument("--sockets", type=int, default=size.sockets, help="people, one socket each")
    parser.add_argument("--rooms", type=int, default=size.rooms, help="rooms they are in")
    parser.add_argument("--members", type=int, default=size.members, help="members of each room")
    parser.add_argument("--hubs", type=int, default=size.hubs, help="hubs to start; the last goes")
    parser.add_argument(
        "--workers", type=int, default=size.workers, help="processes that make the load"
    )
    parser.add_argument("--how", choices=tuple(_SIGNALS), default="kill", help="how the hub ends")
    parser.add_argument("--rate", type=float, default=500, help="posts per second meanwhile")
    parser.add_argument("--seconds", type=float, default=15, help="watched from the hub's end")
    parser.add_argument("--warm", type=float, default=3, help="seconds of posts before it")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if anything was lost or came twice, or somebody stayed away."""
    figures = asyncio.run(_run(args))
    if args.json:
        print(json.dumps(figures._asdict()))
    else:
        for key, value in figures._asdict().items():
            print(f"{key:>22}  {value}")
    broken = figures.lost or figures.duplicated or figures.away or figures.unanswered
    return 1 if broken else 0


async def _run(args: argparse.Namespace) -> Figures:
    size = Size(args.sockets, args.rooms, args.members, args.hubs, args.workers)
    async with (
        arena(size, None, args.seed) as (here, tokens),
        here.crowd(tokens, size, PROGRAM) as crew,
    ):
        roll = roll_at(here.redis_url, False, Random(args.seed))
        try:
            return await _measure(here, crew, roll, args)
        finally:
            await roll.close()


async def _measure(here: Arena, crew: Crew, roll: RedisRoll, args: argparse.Namespace) -> Figures:
    start_at = monotonic() + STARTS_AFTER_S
    workers = len(crew.pids)

    def posts(number: int) -> Step:
        offset_s = number / args.rate if args.rate else 0.0
        return Step(args.rate / workers, start_at + offset_s, args.warm, args.seconds)

    within_s = args.warm + args.seconds + ENDS_WITHIN_S
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_end_one(here, roll, start_at + args.warm, args))
        watched = tasks.create_task(crew.ask(posts, within_s))
    here.progress.end()
    reports = [report for report in watched.result() if isinstance(report, Watched)]
    heads: dict[bytes, int] = {}
    for report in reports:
        for room, seq in report.heads.items():
            heads[room] = max(seq, heads.get(room, 0))
    compared = await crew.ask(lambda _: Compare(heads), ENDS_WITHIN_S)
    books = [report for report in compared if isinstance(report, Compared)]
    unanswered = sum(report.unanswered for report in reports)
    return _figures(watching.result(), books, unanswered, args)


async def _edges(roll: RedisRoll) -> int:
    """Changes of presence so far."""
    return sum(position.number for position in await roll.heads())


async def _end_one(here: Arena, roll: RedisRoll, at: float, args: argparse.Namespace) -> _Watch:
    """End the last hub at this moment, and watch the others until the time is over, the roll until all is swept."""
    gone = f"hub {args.hubs}"
    stay = {
        name: pid for name, pid in here.pids.items() if name.startswith("hub ") and name != gone
    }
    urls = here.hub_urls[:-1]

    def spent() -> tuple[float, float]:
        return monotonic(), sum(costs.processor_s(stay).values())

    began, uses_before = spent(), await _sum(urls, _USES)
    await asyncio.sleep(at - monotonic())
    uses, edges = await _sum(urls, _USES), await _edges(roll)
    looks = [spent()]
    gone_at, waited_s = looks[0][0], costs.waited_s(stay.values())
    os.kill(here.pids[gone], _SIGNALS[args.how])
    while (left_s := gone_at + args.seconds - monotonic()) > 0:
        here.progress.show(args.seconds - left_s, args.seconds, f"{gone} is gone ({args.how})")
        await asyncio.sleep(min(left_s, _LOOK_EVERY_S))
        looks.append(spent())
    before_s = gone_at - began[0]
    used = await _sum(urls, _USES) - uses
    waited = (costs.waited_s(stay.values()) - waited_s) / args.seconds / len(stay)
    here.progress.show(args.seconds, args.seconds, "until its lease is over")
    await asyncio.sleep(max(0.0, gone_at + SWEPT_S - monotonic()))
    return _Watch(
        gone_at,
        await _edges(roll) - edges,
        used,
        (uses - uses_before) / before_s,
        (looks[0][1] - began[1]) / before_s,
        waited,
        looks,
    )


async def _sum(hub_urls: list[str], name: str) -> float:
    """A counter, over these hubs and all its labels."""
    total = 0.0
    async with httpx.AsyncClient() as http:
        for url in hub_urls:
            page = await http.get(f"{url.replace('ws', 'http', 1)}/metrics")
            total += sum(
                sample.value
                for family in text_string_to_metric_families(page.text)
                for sample in family.samples
                if sample.name == name
            )
    return total


def _figures(
    watch: _Watch, books: list[Compared], unanswered: int, args: argparse.Namespace
) -> Figures:
    took_s, last = [], watch.gone_at
    for report in books:
        times = array("d")
        times.frombytes(report.absences)
        for gone_at, back_at in zip(times[::2], times[1::2], strict=True):
            last = max(last, back_at)
            took_s.append(back_at - (watch.gone_at if args.how == "kill" else gone_at))
    took_s.sort()
    p50, p90, p99, p999, most = (round(percentile(took_s, mark), 3) for mark in _MARKS)
    people = max(1, len(took_s))
    shares = watch.shares(args.hubs - 1)
    print(
        f"{len(took_s):,} people came back, the last {last - watch.gone_at:.2f} s after the hub's end; the hubs that "
        f"stayed had to wait for a core {watch.waited:.0%} of the time, and used of one every {_LOOK_EVERY_S} s: "
        + " ".join(f"{share:.0%}" for share in shares)
    )
    return Figures(
        resumed_99_s=p99,
        lost=sum(report.lost for report in books),
        duplicated=sum(report.duplicated for report in books),
        presence_events=watch.edges,
        resumed_50_s=p50,
        resumed_90_s=p90,
        resumed_999_s=p999,
        resumed_most_s=most,
        people=len(took_s),
        away=sum(report.away for report in books),
        unanswered=unanswered,
        refusals=sum(report.refusals for report in books),
        queries_per_person=round((watch.uses - watch.uses_per_s * args.seconds) / people, 4),
        hub_cpu_ms_per_person=round(watch.spent_s(last) / people * 1_000, 3),
        hub_cpu_most=round(max(shares, default=0.0), 2),
    )
