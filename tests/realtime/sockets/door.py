"""A real listener over a fake hub, and clients that speak to it through real TCP: raw bytes, or a library's.

    async with opened_door(terms) as door:
        peer = await door.authenticated()
        await peer.send(frames.Ping(1))
        assert await peer.receive() == ...

Owns the vocabulary of the tests about sockets. Whatever waits has a deadline, and waits for a reply.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from random import Random

from muster.borders import Borders, Lists
from muster.clock import SystemClock
from proto import frames, limits
from proto.codec import CODECS, Codec
from realtime.accept import Bounds, Gate
from realtime.edge import Edge
from realtime.errands import NO_CHECKS, Checks, Errands, Places
from realtime.flusher import Flusher
from realtime.handshake import Handshake, Page
from realtime.server import Listening, Server
from realtime.spare import Spare
from realtime.tally import Tally
from realtime.terms import Terms
from realtime.wheel import Wheel
from tests.fakes.hub import FakeHub, FakePlaces, FakeTokens, FakeWriter, token

WITHIN_S = 10.0
FAST = replace(
    Terms(),
    auth_within_s=2.0,
    close_within_s=0.2,
    heartbeat_s=5.0,
    pong_within_s=0.2,
    drained_within_s=0.4,
    answer_within_s=1.0,
)
"""Deadlines a test can wait for; what a test is about it makes shorter still."""


@dataclass
class Peer:
    """A client that writes whatever bytes it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    subprotocol: str = limits.SUBPROTOCOL_MSGPACK
    unread: list[frames.ServerFrame] = field(default_factory=list)

    @property
    def codec(self) -> Codec:
        return CODECS[self.subprotocol]

    async def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def pour(self, data: bytes) -> None:
        """Write until all is written or the server has had enough."""
        with suppress(ConnectionError):
            await self.raw(data)

    async def send(self, *several: frames.ClientFrame) -> None:
        """Write frames, masked, in one segment."""
        opcode = 1 if self.codec.text else 2
        await self.raw(b"".join(masked(opcode, self.codec.encode(one)) for one in several))

    async def frame(self) -> tuple[int, bytes]:
        """The next WebSocket frame from the server: first octet and payload."""
        async with asyncio.timeout(WITHIN_S):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
            return first, await self.reader.readexactly(size)

    async def receive(self) -> frames.ServerFrame:
        """The next server frame; pings are passed over, a close is an AssertionError."""
        while True:
            first, payload = await self.frame()
            if first in (0x81, 0x82):
                return self.codec.decode_server(payload)
            assert first in (0x89, 0x8A), f"closed: {payload!r}"

    async def closed(self) -> tuple[int, list[frames.ServerFrame]]:
        """The close code, and the frames that came before it."""
        before: list[frames.ServerFrame] = []
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                return struct.unpack(">H", payload[:2])[0], before
            if first in (0x81, 0x82):
                before.append(self.codec.decode_server(payload))

    async def gone(self) -> None:
        """Return when the connection has ended, whatever is left of it."""
        async with asyncio.timeout(WITHIN_S):
            with suppress(ConnectionError):
                while await self.reader.read(65_536):
                    pass

    async def upgrade(self, path: str = "/v1/socket", **headers: str) -> bytes:
        """Send an opening handshake; the head of the answer."""
        await self.raw(handshake(self.subprotocol, path, **headers))
        async with asyncio.timeout(WITHIN_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def authenticate(self, given: str | None = None) -> frames.Ready:
        """Send auth; the answer."""
        await self.send(frames.Auth(1, given if given is not None else token()))
        ready = await self.receive()
        assert isinstance(ready, frames.Ready), ready
        return ready

    def close(self) -> None:
        self.writer.close()


async def until(so: Callable[[], bool]) -> None:
    """Return when `so` holds: for what the server knows and tells nobody."""
    async with asyncio.timeout(WITHIN_S):
        while not so():  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0)


