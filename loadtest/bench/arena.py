"""What a benchmark needs before it can measure: a Muster, people in rooms, a crew that is online.

Owns the order in which these come and go, and the costs of the server's processes while a load is on it. Must never
judge a figure: the benchmark does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from loadtest.bench import costs
from loadtest.bench.crew import WORKER, Crew, Load, Measured, online
from loadtest.bench.deal import deal
from loadtest.bench.guests import Guests
from loadtest.bench.orders import Seat
from loadtest.bench.people import Cast
from loadtest.progress import Progress
from loadtest.stack import muster_up

OPENS_PER_S: Final = 700.0
"""Under what one hub lets in (MUSTER_AUTHS_PER_S), so that no socket has to come twice."""

CHECKED: Final[Mapping[str, str]] = {"MUSTER_POSTS_PER_S": "1000", "MUSTER_POSTS_BURST": "2000"}
"""All checks are on; the rate that one socket may post at is above what it is asked to."""

LOOK_EVERY_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Size:
    """How many of everything. `workers` are the processes that make the load."""

    sockets: int
    rooms: int
    members: int
    hubs: int
    workers: int


class Arena:
    """A Muster with a crew in it. `data` and `pids` are known where it was started for this run."""

    def __init__(
        self, hub_urls: list[str], data: Path | None, pids: Mapping[str, int], progress: Progress
    ) -> None:
        self.hub_urls = hub_urls
        self.api_url = ""
        self.database_url = ""
        self.redis_url = ""
        self.data = data
        self.pids = pids
        self.progress = progress
        self.spent: dict[str, float] = {}
        """Share of one core that each part used while the last load was measured."""
        self._crew: Crew | None = None

    @property
    def hub_pids(self) -> list[int]:
        """The hubs' processes."""
        return [pid for name, pid in self.pids.items() if name.startswith("hub ")]

    @contextlib.asynccontextmanager
    async def crowd(
        self,
        tokens: list[str],
        size: Size,
        program: str = WORKER,
        hubs: int | None = None,
        stalls: int = 0,
    ) -> AsyncIterator[Crew]:
        """Everybody online; person `p` is on hub `p % hubs`, each process has as many of every hub.

        `program`: what the processes run. `hubs`: how many of them have people, else all. The first `stalls` people
        stop reading when the crew is told.
        """
        hubs = hubs or len(self.hub_urls)
        seats = [Seat(token, person % hubs, person < stalls) for person, token in enumerate(tokens)]
        shares = [
            [seat for person, seat in enumerate(seats) if person // hubs % size.workers == worker]
            for worker in range(size.workers)
        ]

        def connected(sockets: int) -> None:
            self.progress.show(sockets, len(tokens), "connecting")

        run = secrets.token_hex(3)
        async with online(self.hub_urls, shares, run, OPENS_PER_S, connected, program) as crew:
            self._crew = crew
            yield crew

    async def make(self, load: Load, note: str) -> Measured:
        """Put a load on it, with a bar for the terminal and the costs in `spent`."""
        assert self._crew is not None, "nobody is here yet"
        watching: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:

            def measuring(from_s: float, until_s: float) -> None:
                watching.append(tasks.create_task(self._meter(from_s, until_s)))
                watching.append(tasks.create_task(self._show(load, until_s, note)))

            measured = await self._crew.make(load, measuring)
        self.progress.end()
        return measured

    async def _meter(self, from_s: float, until_s: float) -> None:
        assert self._crew is not None
        roots = {**self.pids, **{f"load {n}": pid for n, pid in enumerate(self._crew.pids, 1)}}
        await asyncio.sleep(from_s - monotonic())
        meter = costs.Meter(roots)
        await asyncio.sleep(until_s - monotonic())
        self.spent = meter.spent()

    async def _show(self, load: Load, until_s: float, note: str) -> None:
        length_s = load.warm_s + load.run_s
        while (left_s := until_s - monotonic()) > 0:
            self.progress.show(length_s - left_s, length_s, note)
            await asyncio.sleep(min(left_s, LOOK_EVERY_S))


@contextlib.asynccontextmanager
async def arena(
    size: Size,
    url: str | None,
    seed: int,
    settings: Mapping[str, str] = CHECKED,
    rooms: Sequence[Sequence[int]] | None = None,
    token_s: int | None = None,
) -> AsyncIterator[tuple[Arena, list[str]]]:
    """A Muster with people in rooms, nobody connected yet, and the people's tokens.

    `rooms` are the members of each, if not as `deal` deals them. `token_s`: how long the tokens live, none: as usual;
    where `url` says which Muster, that decides.
    """
    progress, random = Progress(), Random(seed)
    async with contextlib.AsyncExitStack() as exits:
        make: Cast | Guests
        if url is None:
            progress.show(0, 1, "starting Muster")
            stack = await exits.enter_async_context(muster_up(size.hubs, settings))
            here = Arena(stack.hub_urls, stack.data, stack.pids, progress)
            here.api_url, here.database_url = stack.api_url, stack.found.database_url
            here.redis_url = stack.found.redis_url
            make = Cast(stack.data, random, token_s)
        else:
            make = Guests(url, random)
            here = Arena(await make.hubs(), None, {}, progress)
        rooms = rooms or deal(size.sockets, size.rooms, size.members, len(here.hub_urls), random)

        def making(share: float) -> None:
            progress.show(share, 1, "making people and rooms")

        yield here, await make.make(size.sockets, rooms, making)
    progress.end()


def add_arguments(parser: argparse.ArgumentParser, size: Size) -> None:
    """What every benchmark lets one choose."""
    parser.add_argument("--sockets", type=int, default=size.sockets, help="people, one socket each")
    parser.add_argument("--rooms", type=int, default=size.rooms, help="rooms they are in")
    parser.add_argument("--members", type=int, default=size.members, help="members of each room")
    parser.add_argument("--hubs", type=int, default=size.hubs, help="hubs to start (without --url)")
    parser.add_argument(
        "--workers", type=int, default=size.workers, help="processes that make the load"
    )
    parser.add_argument(
        "--url", help="the api of a running Muster, with MUSTER_RATE_LIMITS=0; none: start one"
    )
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="MUSTER_NAME=VALUE",
        help="a setting of the Muster that is started; may be repeated",
    )
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def settings_of(args: argparse.Namespace, needed: Mapping[str, str] = CHECKED) -> Mapping[str, str]:
    """What Muster is told: what the benchmark needs, and what was chosen."""
    chosen: list[tuple[str, str]] = args.set
    return {**needed, **dict(chosen)}


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.startswith("MUSTER_") and equals):
        raise argparse.ArgumentTypeError("it is written MUSTER_NAME=VALUE")
    return name, value


def size_of(args: argparse.Namespace) -> Size:
    """What was chosen."""
    return Size(args.sockets, args.rooms, args.members, args.hubs, args.workers)


def say_costs(here: Arena) -> None:
    """Where the processor time went, in percent of one core."""
    if here.spent:
        parts = "  ".join(f"{name} {share:.0%}" for name, share in here.spent.items())
        print(f"cores {costs.cores()}; of one core: {parts}; all {sum(here.spent.values()):.0%}")
