"""The words tests of the log speak: people, rooms, a writer on real Postgres, and what stands there afterwards.

Owns nothing but names. Must never assert: tests do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

import asyncpg
from prometheus_client import CollectorRegistry

from muster import submit
from muster.bus import Unpublished
from muster.clock import SystemClock
from muster.ids import PersonId, RoomId, uuid7
from muster.lane import LaneEntry
from muster.metrics import WriterMetrics
from muster.op import NewRoom, Op, Outcome
from muster.outlet import Outlet
from muster.stores.postgres.batch import SPARE_LOCK_TIMEOUT_MS, PostgresBatchConnection
from muster.writer import Writer
from proto.frames import Post

PATIENCE_S = 20.0
"""How long a test that is not about waiting lets a machine stand still."""

_CLOCK = SystemClock()


class Recorder:
    """A publisher that remembers what it was given; `broken` makes it refuse, as an absent bus does."""

    def __init__(self) -> None:
        self.published: list[LaneEntry] = []
        self.broken = False
        self.refused = asyncio.Event()
        self._came = asyncio.Event()

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        if self.broken:
            self.refused.set()
            raise Unpublished
        self.published += entries
        self._came.set()

    async def until(self, room: RoomId, seq: int) -> None:
        """Return once this entry was published."""
        while seq not in self.seqs(room):
            self._came.clear()
            await self._came.wait()

    def seqs(self, room: RoomId) -> list[int]:
        """What was published of one room, in order."""
        return [entry.seq for entry in self.published if entry.room == room.bytes]


@asynccontextmanager
async def writing(
    url: str,
    *,
    connections: int = 2,
    publisher: Recorder | None = None,
    within_s: float = PATIENCE_S,
) -> AsyncIterator[Writer]:
    """A running writer, as one process of ours has it, but patient."""
    bus = publisher or Recorder()
    writer = Writer(
        [PostgresBatchConnection(url, f"test-writer-{i}") for i in range(connections)],
        PostgresBatchConnection(url, "test-spare", lock_timeout_ms=SPARE_LOCK_TIMEOUT_MS),
        lambda: Outlet(bus, new_id, None),
        _CLOCK,
        WriterMetrics(CollectorRegistry()),
        within_s,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writer.run())
        try:
            yield writer
        finally:
            running.cancel()


def new_id(random: Random | None = None) -> UUID:
    """An id nobody has."""
    return uuid7(_CLOCK.now_ms(), random or Random())


async def person(database: asyncpg.Connection | asyncpg.Pool, handle: str = "") -> PersonId:
    """Somebody, with their self log."""
    someone = PersonId(new_id())
    name = handle or f"p{someone.hex}"[:32]
    await database.execute(
        "INSERT INTO people (person_id, handle, handle_shown, name) VALUES ($1, $2, $2, $2)",
        someone,
        name,
    )
    await database.execute("SELECT add_self_log_v1($1)", someone)
    return someone


async def room_of(
    writer: Writer, owner: PersonId, *members: PersonId, kind: str = "group", history: str = "all"
) -> RoomId:
    """A room with these people in it."""
    room = RoomId(new_id())
    await writer.submit(
        submit.create(
            owner, room, str(new_id()), NewRoom(kind, history, "a room", "", list(members))
        )
    )
    return room


def post(author: PersonId, room: RoomId, client_id: str, text: str = "hello") -> Op:
    """A message."""
    return submit.of_frame(author, Post(1, room, client_id, text))


async def say(
    writer: Writer, author: PersonId, room: RoomId, client_id: str, text: str = "hello"
) -> Outcome:
    """Post a message and wait for what comes of it."""
    return await writer.submit(post(author, room, client_id, text))


async def log_of(database: asyncpg.Connection | asyncpg.Pool, room: RoomId) -> list[asyncpg.Record]:
    """The whole log of a room as Postgres has it: seq, kind, author, subject, client_id."""
    return await database.fetch(
        "SELECT seq, msg_no, kind, author, subject, client_id FROM entries WHERE room_id = $1 ORDER BY seq",
        room,
    )
