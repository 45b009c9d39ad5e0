"""Peers of the REST door who take their time, or never come to an end: each costs itself and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import wire
from api.wire import Deadlines, Wire

WITHIN_S = 5.0
HEAD = b"GET /small HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


class Fast(Wire):
    """Deadlines a test can wait for."""

    deadlines = Deadlines(request_s=0.3, answer_s=0.3)


class Server(uvicorn.Server):
    """It leaves the signals of the test run alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Peer:
    """A client that writes whatever bytes it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def sends(self, *parts: bytes) -> None:
        """Write until all is written or the server has had enough."""
        with suppress(ConnectionError):
            for part in parts:
                self._writer.write(part)
                await self._writer.drain()

    async def hears(self) -> bytes:
        """Everything until the server ends the connection."""
        heard = b""
        async with asyncio.timeout(WITHIN_S):
            with suppress(ConnectionError):
                while part := await self._reader.read(65_536):
                    heard += part
        return heard

    async def answer(self) -> bytes:
        """The head and body of one answer."""
        async with asyncio.timeout(WITHIN_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head + await self._reader.readexactly(size)

    def close(self) -> None:
        self._writer.close()


class Door:
    """A listening server with two pages."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        limit = 2**20
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        peer = Peer(reader, writer)
        try:
            yield peer
        finally:
            peer.close()

    async def empty(self) -> None:
        """Return once no connection is left."""
        async with asyncio.timeout(WITHIN_S):
            while self.server.server_state.connections:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0)


async def _small(request: Request) -> Response:
    with suppress(Exception):
        await request.body()
    return Response(b"ok")


async def _large(_request: Request) -> Response:
    return Response(b"x" * 16_000_000)


@pytest.fixture
async def rest() -> AsyncIterator[Door]:
    """uvicorn with our protocol, as api/listener.py sets it up."""
    app = Starlette(
        routes=[Route("/small", _small, methods=["GET", "POST"]), Route("/large", _large)]
    )
    config = uvicorn.Config(
        app, http=Fast, ws="none", lifespan="off", log_config=None, access_log=False, port=0
    )
    server = Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        async with asyncio.timeout(WITHIN_S):
            while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
                await asyncio.sleep(0)
        try:
            yield Door(server, server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await serving


async def test_who_says_nothing_is_let_go(rest: Door) -> None:
    """A connection without a word ends by itself, and so does one that sends blank lines for ever."""
    async with rest.peer() as silent, rest.peer() as blank:
        await blank.sends(HEAD + b"\r\n")
        assert (await blank.answer()).startswith(b"HTTP/1.1 200")
        await blank.sends(b"\r\n")
        assert await silent.hears() == b""
        await blank.hears()
    await rest.empty()


@pytest.mark.parametrize("part", [HEAD[:9], HEAD, POST, POST + b"{"])
async def test_a_request_that_never_ends_is_refused_in_time(rest: Door, part: bytes) -> None:
    """Half a line, half a head, half a body: 408 as a problem document, and the end."""
    async with rest.peer() as slow:
        await slow.sends(part)
        heard = await slow.hears()
    assert heard.startswith(b"HTTP/1.1 408")
    assert b'"name":"bad_request"' in heard
    await rest.empty()


@pytest.mark.parametrize(
    "part", [b"x-y: " + b"a" * 900 + b"\r\n", b"a" * 900], ids=["many headers", "one header"]
)
async def test_a_head_is_bounded(rest: Door, part: bytes) -> None:
    """Headers without number, or one without end: 431, long before memory is a matter."""
    async with rest.peer() as peer:
        await peer.sends(HEAD + b"x: ", *[part] * 40, b"", *[part] * 400)
        heard = await peer.hears()
    assert (
        heard.startswith(b"HTTP/1.1 431") or heard == b""
    )  # what was still unread resets the connection
    await rest.empty()


async def test_a_head_just_over_the_bound_is_told(rest: Door) -> None:
    """The refusal says what the bound is."""
    async with rest.peer() as peer:
        await peer.sends(HEAD + b"x: " + b"a" * wire.HEAD_BYTES)
        heard = await peer.hears()
    assert heard.startswith(b"HTTP/1.1 431")
    assert str(wire.HEAD_BYTES).encode() in heard


async def test_an_endless_body_ends(rest: Door) -> None:
    """Whoever goes on sending is cut off, whatever was answered."""
    async with rest.peer() as peer:
        chunk = b"fff8\r\n" + b"x" * 0xFFF8 + b"\r\n"
        await peer.sends(
            b"POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[chunk] * 200,
        )
        await peer.hears()
    await rest.empty()


async def test_requests_without_waiting_are_bounded(rest: Door) -> None:
    """Thousands of pipelined requests are not thousands of requests in memory."""
    async with rest.peer() as peer, asyncio.TaskGroup() as tasks:
        tasks.create_task(peer.sends(*[HEAD + b"\r\n"] * 20_000))
        heard = await peer.hears()
    assert heard.count(b"200 OK") <= 2 * wire.PIPELINED
    await rest.empty()


async def test_pipelining_a_few_is_fine(rest: Door) -> None:
    """In order, all of them."""
    async with rest.peer() as peer:
        await peer.sends((HEAD + b"\r\n") * wire.PIPELINED)
        for _ in range(wire.PIPELINED):
            assert (await peer.answer()).endswith(b"ok")


async def test_who_does_not_read_is_let_go(rest: Door) -> None:
    """An answer that is not taken is dropped with its connection."""
    async with rest.peer() as peer:
        await peer.sends(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await rest.empty()


HIDDEN: Final = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
TWO_READERS: Final = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 40\r\n\r\nhello",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a signed length": b"Content-Length: +5\r\n\r\nhello",
    "a length below zero": b"Content-Length: -5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a length beyond any": b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "a blank before the colon": b"Content-Length : 5\r\n\r\nhello",
    "a folded line": b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "a NUL in a name": b"Content\x00Length: 5\r\n\r\nhello",
    "a NUL in a value": b"X: a\x00b\r\nContent-Length: 5\r\n\r\nhello",
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nz\r\nhello\r\n0\r\n\r\n",
    "a chunk below zero": b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a chunk beyond any": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
}
"""Heads that say twice, or unclearly, where their body ends: a balancer and we must never read two requests in them."""


@pytest.mark.parametrize("name", TWO_READERS)
async def test_a_request_is_never_read_in_two_ways(rest: Door, name: str) -> None:
    """Refused, and what stands behind it on the connection is not taken for a request."""
    async with rest.peer() as peer:
        await peer.sends(b"POST /small HTTP/1.1\r\nHost: x\r\n" + TWO_READERS[name] + HIDDEN)
        heard = await peer.hears()
    assert heard.count(b"HTTP/1.1 ") <= 1
    assert heard[:13] in (b"HTTP/1.1 400 ", b""), heard[:80]
    await rest.empty()
