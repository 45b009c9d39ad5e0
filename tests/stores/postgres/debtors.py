"""Owns people with devices that pushes reach, put in place by hand, and how tests ask what they are owed.

Must never assert: tests do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg

from muster.ids import PersonId, RoomId
from muster.owed import Fresh, Key, Owed
from muster.push_device import Provider
from muster.stores.postgres.owed import PostgresOwed
from muster.stores.postgres.pool import Database, open_database
from muster.writer import Writer
from tests.fixtures.sealing import envelope
from tests.vocabulary import new_id, writing

APNS, FCM = Provider.apns, Provider.fcm


class Ground(NamedTuple):
    """A database, who writes there, and who asks what is owed."""

    database: asyncpg.Connection
    writer: Writer
    pool: Database
    store: PostgresOwed

    async def one(self, person: UUID, room: UUID, provider: Provider = APNS) -> Owed:
        """What is owed of one room to somebody in it."""
        [owed] = await self.store.owed(provider, [key(person, room)])
        return owed

    async def seqs(self, person: UUID, room: UUID, provider: Provider = APNS) -> list[int]:
        """Which messages those are, of the newest few."""
        return [
            message.seq
            for owed in await self.store.owed(provider, [key(person, room)])
            for message in owed.messages
        ]

    async def all_unsettled(self, provider: Provider = APNS) -> list[Key]:
        """Everything, by pages of two."""
        found: list[Key] = []
        while True:
            page = await self.store.unsettled(provider, found[-1] if found else None, 2)
            found += [each.key for each in page]
            if len(page) < 2:
                return found

    async def head(self, room: UUID) -> int:
        """A room's newest seq."""
        head: int = await self.database.fetchval("SELECT head FROM rooms WHERE room_id = $1", room)
        return head


@asynccontextmanager
async def ground(url: str) -> AsyncIterator[Ground]:
    """All of it, with the two connections that a pusher has."""
    database = await asyncpg.connect(url)
    pool = await open_database(url, "test-pusher", 2, lambda _: None)
    try:
        async with writing(url) as writer:
            yield Ground(database, writer, pool, PostgresOwed(pool, envelope()))
    finally:
        await pool.close()
        await database.close()


def key(person: UUID, room: UUID) -> Key:
    """Of ids."""
    return Key(person.bytes, room.bytes)


async def register(
    database: asyncpg.Connection,
    person: PersonId,
    provider: Provider = APNS,
    *,
    device: UUID | None = None,
    over: bool = False,
) -> UUID:
    """A device with a session of its own, that may have ended by age; the same again is registered anew."""
    device = device or new_id()
    session = await database.fetchval(
        "INSERT INTO sessions (session_id, person_id, device_id, expires_at)"
        " VALUES (gen_random_uuid(), $1, $2, now() + interval '7 days') RETURNING session_id",
        person,
        device,
    )
    await database.execute(
        "SELECT register_push_v1($1, $2, $3, 'i', $4, 'production', 'app', $5, 'token', 'en', 'UTC', '1.0',"
        " 'full', false, 20)",
        device,
        person,
        session,
        provider.value,
        f"token of {device}",
    )
    if over:
        await database.execute(
            "UPDATE push_devices SET session_until = now() WHERE device_id = $1", device
        )
    return device


def fresh(
    room: RoomId,
    seq: int,
    *authors: PersonId,
    named: Collection[PersonId] = (),
    here: bool = False,
) -> Fresh:
    """One message, or one of each of these authors."""
    return Fresh(
        room.bytes,
        seq - len(authors) + 1,
        seq,
        frozenset(each.bytes for each in authors),
        frozenset(each.bytes for each in named),
        here,
    )
