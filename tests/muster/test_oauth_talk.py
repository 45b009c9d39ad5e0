"""A service that people log in by and that fails is left alone; one that refuses is not."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from muster.addresses import networks
from muster.breaker import LOGINS, Breaker
from muster.egress import EVERYWHERE, Egress
from muster.oauth_talk import Talk, Unheard
from tests.fixtures.sealing import JumpingClock


class Service:
    """Answers every request with one status."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.asked = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"HTTP/1.1 {self.status} so\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + b"{}")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    """On a free port of this machine."""
    one = Service()
    server = await asyncio.start_server(one.answer, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/user"
    async with server:
        yield one


@asynccontextmanager
async def talk(clock: JumpingClock) -> AsyncIterator[Talk]:
    """To whatever is on this machine."""
    egress = Egress(networks(EVERYWHERE))
    try:
        yield Talk(egress, Breaker(random.Random(1), LOGINS), clock)
    finally:
        await egress.close()


async def test_what_fails_is_not_asked_until_a_probe_is_well() -> None:
    """Five failures, then nothing goes out; after the pause one question does, and with its answer all others."""
    clock = JumpingClock()
    async with service() as one, talk(clock) as to:
        one.status = 502
        for _ in range(LOGINS.faults):
            with pytest.raises(Unheard, match="status 502"):
                await to.get(one.url)
        with pytest.raises(Unheard, match="held"):
            await to.get(one.url)
        assert one.asked == LOGINS.faults
        one.status = 200
        clock.jump(LOGINS.first_s)
        assert [await to.get(one.url), await to.get(one.url)] == [{}, {}]


async def test_a_refusal_is_an_answer() -> None:
    """Anybody may bring a code that is wrong: that must not shut the service to others."""
    async with service() as one, talk(JumpingClock()) as to:
        one.status = 400
        for _ in range(LOGINS.faults * 2):
            with pytest.raises(Unheard, match="status 400"):
                await to.get(one.url)
        one.status = 200
        assert await to.get(one.url) == {}


async def test_nobody_there_is_a_failure() -> None:
    """Once the port is free again nobody answers."""
    async with service() as one:
        url = one.url
    async with talk(JumpingClock()) as to:
        for _ in range(LOGINS.faults):
            with pytest.raises(Unheard, match="unanswered"):
                await to.get(url)
        with pytest.raises(Unheard, match="held"):
            await to.get(url)
