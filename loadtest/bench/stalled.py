"""What those who stop reading cost those who read: a very large room on one hub, before and after some of it stalls.

Owns three figures: how much later the others' deliveries come, what the hub's memory grows by for each who stalls, and
how late deliveries of a small room on the same hub are all the while. Must never count what nobody reads.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import httpx

from loadtest.bench.arena import OPENS_PER_S, Arena, Size, arena, say_costs
from loadtest.bench.costs import resident_kib
from loadtest.bench.crew import Crew, Load, Measured, online, shown
from loadtest.bench.orders import Seat

OTHERS: Final = 20
OTHERS_PER_S: Final = 20.0
"""A small room that nobody stalls in, as lively as people are."""

TIMED_SOCKETS: Final = 200
LOOK_EVERY_S: Final = 0.5
STEPS: Final = ("ephemeral", "head_only", "goaway", "abort")
_STEP: Final = re.compile(r'^muster_ladder_steps_total\{step="(\w+)"\} (\S+)$', re.MULTILINE)
_QUEUED: Final = re.compile(r"^muster_queue_bytes (\S+)$", re.MULTILINE)


class Figures(NamedTuple):
    """What is printed; memory is null where the hub is not ours. The times are from when a post was due.

    `queued_mib_most`: of all sockets together, bytes that many wait for counted for each of them.
    """

    p99_before_ms: float
    p99_stalled_ms: float
    ratio: float
    other_room_p99_before_ms: float
    other_room_p99_ms: float
    rss_kib_per_stalled_socket: float | None
    queued_mib_most: float
    ephemeral: int
    head_only: int
    goaway: int
    abort: int


class Watched(NamedTuple):
    """What the hub was seen to hold at most, and how often each step was taken."""

    grown_kib: float | None
    queued_bytes: float
    steps: dict[str, int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest stalled --help`."""
    parser.add_argument("--members", type=int, default=10_000, help="of the large room")
    parser.add_argument("--stalled", type=int, default=500, help="of them stop reading")
    parser.add_argument("--rate", type=float, default=4, help="posts per second to the large room")
    parser.add_argument("--text-bytes", type=int, default=4_000, help="of each post")
    parser.add_argument("--seconds", type=float, default=30, help="measured, before and after")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, not measured")
    parser.add_argument("--workers", type=int, default=2, help="processes that make the load")
    parser.add_argument("--url", help="the api of a running Muster with one hub; none: start one")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if a post failed or a reader's socket ended."""
    figures, clean = asyncio.run(_run(args))
    if args.json:
        print(json.dumps(figures._asdict()))
    else:
        for key, value in figures._asdict().items():
            print(f"{key:>30}  {value}")
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[Figures, bool]:
    size = Size(args.members + OTHERS, 2, args.members, 1, args.workers)
    rooms = [range(args.members), range(args.members, size.sockets)]
    load = Load(
        args.rate,
        args.warm,
        args.seconds,
        timed=True,
        sharp=True,
        every=max(1, args.members // TIMED_SOCKETS),
        text_bytes=args.text_bytes,
    )
    async with (
        arena(size, args.url, args.seed, rooms=rooms) as (here, tokens),
        here.crowd(tokens[: args.members], size, stalls=args.stalled) as crew,
        _others(here, tokens[args.members :]) as others,
        httpx.AsyncClient() as http,
    ):
        before = await _both(here, others, load, "everybody reads")
        say_costs(here)
        watch = _Watch(here, http)
        await watch.begin()
        stalled = await crew.stall()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch.run())
            after = await _both(here, others, load, f"{stalled} do not read")
            watching.cancel()
        say_costs(here)
        seen = await watch.end()
    clean = all(measured.clean for measured in (*before, *after))
    return _figures(before, after, seen, stalled), clean


def _figures(
    before: tuple[Measured, Measured], after: tuple[Measured, Measured], seen: Watched, stalled: int
) -> Figures:
    p99_before, p99_after = (shown(crowd.same_ms, 0.99) for crowd, _ in (before, after))
    each = max(1, stalled)
    return Figures(
        p99_before,
        p99_after,
        round(p99_after / p99_before, 2) if p99_before else 0.0,
        shown(before[1].same_ms, 0.99),
        shown(after[1].same_ms, 0.99),
        None if seen.grown_kib is None else round(seen.grown_kib / each, 1),
        round(seen.queued_bytes / 2**20, 1),
        **seen.steps,
    )


@asynccontextmanager
async def _others(here: Arena, tokens: list[str]) -> AsyncIterator[Crew]:
    """The people of the small room, in a process of their own: they wait for nobody but the hub."""
    seats = [Seat(token, 0) for token in tokens]
    async with online(
        here.hub_urls, [seats], secrets.token_hex(3), OPENS_PER_S, lambda _: None
    ) as crew:
        yield crew


async def _both(here: Arena, others: Crew, load: Load, note: str) -> tuple[Measured, Measured]:
    """What the large room and the small one measured at the same time."""
    small = Load(OTHERS_PER_S, load.warm_s, load.run_s, timed=True, sharp=True)
    async with asyncio.TaskGroup() as tasks:
        large = tasks.create_task(here.make(load, note))
        beside = tasks.create_task(others.make(small, lambda _from_s, _until_s: None))
    for name, measured in (("large", large.result()), ("small", beside.result())):
        parts = "  ".join(
            f"p{share * 100:g} {shown(measured.same_ms, share)}" for share in (0.5, 0.95, 0.99, 1.0)
        )
        print(f"{note}: {name} room, delivery ms  {parts}  not acked {measured.failed}")
    return large.result(), beside.result()


class _Watch:
    """Looks at the hub from outside: its memory in /proc, its metrics by HTTP."""

    def __init__(self, here: Arena, http: httpx.AsyncClient) -> None:
        self._here = here
        self._http = http
        self._before_kib = self._most_kib = 0
        self._most_queued = 0.0
        self._before: dict[str, int] = {}
        self._steps: dict[str, int] = {}

    async def begin(self) -> None:
        """What there is by now is not the stalled ones' doing."""
        await self._look()
        self._before_kib, self._before, self._most_queued = self._most_kib, dict(self._steps), 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look()

    async def end(self) -> Watched:
        """What was seen since `begin`."""
        await self._look()
        steps = {step: self._steps.get(step, 0) - self._before.get(step, 0) for step in STEPS}
        grown = float(self._most_kib - self._before_kib) if self._here.hub_pids else None
        return Watched(grown, self._most_queued, steps)

    async def _look(self) -> None:
        if self._here.hub_pids:
            self._most_kib = max(self._most_kib, resident_kib(self._here.hub_pids))
        page = await self._http.get(f"{self._here.hub_urls[0].replace('ws', 'http', 1)}/metrics")
        self._steps = {step: int(float(count)) for step, count in _STEP.findall(page.text)}
        queued = _QUEUED.search(page.text)
        if queued is not None:
            self._most_queued = max(self._most_queued, float(queued[1]))
