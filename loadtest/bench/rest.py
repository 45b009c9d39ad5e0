"""What the REST api answers in a second, beside a bare twin that asks Postgres the same without our rules.

Owns the mix (45 % history pages of 20, 25 % room lists, 20 % posts, 10 % reactions) and the comparison: both serve the
same people and rooms in the same run, one after the other, to as many connections. Must never leave an error out.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import uvloop

from loadtest.bench import costs
from loadtest.bench.arena import Arena, Size, arena, settings_of, size_of
from loadtest.bench.arena import add_arguments as add_size
from loadtest.bench.caller import Caller, request
from loadtest.bench.figures import end, processor
from loadtest.bench.schedule import OpenLoop
from loadtest.percentiles import percentile, spread_ms, told_ms
from loadtest.ports import reserved_ports
from loadtest.progress import Progress

ROOMS_OF_TEN: Final = Size(sockets=200, rooms=200, members=10, hubs=1, workers=1)
SETTINGS: Final = {"MUSTER_RATE_LIMITS": "0"}
SEEDED: Final = 30
"""Messages in every room before anything is measured."""

HIT_PEOPLE: Final = 50
HIT_TURNS: Final = 10
"""So many people ask so often for a page that is in memory."""

TARGET_PER_S: Final = 5_000
READY_WITHIN_S: Final = 20.0
_EMOJI: Final = [quote(emoji) for emoji in "👍🎉😀🔥👏"]


class Person(NamedTuple):
    """Who asks: the token, and the rooms they are in."""

    id: str
    token: str
    rooms: list[str]


class Phase(NamedTuple):
    """What one server did in one phase; times in ms, ascending."""

    per_s: float
    took_ms: list[float]
    errors: int
    spent: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest rest --help`."""
    add_size(parser, ROOMS_OF_TEN)
    parser.add_argument("--connections", type=int, default=32, help="requests under way at once")
    parser.add_argument(
        "--rate",
        type=float,
        default=0,
        help="requests per second, an open loop: times count from when each was due; "
        "0: every connection asks its next as soon as it has its answer",
    )
    parser.add_argument("--seconds", type=float, default=15, help="measured, of each server")
    parser.add_argument("--warm", type=float, default=3, help="seconds before, not measured")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 if any request failed."""
    figures = uvloop.run(_run(args))
    end(figures, as_json=args.json)
    return 1 if figures["errors"] else 0


async def _run(args: argparse.Namespace) -> dict[str, object]:
    if args.url is not None:
        raise SystemExit("rest: the twin needs the database: it starts a Muster of its own")
    async with arena(size_of(args), None, args.seed, settings_of(args, SETTINGS)) as (here, tokens):
        ours = urlsplit(here.api_url)
        assert ours.hostname is not None
        assert ours.port is not None
        people = [await _person(here.api_url, token) for token in tokens]
        crowd = Crowd(people, args)
        await crowd.seed(ours.hostname, ours.port)
        hits = await crowd.hits(ours.hostname, ours.port)
        before = await _counted(here.api_url)
        muster = await crowd.phase(here, "muster", ours.hostname, ours.port)
        after = await _counted(here.api_url)
        async with _twin(here) as (port, pid):
            here.pids = {**here.pids, "twin": pid}
            twin = await crowd.phase(here, "the twin", "127.0.0.1", port)
    for name, phase in (("muster", muster), ("twin", twin)):
        parts = "  ".join(
            f"{part} {share:.0%}" for part, share in phase.spent.items() if share >= 0.005
        )
        print(
            f"{name:>8} {phase.per_s:,.0f}/s  {told_ms(phase.took_ms)} ms  "
            f"errors {phase.errors}; of one core: {parts}"
        )
    seconds, uses, found, missed = (now - then for now, then in zip(after, before, strict=True))
    total_us = _cpu_us(muster, list(muster.spent))
    return {
        "requests_per_s": round(muster.per_s, 1),
        "twin_requests_per_s": round(twin.per_s, 1),
        "ratio": round(muster.per_s / twin.per_s, 3),
        **spread_ms(muster.took_ms),
        "twin_ms": spread_ms(twin.took_ms),
        "db_avg_ms": round(seconds / uses * 1_000, 2),
        "hit_p95_ms": round(percentile(hits, 0.95), 2),
        "hit_share": round(found / max(1, found + missed), 3),
        "cpu_us_per_request": total_us,
        "api_us_per_request": _cpu_us(muster, ("api",)),
        "postgres_us_per_request": _cpu_us(muster, ("postgres",)),
        "twin_cpu_us_per_request": _cpu_us(twin, ("twin", "postgres")),
        "cores_for_5000": round(total_us * TARGET_PER_S / 1e6, 1),
        "errors": muster.errors + twin.errors,
        **processor(muster.spent),
    }


def _cpu_us(phase: Phase, parts: Sequence[str]) -> float:
    """Of these processes, per request. What asks is none of them: it would be elsewhere."""
    return round(sum(phase.spent[part] for part in parts) / phase.per_s * 1e6)


class Crowd:
    """Everybody who asks, and what they ask next."""

    def __init__(self, people: list[Person], args: argparse.Namespace) -> None:
        self._people = people
        self._random = Random(args.seed)
        self._members: int = args.members
        self._connections: int = args.connections
        self._rate_per_s: float = args.rate
        self._warm_s: float = args.warm
        self._run_s: float = args.seconds
        self._progress = Progress()

    async def seed(self, host: str, port: int) -> None:
        """So many messages in every room."""
        posts = [
            self._post(person, room)
            for room, person in {
                room: person for person in self._people for room in person.rooms
            }.items()
            for _ in range(SEEDED)
        ]
        total = len(posts)

        async def work() -> None:
            caller = await Caller.connect(host, port)
            while posts:
                await caller.call(posts.pop())
                self._progress.show(total - len(posts), total, "writing what there is to read")
            caller.close()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._connections):
                tasks.create_task(work())

    async def hits(self, host: str, port: int) -> list[float]:
        """How long pages from memory take that nobody changes, one after the other, in ms, ascending."""
        caller, took_ms = await Caller.connect(host, port), list[float]()
        asked = [(person, person.rooms[0]) for person in self._people[:HIT_PEOPLE]]
        for turn in range(1 + HIT_TURNS):
            for person, room in asked:
                began = monotonic()
                await caller.call(_page(person, room))
                if turn:  # the first may have to be read
                    took_ms.append((monotonic() - began) * 1_000)
        caller.close()
        return sorted(took_ms)

    async def phase(self, here: Arena, name: str, host: str, port: int) -> Phase:
        """Ask one server for a while, over so many connections: each its next when that is due and it is free."""
        start_s = monotonic()
        from_s = start_s + self._warm_s
        until_s = from_s + self._run_s
        turns = _turns(self._rate_per_s, start_s, until_s)
        took_ms: list[float] = []
        errors = 0

        async def work() -> None:
            nonlocal errors
            caller = await Caller.connect(host, port)
            for began in turns:
                await asyncio.sleep(max(0.0, began - monotonic()))
                try:
                    status, _ = await caller.call(self._next())
                except (TimeoutError, ConnectionError):
                    status = 0
                    caller.close()
                    caller = await Caller.connect(host, port)
                ended = monotonic()
                if began >= from_s:
                    took_ms.append((ended - began) * 1_000)
                    errors += not 200 <= status < 300
            caller.close()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._connections):
                tasks.create_task(work())
            await asyncio.sleep(self._warm_s)
            before = costs.processor_s(here.pids)
            while (left_s := until_s - monotonic()) > 0:
                self._progress.show(self._run_s - left_s, self._run_s, f"asking {name}")
                await asyncio.sleep(min(0.25, left_s))
            after = costs.processor_s(here.pids)
        self._progress.end()
        spent = {part: (after[part] - before[part]) / self._run_s for part in after}
        return Phase(len(took_ms) / self._run_s, sorted(took_ms), errors, spent)

    def _next(self) -> bytes:
        person = self._random.choice(self._people)
        room = self._random.choice(person.rooms)
        chance = self._random.random()
        headers = _headers(person)
        if chance < 0.45:
            return _page(person, room)
        if chance < 0.70:
            return request("GET", "/v1/me/rooms?limit=100", headers)
        if chance < 0.90:
            return self._post(person, room)
        # The messages written first follow everybody's coming.
        seq = self._members + self._random.randrange(2, SEEDED - 2)
        emoji = self._random.choice(_EMOJI)
        return request("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/{emoji}", headers)

    def _post(self, person: Person, room: str) -> bytes:
        body = msgspec.json.encode({"client_id": uuid.uuid4().hex, "text": "word " * 25})
        return request("POST", f"/v1/rooms/{room}/messages", _headers(person), body)


def _turns(rate_per_s: float, start_s: float, until_s: float) -> Iterator[float]:
    """When each request begins, or was to begin if all connections are busy by then."""
    if not rate_per_s:
        while (now := monotonic()) < until_s:
            yield now
        return
    loop = OpenLoop(rate_per_s, start_s, until_s - start_s)
    yield from map(loop.due_at, range(loop.total))


def _page(person: Person, room: str) -> bytes:
    return request("GET", f"/v1/rooms/{room}/history?limit=20", _headers(person))


def _headers(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}", "X-Person": person.id}


async def _person(api_url: str, token: str) -> Person:
    async with httpx.AsyncClient(
        base_url=api_url, headers={"Authorization": f"Bearer {token}"}
    ) as http:
        me = (await http.get("/v1/me")).raise_for_status().json()
        rooms = (await http.get("/v1/me/rooms")).raise_for_status().json()["rooms"]
    return Person(me["id"], token, [room["id"] for room in rooms])


async def _counted(api_url: str) -> list[float]:
    """So far: seconds and uses of the database (whoever waits, the wait included, and batches), kept pages that hit and
    that missed.
    """
    async with httpx.AsyncClient() as http:
        page = (await http.get(f"{api_url}/metrics")).text
    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    names = ("muster_api_database_seconds", "muster_commit_seconds")
    return [
        sum(float(values[f"{name}_sum"]) for name in names),
        sum(float(values[f"{name}_count"]) for name in names),
        float(values.get("muster_page_hits_total", 0)),  # with MUSTER_PAGE_CACHE_MIB=0 none is kept
        float(values.get("muster_page_misses_total", 0)),
    ]


@asynccontextmanager
async def _twin(here: Arena) -> AsyncIterator[tuple[int, int]]:
    with reserved_ports(1) as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtest.peers.twin", here.database_url, str(port), stdout=PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(READY_WITHIN_S):
                assert await process.stdout.readline() == b"ready\n"
                while True:
                    with suppress(OSError):
                        (await Caller.connect("127.0.0.1", port)).close()
                        break
                    await asyncio.sleep(0.05)
            yield port, process.pid
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
