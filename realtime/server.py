"""Listening, probes, and leaving in order.

Owns the listening socket and the set of connections it let in. Must never know what they talk about, and must
never end a connection that still listens without telling it when to come back.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from dataclasses import dataclass, field
from random import Random
from typing import Final

from muster.bucket import Rate
from muster.config import Settings
from muster.telemetry import get_logger
from proto.codes import Close
from realtime.accept import Bounds
from realtime.connection import Connection
from realtime.departure import STEP_S, Departure
from realtime.driver import Driver
from realtime.edge import Edge
from realtime.errands import Errands
from realtime.handshake import Handshake

BACKLOG: Final = 4_096
FILES_KEPT: Final = 256  # descriptors that are no clients' sockets: databases, logs, the loop
ANSWERED_WITHIN_S: Final = 2.0
"""How long a drain waits for the answers of one socket: the writer answers everything within 1.9 s."""

_LOG: Final = get_logger()


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a hub listens; port 0 asks for a free one."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(slots=True)
class Server:
    """One listener with all its connections: the `Door` of their drivers."""

    edge: Edge
    handshake: Handshake
    random: Random
    errands: Errands | None = None
    drivers: set[Driver] = field(default_factory=set)
    _connections: dict[Driver, Connection] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, at: Listening) -> int:
        """Listen; the port. WebSockets are refused until the gate is `ready`."""
        listener = _listener(at, self.edge)
        loop = asyncio.get_running_loop()
        # Drivers learn of a TLS connection when its handshake is over: uvloop keeps these deadlines.
        terms = self.edge.terms
        deadlines = (terms.auth_within_s, terms.close_within_s) if at.tls else (None, None)
        self._server = await loop.create_server(
            lambda: Driver(self.edge, self),
            sock=listener,
            backlog=BACKLOG,
            ssl=at.tls,
            ssl_handshake_timeout=deadlines[0],
            ssl_shutdown_timeout=deadlines[1],
        )
        port: int = listener.getsockname()[1]
        return port

    def serve(self, errands: Errands) -> None:
        """Everything behind the door is in place: open it."""
        self.errands = errands
        self.handshake.gate.ready = True

    async def drain(self, within_s: float) -> None:
        """Leave in order: nobody new, everybody told when to come back, the rest cut off by the deadline.

        It goes on listening until all are told, and answers: balancers are to see that it is not ready.
        """
        gate = self.handshake.gate
        gate.ready, gate.leaving = False, True
        ending_s = self.edge.terms.close_within_s + 1.0
        left_s = max(within_s / 2, within_s - ending_s - ANSWERED_WITHIN_S)
        departure = Departure(len(self._connections), gate.people_per_s, left_s)
        _LOG.info("draining", sockets=len(self.drivers), within_s=within_s)
        await self._send_away(departure)
        if self._server is not None:
            self._server.close()
        try:
            async with asyncio.timeout(ending_s):
                while self.drivers:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            for driver in list(self.drivers):
                driver.abort()

    async def _send_away(self, departure: Departure) -> None:
        """Close all connections, each in its turn, after the answers to what was taken from it."""
        clock = self.edge.clock
        began, told = clock.monotonic(), 0
        late: dict[Driver, float] = {}
        while self._connections:
            elapsed_s = clock.monotonic() - began
            due = departure.due(elapsed_s) - told
            for driver, connection in list(self._connections.items())[:due]:
                answered_by = late.setdefault(driver, elapsed_s + ANSWERED_WITHIN_S)
                if connection.busy and elapsed_s < answered_by:
                    continue
                pause_ms = departure.pause_ms(told, elapsed_s, self.random.random())
                connection.close(Close.shutdown, "this hub goes away", pause_ms)
                self._connections.pop(driver, None)
                late.pop(driver, None)
                told += 1
            if self._connections:
                await asyncio.sleep(STEP_S)

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent, in all connections and their transports."""
        return sum(connection.backlog for connection in self._connections.values())

    # Drivers call

    def came(self, driver: Driver) -> None:
        self.drivers.add(driver)

    def opened(self, driver: Driver, text: bool) -> Connection:
        assert self.errands is not None, "the gate opens with `serve`"
        connection = Connection(self.edge, self.errands, driver, text)
        self._connections[driver] = connection
        return connection

    def gone(self, driver: Driver) -> None:
        self.drivers.discard(driver)
        self._connections.pop(driver, None)
        if not self.drivers:
            self._empty.set()


def _listener(at: Listening, edge: Edge) -> socket.socket:
    """A listening socket whose options every accepted one inherits: no calls per connection."""
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            lost_ms = int(edge.terms.peer_lost_s * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, lost_ms)
        if edge.terms.send_buffer_bytes:
            size = edge.terms.send_buffer_bytes
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        listener.bind((at.host, at.port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def bounds_of(settings: Settings) -> Bounds:
    """The gate's bounds, after taking all the file descriptors this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    files = hard if hard != resource.RLIM_INFINITY else 1_000_000
    return Bounds(
        sockets=min(settings.max_sockets or files, max(1, files - FILES_KEPT)),
        nameless_per_peer=settings.nameless_per_address,
        accepts=Rate(settings.accepts_per_s, settings.accepts_burst),
        auths=Rate(settings.auths_per_s, settings.auths_burst),
    )
