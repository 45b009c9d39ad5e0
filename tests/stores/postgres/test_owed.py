"""What is owed stands in Postgres: where it begins, what ends it, and what it costs to find."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.stores.postgres.debtors import APNS, FCM, Ground, fresh, ground, key, register
from tests.vocabulary import person, room_of, say


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


async def test_a_new_phone_does_not_ring_for_what_was_unread(on: Ground) -> None:
    """The first device of a provider begins at the heads of then; one more beside it is owed what the first is."""
    ada, bob = await person(on.database), await person(on.database)
    room = await room_of(on.writer, bob, ada)
    for n in range(3):
        await say(on.writer, bob, room, f"old {n}")
    first = await register(on.database, ada)
    assert await on.seqs(ada, room) == []
    assert (await on.one(ada, room)).badge == 3
    assert await on.all_unsettled() == []
    new = (await say(on.writer, bob, room, "new")).seq
    assert await on.seqs(ada, room) == [new]
    await register(on.database, ada)
    await register(on.database, ada, device=first)
    assert await on.seqs(ada, room) == [new]
    assert await on.all_unsettled() == [key(ada, room)]
    [there] = await on.store.candidates([fresh(room, new, bob)])
    assert (there.key, there.provider, there.urgent) == (key(ada, room), APNS, False)
    await register(on.database, ada, FCM)
    assert await on.seqs(ada, room, FCM) == []
    assert await on.seqs(ada, room) == [new]
