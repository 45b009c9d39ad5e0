"""What a socket costs in memory while nobody says much: authenticated, live in its rooms, after light traffic.

Owns this figure: what the hubs' memory grew by, shared among the sockets. Must never count what the hubs held
before anybody came.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Final, NamedTuple

import httpx

from loadtest.bench import beside
from loadtest.bench.arena import Arena, Size, arena, say_costs, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.costs import resident_kib
from loadtest.bench.crew import Load
from loadtest.bench.figures import end
from loadtest.peers.roster import SERVERS
from loadtest.peers.trial import Crowd, Trial, tried
from loadtest.percentiles import told_ms
from loadtest.progress import Progress

THREE_ROOMS_EACH: Final = Size(sockets=10_000, rooms=1_000, members=30, hubs=2, workers=2)
PEERS_RATE: Final = 1.0
PEERS_SECONDS: Final = 5.0
"""Peers have one room for all: every socket hears so many posts before their memory is looked at."""

_METRIC: Final = "process_resident_memory_bytes "


class Figures(NamedTuple):
    """What is printed."""

    rss_kib_per_socket: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest idle --help`."""
    add_size(parser, THREE_ROOMS_EACH)
    parser.add_argument("--rate", type=float, default=20, help="posts per second, in all rooms")
    parser.add_argument("--seconds", type=float, default=60, help="of light traffic before looking")
    beside.add_option(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print the figure; the exit code is 1 if a socket was lost."""
    figures, clean = asyncio.run(_run(args))
    trials = asyncio.run(_peers(args)) if args.peers else []
    beside.say(trials)
    end({**figures._asdict(), "sockets": args.sockets, "peers": trials}, as_json=args.json)
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[Figures, bool]:
    size = size_of(args)
    async with arena(size, args.url, args.seed) as (here, tokens):
        empty_kib = await _hubs_kib(here)
        async with here.crowd(tokens, size):
            full_kib = await _hubs_kib(here)
            load = Load(args.rate, 0.0, args.seconds)
            measured = await here.make(load, f"{args.rate:,.0f} posts/s among idle sockets")
            after_kib = await _hubs_kib(here)
        print(
            f"hubs held {empty_kib / 1024:.1f} MiB empty, {full_kib / 1024:.1f} with {size.sockets:,} sockets, "
            f"{after_kib / 1024:.1f} after the traffic; {measured.delivered:,} deliveries, "
            f"not acked {measured.failed}, sockets lost {measured.lost_sockets}"
        )
        print(f"ack ms  {told_ms(measured.ack_ms)}")
        say_costs(here)
    grown_kib = (after_kib - empty_kib) / size.sockets
    return Figures(round(grown_kib, 2)), measured.clean


async def _peers(args: argparse.Namespace) -> list[Trial]:
    """The same number of sockets on each."""
    crowd = Crowd(args.sockets, PEERS_RATE, 0.0, PEERS_SECONDS)
    return await tried(SERVERS, crowd, Progress())


async def _hubs_kib(here: Arena) -> float:
    """From /proc where the hubs are ours, else as they say themselves."""
    if here.hub_pids:
        return resident_kib(here.hub_pids)
    total = 0.0
    async with httpx.AsyncClient() as http:
        for url in here.hub_urls:
            page = await http.get(f"{url.replace('ws', 'http', 1)}/metrics")
            said = [line for line in page.text.splitlines() if line.startswith(_METRIC)]
            total += float(said[0].removeprefix(_METRIC)) / 1024
    return total
