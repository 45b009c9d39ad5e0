"""What tests of the push transport say again and again: a client of a peer, requests, waiting for a state."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pushers.http2.client import Client, Manner
from pushers.http2.connection import Life
from pushers.http2.dial import Dial, base, trust
from pushers.http2.exchange import Answer, Unanswered, Unsent
from tests.pushers.peer import Peer

QUICK = Manner(within_s=5.0, life=Life(idle_s=60.0, ping_within_s=1.0))


@asynccontextmanager
async def client_of(peer: Peer, manner: Manner = QUICK) -> AsyncIterator[Client]:
    """Runs, and ends with the block."""
    client = Client(Dial(base(peer.url), trust(peer.ca), 2.0), manner, random.Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run())
        try:
            yield client
        finally:
            await client.close(0.2)
            running.cancel()


def fields(client: Client, path: str = "/3/device/abc", **more: str) -> list[tuple[bytes, bytes]]:
    """Header fields of a request."""
    return [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", client.authority),
        (b":path", path.encode()),
        *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items()),
    ]


async def ask(client: Client, body: bytes | str = b"{}", **more: str) -> Answer:
    """One request."""
    data = body.encode() if isinstance(body, str) else body
    return await client.ask(fields(client, **more), data)


End = Answer | Unsent | Unanswered


async def ask_all(client: Client, count: int, size: int = 8) -> list[End]:
    """So many at once, each with a body of its own; their ends in order."""

    async def one(number: int) -> End:
        try:
            return await ask(client, str(number).rjust(size))
        except (Unsent, Unanswered) as end:
            return end

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def until(true: Callable[[], object], within_s: float = 5.0) -> None:
    """Turn after turn of the loop until it is so."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  # what it waits for is bytes on their way: no event tells
            await asyncio.sleep(0)
