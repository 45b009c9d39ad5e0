"""People with a phone each, in groups, made directly in Postgres; and what they say, by a writer of the load's own.

Owns them, and which pushes a message is to make: one for everybody in the room but its author, by the name that the
provider sees. Must never post twice in a room within a burst's time (pushers/pace.py): then two would be one push.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from prometheus_client import CollectorRegistry

from loadtest.bench.deal import deal
from loadtest.bench.people import Cast
from loadtest.mocks.kit import PROJECT, TOPICS
from loadtest.stack import Stack
from muster import submit
from muster.clock import SystemClock
from muster.config import Settings
from muster.ids import PersonId, RoomId, uuid7
from muster.lanes import LaneTable
from muster.metrics import WriterMetrics
from muster.op import NewRoom
from muster.outlet import Outlet
from muster.permission import RoomKind
from muster.push_device import Provider
from muster.stores.postgres.batch import SPARE_LOCK_TIMEOUT_MS, PostgresBatchConnection
from muster.stores.redis.meters import PublisherMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.writer import Writer
from proto.frames import Post
from pushers.naming import event_id, push_id

MEMBERS: Final = 5
ROOMS_PER_BATCH: Final = 20
WRITERS: Final = 2
WITHIN_S: Final = 20.0
_SESSIONS: Final = """
    INSERT INTO sessions (session_id, person_id, device_id, expires_at)
    SELECT s, p, d, now() + interval '7 days' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) u (s, p, d)
"""
_REGISTER: Final = """
    SELECT register_push_v1(d, p, s, 'bench', provider, 'production', topic, token, 'token', 'en', 'UTC', '1.0',
                            'full', false, 20)
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
         u (s, p, d, provider, topic, token)
"""
_TOPIC: Final = {Provider.apns: TOPICS[0], Provider.fcm: PROJECT}


class Mark(NamedTuple):
    """What a push is known by where it is received."""

    token: str
    id: str


class Phone(NamedTuple):
    """Somebody's only one."""

    device: UUID
    provider: Provider

    @property
    def token(self) -> str:
        """Well-formed for both providers."""
        return self.device.hex * 2

    def mark(self, room: UUID, seq: int) -> Mark:
        """Of the push that tells of this message."""
        if self.provider is Provider.apns:
            return Mark(self.token, str(push_id(self.device, room, seq)))
        return Mark(self.token, f"message:{event_id(room, seq)}")


class Group(NamedTuple):
    """A room; its first member speaks."""

    room: RoomId
    members: tuple[PersonId, ...]


class Crowd:
    """Everybody, and who speaks for them."""

    def __init__(
        self, groups: Sequence[Group], phones: dict[PersonId, Phone], writer: Writer
    ) -> None:
        self.groups = groups
        self._phones = phones
        self._writer = writer

    async def say(self, number: int) -> dict[Mark, int]:
        """Somebody says something in this room: the pushes this is to make, and its commit in Unix ms."""
        room, (author, *others) = self.groups[number]
        post = submit.of_frame(author, Post(1, room, str(uuid4()), "Is anybody coming tonight?"))
        said = await self._writer.submit(post)
        return {self._phones[each].mark(room, said.seq): said.at_ms for each in others}


@asynccontextmanager
async def crowd(
    stack: Stack, people: int, groups: int, rng: Random, progress: Callable[[float], None]
) -> AsyncIterator[Crowd]:
    """Half have an iPhone. Everybody is in as many groups as everybody else, and connected nowhere."""
    cast = Cast(stack.data, rng)
    ids = await cast.register(people, progress)
    rooms = [
        Group(RoomId(uuid7(SystemClock().now_ms(), rng)), tuple(ids[member] for member in members))
        for members in deal(people, groups, MEMBERS, 1, rng)
    ]
    made = [
        submit.create(
            members[0],
            room,
            str(room),
            NewRoom(RoomKind.group.value, "from_join", "a room", "", list(members[1:])),
        )
        for room, members in rooms
    ]
    batches = [made[at : at + ROOMS_PER_BATCH] for at in range(0, len(made), ROOMS_PER_BATCH)]
    await cast.commit(batches, lambda share: progress(0.5 + 0.5 * share))
    phones = {
        person: Phone(uuid4(), Provider.apns if number % 2 else Provider.fcm)
        for number, person in enumerate(ids)
    }
    await _register(stack.found.database_url, phones)
    async with _writing(stack) as writer:
        yield Crowd(rooms, phones, writer)


async def _register(url: str, phones: dict[PersonId, Phone]) -> None:
    sessions = [uuid4() for _ in phones]
    devices = [phone.device for phone in phones.values()]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SESSIONS, sessions, list(phones), devices)
        await connection.execute(
            _REGISTER,
            sessions,
            list(phones),
            devices,
            [phone.provider.value for phone in phones.values()],
            [_TOPIC[phone.provider] for phone in phones.values()],
            [phone.token for phone in phones.values()],
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


@asynccontextmanager
async def _writing(stack: Stack) -> AsyncIterator[Writer]:
    """A writer as a hub has it, but patient, so that what hubs and api cost is not in the figures."""
    told, registry = Settings(), CollectorRegistry()
    url, lanes = stack.found.database_url, LaneTable(told.lanes)
    rng = random.Random()  # spreads retries, hides nothing
    nodes = nodes_at(stack.found.redis_url, False, lanes, rng)
    publisher = RedisPublisher(nodes, lanes, PublisherMeters(registry), told.lane_max_len, rng)
    writer = Writer(
        [PostgresBatchConnection(url, f"muster-bench-{n}") for n in range(WRITERS)],
        PostgresBatchConnection(url, "muster-bench-spare", lock_timeout_ms=SPARE_LOCK_TIMEOUT_MS),
        lambda: Outlet(publisher, uuid4, None),
        SystemClock(),
        WriterMetrics(registry),
        WITHIN_S,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(writer.run())
            try:
                yield writer
            finally:
                running.cancel()
    finally:
        await publisher.close()
