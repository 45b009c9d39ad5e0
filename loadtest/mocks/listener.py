"""One port: who connects there, and whether anybody can.

Owns the listening socket, TLS and the connections there are. While it is down the port stays ours, and connecting is
refused. Must never know what is said.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final, cast

from loadtest.mocks.h1_wire import H1Wire
from loadtest.mocks.h2_wire import H2Wire
from loadtest.mocks.service import Service
from loadtest.ports import hold

_BACKLOG: Final = 1_024
_HANDSHAKE_S: Final = 10.0
_SHUTDOWN_S: Final = 2.0

Wire = H1Wire | H2Wire


class Listener:
    """`up`, `down`, in any order; `down` at the end."""

    def __init__(
        self, service: Service, host: str, port: int, context: ssl.SSLContext, *, h1: bool
    ) -> None:
        """`h1`: HTTP/1.1 is spoken too; else whoever does not choose HTTP/2 is hung up on."""
        self.service = service
        self.h1 = h1
        self._where = (host, port)
        self._context = context
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._wires: set[Wire] = set()

    @property
    def connections(self) -> int:
        return len(self._wires)

    async def up(self) -> None:
        """Raises `OSError` where the port cannot be had."""
        if self._server is not None:
            return
        host, port = self._where
        self._let_go()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Greeting(self),
            host,
            port,
            ssl=self._context,
            backlog=_BACKLOG,
            reuse_address=True,
            ssl_handshake_timeout=_HANDSHAKE_S,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )

    def down(self, *, keep: bool = True) -> None:
        """Refuse who connects, drop who is connected. `keep`: hold the port meanwhile."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for wire in tuple(self._wires):
            wire.abort()
        if keep and self._held is None:
            self._held = hold(self._where[1])
        elif not keep:
            self._let_go()

    def leave(self, how: str, reason: str) -> None:
        """End every connection there is now: see `fault.Goodbye`."""
        for wire in tuple(self._wires):
            wire.leave(how, reason)

    def seat(self, wire: Wire) -> None:
        self._wires.add(wire)

    def unseat(self, wire: Wire) -> None:
        self._wires.discard(wire)

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class _Greeting(asyncio.Protocol):
    """A connection: its protocol is known once its TLS is made."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._wire: Wire | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = cast("asyncio.Transport", transport)
        chosen = made.get_extra_info("ssl_object").selected_alpn_protocol()
        service = self._listener.service
        if chosen == "h2":
            self._wire = H2Wire(service)
        elif self._listener.h1:
            self._wire = H1Wire(service)
        else:
            service.strange("not HTTP/2")
            made.abort()
            return
        self._listener.seat(self._wire)
        self._wire.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._wire is not None:
            self._listener.unseat(self._wire)
            self._wire.connection_lost(exc)

    def pause_writing(self) -> None:
        if isinstance(self._wire, H2Wire):
            self._wire.pause_writing()

    def resume_writing(self) -> None:
        if isinstance(self._wire, H2Wire):
            self._wire.resume_writing()
