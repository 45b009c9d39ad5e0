"""Doors open: thousands check in at an event within minutes, while everybody else chats; what that does to the chat.

Chat alone first, then the same chat beside the check-ins, on one Muster. Every other person checks in by the code at
the door, the rest by their own word, each when it is due, however long others take. Owns these figures. Must never call
a check-in done that the host's number does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Final
from uuid import UUID

import httpx
from msgspec import Struct

from loadtest.bench.arena import CHECKED, Arena, Size, arena, say_costs, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.crew import Load, Measured
from loadtest.bench.figures import end, processor
from loadtest.bench.people import Cast
from loadtest.client.rest import Rest, RestError
from loadtest.percentiles import percentile, spread_ms, told_ms

SIZE: Final = Size(sockets=1_000, rooms=1_000, members=10, hubs=2, workers=1)
TOKEN_S: Final = 4 * 3_600
CONNECTIONS: Final = 64
CODE_GOOD_S: Final = 20.0
"""A code is shown for half a minute, and good for two."""

ANSWER_WITHIN_S: Final = 15.0
_HOUR_MS: Final = 3_600_000


class _Event(Struct):
    id: UUID


class _Code(Struct):
    code: str


class _Here(Struct):
    count: int


class _Nothing(Struct):
    pass


@dataclass(slots=True)
class Arrivals:
    """What came of the check-ins: times from when each was due, in ms, and how many were refused or lost."""

    took_ms: list[float] = field(default_factory=list)
    failed: int = 0


class Gate:
    """One event whose doors are open, and its host."""

    def __init__(self, http: httpx.AsyncClient, host: str, random: Random) -> None:
        self._http = http
        self._random = random
        self._host = self._as(host)
        self._event: UUID | None = None
        self._code = ""

    async def open(self) -> None:
        """Make the event. Raises `RestError`."""
        now_ms = int(time.time() * 1000)
        terms = {
            "title": "an evening", "zone": "Europe/Vienna", "visibility": "public", "joins_on": "never",
            "starts_at_ms": now_ms - _HOUR_MS, "ends_at_ms": now_ms + 4 * _HOUR_MS,
        }  # fmt: skip
        self._event = (await self._host.ask("POST", "/v1/events", terms, _Event)).id
        await self._show()

    async def let_in(self, tokens: Sequence[str], within_s: float) -> Arrivals:
        """Everybody, evenly over that time."""
        came, began = Arrivals(), monotonic()
        async with asyncio.TaskGroup() as tasks:
            showing = tasks.create_task(self._keep_showing())
            comers = []
            for number, token in enumerate(tokens):
                due_at = began + within_s * number / len(tokens)
                await asyncio.sleep(max(0.0, due_at - monotonic()))
                by_code = number % 2 == 0
                comers.append(tasks.create_task(self._one(token, due_at, came, by_code=by_code)))
            await asyncio.gather(*comers)
            showing.cancel()
        return came

    async def number(self) -> int:
        """How many are there, as hosts are told."""
        return (await self._host.read(f"/v1/events/{self._event}/here", _Here)).count

    async def _one(self, token: str, due_at: float, came: Arrivals, *, by_code: bool) -> None:
        body = {"code": self._code} if by_code else {}
        path = f"/v1/events/{self._event}/check-in"
        try:
            await self._as(token).ask("POST", path, body, _Nothing)
        except (RestError, httpx.TransportError):
            came.failed += 1
            return
        came.took_ms.append((monotonic() - due_at) * 1000)

    async def _keep_showing(self) -> None:
        while True:
            await asyncio.sleep(CODE_GOOD_S)
            await self._show()

    async def _show(self) -> None:
        self._code = (await self._host.read(f"/v1/events/{self._event}/code", _Code)).code

    def _as(self, token: str) -> Rest:
        rest = Rest(self._http, self._random)
        rest.token = token
        return rest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest evening --help`."""
    add_size(parser, SIZE)
    parser.add_argument("--check-ins", type=int, default=10_000, help="how many people come")
    parser.add_argument("--within", type=float, default=600.0, help="seconds in which they do")
    parser.add_argument("--rate", type=float, default=300.0, help="posts per second beside it")
    parser.add_argument("--alone", type=float, default=60.0, help="seconds of chat alone, before")
    parser.add_argument("--warm", type=float, default=5.0, help="seconds before, not measured")
    parser.add_argument("--short", action="store_true", help="a few of all, for seconds")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if a post or a check-in failed, or the number is not the truth."""
    if args.url:
        print("the people of an evening are made on a Muster of its own: leave out --url")
        return 2
    if args.short:
        args.sockets, args.rooms, args.members = 8, 4, 4
        args.check_ins, args.within, args.rate, args.alone, args.warm = 30, 1.5, 40.0, 1.0, 0.5
    figures, clean = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0 if clean else 1


async def _run(args: argparse.Namespace) -> tuple[dict[str, object], bool]:
    size, random = size_of(args), Random(args.seed)
    settings = settings_of(args, {**CHECKED, "MUSTER_RATE_LIMITS": "0"})
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with (
        arena(size, None, args.seed, settings, token_s=TOKEN_S) as (here, tokens),
        httpx.AsyncClient(base_url=here.api_url, timeout=ANSWER_WITHIN_S, limits=limits) as http,
    ):
        host, *guests = await _guests(here, args.check_ins + 1, random)
        gate = Gate(http, host, random)
        await gate.open()
        async with here.crowd(tokens, size):
            alone = await here.make(Load(args.rate, args.warm, args.alone, True, True), "chat")
            load = Load(args.rate, args.warm, args.within, True, True)
            beside, came = await asyncio.gather(
                here.make(load, "chat, and doors open"),
                _after(args.warm, gate, guests, args.within),
            )
            number = await gate.number()
        _say(alone, beside, came, here)
        figures = _figures(alone, beside, came, number)
        is_true = number == len(guests) and not came.failed
        return figures | processor(here.spent), alone.clean and beside.clean and is_true


async def _guests(here: Arena, people: int, random: Random) -> list[str]:
    """Tokens of people who are in no room yet."""
    assert here.data is not None, "a Muster of our own"
    cast = Cast(here.data, random, TOKEN_S)

    def making(share: float) -> None:
        here.progress.show(share, 1, "making guests")

    return [cast.token(person) for person in await cast.register(people, making)]


async def _after(warm_s: float, gate: Gate, guests: Sequence[str], within_s: float) -> Arrivals:
    """Once the chat is warm."""
    await asyncio.sleep(warm_s)
    return await gate.let_in(guests, within_s)


def _delays(measured: Measured) -> list[float]:
    return sorted([*measured.same_ms, *measured.cross_ms])


def _figures(alone: Measured, beside: Measured, came: Arrivals, number: int) -> dict[str, object]:
    before, after = _delays(alone), _delays(beside)
    p99, was = percentile(after, 0.99), percentile(before, 0.99)
    return {
        **spread_ms(after),
        "alone_ms": spread_ms(before),
        "p99_ratio": round(p99 / was, 2) if was else 0.0,
        "check_in_ms": spread_ms(sorted(came.took_ms)),
        "check_ins": len(came.took_ms),
        "check_ins_failed": came.failed,
        "there": number,
    }


def _say(alone: Measured, beside: Measured, came: Arrivals, here: Arena) -> None:
    rows = {
        "chat alone": _delays(alone),
        "chat, doors open": _delays(beside),
        "check-in": sorted(came.took_ms),
    }
    for name, ordered_ms in rows.items():
        print(f"{name:>20} ms  {len(ordered_ms):>8,}  {told_ms(ordered_ms)}")
    print(f"{'check-ins refused':>20}  {came.failed}")
    say_costs(here)
