"""People who come to an event say each step again, whatever comes of saying it while something is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def _walker(
    way: str, answers: Callable[[httpx.Request], httpx.Response], hub: str = "ws://nowhere"
) -> AsyncIterator[Walker]:
    def answer(request: httpx.Request) -> httpx.Response:
        is_asked = request.url.path == "/v1/me/fixes"
        return answers(request) if is_asked else httpx.Response(200, json=GRANT)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://nowhere", transport=transport) as http:
        login = Login(Account("somebody", "a long enough password"), Rest(http, Random(1)))
        await login.token()
        yield Walker(login, SOMEBODY, way, [hub], login, Random(1))


@pytest.mark.timeout(20)
async def test_who_went_and_whose_answer_was_lost_hears_of_no_event_any_more() -> None:
    """Judged once, a fix far away concerns the event no more: saying it again is answered with nothing."""
    asked = 0

    def answers(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        inside = [{"room": str(SOMEBODY), "phase": "inside"}]
        return httpx.Response(200, json={"events": inside if asked == 2 else []})

    async with _walker("rest", answers) as walker:
        await walker.come()
        assert asked == 2, "who comes is there only when the event says so"
        await walker.go()
        assert asked == 3
        assert not walker.truth.stays


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

    async with await asyncio.start_server(hang_up, LOOPBACK, 0) as server:
        url = f"ws://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        made = _walker("socket", lambda _: httpx.Response(500), url)
        async with made as walker, asyncio.TaskGroup() as tasks:
            coming = tasks.create_task(walker.come())
            await called.wait()
            assert not coming.done()
            coming.cancel()
