"""People in rooms, made directly in Postgres, with tokens signed by the stack's own key.

Owns the shortcut: hashing 10,000 passwords would take minutes and measure nothing. Everything else is as the doors
make it: people with their own logs, rooms by the op that REST submits. Must run before anybody is connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID, uuid4

from muster import keys
from muster.batch import BatchConnection, Lease, Lost
from muster.clock import SystemClock
from muster.config import Settings
from muster.ids import PersonId, RoomId, SessionId, SystemRandom, device_of, uuid7
from muster.op import DONE, Committed, NewRoom, Op
from muster.people import Profile
from muster.permission import RoomKind, ServiceRole
from muster.services import runfile
from muster.services.runfile import Running
from muster.stores.postgres.batch import PostgresBatchConnection
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pool import open_database
from muster.submit import create, join
from muster.tokens import Tokens

CONNECTIONS: Final = 8
TRIES: Final = 5
MEMBERS_PER_BATCH: Final = 100
"""A batch has 1.5 s: a member's coming is three rows and an entry in a log of their own."""

MEMBERS_AT_ONCE: Final = 1_000
"""Who is more than that comes in afterwards, into a room that is open to all."""


class Cast:
    """The people and rooms of one run."""

    def __init__(self, data: Path, random: Random, token_life_s: int | None = None) -> None:
        """`data` is the directory that a `muster up` runs on; tokens live as long as its own, unless told otherwise."""
        self._running = _running(data)
        self._random = random
        self._clock = SystemClock()
        ring = keys.load(Path(self._running.keys_dir))
        told = Settings()
        life_s = told.access_token_s if token_life_s is None else token_life_s
        self._tokens = Tokens(ring, told.issuer, told.audience, life_s, self._clock, SystemRandom())
        self._run = f"{random.getrandbits(32):08x}"

    async def make(
        self, people: int, rooms: Sequence[Sequence[int]], progress: Callable[[float], None]
    ) -> list[str]:
        """The people's access tokens; `rooms` names the members of each room by their number."""
        ids = await self.register(people, progress)
        await self._gather([[ids[member] for member in room] for room in rooms], progress)
        return [self.token(person) for person in ids]

    async def register(self, people: int, progress: Callable[[float], None]) -> list[PersonId]:
        """New people, by id."""
        now_ms = self._clock.now_ms()
        ids = [PersonId(uuid7(now_ms, self._random)) for _ in range(people)]
        await self._register(ids, progress)
        return ids

    async def commit(
        self, batches: Sequence[Sequence[Op]], progress: Callable[[float], None]
    ) -> None:
        """What people do, batch by batch. Raises `RuntimeError` if any of it is refused."""
        connection: BatchConnection = PostgresBatchConnection(
            self._running.database_url, "muster-bench"
        )
        writer = uuid4()
        try:
            for number, ops in enumerate(batches, start=1):
                rows = await _committed(connection, writer, ops)
                refused = [row.status for row in rows if row.status not in (*DONE, "side")]
                if refused:
                    raise RuntimeError(f"this could not be done: {refused[0]}")
                progress(number / len(batches))
            await connection.clear(writer)  # nobody is connected who would have to hear of it
        finally:
            await connection.close()

    async def _register(self, ids: Sequence[PersonId], progress: Callable[[float], None]) -> None:
        database = await open_database(
            self._running.database_url, "muster-bench", CONNECTIONS, lambda _: None
        )
        store = PostgresPeople(database)
        waiting = list(enumerate(ids))

        async def work() -> None:
            while waiting:
                number, person = waiting.pop()
                handle = f"bench_{self._run}_{number}"
                if not await store.add(Profile(person, handle, handle, ""), handle, ""):
                    raise RuntimeError(f"{handle} is there already: two casts of one random seed")
                progress(0.5 * (1 - len(waiting) / len(ids)))

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(CONNECTIONS):
                    tasks.create_task(work())
        finally:
            await database.close()

    async def _gather(
        self, rooms: Sequence[Sequence[PersonId]], progress: Callable[[float], None]
    ) -> None:
        small = [members for members in rooms if len(members) <= MEMBERS_AT_ONCE]
        size = max(1, MEMBERS_PER_BATCH // max(1, len(rooms[0])))
        batches = [
            [self._room(members, RoomKind.group) for members in small[first : first + size]]
            for first in range(0, len(small), size)
        ]
        for members in rooms:
            if len(members) > MEMBERS_AT_ONCE:
                batches += self._large(members)
        await self.commit(batches, lambda share: progress(0.5 + 0.5 * share))

    def _large(self, members: Sequence[PersonId]) -> list[list[Op]]:
        made = self._room(members[:MEMBERS_PER_BATCH], RoomKind.public)
        joins = [join(person, made.room, str(person)) for person in members[MEMBERS_PER_BATCH:]]
        starts = range(0, len(joins), MEMBERS_PER_BATCH)
        return [[made], *(joins[first : first + MEMBERS_PER_BATCH] for first in starts)]

    def _room(self, members: Sequence[PersonId], kind: RoomKind) -> Op:
        room = RoomId(uuid7(self._clock.now_ms(), self._random))
        history = "from_join" if kind is RoomKind.group else "all"
        new = NewRoom(kind.value, history, "a room", "", list(members[1:]))
        return create(members[0], room, str(room), new)

    def token(self, person: PersonId, install: str = "bench") -> str:
        """An access token of a session of theirs, on the device that this installation is."""
        session = SessionId(uuid7(self._clock.now_ms(), self._random))
        return self._tokens.issue(person, session, device_of(person, install), ServiceRole.user)


async def _committed(
    connection: BatchConnection, writer: UUID, ops: Sequence[Op]
) -> list[Committed]:
    """The same batch again where its outcome is unknown: a busy machine may take longer than a batch may."""
    for tries_left in reversed(range(TRIES)):
        try:
            return await connection.commit(Lease(writer, []), ops)
        except Lost:
            if not tries_left:
                raise
    raise AssertionError("it is tried at least once")


def _running(data: Path) -> Running:
    found = runfile.read(data)
    if found is None:
        raise RuntimeError(f"no Muster runs on {data}")
    return found
