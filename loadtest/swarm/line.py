"""One WebSocket on gevent: bytes out, payloads in.

Owns the socket and its deadlines. A socket is a greenlet here, the user's own, which waits for what comes or for its
next post, whichever is first. What that costs, beside an asyncio loop in a thread of its own that hands what it heard
to Locust (5,000 sockets in one process, frames of 247 bytes, 2,500 of them a second, Python 3.11):

    a greenlet each    12.3 KiB a socket    41 us of processor time a delivery, the statistics included
    an asyncio loop    11.6 KiB             20 us

Twice the time, but a tenth of a core, and one loop in the process: affordable. A message that waits for a busy process
is counted as the server's time, so run more processes before one uses half a core. Must never patch anything, and never
know what a payload means.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from struct import pack
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from gevent import socket, ssl

from loadtest.bench import wire
from proto.codec import MSGPACK
from proto.frames import Client

OPEN_WITHIN_S: Final = 10.0
SEND_WITHIN_S: Final = 10.0
_READ_BYTES: Final = 65_536
_PORTS: Final = {"ws": 80, "wss": 443}
_GOODBYE: Final = 1000


class Ended(Exception):
    """There is no connection (any more); `code` is what the server closed it with, if it did."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


class Line:
    """An open WebSocket."""

    def __init__(self, connection: Any, rest: bytes) -> None:
        """`connection` is a gevent socket, plain or TLS; `rest` what came behind the handshake."""
        self._socket = connection
        self._deframer = wire.Deframer()
        self._rest = rest
        self._closed: Ended | None = None
        self.heard_at = monotonic()
        """When bytes came last, of whatever kind: pings too."""

    @classmethod
    def dial(cls, hub: str) -> Line:
        """Connect to a hub by its URL without a path. Raises `Ended`."""
        url = urlsplit(hub)
        host, port = str(url.hostname), url.port or _PORTS[url.scheme]
        connection: Any = None
        try:
            connection = socket.create_connection((host, port), OPEN_WITHIN_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "wss":
                context = ssl.create_default_context()
                connection = context.wrap_socket(connection, server_hostname=host)
            connection.sendall(wire.upgrade(host, port))
            return cls(connection, _shaken(connection))
        except (OSError, Ended) as problem:
            if connection is not None:
                connection.close()
            raise problem if isinstance(problem, Ended) else Ended(_told(problem)) from None

    def send(self, frame: Client) -> None:
        """Raises `Ended`."""
        self._write(wire.masked(MSGPACK.encode(frame)))

    def receive(self, until: float) -> list[bytes]:
        """What comes next; nothing if it has not by `until` (monotonic). Pings are answered. Raises `Ended`."""
        if self._closed is not None:
            raise self._closed
        data, self._rest = self._rest, b""
        if not data:
            self._socket.settimeout(None if until == inf else max(0.0, until - monotonic()))
            try:
                data = self._socket.recv(_READ_BYTES)
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                return []
            except OSError as problem:
                raise Ended(_told(problem)) from None
            if not data:
                raise Ended("the connection ended")
        self.heard_at = monotonic()
        taken = self._deframer.take(data)
        for first, payload in taken.controls:
            if first == wire.PING:
                self._write(wire.masked(payload, wire.PONG))
            elif first == wire.CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
                self._closed = Ended(f"closed by the server with {code}", code)
        if self._closed is not None and not taken.messages:
            raise self._closed
        return taken.messages  # what came before the close is heard first: it says why

    def drop(self) -> None:
        """Without a word, as in a tunnel: the server gets a reset."""
        with suppress(OSError):  # it may be gone already
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
        self._socket.close()

    def hang_up(self) -> None:
        """With a word: this person leaves."""
        with suppress(Ended):  # the server may be first
            self._write(wire.masked(_GOODBYE.to_bytes(2, "big"), wire.CLOSE))
        self._socket.close()

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(SEND_WITHIN_S)
        try:
            self._socket.sendall(data)
        except OSError as problem:
            raise Ended(_told(problem)) from None


def _shaken(connection: Any) -> bytes:
    """What follows the server's answer to the upgrade. Raises `Ended` and `OSError`."""
    head = end = rest = b""
    while not end:
        data: bytes = connection.recv(_READ_BYTES)
        if not data or len(head) > _READ_BYTES:
            raise Ended("the connection ended in the handshake")
        head, end, rest = (head + data).partition(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0]
    if b" 101 " not in line + b" ":
        raise Ended(f"the upgrade was answered {line.decode('latin-1')}")
    return rest


def _told(problem: OSError) -> str:
    return "timed out" if isinstance(problem, TimeoutError) else str(problem) or repr(problem)
