"""Doors open: thousands check in at an event within minutes, while people chat; what that does to the chat.

On one Muster: the chat alone, then the same chat beside those who come. Most of it is in rooms of ten, some in the
event's own room, into which everybody who comes is put. Owns these figures. Must never call an evening clean whose
event counts other people than those who came.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from itertools import cycle
from random import Random
from time import monotonic, process_time
from typing import Final, NamedTuple

import httpx

from loadtest.bench.arena import CHECKED, Arena, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.doors import SOURCES, WAYS, Arrivals, Comer, Doors, Turnout
from loadtest.bench.figures import end, processor, server_share
from loadtest.bench.people import MEMBERS_PER_BATCH, Cast
from loadtest.bench.publish import ROOMS_OF_TEN
from loadtest.percentiles import percentile, spread_ms, told_ms
from muster import hosting
from muster.events import Attending
from muster.ids import PersonId, RoomId

TOKEN_S: Final = 4 * 3_600
CONNECTIONS: Final = 64
ANSWER_WITHIN_S: Final = 15.0


class Found(NamedTuple):
    """What the event says of itself when all is over."""

    here: int
    members: int
    turnout: Turnout


class Evening(NamedTuple):
    """Everything measured: the chat before and beside, those who came, cores' worth of the server in each."""

    alone: Measured
    beside: Measured
    came: Arrivals
    found: Found
    alone_cores: float
    beside_cores: float
    load_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest evening --help`."""
    add_size(parser, ROOMS_OF_TEN)
    parser.add_argument("--people", type=int, default=10_000, help="who come")
    parser.add_argument("--minutes", type=float, default=10.0, help="in which they do")
    parser.add_argument("--rate", type=float, default=500.0, help="posts per second beside it")
    parser.add_argument("--inside", type=int, default=50, help="who chat in the event's room too")
    parser.add_argument("--alone", type=float, default=60.0, help="seconds of chat alone, before")
    parser.add_argument("--warm", type=float, default=5.0, help="seconds before, not measured")
    parser.add_argument("--short", action="store_true", help="a few of all, for seconds")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if a post or somebody's coming failed, or a number is untrue."""
    if args.url:
        print("the people of an evening are made on a Muster of its own: leave out --url")
        return 2
    if args.short:
        args.sockets, args.rooms, args.members, args.inside = 8, 4, 4, 4
        args.people, args.minutes, args.rate, args.alone, args.warm = 30, 0.05, 40.0, 1.0, 0.5
    figures, clean = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[dict[str, object], bool]:
    size = size_of(args)
    settings = settings_of(args, {**CHECKED, "MUSTER_RATE_LIMITS": "0"})
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with (
        arena(size, None, args.seed, settings, token_s=TOKEN_S) as (here, tokens),
        httpx.AsyncClient(base_url=here.api_url, timeout=ANSWER_WITHIN_S, limits=limits) as http,
    ):
        random = Random(f"guests {args.seed}")  # those who chat are of the seed itself
        doors, comers = await _invited(here, args.people, http, random)
        await doors.seat(tokens[: args.inside])
        async with here.crowd(tokens, size):
            evening = await _evening(here, doors, comers, args)
        _say(evening, here)
        wrong = _miscounted(evening, comers, args.inside)
        figures = _figures(evening, comers, wrong) | processor(here.spent)
        chat_clean = evening.alone.clean and evening.beside.clean
        return figures, chat_clean and not wrong and not evening.came.failed


async def _invited(
    here: Arena, people: int, http: httpx.AsyncClient, random: Random
) -> tuple[Doors, list[Comer]]:
    """An event, and those who said that they would come and may be seen to; all of them are in no room yet."""
    assert here.data is not None, "a Muster of our own"
    cast = Cast(here.data, random, TOKEN_S)

    def making(share: float) -> None:
        here.progress.show(share, 1, "making guests")

    host, *guests = await cast.register(people + 1, making)
    doors = Doors(http, cast.token(host), random)
    await doors.open()
    said, event = Attending("going", "on"), RoomId(doors.event)
    ops = [hosting.answer(guest, event, str(guest), said) for guest in guests]
    starts = range(0, len(ops), MEMBERS_PER_BATCH)
    await cast.commit([ops[at : at + MEMBERS_PER_BATCH] for at in starts], making)
    return doors, [
        _comer(cast, guest, way, hub)
        for guest, way, hub in zip(
            guests, _ways(people, random), cycle(here.hub_urls), strict=False
        )
    ]


def _comer(cast: Cast, guest: PersonId, way: str, hub: str) -> Comer:
    return Comer(guest, cast.token(guest), way, hub)


def _ways(people: int, random: Random) -> list[str]:
    """Who comes how, in no order."""
    ways = [way for way, _ in zip(cycle(WAYS), range(people), strict=False)]
    random.shuffle(ways)
    return ways


async def _evening(
    here: Arena, doors: Doors, comers: Sequence[Comer], args: argparse.Namespace
) -> Evening:
    run_s = args.minutes * 60
    load = Load(args.rate, args.warm, args.alone, timed=True, sharp=True, apart=doors.event)
    alone = await here.make(load, "chat alone")
    alone_cores = server_share(here.spent)
    from_s, used_s = monotonic() + args.warm, process_time()
    beside, came = await asyncio.gather(
        here.make(load._replace(run_s=run_s), "chat, and the doors are open"),
        doors.let_in(comers, from_s, run_s),
    )
    found = Found(await doors.here(), await doors.members(), await doors.turnout())
    load_s = process_time() - used_s
    return Evening(alone, beside, came, found, alone_cores, server_share(here.spent), load_s)


def _miscounted(evening: Evening, comers: Sequence[Comer], inside: int) -> int:
    """By how many what the event says of itself differs from who came, and how."""
    people, (here, members, turnout), truth = len(comers), evening.found, _truth(comers)
    numbers = (here, turnout.people, turnout.visits, turnout.present, members - inside - 1)
    ways = {way: turnout.sources.get(way, 0) - count for way, count in truth.items()}
    return sum(abs(number - people) for number in numbers) + sum(map(abs, ways.values()))


def _truth(comers: Sequence[Comer]) -> dict[str, int]:
    ways = [SOURCES[comer.way] for comer in comers]
    return {way: ways.count(way) for way in set(ways)}


def _delays(measured: Measured) -> list[float]:
    return sorted([*measured.same_ms, *measured.cross_ms])


def _all(measured: Measured) -> list[float]:
    return sorted([*measured.same_ms, *measured.cross_ms, *measured.apart_ms])


def _figures(evening: Evening, comers: Sequence[Comer], wrong: int) -> dict[str, object]:
    """Chat: all of it, and by where it was. `growth`: a check-in at the end over one at the beginning, medians.

    `load_ms_per_check_in`: processor time of those who come; near 1,000 over `per_s` they are late by themselves.
    """
    alone, beside, came, found, *cores, load_s = evening
    before, after = _all(alone), _all(beside)
    first, last = came.parts_ms()
    more_s = (cores[1] - cores[0]) * beside.run_s
    return {
        **spread_ms(after),
        "alone_ms": spread_ms(before),
        "p99_ratio": _over(percentile(after, 0.99), percentile(before, 0.99)),
        "p50_ratio": _over(percentile(after, 0.5), percentile(before, 0.5)),
        "rooms_ms": spread_ms(_delays(beside)),
        "event_ms": spread_ms(beside.apart_ms),
        "event_alone_ms": spread_ms(alone.apart_ms),
        "chat_late_ms": spread_ms(beside.late_ms),
        "check_in_ms": spread_ms(came.ordered_ms),
        "check_in_by_ms": {way: spread_ms(sorted(ms)) for way, ms in sorted(came.ways.items())},
        "check_in_late_ms": spread_ms(sorted(came.late_ms.values())),
        "growth": _over(percentile(last, 0.5), percentile(first, 0.5)),
        "people": len(comers),
        "per_s": round(len(comers) / beside.run_s, 2),
        "check_ins": len(came.took_ms),
        "check_ins_failed": came.failed,
        "there": found.here,
        "visits": found.turnout.visits,
        "sources": found.turnout.sources,
        "members": found.members,
        "miscounted": wrong,
        "posts_failed": alone.failed + beside.failed,
        "cores": round(cores[1], 3),
        "cores_alone": round(cores[0], 3),
        "cpu_ms_per_check_in": round(max(0.0, more_s) / max(1, len(came.took_ms)) * 1000, 2),
        "load_ms_per_check_in": round(load_s / len(comers) * 1000, 2),
    }


def _over(now: float, was: float) -> float:
    return round(now / was, 2) if was else 0.0


def _say(evening: Evening, here: Arena) -> None:
    alone, beside, came, found, *_ = evening
    rows = {
        "chat alone": _all(alone),
        "chat, doors open": _all(beside),
        "the event's room": beside.apart_ms,
        "check-in": came.ordered_ms,
        **{f"by {way}": sorted(ms) for way, ms in sorted(came.ways.items())},
    }
    for name, ordered_ms in rows.items():
        print(f"{name:>20} ms  {len(ordered_ms):>9,}  {told_ms(ordered_ms)}")
    print(f"{'not let in':>20}  {came.failed}, there {found.here:,}, {found.turnout}")
    say_costs(here)
