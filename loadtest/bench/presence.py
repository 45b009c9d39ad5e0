"""What presence costs, and whether it can be believed: people with two devices come and go, and something breaks.

Owns these figures. `edges_per_s`: devices that connected or went, per second of coming and going; `cpu_us_per_edge`:
all processor time of hubs, Redis and Postgres meanwhile, per such edge (sockets, tokens and admission included).
`events_least`: changes that people had to be told, `events`: those they were told, each by the watcher who was told
most; `false_edges`: what anybody was told beyond the least, around the fault too; `converge_s`: from the fault until
every watcher sees everybody as they are, while people go on coming and going; nothing if at the end, when all is
quiet, one of them does not. Must never count a watcher of the hub that died.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

import asyncpg
import uvloop

from loadtest.bench import costs
from loadtest.bench.churn import coming_and_going
from loadtest.bench.comings import DEVICES, Comer, Comings
from loadtest.bench.limits import open_many_files
from loadtest.bench.people import Cast
from loadtest.bench.presence_faults import FAULTS
from loadtest.bench.sight import Sight, seats
from loadtest.progress import Progress
from loadtest.stack import Stack, muster_up

HUBS: Final = 3
SETTLED_WITHIN_S: Final = 60.0
BAR_S: Final = 35.0
SETTINGS: Final = {"MUSTER_RATE_LIMITS": "0", "MUSTER_ACCESS_TOKEN_S": "7200"}


class Figures(NamedTuple):
    """What is printed."""

    people: int
    edges_per_s: float
    cpu_us_per_edge: float
    events: int
    events_least: int
    false_edges: int
    converge_s: float | None

    @property
    def is_good(self) -> bool:
        """Whether nobody was told what was not so, and all saw the truth in time."""
        return not self.false_edges and self.converge_s is not None and self.converge_s <= BAR_S


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest presence --help`."""
    parser.add_argument("--people", type=int, default=5_000, help="with two devices each")
    parser.add_argument(
        "--per-minute", type=int, default=10_000, help="connects and disconnects a minute"
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="of coming and going before the fault"
    )
    parser.add_argument("--opens", type=float, default=400, help="connects per second at first")
    parser.add_argument(
        "--fault",
        choices=(*FAULTS, "all"),
        default="kill",
        help="a hub is killed, Redis forgets, a hub is stopped; each on a Muster of its own",
    )
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 where anybody was told what was not so."""
    open_many_files()
    faults = list(FAULTS) if args.fault == "all" else [args.fault]
    each = {fault: uvloop.run(_run(args, fault)) for fault in faults}
    if args.json:
        told = _worst(list(each.values()))._asdict()
        told["faults"] = {fault: figures._asdict() for fault, figures in each.items()}
        print(json.dumps(told))
    else:
        for fault, figures in each.items():
            for name, value in figures._asdict().items():
                print(f"{fault:>6} {name:>16}  {value}")
    return 0 if all(figures.is_good for figures in each.values()) else 1


def _worst(runs: Sequence[Figures]) -> Figures:
    """Of several: what was told in all, and the slowest."""
    took = [figures.converge_s for figures in runs]
    return Figures(
        runs[0].people,
        min(figures.edges_per_s for figures in runs),
        max(figures.cpu_us_per_edge for figures in runs),
        sum(figures.events for figures in runs),
        sum(figures.events_least for figures in runs),
        sum(figures.false_edges for figures in runs),
        None if None in took else max(each for each in took if each is not None),
    )


async def _run(args: argparse.Namespace, fault: str) -> Figures:
    progress, random = Progress(), Random(args.seed)
    progress.show(0, 1, "starting Muster")
    async with muster_up(HUBS, SETTINGS) as stack:
        comings, tokens = await _people(stack, args, progress, random)
        await _connect(comings, args.opens, progress)
        sight = Sight(comings)
        await sight.open(tokens, stack.hub_urls)
        if not await sight.agrees(SETTLED_WITHIN_S):
            raise RuntimeError("presence does not settle; nothing can be measured")
        sight.begin()
        roots = {"muster": stack.found.pid}
        async with coming_and_going(comings, args.per_minute) as churn:
            before = costs.processor_s(roots)["muster"]
            while churn.passed_s < args.seconds:
                progress.show(churn.passed_s, args.seconds, "coming and going")
                await asyncio.sleep(0.05)
            spent_s = costs.processor_s(roots)["muster"] - before
            edges, edges_s = churn.changes, churn.passed_s
            progress.show(0, 1, f"coming and going, and {fault}")
            converge_s = await FAULTS[fault](stack, comings, sight)
        # Now that all is quiet: everybody, exactly.
        agrees = await sight.agrees(SETTLED_WITHIN_S)
        told, false = sight.judged()
        progress.end()
        print(
            f"{fault}: {len(comings.people):,} people, {churn.changes:,} connects and disconnects in "
            f"{churn.passed_s:.0f} s, the fault's own included",
            flush=True,
        )
        return Figures(
            len(comings.people),
            round(edges / edges_s, 1),
            round(spent_s * 1e6 / max(edges, 1), 1),
            told,
            sum(comings.turns.values()),
            false,
            round(converge_s, 1) if agrees and converge_s is not None else None,
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
