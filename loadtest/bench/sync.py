"""How long `me/rooms` and `me/sync` take somebody with many rooms, with nothing unread and with much, and their bytes.

Owns these figures. One request at a time over HTTP, gzip and all, as a phone asks. The rooms are half direct and half
groups, a fifth of the people are contacts. Must never measure a first request: it prepares statements.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from random import Random
from time import perf_counter
from typing import Final, NamedTuple
from uuid import uuid4

import httpx
import msgspec

from loadtest.bench.costs import Meter
from loadtest.bench.figures import end, processor
from loadtest.bench.people import Cast
from loadtest.percentiles import spread_ms
from loadtest.progress import Progress
from loadtest.stack import ROOMY, muster_up
from muster import submit
from muster.ids import PersonId, RoomId, direct_room
from muster.op import NewRoom, Op
from proto import frames

WARM: Final = 5
_PAGE: Final = 500
_WORDS: Final = "I will be there at eight, shall I bring something? {}"


class Asked(NamedTuple):
    """What one path cost: milliseconds, and bytes of the last answer, plain and as they went over the wire."""

    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    bytes: int
    wire_bytes: int


class _Position(msgspec.Struct):
    generation: str
    seq: int
    server_time_ms: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest sync --help`."""
    parser.add_argument("--rooms", type=int, default=500, help="rooms of the one who asks")
    parser.add_argument("--unread", type=int, default=1_000, help="messages unread in each, later")
    parser.add_argument("--times", type=int, default=100, help="requests measured, of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures."""
    figures = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0


async def _run(args: argparse.Namespace) -> dict[str, object]:
    progress = Progress()
    progress.show(0, 1, "starting Muster")
    async with muster_up(1, ROOMY) as stack:
        cast = Cast(stack.data, Random(args.seed))
        people = await cast.register(args.rooms + 1, lambda done: progress.show(done, 1, "people"))
        me, others = people[0], people[1:]
        rooms = await _rooms(cast, me, others)
        asks = {"authorization": f"Bearer {cast.token(me)}"}
        figures: dict[str, object] = {"rooms": args.rooms, "unread": args.unread}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=asks, timeout=30) as client:
            figures |= await _measure(client, "read", args.times)
            said = [
                [_says(other, room, n) for room, other in zip(rooms, others, strict=True)]
                for n in range(args.unread)
            ]
            await cast.commit(said, lambda done: progress.show(done, 1, "talking"))
            meter = Meter(stack.pids)
            figures |= await _measure(client, "unread", args.times)
            figures |= processor(meter.spent())
    progress.end()
    return figures


async def _rooms(cast: Cast, me: PersonId, others: Sequence[PersonId]) -> list[RoomId]:
    """A room with each, in each a message of mine."""
    rooms: list[RoomId] = []
    batches: list[list[Op]] = []
    for number, other in enumerate(others):
        direct = number % 2 == 0
        room = direct_room(me, other) if direct else RoomId(uuid4())
        kind, title = ("direct", "") if direct else ("group", f"group {number}")
        new = NewRoom(kind, "all" if direct else "from_join", title, "", [other])
        batches.append([submit.create(me, room, str(room), new)])
        if number % 5 == 0:
            batches.append(
                [submit.contact(other, me, "ask"), submit.contact(me, other, str(other))]
            )
        rooms.append(room)
    batches.append([_says(me, room, 0) for room in rooms])
    await cast.commit(batches, lambda _: None)
    return rooms


def _says(author: PersonId, room: RoomId, number: int) -> Op:
    post = frames.Post(0, room, f"{author}-{number}", _WORDS.format(number))
    return submit.of_frame(author, post)


async def _measure(client: httpx.AsyncClient, phase: str, times: int) -> dict[str, float]:
    held = msgspec.json.decode((await client.get("/v1/me/sync")).content, type=_Position)
    since = f"since={held.seq}&generation={held.generation}&at_ms={held.server_time_ms + 60_000}"
    paths = {
        "rooms": f"/v1/me/rooms?limit={_PAGE}",
        "sync": f"/v1/me/sync?limit={_PAGE}",
        "sync_100": "/v1/me/sync",
        "since": f"/v1/me/sync?{since}",
    }
    figures: dict[str, float] = {}
    for name, path in paths.items():
        for key, value in (await _ask(client, path, times))._asdict().items():
            figures[f"{phase}_{name}_{key}"] = value
    return figures


async def _ask(client: httpx.AsyncClient, path: str, times: int) -> Asked:
    for _ in range(WARM):
        await client.get(path)
    took_ms = []
    answer = httpx.Response(0)
    for _ in range(times):
        began = perf_counter()
        answer = await client.get(path)
        took_ms.append((perf_counter() - began) * 1_000)
        answer.raise_for_status()
    measured = sorted(took_ms)
    return Asked(
        **spread_ms(measured), bytes=len(answer.content), wire_bytes=answer.num_bytes_downloaded
    )