def masked(
    opcode: int, payload: bytes, *, fin: bool = True, key: bytes = b"\x11\x22\x33\x44"
) -> bytes:
    """One WebSocket frame as a client sends it."""
    size = len(payload)
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += struct.pack(">BH", 0x80 | 126, size)
    else:
        head += struct.pack(">BQ", 0x80 | 127, size)
    body = bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))
    return head + key + body


def handshake(subprotocol: str | None, path: str = "/v1/socket", **headers: str) -> bytes:
    """An opening handshake; `headers` replace or add, an empty value removes."""
    fields = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": subprotocol or "",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path} HTTP/1.1"] + [f"{k}: {v}" for k, v in fields.items() if v]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class OpenDoor:
    """A listener, what is behind it, and clients."""

    server: Server
    hub: FakeHub
    writer: FakeWriter
    places: FakePlaces
    port: int
    peers: list[Peer]

    @property
    def tally(self) -> Tally:
        return self.server.edge.tally

    @property
    def gate(self) -> Gate:
        return self.server.handshake.gate

    async def connect(
        self, subprotocol: str = limits.SUBPROTOCOL_MSGPACK, receive_buffer: int = 0
    ) -> Peer:
        """A TCP connection; nothing is sent yet."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        except OSError:
            sock.close()
            raise
        limit = receive_buffer or 2**20
        reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
        peer = Peer(reader, writer, subprotocol)
        self.peers.append(peer)
        return peer

    async def opened(
        self, subprotocol: str = limits.SUBPROTOCOL_MSGPACK, receive_buffer: int = 0
    ) -> Peer:
        """A WebSocket that has not authenticated."""
        peer = await self.connect(subprotocol, receive_buffer)
        head = await peer.upgrade()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return peer

    async def authenticated(
        self,
        given: str | None = None,
        subprotocol: str = limits.SUBPROTOCOL_MSGPACK,
        receive_buffer: int = 0,
    ) -> Peer:
        """A WebSocket of somebody."""
        peer = await self.opened(subprotocol, receive_buffer)
        await peer.authenticate(given)
        return peer


@asynccontextmanager
async def opened_door(
    terms: Terms = FAST,
    bounds: Bounds | None = None,
    origins: tuple[str, ...] = (),
    tls: ssl.SSLContext | None = None,
    judge: Places | None = None,
    checks: Checks = NO_CHECKS,
    borders: Borders | None = None,
) -> AsyncIterator[OpenDoor]:
    """A listener on a free port of this machine, gone afterwards with all its connections.

    `judge`: who places people instead of the fake. `checks`: what people are asked and charged for.
    """
    loop, clock, tally = asyncio.get_running_loop(), SystemClock(), Tally()
    wheel = Wheel(clock, resolution_s=0.01)
    gate = Gate(bounds if bounds is not None else Bounds(), Random(1))
    edge = Edge(
        terms,
        clock,
        wheel,
        Flusher(loop.call_soon),
        tally,
        Spare(terms.slice_bytes, terms.frame_bytes),
    )
    hub = FakeHub()
    writer = FakeWriter(hub)
    pages = {"/healthz": Page(200, "text/plain", b"ok\n")}
    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(wheel.run())
        places = FakePlaces()
        errands = Errands(edge, hub, writer, FakeTokens(), tasks, judge or places, checks)

        def probe(path: str) -> Page:
            return pages.get(path, Page(503, "text/plain", b"no\n"))

        lists = borders or Borders(Lists())
        server = Server(edge, Handshake(gate, origins, probe, lists), Random(1))
        server.serve(errands)
        port = await server.start(Listening("127.0.0.1", 0, tls))
        door = OpenDoor(server, hub, writer, places, port, [])
        try:
            yield door
        finally:
            for peer in door.peers:
                peer.close()
            hub.gate.set()
            writer.gate.set()
            places.gate.set()
            await server.drain(0.0)
            turning.cancel()
