"""What a socket costs in memory while nobody says much: authenticated, live in its rooms, after light traffic.

With `--minutes` the crowd stays on and says nothing, and memory is looked at every 10 s; when it has left, tasks and
descriptors are compared with those of the start. Owns these figures: what the hubs' memory grew by, shared among the
sockets, and the pauses of their garbage collectors. Must never count what the hubs held before anybody came.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Final, NamedTuple

from loadtest.bench import beside
from loadtest.bench.arena import Arena, Size, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.figures import end
from loadtest.bench.said import Said, asked
from loadtest.bench.stay import (
    Rest,
    Sample,
    at_rest,
    first_used,
    hubs_kib,
    more,
    slope_kib_per_min,
    stay,
)
from loadtest.peers.roster import SERVERS
from loadtest.peers.trial import Crowd, Trial, tried
from loadtest.percentiles import told_ms
from loadtest.progress import Progress

THREE_ROOMS_EACH: Final = Size(sockets=10_000, rooms=1_000, members=30, hubs=2, workers=2)
TOKEN_S: Final = 900
LINES: Final = 15
PEERS_RATE: Final = 1.0
PEERS_SECONDS: Final = 5.0
"""Peers have one room for all: every socket hears so many posts before their memory is looked at."""

_A_WORD: Final = Load(20.0, 0.0, 0.25)


class Figures(NamedTuple):
    """What is printed. The slope is None where nobody stayed, descriptors where they are not ours to count.

    `rss_start` and `rss_end` are of all hubs with all sockets, at the beginning and at the end of the stay.
    """

    rss_kib_per_socket: float
    rss_start_kib: float
    rss_end_kib: float
    rss_slope_kib_per_min: float | None
    tasks_before: int
    tasks_held: int
    tasks_after: int
    fds_before: int | None
    fds_after: int | None
    gc_pauses: int
    gc_pause_ms: float
    gc_longest_ms: float


class Seen(NamedTuple):
    """What was looked at, in this order; memory in KiB."""

    empty_kib: float
    before: Rest
    full_kib: float
    talked_kib: float
    samples: list[Sample]
    said: Said
    after: Rest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest idle --help`."""
    add_size(parser, THREE_ROOMS_EACH)
    parser.add_argument("--rate", type=float, default=20, help="posts per second, in all rooms")
    parser.add_argument("--seconds", type=float, default=60, help="of light traffic before looking")
    parser.add_argument("--minutes", type=float, default=0, help="to stay on after that, silent")
    beside.add_option(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if a socket was lost, or something of it was kept."""
    figures, clean = asyncio.run(_run(args))
    trials = asyncio.run(_peers(args)) if args.peers else []
    beside.say(trials)
    end({**figures._asdict(), "sockets": args.sockets, "peers": trials}, as_json=args.json)
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[Figures, bool]:
    size = size_of(args)
    token_s = TOKEN_S + int(60 * args.minutes + args.seconds)
    async with arena(size, args.url, args.seed, settings_of(args), token_s=token_s) as (
        here,
        tokens,
    ):
        empty_kib = await hubs_kib(here)
        await first_used(here, tokens, size)
        before = await at_rest(here)
        async with here.crowd(tokens, size):
            full_kib = await hubs_kib(here)
            load = Load(args.rate, 0.0, args.seconds)
            measured = await here.make(load, f"{args.rate:,.0f} posts/s among idle sockets")
            talked_kib = await hubs_kib(here)
            samples = await stay(here, args.minutes)
            said = await asked(here.hub_urls)
            # Whoever was lost meanwhile is counted when something is asked of the crowd.
            last = measured if len(samples) == 1 else await here.make(_A_WORD, "still here")
        after = await at_rest(here, before)
        seen = Seen(empty_kib, before, full_kib, talked_kib, samples, said, after)
        _say(seen, measured, last.lost_sockets, here)
        kept = more(after, before, len(here.hub_urls))
    figures = _figures(seen, size.sockets)
    return figures, measured.clean and last.clean and not kept


async def _peers(args: argparse.Namespace) -> list[Trial]:
    """The same number of sockets on each."""
    crowd = Crowd(args.sockets, PEERS_RATE, 0.0, PEERS_SECONDS)
    return await tried(SERVERS, crowd, Progress())


def _figures(seen: Seen, sockets: int) -> Figures:
    slope = slope_kib_per_min(seen.samples)
    return Figures(
        round((seen.talked_kib - seen.empty_kib) / sockets, 2),
        seen.samples[0].kib,
        seen.samples[-1].kib,
        None if slope is None else round(slope, 2),
        seen.before.tasks,
        seen.said.tasks,
        seen.after.tasks,
        seen.before.descriptors,
        seen.after.descriptors,
        seen.said.gc_pauses,
        seen.said.gc_pause_ms,
        seen.said.gc_longest_ms,
    )


def _say(seen: Seen, measured: Measured, lost: int, here: Arena) -> None:
    print(
        f"hubs held {seen.empty_kib / 1024:.1f} MiB empty, {seen.full_kib / 1024:.1f} with all sockets, "
        f"{seen.talked_kib / 1024:.1f} after the traffic, {seen.samples[-1].kib / 1024:.1f} at the end; "
        f"{measured.delivered:,} deliveries, not acked {measured.failed}, sockets lost {lost}"
    )
    print(f"ack ms  {told_ms(measured.ack_ms)}")
    if len(seen.samples) > 1:
        shown_at = seen.samples[:: max(1, len(seen.samples) // LINES)]
        print("  ".join(f"{at_s / 60:.0f}': {kib / 1024:.2f}" for at_s, kib in shown_at), "MiB")
    say_costs(here)
