"""People who come to an event say each step again, whatever comes of saying it while something is broken."""

from __future__ import annotations

import asyncio
from random import Random
from uuid import UUID

import httpx
import pytest

from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.torture.walkers import Walker
from muster.services.ports import LOOPBACK

SOMEBODY = UUID(int=1)
GRANT = {
    "access_token": "a",
    "refresh_token": "r",
    "expires_in": 900,
    "person": str(SOMEBODY),
    "device": str(SOMEBODY),
}


@pytest.mark.timeout(20)
async def test_a_hub_that_hangs_up_in_the_handshake_is_asked_again() -> None:
    """As the link of a killed hub does: no answer at all, which is no answer of HTTP either."""
    calls = 0
    called = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        if calls > 1:
            called.set()

    async with (
        await asyncio.start_server(hang_up, LOOPBACK, 0) as server,
        httpx.AsyncClient(
            base_url="http://nowhere",
            transport=httpx.MockTransport(lambda _: httpx.Response(200, json=GRANT)),
        ) as http,
    ):
        port = server.sockets[0].getsockname()[1]
        login = Login(Account("somebody", "a long enough password"), Rest(http, Random(1)))
        walker = Walker(login, SOMEBODY, "socket", [f"ws://{LOOPBACK}:{port}"], login, Random(1))
        coming = asyncio.create_task(walker.come())
        await asyncio.wait(
            {coming, asyncio.create_task(called.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        assert called.is_set()
        assert not coming.done()
        coming.cancel()
